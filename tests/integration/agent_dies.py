# SPDX-License-Identifier: Apache-2.0
"""agent_dies.py HOST LIMIT_S tcp|udp:PORT:BURSTS... - bursts of clients of each port; prints for each port
how many were left without an answer and which addresses the server saw, the slowest answer last"""
import select
import socket
import sys
import time

BURST = 60  # two bursts are more than the stock of sockets that the relay keeps
HOST, LIMIT = sys.argv[1], float(sys.argv[2])
slowest = 0.0


def begin(proto, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM)
    s.setblocking(False)
    s.connect_ex((HOST, port))
    if proto == "udp":
        s.send(b"x")
    return s


def burst(proto, port, seen):
    """how many were not answered"""
    global slowest
    clients = {begin(proto, port) for _ in range(BURST)}
    since, missing = time.monotonic(), BURST
    while clients:
        ready = select.select(clients, [], [], max(0, since + LIMIT - time.monotonic()))[0]
        if not ready:
            break
        slowest = max(slowest, time.monotonic() - since)
        for s in ready:
            try:
                answer = s.recv(99).split()
                if answer:
                    seen.add(answer[0].decode())
                    missing -= 1
            except OSError as e:
                print("# %s:%d: %s" % (proto, port, e))
            clients.remove(s)
            s.close()
    for s in clients:
        s.close()
    return missing


for arg in sys.argv[3:]:
    proto, port, bursts = arg.split(":")
    seen = set()
    missing = sum(burst(proto, int(port), seen) for _ in range(int(bursts)))
    print("%s %s: %d missing, %s" % (proto, port, missing, " ".join(sorted(seen))))
print("# the slowest answer took %d ms" % (slowest * 1000))
