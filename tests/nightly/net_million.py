# SPDX-License-Identifier: Apache-2.0
"""net_million.py - both ends of net_million.sh

serve ADDR               ports 2000-2031: the odd ones close at once, the even ones after their peer
visit ADDR COUNT         connect COUNT times, one after the other, to each port in turn; 'ok' or why not
hold ADDR COUNT          COUNT connections to port 2000, held until killed
"""
import resource
import selectors
import socket
import sys
import time

PORTS = range(2000, 2032)


def raise_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def serve(addr):
    raise_limit()
    wait = selectors.EpollSelector()
    for port in PORTS:
        s = socket.create_server((addr, port), backlog=4096)
        s.setblocking(False)
        wait.register(s, selectors.EVENT_READ, port)
    print("ready", flush=True)
    while True:
        for key, _ in wait.select():
            if key.data is None:
                wait.unregister(key.fileobj)
                key.fileobj.close()
                continue
            try:
                peer, _ = key.fileobj.accept()
            except BlockingIOError:
                continue
            if key.data % 2:
                peer.close()
            else:
                wait.register(peer, selectors.EVENT_READ, None)


def visit(addr, count):
    for i in range(int(count)):
        port = PORTS[i % len(PORTS)]
        s = socket.socket()
        s.settimeout(10)
        try:
            s.connect((addr, port))
            if port % 2 and s.recv(1) != b"":
                raise OSError("bytes from nowhere")
        except OSError as e:
            print("connection", i, "to port", port, e)
            return
        s.close()
    print("ok")


def hold(addr, count):
    raise_limit()
    held = [socket.create_connection((addr, PORTS[0]), timeout=20) for _ in range(int(count))]
    print("ready", len(held), flush=True)
    while True:
        time.sleep(1000)


if __name__ == "__main__":
    {"serve": serve, "visit": visit, "hold": hold}[sys.argv[1]](*sys.argv[2:])
