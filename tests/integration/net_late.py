# SPDX-License-Identifier: Apache-2.0
"""net_late.py - a path on which SYNs are late, servers behind it, and clients inside, for net_late.sh

line FAR FAR6 PID    in the world: a path to the netns of PID; a SYN to port 5000 + N is held for N / 10 s
serve                behind it: tells on stdout each connection: its port, and what came of it
late ADDR PORT...    five connections to each port: each answers once, when it can; 'ok' or what was wrong
leave ADDR PORT      ten that are given up while they wait
again ADDR PORT      one that is given up, and at once another from the same port: 'ok'
full ADDR            one to a server whose queue is full for a while: 'ok'
"""
import errno
import fcntl
import heapq
import os
import resource
import select
import socket
import struct
import subprocess
import sys
import threading
import time

FIRST, LAST = 5001, 5060
FULL, OPEN_FULL = 5099, 5098  # a queue of one; a connection to the other one empties it
EACH = 5
LATER = 0.8  # s, for the best of EACH: before the client's second SYN, which comes after 1 s


def family(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


# --- the path -----------------------------------------------------------------------------------
def tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH", name.encode(), 0x1001))  # TUNSETIFF: TUN, no header
    return fd


def delay(packet):
    """seconds; of a SYN to one of our ports"""
    at = 40 if packet[0] >> 4 == 6 else (packet[0] & 15) * 4
    if packet[6 if packet[0] >> 4 == 6 else 9] != socket.IPPROTO_TCP or packet[at + 13] & 0x12 != 2:
        return 0
    port = struct.unpack("!H", packet[at + 2 : at + 4])[0]
    return (port - 5000) / 10 if FIRST <= port <= LAST else 0


def line(far, far6, pid):
    inside = ["nsenter", f"--net=/proc/{pid}/ns/net", "--"]

    def ip(*words):
        subprocess.run(["ip", *words], check=True)

    def far_ip(*words):
        subprocess.run([*inside, "ip", *words], check=True)

    here, there = tun("late0"), tun("late1")
    ip("link", "set", "late1", "netns", pid)
    far_ip("link", "set", "lo", "up")
    far_ip("link", "set", "late1", "up")
    far_ip("address", "add", far + "/32", "dev", "late1")
    far_ip("-6", "address", "add", far6 + "/128", "dev", "late1", "nodad")
    far_ip("route", "add", "default", "dev", "late1")
    far_ip("-6", "route", "add", "default", "dev", "late1")
    ip("link", "set", "late0", "up")
    ip("route", "add", far + "/32", "dev", "late0")
    ip("-6", "route", "add", far6 + "/128", "dev", "late0")
    for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        with open("/proc/sys/net/" + name, "w", encoding="ascii") as f:
            f.write("1")
    print("ready", flush=True)
    held, n = [], 0
    while True:
        left = max(0, held[0][0] - time.monotonic()) if held else None
        for fd in select.select([here, there], [], [], left)[0]:
            packet = os.read(fd, 70000)
            n += 1
            heapq.heappush(held, (time.monotonic() + delay(packet), n, there if fd == here else here, packet))
        while held and held[0][0] <= time.monotonic():
            _, _, to, packet = heapq.heappop(held)
            try:
                os.write(to, packet)
            except OSError:  # as on any wire
                pass


# --- servers ------------------------------------------------------------------------------------
def listen(port, backlog):
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port))
    s.listen(backlog)
    return s


def say(port, what):
    os.write(1, f"{port} {what}\n".encode())


def answer(c, port):
    got = b""
    try:
        while part := c.recv(100):
            got += part
            c.sendall(b"you said " + part)
        say(port, "said " + (got.decode() or "nothing"))
    except ConnectionResetError:
        say(port, "reset")
    c.close()


def serve():
    def accepting(s, port):
        while True:
            c, _ = s.accept()
            threading.Thread(target=answer, args=(c, port), daemon=True).start()

    for port in range(FIRST, LAST + 1):
        threading.Thread(target=accepting, args=(listen(port, 64), port), daemon=True).start()
    door = listen(OPEN_FULL, 1)
    while True:
        full = listen(FULL, 0)
        filling = socket.create_connection(("::1", FULL))
        say("ready", "")
        door.accept()[0].close()
        say(OPEN_FULL, "open")
        full.accept()[0].close()
        answer(full.accept()[0], FULL)
        filling.close()
        full.close()


# --- clients ------------------------------------------------------------------------------------
def talk(addr, port, said, own=None, limit=30):
    """seconds until it was connected"""
    s = socket.socket(family(addr), socket.SOCK_STREAM)
    if own:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("::" if ":" in addr else "0.0.0.0", own))
    s.settimeout(limit)
    begin = time.monotonic()
    s.connect((addr, port))
    took = time.monotonic() - begin
    s.sendall(said.encode())
    s.shutdown(socket.SHUT_WR)
    got = b""
    while part := s.recv(100):
        got += part
    s.close()
    if got != b"you said " + said.encode():
        raise OSError(f"port {port} answered {got}")
    return took


def round_of(addr, ports, number):
    took, wrong = {}, []

    def one(port, n):
        try:
            took.setdefault(port, []).append(talk(addr, port, f"hello {number} {n} {addr}"))
        except OSError as e:
            wrong.append(f"{port}: {e}")

    threads = [threading.Thread(target=one, args=(p, n)) for p in ports for n in range(EACH)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for port, times in took.items():
        least = (port - 5000) / 10
        if min(times) < least:
            wrong.append(f"{port}: connected before the SYN was there, after {min(times):.2f} s")
    return took, wrong


def late(addr, *ports):
    ports = [int(p) for p in ports]
    for number in range(4):  # one must be in time: others use the machine as well
        took, wrong = round_of(addr, ports, number)
        if wrong:
            return "; ".join(wrong)
        slow = [f"{p}: {min(t):.2f} s" for p, t in sorted(took.items()) if min(t) > (p - 5000) / 10 + LATER]
        sys.stderr.write("# " + ", ".join(f"{(p - 5000) / 10} s: {min(t):.3f}-{max(t):.3f}" for p, t in sorted(took.items())) + "\n")
        if not slow:
            return "ok"
        ports = [int(s.split(":")[0]) for s in slow]
    return "slow: " + "; ".join(slow)


def leave(addr, port):
    socks = []
    for _ in range(10):
        s = socket.socket(family(addr), socket.SOCK_STREAM)
        s.setblocking(False)
        if s.connect_ex((addr, int(port))) != errno.EINPROGRESS:
            return "not in progress"
        socks.append(s)
    time.sleep(0.05)  # their SYNs are on the way
    for s in socks:
        s.close()
    return "ok"


def again(addr, port):
    own = 5555
    s = socket.socket(family(addr), socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::" if ":" in addr else "0.0.0.0", own))
    s.setblocking(False)
    s.connect_ex((addr, int(port)))
    time.sleep(0.05)
    s.close()
    talk(addr, int(port), "again", own)
    return "ok"


def full(addr):
    def opens():
        time.sleep(0.3)  # the first SYN finds the queue full
        socket.create_connection((addr, OPEN_FULL), 20).close()

    t = threading.Thread(target=opens)
    t.start()
    took = talk(addr, FULL, "full")
    t.join()
    return "ok" if took > 0.3 else f"it was not full: {took:.2f} s"


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        print(globals()[sys.argv[1]](*sys.argv[2:]))
    except OSError as e:
        print(errno.errorcode.get(e.errno, str(e)))
