# SPDX-License-Identifier: Apache-2.0
# port_client_address.py - clients of port_client_address.sh: port_client_address.py VERB ARG...
import errno
import socket
import sys
import threading
import time


def family(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


def read_all(s):
    said = b""
    while True:
        more = s.recv(4096)
        if not more:
            return said.decode().strip()
        said += more


def ask(addr, port, source):
    """who a server says that we are; the client closes last"""
    s = socket.socket(family(addr))
    s.settimeout(5)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(source)
    while s.connect_ex((addr, port)) == errno.EADDRNOTAVAIL:
        time.sleep(0.001)  # the last acknowledgement of the connection before is on its way
    said = read_all(s)
    s.close()
    return said


def few(slow, count):
    """a lost SYN comes again after 1 s: the kernel drops packets of every netns when one of them floods its queue"""
    return "ok" if slow <= count // 20 else f"{slow} of {count} took long"


def again(addr, port, host, source_port, count):
    """the same address and port, at once, count times: each is shown, hardly one takes long"""
    want = f"{host} {source_port}"
    slow = 0
    for i in range(int(count)):
        since = time.monotonic()
        said = ask(addr, int(port), (host, int(source_port)))
        slow += time.monotonic() - since > 0.9
        if said != want:
            return f"number {i}: {said!r}, not {want!r}"
    return few(slow, int(count))


def first_closes(addr, port, host, source_port, count):
    """the same, and the client ends first; a SYN that meets the end of the connection before comes again after 1 s"""
    slow = 0
    for i in range(int(count)):
        since = time.monotonic()
        s = socket.socket(family(addr))
        s.settimeout(5)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # no TIME_WAIT of our own
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        s.bind((host, int(source_port)))
        s.connect((addr, int(port)))
        s.sendall(b"x")
        s.shutdown(socket.SHUT_WR)
        if read_all(s) != "x":
            return f"number {i}"
        s.close()
        slow += time.monotonic() - since > 2.5
    return few(slow, int(count))


def two(addr, port, other, host, source_port):
    """one client address and port to two ports of the host at once, which lead to one server; thrice, see few()"""
    for i in range(3):
        said, took = two_at_once(addr, port, other, host, int(source_port) + i)
        if said != "echo echo" or took < 0.9:
            return said
    return "slow"


def two_at_once(addr, port, other, host, source_port):
    said, conns, since = [], [], time.monotonic()
    for p in (int(port), int(other)):
        s = socket.socket(family(addr))
        s.settimeout(5)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((host, source_port))
        s.connect((addr, p))
        conns.append(s)
    for s in conns:
        s.sendall(b"echo\n")
        said.append(s.recv(100).decode().strip())
    return " ".join(said), time.monotonic() - since


def crowd(addr, port, host, count):
    """many sockets ask, then all read: each hears its own words"""
    socks = []
    for i in range(int(count)):
        s = socket.socket(family(addr), socket.SOCK_DGRAM)
        s.settimeout(5)
        s.bind((host, 0))
        s.connect((addr, int(port)))
        s.send(b"first %d" % i)
        socks.append(s)
    for i, s in enumerate(socks):
        if s.recv(100) != b"first %d" % i:
            return f"{i} got another's"
    for i, s in enumerate(socks):
        s.send(b"second %d" % i)
    for i, s in enumerate(socks):
        if s.recv(100) != b"second %d" % i:
            return f"{i} got another's"
    return "ok"


def load(addr, port, seconds):
    """connections one after the other on 8 threads; a refusal is right, an answer cut short is not"""
    end = time.monotonic() + float(seconds)
    bad, good = [], []

    def run():
        while time.monotonic() < end:
            try:
                s = socket.create_connection((addr, int(port)), 5)
                s.sendall(b"y" * 1000)
                s.shutdown(socket.SHUT_WR)
                n = len(read_all(s))
                s.close()
                (good if n == 1000 else bad).append(n)
            except ConnectionError:
                pass
            except OSError as e:
                bad.append(e)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return "ok" if not bad and good else f"{bad[:5]} {len(good)}"


verbs = {f.__name__: f for f in (again, first_closes, two, crowd, load)}
print(verbs[sys.argv[1]](*sys.argv[2:]))
