# SPDX-License-Identifier: Apache-2.0
"""port_slow.py - clients of published ports for port_slow.sh

slow ADDR ECHO SOURCE COUNT   COUNT connections, of four kinds, held until killed: nothing is ever said; a byte now
                    and then, whose echo is compared; echoes that are never read; a stream that is never read.
                    "ready", when no more is taken of them; at a line of stdin: "ended" when all have
healthy ADDR PORT COUNT       COUNT new connections, an echo of each compared: ms until it is there, median, p99 and longest
kept ADDR PORT      echoes on one connection until end of stdin: how many, and ms of the longest
"""
import itertools
import os
import random
import resource
import select
import socket
import sys
import time

WAIT = 60  # s; for all there is
SILENT, DRIPS, ECHOES, STREAM = range(4)
KINDS = [SILENT, DRIPS] * 3 + [ECHOES, STREAM]
SOME, MOST = b"x" * 65536, 1 << 20


class Client:
    def __init__(self, addr, port, kind):
        self.kind, self.owed, self.pushed = kind, b"", 0
        self.sock = socket.socket()
        # a little of their own kernel's memory: what is held for them is held elsewhere
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(WAIT)
        self.sock.connect((addr, port))
        self.sock.setblocking(False)

    def push(self):
        """up to 1 MB that is never read back"""
        if self.pushed >= MOST:
            return 0
        try:
            n = self.sock.send(SOME)
        except BlockingIOError:
            return 0
        self.pushed += n
        return n

    def drip(self):
        """one byte, when the last has come back"""
        if self.owed:
            try:
                got = self.sock.recv(10)
            except BlockingIOError:
                return
            if got != self.owed:
                raise RuntimeError("%r came back, not %r" % (got, self.owed))
        self.owed = bytes([random.randrange(256)])
        self.sock.send(self.owed)


def end_of(clients):
    """whether all have ended within WAIT; what is on its way to them is thrown away"""
    least = time.monotonic() + WAIT
    poll = select.poll()
    left = {c.sock.fileno(): c for c in clients}
    for fd in left:
        poll.register(fd, select.POLLIN)
    while left and time.monotonic() < least:
        for fd, _ in poll.poll(1000):
            try:
                over = not left[fd].sock.recv(65536)
            except ConnectionError:
                over = True
            if over:
                poll.unregister(fd)
                del left[fd]
    return "ended" if not left else "%d are open" % len(left)


def slow(addr, echo, source, count):
    clients = [Client(addr, int(source if kind == STREAM else echo), kind) for kind in itertools.islice(itertools.cycle(KINDS), int(count))]
    drips = [c for c in clients if c.kind == DRIPS]
    full = [c for c in clients if c.kind == ECHOES]
    still = turn = 0
    while still < 10:  # a quarter of a second long nothing was taken
        moved = sum(c.push() for c in full)
        still = 0 if moved else still + 1
        if not moved:
            time.sleep(0.025)
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0.05)[0]:
        turn += 1
        try:
            for c in drips[turn % 10 :: 10]:
                c.drip()
        except ConnectionError:
            break  # the ports go
    return end_of(clients)


def one_echo(s, data):
    s.sendall(data)
    got = bytearray()
    while len(got) < len(data):
        part = s.recv(65536)
        if not part:
            raise RuntimeError("it has ended")
        got += part
    if got != data:
        raise RuntimeError("other bytes came back")


def connect(addr, port):
    s = socket.create_connection((addr, int(port)), WAIT)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def healthy(addr, port, count):
    took = []
    for _ in range(int(count)):
        data = os.urandom(random.randrange(1, 20000))
        begin = time.monotonic()
        with connect(addr, port) as s:
            one_echo(s, data)
        took.append(1000 * (time.monotonic() - begin))
    took.sort()
    return "%.1f %.1f %.1f" % (took[len(took) // 2], took[len(took) * 99 // 100], took[-1])


def kept(addr, port):
    longest, n = 0, 0
    s = connect(addr, port)
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0.001)[0]:
        begin = time.monotonic()
        one_echo(s, os.urandom(100))
        longest = max(longest, time.monotonic() - begin)
        n += 1
    return "%d %.0f" % (n, 1000 * longest)


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(globals()[sys.argv[1]](*sys.argv[2:]), flush=True)
