# SPDX-License-Identifier: Apache-2.0
# net_torture.py - servers in the world and clients in the child for net_torture.sh and its nightly
# form; each client prints one line
import errno, fcntl, os, random, resource, select, signal, socket, struct, sys, threading, time


def family(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


def listen(addr, port, backlog=1024):
    s = socket.socket(family(addr), socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)  # inherited, before the first byte comes
    s.bind((addr, port))
    s.listen(backlog)
    return s


def connect(addr, port, limit=15, options=()):
    s = socket.socket(family(addr), socket.SOCK_STREAM)
    for name, value in options:
        s.setsockopt(socket.SOL_SOCKET, name, value)
    s.settimeout(limit)
    s.connect((addr, port))
    return s


def raise_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# --- transfers: both ends send a stream that the seed tells, and check what they get ------------------
def stream(seed, n):
    return random.Random(seed).randbytes(n)


# one end of a connection: chunks, pauses, urgent bytes and the order of closing are chance. With
# @libslirp, what it cannot do is left out: buffers that shrink, a server that ends its half first
def end(s, mine, theirs, chance, libslirp=None):
    wrong = []
    if chance.random() < 0.5 and not libslirp:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, chance.choice((20000, 100000)))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, chance.choice((1, 20000, 100000)))
    pauses, urgent, waits = chance.random() < 0.5, chance.random() < 0.5, chance.random() < 0.3
    done = threading.Event()

    def read():
        got = bytearray()
        r = random.Random(len(theirs))
        try:
            while d := s.recv(r.choice((1, 100, 4096, 65536, 1 << 20))):
                got += d
                if pauses and r.random() < 0.05:
                    time.sleep(r.random() / 200)
        except OSError as e:
            wrong.append(str(e))
        done.set()
        if bytes(got) != theirs:
            same = next((i for i, (a, b) in enumerate(zip(got, theirs)) if a != b), min(len(got), len(theirs)))
            wrong.append("%d of %d bytes, the same up to %d" % (len(got), len(theirs), same))

    t = threading.Thread(target=read)
    t.start()
    at = 0
    while at < len(mine):
        n = chance.choice((1, 100, 1460, 10000, 65536, 300000))
        if urgent and chance.random() < 0.2:
            s.send(mine[at : at + 1], socket.MSG_OOB)
            at += 1
        else:
            at += s.send(mine[at : at + n])
        if pauses and chance.random() < 0.05:
            time.sleep(chance.random() / 200)
    if waits:
        done.wait(1)  # for the other side to close first; it may wait as well
    if libslirp == "server":
        t.join()
    s.shutdown(socket.SHUT_WR)
    t.join()
    s.close()
    return wrong


# the client tells the seed; it sends by it, the server by the next one
def transfer_server(c):
    libslirp = "server" if c.getsockname()[1] == 3004 else None
    seed, n, m = struct.unpack("!III", c.recv(12, socket.MSG_WAITALL))
    c.settimeout(15)
    try:
        wrong = end(c, stream(seed + 1, m), stream(seed, n), random.Random(seed + 2), libslirp)
    except OSError as e:
        wrong = [str(e)]
    for w in wrong:
        print("server", seed, w, flush=True)


def transfers(addr, first, count, size, port=3001):
    signal.signal(signal.SIGALRM, lambda *a: None)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.003)
    wrong = []

    def one(seed):
        chance = random.Random(seed + 3)
        n, m = chance.randrange(int(size)), chance.randrange(int(size))
        try:
            s = connect(addr, int(port), 15, ((socket.SO_OOBINLINE, 1),))
            s.sendall(struct.pack("!III", seed, n, m))
            wrong.extend("%d: %s" % (seed, w) for w in end(s, stream(seed, n), stream(seed + 1, m), chance, int(port) == 3004))
        except OSError as e:
            wrong.append("%d: %s" % (seed, e))

    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(int(first), int(first) + 10 * int(count), 10)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    signal.setitimer(signal.ITIMER_REAL, 0)
    return "; ".join(wrong) or "ok"


# --- who reads slowly -----------------------------------------------------------------------------------
# port 3002: as much as each takes, from one thread; 3003: 32 KB, for thousands fill the kernel's memory
def source(port, most):
    s = listen("192.0.2.2", port, 4096)
    s.setblocking(False)
    e = select.epoll()
    e.register(s, select.EPOLLIN)
    conns, left, data = {}, {}, b"s" * 16384
    while True:
        for fd, what in e.poll():
            if fd == s.fileno():
                try:
                    while True:
                        c, _ = s.accept()
                        c.setblocking(False)
                        conns[c.fileno()] = c
                        left[c.fileno()] = most
                        e.register(c, select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET)
                except BlockingIOError:
                    continue
            if what & (select.EPOLLRDHUP | select.EPOLLERR | select.EPOLLHUP):
                conns.pop(fd).close()  # also of those that have been sent all: descriptors are few
                continue
            try:
                while left[fd] > 0:
                    left[fd] -= conns[fd].send(data)
            except BlockingIOError:
                pass
            except OSError:
                conns.pop(fd).close()


# readers of a byte each, then another transfer beside them
def slow(addr, count, size, transfer_port=3001):
    raise_limit()
    conns = []
    for i in range(int(count)):
        port = 3002 if int(count) < 1000 else 3003
        conns.append(connect(addr, port, 20, ((socket.SO_RCVBUF, 4096),)))
    for s in conns:
        if s.recv(1) != b"s":
            return "end"
    said = transfers(addr, 500000, 3, size, transfer_port)
    for s in conns:
        if s.recv(1) != b"s":
            return "end after the transfer"
    return said


# --- a scan beside connections ---------------------------------------------------------------------------
def scan(addr, ports):
    raise_limit()
    e = select.epoll()
    pending, port, refused, other = {}, 0, 0, []
    while port < int(ports) or pending:
        while port < int(ports) and len(pending) < 200:
            port += 1
            if port in (7, 9, 19, 53, 80, 1007) or 2000 <= port < 4200:
                continue
            s = socket.socket(family(addr), socket.SOCK_STREAM)
            s.setblocking(False)
            r = s.connect_ex((addr, port))
            if r == errno.EINPROGRESS:
                pending[s.fileno()] = s
                e.register(s, select.EPOLLOUT)
            elif r == errno.ECONNREFUSED:
                refused += 1
        for fd, _ in e.poll(5) or [(0, 0)]:
            if fd == 0:
                return "nothing moves, %d wait" % len(pending)
            s = pending.pop(fd)
            r = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if r == errno.ECONNREFUSED:
                refused += 1
            else:
                other.append(errno.errorcode.get(r, str(r)))
            s.close()
    return "ok" if not other else "%d refused, %d not: %s" % (refused, len(other), set(other))


# connections and echoes until stdin ends: how many, and how long they took
def live(addr):
    times = []
    while not select.select([0], [], [], 0.003)[0]:
        start = time.monotonic()
        s = connect(addr, 7)
        s.sendall(b"x")
        s.recv(1)
        s.close()
        times.append(time.monotonic() - start)
    times = sorted(times) or [0]
    return "%d %d" % (len(times), times[int(len(times) * 0.99)] * 1000)


# --- holds -------------------------------------------------------------------------------------------------
# connect to each port and say what came and after how many tenths of a second
def late(addr, *ports):
    said = {}

    def one(port):
        start = time.monotonic()
        try:
            s = connect(addr, port, 20)
            s.sendall(b"late")
            said[port] = "ok" if s.recv(4, socket.MSG_WAITALL) == b"late" else "other bytes"
        except OSError as e:
            said[port] = errno.errorcode.get(e.errno, str(e))
        said[port] += " %.1f" % (time.monotonic() - start)

    threads = [threading.Thread(target=one, args=(int(p),)) for p in ports]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return ", ".join("%d: %s" % (p, said[p]) for p in sorted(said))


# connects that are given up at a random time
def aborts(addr, port, count):
    conns = []
    for i in range(int(count)):
        s = socket.socket(family(addr), socket.SOCK_STREAM)
        s.setblocking(False)
        s.connect_ex((addr, int(port)))
        conns.append(s)
        if random.random() < 0.7:
            conns.pop(random.randrange(len(conns))).close()
    time.sleep(0.3)
    for s in conns:
        s.close()
    return "ok"


# pipes until the user's share is used up, held until stdin ends
def pipes():
    raise_limit()
    n = 0
    held = []
    try:
        while n < 4000:
            held.append(os.pipe())
            n += 1
            fcntl.fcntl(held[-1][1], 1031, 1 << 20)
    except OSError:
        pass
    while True:
        try:
            r, w = os.pipe()
        except OSError:
            break
        held.append((r, w))
        if fcntl.fcntl(w, 1032) <= 8192:
            break
    print("ready", flush=True)
    os.read(0, 1)
    return "ok"


def serve(*addrs):
    raise_limit()

    def loop(s, what):
        while True:
            c, _ = s.accept()
            threading.Thread(target=what, args=(c,), daemon=True).start()

    def echo(c):
        try:
            with c:
                while d := c.recv(65536):
                    c.sendall(d)
        except OSError:  # they give up
            pass

    for addr in addrs:
        for port in (3001, 3004):
            threading.Thread(target=loop, args=(listen(addr, port), transfer_server), daemon=True).start()
        for port in range(3010, 3016):
            threading.Thread(target=loop, args=(listen(addr, port), echo), daemon=True).start()
    threading.Thread(target=source, args=(3002, 1 << 60), daemon=True).start()
    threading.Thread(target=source, args=(3003, 1 << 15), daemon=True).start()
    print("ready", flush=True)
    time.sleep(6000)


if __name__ == "__main__":
    try:
        print({"serve": serve, "transfers": transfers, "slow": slow, "scan": scan, "live": live, "late": late,
               "aborts": aborts, "pipes": pipes}[sys.argv[1]](*sys.argv[2:]))
    except OSError as e:
        print(errno.errorcode.get(e.errno, str(e)))
