# SPDX-License-Identifier: Apache-2.0
"""net_beside.py - clients inside for net_beside.sh

ask ADDR COUNT        COUNT requests on one connection; at each line of stdin again; 'done' after each
idle ADDR COUNT       COUNT connections that have talked once, held until killed
udp ADDR COUNT        the same of UDP; each talks again, over and over
connects ADDR COUNT   ms that new connections took: median and p99
"""
import resource
import socket
import sys
import time


def connect(addr):
    s = socket.create_connection((addr, 7), 20)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def ask(addr, count):
    s = connect(addr)
    print("ready", flush=True)
    for _ in sys.stdin:
        for _ in range(int(count)):
            s.sendall(b"x" * 100)
            if len(s.recv(200)) != 100:
                print("cut", flush=True)
        print("done", flush=True)


def idle(addr, count):
    held = []
    for _ in range(int(count)):
        s = connect(addr)
        s.sendall(b"x")
        s.recv(1)
        held.append(s)
    print("ready", len(held), flush=True)
    while True:
        time.sleep(1000)


def udp(addr, count):
    held = []
    for _ in range(int(count)):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(0.2)
        s.connect((addr, 7))
        held.append(s)
    rounds = 0
    while True:
        answered = 0
        for s in held:
            try:
                s.send(b"x")
                answered += s.recv(10) == b"x"
            except OSError:
                pass
        rounds += 1
        print("ready" if answered > 0.99 * len(held) else "lost", rounds, answered, flush=True)


def connects(addr, count):
    times = []
    for _ in range(int(count)):
        begin = time.monotonic()
        s = socket.create_connection((addr, 7), 20)
        times.append(1000 * (time.monotonic() - begin))
        s.close()
        time.sleep(0.002)
    times.sort()
    return "%.2f %.2f" % (times[len(times) // 2], times[len(times) * 99 // 100])


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(globals()[sys.argv[1]](*sys.argv[2:]))
