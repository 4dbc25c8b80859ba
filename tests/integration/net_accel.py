# SPDX-License-Identifier: Apache-2.0
# net_accel.py - servers in the world and clients in the child for net_accel.sh
import errno, os, socket, struct, sys, threading, time


def family(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def listen(addr, port):
    s = socket.socket(family(addr), socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((addr, port))
    s.listen(64)
    return s


# port 2001: says bye and closes first; 2002: resets at the first byte; 2003: answers at the end of
# the stream, and tells how many bytes came; 2004: tells on stdout when it is reset
def serve(addr):
    def first(c):
        c.sendall(b"bye")
        c.close()

    def resets(c):
        c.recv(1)
        reset(c)

    def counts(c):
        n = 0
        while True:
            d = c.recv(65536)
            if not d:
                break
            n += len(d)
        c.sendall(b"%d" % n)
        c.close()

    def tells(c):
        try:
            what = "end" if not c.recv(1) else "data"
        except ConnectionResetError:
            what = "reset"
        print(what, flush=True)
        c.close()

    def loop(port, what):
        s = listen(addr, port)
        print("ready", port, flush=True)
        while True:
            c, _ = s.accept()
            threading.Thread(target=what, args=(c,), daemon=True).start()

    for port, what in ((2001, first), (2002, resets), (2003, counts), (2004, tells)):
        threading.Thread(target=loop, args=(port, what), daemon=True).start()
    time.sleep(600)


def connect(addr, port, bind=None):
    s = socket.socket(family(addr), socket.SOCK_STREAM)
    s.settimeout(10)
    if bind:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(bind)
    s.connect((addr, port))
    return s


# one local port again and again, the far side closes first. @refused: libslirp refuses a SYN that comes
# within milliseconds of the last end, and then has forgotten it
def reuse(addr, times, refused=None):
    own = "::" if ":" in addr else "0.0.0.0"
    slow = []
    for i in range(int(times)):
        start = time.monotonic()
        while True:
            try:
                s = connect(addr, 2001, (own, 5555))
                break
            except OSError as e:  # the acknowledgement of the last end is still on its way
                again = (errno.EADDRNOTAVAIL, errno.ECONNREFUSED) if refused else (errno.EADDRNOTAVAIL,)
                if e.errno not in again or time.monotonic() - start > 5:
                    raise
        assert s.recv(3) == b"bye", i
        assert s.recv(1) == b"", i
        s.close()
        if time.monotonic() - start > 0.9:  # a lost SYN comes again after a second
            slow.append("%.1f s" % (time.monotonic() - start))
    return "ok" if len(slow) <= int(times) // 10 else "slow: " + " ".join(slow)


# one local port to two ports of one address at the same time
def twins(addr):
    own = "::" if ":" in addr else "0.0.0.0"
    both = [connect(addr, port, (own, 5556)) for port in (2003, 7)]
    for s in both:
        s.sendall(b"x" * 1000)
        s.shutdown(socket.SHUT_WR)
    echo = b""
    while len(echo) < 1000:
        echo += both[1].recv(1000) or b"cut" * 1000
    return both[0].recv(64).decode() + " " + ("ok" if echo == b"x" * 1000 else "other bytes")


def half(addr):
    s = connect(addr, 2003)
    s.sendall(b"x" * 1000000)
    s.shutdown(socket.SHUT_WR)
    return s.recv(64).decode()


def is_reset(addr):
    s = connect(addr, 2002)
    s.sendall(b"x")
    try:
        return "end" if not s.recv(1) else "data"
    except OSError as e:
        return errno.errorcode[e.errno]


def resets(addr):
    reset(connect(addr, 2004))
    return "ok"


# SYNs by hand to 127.0.0.1 through tap0, as no socket would send them
def raw(mac, port):
    def total(b):
        b += b"\0" * (len(b) % 2)
        n = sum(struct.unpack("!%dH" % (len(b) // 2), b))
        n = (n >> 16) + (n & 0xFFFF)
        return ~(n + (n >> 16)) & 0xFFFF

    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("tap0", 0))
    src = socket.inet_aton("10.0.2.100")
    for dst in ("127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.2.2", "10.0.2.3", "255.255.255.255"):
        d = socket.inet_aton(dst)
        for sport in range(6000, 6010):
            tcp = struct.pack("!HHIIBBHHH", sport, int(port), 1, 0, 0x50, 2, 65535, 0, 0)
            tcp = tcp[:16] + struct.pack("!H", total(src + d + struct.pack("!HH", 6, 20) + tcp)) + tcp[18:]
            ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + src + d
            ip = ip[:10] + struct.pack("!H", total(ip)) + ip[12:]
            s.send(bytes.fromhex(mac.replace(":", "")) + s.getsockname()[4] + b"\x08\x00" + ip + tcp)
    src6 = socket.inet_pton(socket.AF_INET6, "fd00::100")
    for dst in ("::1", "::", "::ffff:127.0.0.1", "::127.0.0.1", "fd00::2", "fd00::3"):
        d = socket.inet_pton(socket.AF_INET6, dst)
        tcp = struct.pack("!HHIIBBHHH", 6000, int(port), 1, 0, 0x50, 2, 65535, 0, 0)
        tcp = tcp[:16] + struct.pack("!H", total(src6 + d + struct.pack("!IHBB", 20, 0, 0, 6) + tcp)) + tcp[18:]
        ip = struct.pack("!IHBB", 0x60000000, 20, 6, 64) + src6 + d
        s.send(bytes.fromhex(mac.replace(":", "")) + s.getsockname()[4] + b"\x86\xdd" + ip + tcp)
    return "sent"


if __name__ == "__main__":
    try:
        print({"serve": serve, "reuse": reuse, "twins": twins, "half": half, "is_reset": is_reset, "resets": resets, "raw": raw}[
            sys.argv[1]](*sys.argv[2:]))
    except OSError as e:
        print(errno.errorcode.get(e.errno, str(e)))
