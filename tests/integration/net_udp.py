# SPDX-License-Identifier: Apache-2.0
# net_udp.py - servers in the world and clients in the child for net_udp.sh
import errno, os, resource, select, signal, socket, struct, sys, threading, time

IP_RECVERR, IPV6_RECVERR, MSG_ERRQUEUE, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER = 11, 25, 0x2000, 10, 23
UDP_SEGMENT, UDP_GRO = 103, 104


def udp(addr, port=None, reuse=False):
    s = socket.socket(socket.AF_INET6 if ":" in addr else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(6)
    if port is not None:
        s.bind((addr, port))
    return s


def any_of(addr):
    return "::" if ":" in addr else "0.0.0.0"


# 3001: who asks; 3002: the answer comes from the port above; 3003: as many datagrams as asked for;
# 3004: the ttl and tos of what came; 3005: counts until it is asked ("?"); 3006: echo from two addresses;
# 3008: whoever says "keep" hears of it when somebody says "call"
def serve(*addrs):
    socks = {}
    counts = {}
    kept = []
    for a in addrs:
        for port in range(3001, 3009):
            s = udp(a, port)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            if ":" in a:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
            else:
                s.setsockopt(socket.IPPROTO_IP, 12, 1)
                s.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
            socks[s.fileno()] = (s, a, port)
    others = {(a, p): s for s, a, p in socks.values()}
    print("ready", flush=True)
    while True:
        for fd in select.select(list(socks), [], [])[0]:
            s, a, port = socks[fd]
            data, control, _, peer = s.recvmsg(65536, 256)
            if port == 3001:
                s.sendto(("%s %d" % peer[:2]).encode(), peer)
            elif port == 3002:
                others[(a, 3007)].sendto(b"from above", peer)
            elif port == 3003:
                n, size = map(int, data.split())
                for i in range(n):
                    s.sendto(struct.pack("!I", i) + bytes(size - 4), peer)
            elif port == 3004:
                v = {}
                for level, kind, value in control:
                    v[kind] = int.from_bytes(value, sys.byteorder)
                ttl = v.get(socket.IPV6_HOPLIMIT if ":" in a else socket.IP_TTL)
                tos = v.get(socket.IPV6_TCLASS if ":" in a else socket.IP_TOS)
                s.sendto(("%s %s" % (ttl, tos)).encode(), peer)
            elif port == 3005:
                if data == b"?":
                    s.sendto(("%d" % counts.pop(peer, 0)).encode(), peer)
                else:
                    counts[peer] = counts.get(peer, 0) + 1
            elif port == 3006:
                for b in addrs:
                    if (":" in b) == (":" in a):
                        others[(b, 3006)].sendto(data, peer)
            elif port == 3008 and data == b"keep":
                kept.append(peer)
                s.sendto(b"kept", peer)
            elif port == 3008:
                for p in kept:
                    s.sendto(b"call", p)
                kept.clear()


def ask(s, to, data=b"x"):
    s.sendto(data, to)
    return s.recvfrom(65536)


# one socket, two servers: both see the same port, and it is ours
def mapping(a, b, port):
    s = udp(any_of(a), int(port))
    return ask(s, (a, 3001))[0].decode() + ", " + ask(s, (b, 3001))[0].decode()


# an answer from another port, and from another address, than was asked
def others(a, b):
    s = udp(any_of(a), 0)
    first = ask(s, (a, 3002))[1][:2]
    ask(s, (a, 3006))
    s.recvfrom(100)
    s.sendto(b"y", (a, 3006))
    got = sorted(s.recvfrom(100)[1][:2] for _ in range(2))
    return "%s %d; %s" % (first + (" ".join("%s %d" % x for x in got),))


def many(addr, n, size):
    s = udp(any_of(addr), 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.sendto(b"%d %d" % (int(n), int(size)), (addr, 3003))
    seen = set()
    try:
        while len(seen) < int(n):
            data = s.recv(65536)
            assert len(data) == int(size), len(data)
            seen.add(struct.unpack("!I", data[:4])[0])
    except TimeoutError:
        pass
    return len(seen)


# bundles out: N datagrams of SIZE, all of which arrive
def bundles(addr, n, size):
    s = udp(any_of(addr), 0)
    n, size = int(n), int(size)
    s.sendto(b"first", (addr, 3005))
    each = min(40, 60000 // size)
    sent = 1
    while sent < n:
        k = min(each, n - sent)
        s.sendmsg([bytes(size * k)], [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("H", size))] if k > 1 else [], 0, (addr, 3005))
        sent += k
        time.sleep(0.001)
    time.sleep(0.2)  # they must come before the question
    return ask(s, (addr, 3005), b"?")[0].decode()


def marks(addr, ttl, tos):
    s = udp(any_of(addr), 0)
    if ":" in addr:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, int(ttl))
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, int(tos))
    else:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, int(ttl))
        s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, int(tos))
    return ask(s, (addr, 3004))[0].decode()


def next_error(s, v6):
    """errno, type, code, info, offender of the error queue"""
    for _ in range(300):
        try:
            _, control, _, dest = s.recvmsg(2048, 512, MSG_ERRQUEUE)
        except BlockingIOError:
            time.sleep(0.01)
            continue
        for level, kind, d in control:
            if (level, kind) in ((socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)):
                no, origin, typ, code, _, info, _ = struct.unpack("=IBBBBII", d[:16])
                who = socket.inet_ntop(socket.AF_INET6, d[24:40]) if v6 else socket.inet_ntoa(d[20:24])
                return errno.errorcode[no], typ, code, info, who if origin != 1 else "local"
    return ("nothing",)


def probe(addr, ttl=0, size=0, port=33434):
    v6 = ":" in addr
    s = udp(any_of(addr), 0)
    s.setblocking(False)
    if v6:
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        if int(ttl):
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, int(ttl))
    else:
        s.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        if int(ttl):
            s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, int(ttl))
    s.sendto(bytes(int(size)), (addr, int(port)))
    return " ".join(map(str, next_error(s, v6)))


# a datagram longer than the path: an error with the MTU, and it arrives all the same
def mtu(addr, size):
    v6 = ":" in addr
    s = udp(any_of(addr), 0)
    s.setsockopt(*((socket.IPPROTO_IPV6, IPV6_RECVERR, 1) if v6 else (socket.IPPROTO_IP, IP_RECVERR, 1)))
    data = os.urandom(int(size))
    s.sendto(data, (addr, 7))
    time.sleep(0.1)  # the error comes first, or it spoils the next call
    e = next_error(s, v6)
    whole = 0
    for i in range(3):
        if i:
            s.sendto(data, (addr, 7))
        try:
            whole += s.recv(65536) == data
        except OSError:
            pass
    return "%s %s, %d came back" % (e[0], e[3] if len(e) > 3 else "", whole)


# a datagram of each length there and back; the first may be what finds out the path's MTU
def over(addr, *sizes):
    s = udp(any_of(addr), 0)
    said = []
    for n in map(int, sizes):
        data = os.urandom(n)
        for last in (0.5, 0.5, 1, 2, 4):
            s.settimeout(last)
            try:
                s.sendto(data, (addr, 7))
                while (got := s.recv(65536)) != data and len(got) != n:
                    pass
            except OSError:
                continue
            said.append(str(n) if got == data else "other bytes")
            break
        else:
            said.append("no " + str(n))
    return " ".join(said)


# who answers to a datagram of 1, 2, ... hops, each once
def hops(addr):
    seen = []
    for ttl in range(1, 8):
        for _ in range(3):  # one may be lost
            words = probe(addr, ttl).split()
            if words != ["nothing"]:
                break
        seen.append(words[-1])
        if words[-1] == addr:
            break
    return " ".join(seen)


# COUNT ports of ours to one port where nobody listens: each hears of it, and no other does
def refused(addr, count):
    def connected(port):
        s = udp(addr)
        s.connect((addr, port))
        s.setblocking(False)
        return s

    waiting = [connected(4) for _ in range(int(count))]
    talking = [connected(7) for _ in range(10)]
    told = alive = 0
    until = time.monotonic() + 20
    while waiting and time.monotonic() < until:  # machines count the errors that they send
        late = []
        for s in waiting:
            try:
                s.send(b"x")
            except ConnectionRefusedError:
                told += 1
                continue
            late.append(s)
        heard = select.select(late, [], [], 0.1)[0] if late else []
        waiting = []
        for s in late:
            if s in heard and (e := s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
                told += e == errno.ECONNREFUSED
            else:
                waiting.append(s)
    for s in talking:
        s.settimeout(1)
        for _ in range(3):  # a datagram may be lost on a busy machine
            s.send(b"alive")
            try:
                alive += s.recv(100) == b"alive"
            except TimeoutError:
                continue
            break
    return "%d refused, %d alive" % (told, alive)


# COUNT ports that talked once, one after the other: are those that can still be called the last ones, LEAST
# to MOST of them?
def oldest_go(addr, count, least, most):
    socks = []
    for _ in range(int(count)):
        s = udp(any_of(addr), 0)
        s.settimeout(0.5)
        s.connect((addr, 3008))
        for _ in range(40):  # room is made twice a second
            try:
                s.send(b"keep")
                if s.recv(10) == b"kept":
                    break
            except OSError:
                continue
        else:
            return "port %d never had an answer" % len(socks)
        socks.append(s)
    s.send(b"call")
    called = []
    for i in reversed(range(len(socks))):
        try:
            called.append(socks[i].recv(10) == b"call" and i)
        except OSError:
            break
    rest = select.select(socks[: len(socks) - len(called)], [], [], 0.2)[0]
    if rest or called != sorted(called, reverse=True) or False in called:
        return "%d were called, %d after a gap" % (len(called), len(rest))
    return "ok" if int(least) <= len(called) <= int(most) else "%d of %s were called" % (len(called), most)


# COUNT ports that talk at random; USR1 asks for a round that is whole. Bytes that are wrong end it
def talk(addr, count):
    whole = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *a: whole.set())
    socks = [udp(any_of(addr), 0) for _ in range(int(count))]
    for s in socks:
        s.settimeout(0.05)
    n = rounds = lost = 0
    print("ready", flush=True)
    while True:
        good = 0
        begun = whole.is_set()
        for s in socks:
            n += 1
            data = b"%d " % n * (1 + n % 200)
            try:
                s.sendto(data, (addr, 7))
                while (got := s.recv(65536)) != data:
                    # one that was late
                    if got != b"%d " % int(got.split()[0]) * (1 + int(got.split()[0]) % 200):
                        return "other bytes"
                good += 1
            except OSError:
                lost += 1
        rounds += 1
        if begun and good == len(socks):
            sys.stderr.write(f"# {rounds} rounds of {count} ports, {lost} datagrams lost\n")
            return "ok"


# COUNT ports of the child, each asks once; then all of them once more
def ports(addr, count):
    socks = []
    for i in range(int(count)):
        socks.append(udp(any_of(addr), 0))
    answers = 0
    for _ in range(2):
        answers = 0
        for i in range(0, len(socks), 10):
            part = socks[i : i + 10]
            for s in part:
                s.sendto(b"hello", (addr, 7))
            for s in part:
                try:
                    answers += s.recv(100) == b"hello"
                except OSError:
                    pass
    return answers


def beside(addr, count):
    """so many ports, or a sixth of the descriptors, that talk and stay: is TCP as quick beside them?"""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def connect_ms():
        times = []
        for _ in range(100):
            start = time.monotonic()
            socket.create_connection((addr, 7), 5).close()
            times.append(1000 * (time.monotonic() - start))
        return sorted(times)

    def answered(socks):
        good = 0
        for at in range(0, len(socks), 50):
            waiting = socks[at : at + 50]
            for _ in range(3):  # a datagram may be lost on a busy machine
                for s in waiting:
                    s.send(b"x")
                late = []
                for s in waiting:
                    try:
                        s.recv(10)
                        good += 1
                    except OSError:
                        late.append(s)
                waiting = late
                if not late:
                    break
        return good

    before = connect_ms()
    socks = []
    for _ in range(min(int(count), hard // 6)):
        s = udp(addr)
        s.settimeout(1)
        s.connect((addr, 7))
        socks.append(s)
    first = answered(socks)
    for _ in range(10):  # what else a busy machine does, passes
        after = connect_ms()
        slow = after[50] > 5 * before[50] + 2
        if not slow:
            break
    again = answered(socks)
    sys.stderr.write(f"# connect ms: median {before[50]:.2f} -> {after[50]:.2f}, p99 {before[98]:.2f} -> {after[98]:.2f}\n")
    sys.stderr.write(f"# {len(socks)} ports: {first}, {again} answered\n")
    return ("all" if first == again == len(socks) else "not all") + (", slow" if slow else ", quick")


# datagrams from as many ports as there are, for SECONDS
def flood(addr, seconds, source=None):
    end = time.monotonic() + float(seconds)
    n = 0
    while time.monotonic() < end:
        s = udp(source or any_of(addr), 0)
        for port in range(20):
            try:
                s.sendto(b"flood", (addr, 20000 + n % 40000))
            except OSError:
                pass
            n += 1
        s.close()
    return n


# one socket that asks every 10 ms; how many of N were answered. An answer that comes late is not that of the next
def steady(addr, n):
    s = udp(any_of(addr), 0)
    s.settimeout(1)
    good = 0
    for i in range(int(n)):
        try:
            got = ask(s, (addr, 7), b"%d" % i)[0]
            while got != b"%d" % i:
                got = s.recv(100)
            good += 1
        except OSError:
            pass
        time.sleep(0.01)
    return good


# datagrams by hand through tap0, as no socket would send them
def raw(mac, port):
    def total(b):
        b += b"\0" * (len(b) % 2)
        n = sum(struct.unpack("!%dH" % (len(b) // 2), b))
        n = (n >> 16) + (n & 0xFFFF)
        return ~(n + (n >> 16)) & 0xFFFF

    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("tap0", 0))
    head = bytes.fromhex(mac.replace(":", "")) + s.getsockname()[4]
    for source in ("10.0.2.100", "127.0.0.1", "10.0.2.2", "8.8.8.8", "0.0.0.0"):
        src = socket.inet_aton(source)
        for dst in ("127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.2.2", "10.0.2.3", "10.0.2.77", "255.255.255.255", "224.0.0.1"):
            d = socket.inet_aton(dst)
            for sport in range(6000, 6005):
                u = struct.pack("!HHHH", sport, int(port), 12, 0) + b"evil"  # no checksum
                ip = struct.pack("!BBHHHBBH", 0x45, 0, 32, 0, 0, 64, 17, 0) + src + d
                s.send(head + b"\x08\x00" + ip[:10] + struct.pack("!H", total(ip)) + ip[12:] + u)
    for source in ("fd00::100", "::1", "2001:db8::1"):
        src = socket.inet_pton(socket.AF_INET6, source)
        for dst in ("::1", "::", "::ffff:127.0.0.1", "::127.0.0.1", "fd00::2", "fd00::3", "fd00::77", "ff02::1"):
            d = socket.inet_pton(socket.AF_INET6, dst)
            u = struct.pack("!HHHH", 6000, int(port), 12, 0) + b"evil"
            u = u[:6] + struct.pack("!H", total(src + d + struct.pack("!IHBB", 12, 0, 0, 17) + u)) + u[8:]
            s.send(head + b"\x86\xdd" + struct.pack("!IHBB", 0x60000000, 12, 17, 64) + src + d + u)
    return "sent"


# a datagram without a checksum, by hand, to the world; its echo
def no_checksum(mac, addr):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("tap0", 0))
    mine = udp("10.0.2.100", 6111)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 32, 0, 0, 64, 17, 0) + socket.inet_aton("10.0.2.100") + socket.inet_aton(addr)
    n = sum(struct.unpack("!10H", ip))
    ip = ip[:10] + struct.pack("!H", ~((n & 0xFFFF) + (n >> 16)) & 0xFFFF) + ip[12:]
    s.send(bytes.fromhex(mac.replace(":", "")) + s.getsockname()[4] + b"\x08\x00" + ip + struct.pack("!HHHH", 6111, 7, 12, 0) + b"none")
    return mine.recv(100).decode()


if __name__ == "__main__":
    try:
        print(globals()[sys.argv[1]](*sys.argv[2:]))
    except OSError as e:
        print(errno.errorcode.get(e.errno, str(e)))
