# SPDX-License-Identifier: Apache-2.0
# api_abuse.py SOCKET PID RSS_KB - clients of the REST API that mean no good; prints TAP without a plan
#
# Each case says how the server must end it. Meanwhile a normal client publishes ports and takes them
# back, each within ADD_MS. PID is the program's parent process: its memory may grow by RSS_KB (0: not
# looked at), compared with after a warm-up of honest clients, beyond what the places may hold at once.
import json
import os
import random
import resource
import socket
import sys
import time

PATH, PID, RSS_KB = sys.argv[1], sys.argv[2], int(sys.argv[3])
ADD_MS = 200  # half of them; the goal is 50, and the machines of the tests are shared
LIMIT_S = 10  # for a request, and for taking the answer
SLACK_S = 10
PLACES = 32  # connections at a time
HELD_KB = PLACES * (16 + 64)  # the head and the body that each may have sent
ADD = b'{"proto":"tcp4","parentIP":"127.0.0.1","parentPort":%d,"childPort":80}'

count = 0


def check(what, good, detail=""):
    global count
    count += 1
    print(f"{'' if good else 'not '}ok {count} - {what}" + ("" if good else f"\n#   {detail}"), flush=True)


def connect(timeout=LIMIT_S + SLACK_S):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.connect(PATH)  # waits while the queue of the listener is full
    s.settimeout(timeout)
    return s


def head(method, path, *headers):
    return b"\r\n".join([b"%s %s HTTP/1.1" % (method, path), b"Host: x", *headers, b"", b""])


def post(body, *headers):
    return head(b"POST", b"/v1/ports", b"Content-Length: %d" % len(body), *headers) + body


def read_end(s):
    """all until the end; what came is kept when the end is a reset"""
    got = b""
    try:
        while part := s.recv(65536):
            got += part
    except ConnectionError:
        pass
    return got


def send_most(s, data):
    """the server may hang up before all is taken"""
    try:
        s.sendall(data)
    except (ConnectionError, BlockingIOError):
        pass


def ask(data):
    """(status, body); status 0 when there was no answer"""
    with connect() as s:
        send_most(s, data)
        got = read_end(s)
    status = int(got.split(b" ", 2)[1]) if got.startswith(b"HTTP/1.1 ") else 0
    return status, got.partition(b"\r\n\r\n")[2].decode(errors="replace")


class Normal:
    """a client that does as it should; add() publishes a port and takes it back"""

    def __init__(self):
        self.port, self.took = 20000, []

    def add(self):
        self.port += 1
        begin = time.monotonic()
        status, body = ask(post(ADD % self.port))
        self.took.append((time.monotonic() - begin) * 1000)
        if status != 201:
            check("a normal client publishes a port", False, f"{status} {body}")
            return
        status, body = ask(head(b"DELETE", b"/v1/ports/%d" % json.loads(body)["id"]))
        if status != 200:
            check("a normal client takes it back", False, f"{status} {body}")

    def verdict(self, what):
        median = sorted(self.took)[len(self.took) // 2]
        check(f"{what}: a port is added in {ADD_MS} ms", median < ADD_MS, f"{median:.0f} ms")
        print(f"# {what}: slowest add {max(self.took):.1f} ms")
        self.took = []


def rss_kb(field="VmRSS"):
    with open(f"/proc/{PID}/status") as f:
        return int(next(line for line in f if line.startswith(field)).split()[1])


def is_ended(s):
    """end of file was reached; an answer before it is thrown away"""
    s.settimeout(0)
    try:
        while s.recv(65536):
            pass
        return True
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def wait_ended(clients, seconds, each):
    """call each() until all have ended or the time is up; the seconds it took"""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        clients = [c for c in clients if not is_ended(c)]
        if not clients:
            break
        each(clients)
    return time.monotonic() - begin, len(clients)


def all_end(what, clients, normal, each=lambda clients: None):
    def round_of(left):
        each(left)
        normal.add()
        time.sleep(0.5)

    took, left = wait_ended(list(clients), LIMIT_S + SLACK_S, round_of)
    check(f"{what}: all end within {LIMIT_S} s", left == 0, f"{left} of {len(clients)} live after {took:.1f} s")
    normal.verdict(what)
    for c in clients:
        c.close()


# --- clients that take their time ----------------------------------------------------------------
def slow(normal):
    request, at = post(b" " * 60000), 0
    clients = [connect() for _ in range(PLACES + 8)]

    def a_byte(left):
        nonlocal at
        for c in left:
            send_most(c, request[at : at + 1])
        at += 1
        time.sleep(0.5)

    all_end("a byte a second, 40 clients", clients, normal, a_byte)


def slow_body(normal):
    clients = [connect() for _ in range(PLACES)]
    for c in clients:
        send_most(c, post(b" " * 65536)[:-1])
    all_end("the last byte of a body never comes, 32 clients", clients, normal)


def idle(normal):
    clients = [connect() for _ in range(1000)]
    all_end("open and idle, 1000 clients", clients, normal)


def no_reader(normal):
    clients = []
    for _ in range(200):
        c = connect()
        send_most(c, head(b"GET", b"/v1/info"))
        clients.append(c)
        if len(clients) % 50 == 0:
            normal.add()
    time.sleep(2)
    check("nobody reads the answer, 200 clients: none is kept", all(is_ended(c) for c in clients))
    normal.verdict("nobody reads the answer, 200 clients")


def half_closed(normal):
    for what, data, want in (
        ("half-closed after a request: it is answered", head(b"GET", b"/v1/info"), True),
        ("half-closed in a head: the end", head(b"GET", b"/v1/info")[:20], False),
        ("half-closed in a body: the end", post(b"{}" * 100)[:-1], False),
        ("half-closed at once: the end", b"", False),
    ):
        begin = time.monotonic()
        with connect() as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            got = read_end(s)
        took = time.monotonic() - begin
        check(what, took < 8 and (b" 200 OK" in got) == want, f"{took:.1f} s: {got[:60]}")
    normal.add()


# --- requests that are too much, or nonsense -------------------------------------------------------
def refused(what, data, *statuses):
    begin = time.monotonic()
    status, body = ask(data)
    took = time.monotonic() - begin
    good = status in statuses and took < 8
    if good and body:
        good = "message" in json.loads(body)
    check(f"{what}: {'/'.join(map(str, statuses))}", good, f"{status} after {took:.1f} s: {body[:200]}")


def floods(normal):
    mb = b"x" * 1000000
    claim = head(b"POST", b"/v1/ports", b"Content-Length: 1073741824")
    chunked = head(b"POST", b"/v1/ports", b"Transfer-Encoding: chunked")
    # 0: a client that still sends when the connection is closed may lose the answer
    refused("a body of 1 GB is claimed", claim, 413)
    refused("and some of it sent", claim + 30 * mb, 413, 0)
    refused("a body of 1e30 bytes", head(b"POST", b"/v1/ports", b"Content-Length: 1" + b"0" * 30), 413)
    refused("a chunk of 1 GB", chunked + b"40000000\r\n" + mb, 413, 0)
    refused("a chunk of 2^64 bytes", chunked + b"10000000000000000\r\n", 413)
    refused("chunks without end", chunked + b"1000\r\n%s\r\n" % (b"x" * 4096) * 5000, 413, 0)
    refused("chunks of a byte without end", chunked + b"1\r\nx\r\n" * 200000, 413, 431, 0)
    refused("a line of 1 MB", mb, 431, 0)
    refused("a header of 1 MB", head(b"GET", b"/v1/info", b"A: " + mb), 431, 0)
    refused("1000000 headers", head(b"GET", b"/v1/info", *[b"A: b"] * 1000000), 431, 0)
    refused("trailers of 1 MB", chunked + b"0\r\n" + b"A: b\r\n" * 170000, 431, 0)
    refused("empty lines of 1 MB", b"\r\n" * 500000, 431, 0)
    normal.add()


def pipelined(normal):
    with connect() as s:
        send_most(s, head(b"GET", b"/v1/info") * 10000)
        got = read_end(s)
    check("10000 requests at once: one is answered", got.count(b"HTTP/1.1 ") <= 1, got[:200])
    with connect() as s:
        s.sendall(head(b"GET", b"/v1/info") * 2)
        got = read_end(s)
    check("2 requests at once: one is answered", got.count(b"HTTP/1.1 200 OK") == 1, got[:200])
    normal.add()


def nonsense(normal):
    refused("a NUL byte in the head", b"GET /v1/in\0fo HTTP/1.1\r\n\r\n", 400)
    refused("a NUL byte in a header", head(b"GET", b"/v1/info", b"A: b\0c"), 400)
    refused("a NUL byte in the body", post(b'{"proto":"t\0cp"}'), 400)
    refused("an escaped NUL byte in the body", post(b'{"proto":"tcp\\u0000"}'), 400)
    refused("bytes of chance", random.Random(1).randbytes(60000) + b"\r\n\r\n", 400, 431)
    refused("JSON 10000 deep", post(b'{"a":' * 10000 + b"1" + b"}" * 10000), 400, 413)
    refused("arrays 20000 deep", post(b"[" * 20000 + b"]" * 20000), 400)
    refused("arrays 60000 deep, never closed", post(b"[" * 60000), 400)
    for number in b"1e999", b"-1e999", b"9" * 400, b"1.5", b"80e0", b"-1", b"65536", b"18446744073709551696", b'"80"', b"[80]":
        refused(
            f"a port of {number[:24].decode()}",
            post(b'{"proto":"tcp","parentIP":"127.0.0.1","parentPort":%s,"childPort":80}' % number),
            400,
        )
    refused("bad UTF-8", post(b'{"proto":"\xff\xfe"}'), 400)
    refused("no JSON", post(b"proto=tcp"), 400)
    refused("two lengths", head(b"POST", b"/v1/ports", b"Content-Length: 2", b"Content-Length: 3") + b"{}", 400)
    refused("length and chunked", head(b"POST", b"/v1/ports", b"Content-Length: 2", b"Transfer-Encoding: chunked"), 400)
    refused("an id of 1 followed by 400 zeros", head(b"DELETE", b"/v1/ports/1" + b"0" * 400), 400)
    twice = b'{"parentPort":1,"proto":"udp9","proto":"tcp4","parentIP":"127.0.0.1","parentPort":20000,"childPort":80}'
    status, body = ask(post(twice))
    good = status == 201 and json.loads(body)["spec"]["parentPort"] == 20000 and json.loads(body)["spec"]["proto"] == "tcp4"
    check("keys twice: the last one counts, as in Go", good, f"{status} {body}")
    if good:
        ask(head(b"DELETE", b"/v1/ports/%d" % json.loads(body)["id"]))
    normal.verdict("between floods")


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    normal = Normal()
    for _ in range(2 * PLACES):
        ask(post(b'{"a":"%s"}' % (b"x" * 60000)))
        normal.add()
    normal.took = []
    rss = rss_kb()
    cases = half_closed, floods, pipelined, nonsense, slow, idle, no_reader
    for case in cases:
        case(normal)
        print(f"# {case.__name__}: the parent's memory has grown by {rss_kb() - rss} KB")
    grown = rss_kb() - rss
    check(f"the parent has grown by less than {RSS_KB} KB", RSS_KB == 0 or grown < RSS_KB, f"{grown} KB")
    slow_body(normal)
    grown = rss_kb("VmHWM") - rss
    check("and holds what the places may hold", RSS_KB == 0 or grown < RSS_KB + HELD_KB, f"{grown} KB")
    print(f"# with every place full: {grown} KB")
    status, body = ask(head(b"GET", b"/v1/ports"))
    check("nothing was published", (status, body) == (200, "null"), f"{status} {body}")


main()
