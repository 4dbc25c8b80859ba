# SPDX-License-Identifier: Apache-2.0
"""udpprobe.py - what bench_udp.sh measures that iperf3 does not

serve ADDR PORT                 count what comes until asked; answer requests
bundles ADDR PORT SECONDS SIZE  send bundles (UDP_SEGMENT): Gbit/s that arrived
requests ADDR PORT SECONDS N    one request under way on each of N sockets: answers/s, p99 in us
dns ADDR SECONDS N              the same with questions to a name server, on N sockets
rate FILE TICKS                 datagrams/s that were received, of what iperf3 -J printed, and the CPU us
                                of each when all took TICKS
"""
import json
import os
import select
import socket
import struct
import sys
import time

UDP_SEGMENT, UDP_GRO = 103, 104
QUESTION = struct.pack("!HHHHHH", 0, 0x100, 1, 0, 0, 0) + b"\3web\5world\4test\0" + struct.pack("!HH", 1, 1)


def make():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    return s


def serve(addr, port):
    s = make()
    s.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
    s.bind((addr, int(port)))
    print("ready", flush=True)
    total = first = last = 0
    while True:
        data, peer = s.recvfrom(65536)
        if data[:1] == b"r":
            s.sendto(data, peer)
        elif data == b"?":
            s.sendto(b"%d %d" % (total, last - first), peer)
        elif data == b"new":
            total = first = last = 0
            s.sendto(b"new", peer)
        else:
            last = time.perf_counter_ns()
            first = first or last
            total += len(data)


def ask(s, what):
    s.settimeout(0.1)
    for _ in range(50):
        s.send(what)
        try:
            return s.recv(100)
        except TimeoutError:
            continue
    raise TimeoutError


def bundles(addr, port, seconds, size):
    s = make()
    s.connect((addr, int(port)))
    ask(s, b"new")
    size = int(size)
    data = b"x" * (size * min(60000 // size, 60))
    end = time.monotonic() + float(seconds)
    s.settimeout(1)
    s.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
    while time.monotonic() < end:
        for _ in range(20):
            s.send(data)
    s.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 0)
    time.sleep(0.3)
    got, took = ask(s, b"?").split()
    print("%.3f" % (int(got) * 8 / int(took)))


def loop(addr, port, seconds, n, request, check):
    poll = select.epoll()
    socks = {}
    took = []
    for i in range(int(n)):
        s = make()
        s.connect((addr, int(port)))
        s.setblocking(False)
        poll.register(s, select.EPOLLIN)
        s.send(request)
        socks[s.fileno()] = [s, time.perf_counter_ns()]
    begin = time.perf_counter_ns()
    end = begin + int(float(seconds) * 1e9)
    repeat = begin + 10**9
    while True:
        now = time.perf_counter_ns()
        if now > end:
            break
        if now > repeat:  # what was lost
            repeat = now + 10**9
            for e in socks.values():
                if now - e[1] > 10**9:
                    e[0].send(request)
                    e[1] = now
        for fd, _ in poll.poll(0.1):
            e = socks[fd]
            try:
                data = e[0].recv(2048)
            except OSError:
                continue
            if not check(data):
                continue
            now = time.perf_counter_ns()
            took.append(now - e[1])
            e[0].send(request)
            e[1] = now
    took.sort()
    print("%.0f %.0f" % (len(took) / float(seconds), took[len(took) * 99 // 100] / 1e3))


def requests(addr, port, seconds, n):
    loop(addr, port, seconds, n, b"r" + b"q" * 199, lambda d: len(d) == 200)


def dns(addr, seconds, n):
    loop(addr, 53, seconds, n, QUESTION, lambda d: len(d) > len(QUESTION) and d[3] & 15 == 0)


def rate(path, ticks):
    with open(path) as f:
        s = json.load(f)["end"]["sum"]
    n = s["packets"] - s["lost_packets"]
    print("%.0f %.2f" % (n / s["seconds"], int(ticks) / os.sysconf("SC_CLK_TCK") * 1e6 / n))


if __name__ == "__main__":
    {f.__name__: f for f in (serve, bundles, requests, dns, rate)}[sys.argv[1]](*sys.argv[2:])
