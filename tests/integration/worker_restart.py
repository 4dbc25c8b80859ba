# SPDX-License-Identifier: Apache-2.0
# worker_restart.py - clients of workers that are killed, for worker_restart.sh and worker_ports.sh
#
#   load ADDR PORT N          N connections that echo until TERM; a connection that is lost is made
#                             anew. At the end: "lost L hung H refused R wrong W"
#   idle ADDR PORT            a connection that echoes once and then waits: "end" or "reset"
#   kill PID PORT UDPPORT     kill the worker; milliseconds from then until a new connection and a
#                             datagram to the published ports are answered: "port 3 udp 4"
#   follow PID ADDR PORT DNS  wait until it is dead; the same for connections and datagrams out
#                             and for a name: "out 3 out-udp 4 dns 5"
import os
import signal
import socket
import struct
import sys
import threading
import time

LIMIT_S = 20.0  # then it is not served


def load(addr, port, n):
    count = dict(lost=0, hung=0, refused=0, wrong=0)
    lock, end = threading.Lock(), threading.Event()
    block = os.urandom(32768)

    def one():
        while not end.is_set():
            what = "lost"
            try:
                with socket.create_connection((addr, port), timeout=LIMIT_S) as s:
                    while not end.is_set():
                        s.sendall(block)
                        got = b""
                        while len(got) < len(block):
                            part = s.recv(65536)
                            if not part:
                                raise ConnectionResetError
                            got += part
                        if got != block:
                            what = "wrong"
                            break
                        time.sleep(0.005)
            except TimeoutError:
                what = "hung"
            except ConnectionRefusedError:
                what = "refused"
                time.sleep(0.01)
            except OSError:
                pass
            with lock:
                count[what] += not end.is_set()

    signal.signal(signal.SIGTERM, lambda *_: end.set())
    threads = [threading.Thread(target=one, daemon=True) for _ in range(n)]
    for t in threads:
        t.start()
    print("ready", flush=True)
    while not end.is_set():
        time.sleep(0.05)
    for t in threads:
        t.join(LIMIT_S)
    print(" ".join(f"{k} {v}" for k, v in count.items()), flush=True)


def idle(addr, port):
    with socket.create_connection((addr, port), timeout=LIMIT_S) as s:
        s.sendall(b"hello")
        s.recv(5)
        s.settimeout(None)
        print("ready", flush=True)
        try:
            what = "data" if s.recv(1) else "end"
        except ConnectionResetError:
            what = "reset"
    print(what, flush=True)


def stream(addr, port):
    with socket.create_connection((addr, port), timeout=LIMIT_S) as s:
        s.sendall(b"hello")
        return s.recv(5) == b"hello"


def stream_until(addr, port):
    """a connection that was queued for the dead is reset: so try again"""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        try:
            if stream(addr, port):
                return True
        except OSError:
            time.sleep(0.005)
    return False


def datagrams(addr, port, data):
    end = time.monotonic() + LIMIT_S
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.02)
        while time.monotonic() < end:
            try:
                s.sendto(data, (addr, port))
                if s.recv(2048):
                    return True
            except OSError:
                pass
    return False


def name(server):
    labels = b"".join(bytes([len(w)]) + w for w in (b"web", b"world", b"test"))
    query = struct.pack(">HHHHHH", 77, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)
    return datagrams(server, 53, query)


def measure(tasks):
    begin, took = time.monotonic(), {}

    def one(what, task, args):
        took[what] = int((time.monotonic() - begin) * 1000) if task(*args) else -1

    threads = [threading.Thread(target=one, args=t) for t in tasks]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print(" ".join(f"{t[0]} {took[t[0]]}" for t in tasks), flush=True)


def kill(pid, port, udp_port):
    os.kill(pid, signal.SIGKILL)
    measure([("port", stream_until, ("127.0.0.1", port)),
             ("udp", datagrams, ("127.0.0.1", udp_port, b"hello"))])


def follow(pid, addr, port, dns):
    print("ready", flush=True)
    try:
        while True:
            os.kill(pid, 0)
            time.sleep(0.0005)
    except ProcessLookupError:
        pass
    measure([("out", stream_until, (addr, port)), ("out-udp", datagrams, (addr, port, b"hello")),
             ("dns", name, (dns,))])


args = [int(a) if a.isdigit() else a for a in sys.argv[2:]]
{"load": load, "idle": idle, "kill": kill, "follow": follow}[sys.argv[1]](*args)
