# SPDX-License-Identifier: Apache-2.0
# port_churn.py SOCKET SECONDS SEED - ports come and go while others carry data, for port_churn.sh
#
# Each transfer is compared. A connection of a port that is removed ends at once; what came before is a
# beginning of what was sent. The last line is "all right", or what was not.
import http.client, json, random, socket, sys, threading, time

WAIT = 20  # s; nothing takes so long
path, seconds, seed = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
stop = threading.Event()
wrong = []
done = {"ports": 0, "transfers": 0, "ended": 0, "steady": 0}
lock = threading.Lock()


def count(what, n=1):
    with lock:
        done[what] += n


class Api(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(WAIT)
        self.sock.connect(path)


def call(method, where, what=None):
    c = Api("unix")
    c.request(method, where, json.dumps(what) if what else None, {"Content-Type": "application/json"})
    r = c.getresponse()
    said = r.read()
    c.close()
    if r.status not in (200, 201):
        raise RuntimeError("%s %s %s: %d %s" % (method, where, what, r.status, said.decode()))
    return json.loads(said) if said.strip() else None


def tcp(port):
    s = socket.create_connection(("127.0.0.1", port), WAIT)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def sender(s, data):
    try:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # whoever receives tells


# through the echo server and back; whole unless @may_end
def transfer(port, data, may_end=None):
    s = tcp(port)
    t = threading.Thread(target=sender, args=(s, data))
    t.start()
    got = bytearray()
    try:
        while True:
            part = s.recv(65536)
            if not part:
                break
            got += part
            if may_end and len(got) > len(data) // 4:
                may_end()
                may_end = None
    except ConnectionError:
        if may_end is not None:
            raise
    finally:
        # never close() beside the sender: the number may be another thread's socket when it sends
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended
        t.join(WAIT)
        s.close()
    if data[: len(got)] != got:
        raise RuntimeError("port %d: other bytes came back" % port)
    return len(got)


def datagrams(port, rnd):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(1)
    s.connect(("127.0.0.1", port))
    data = rnd.randbytes(rnd.choice((0, 1, 64, 1400, 9000, 65507)))
    for _ in range(WAIT):
        s.send(data)
        try:
            if s.recv(65536) != data:
                raise RuntimeError("udp port %d: another datagram came back" % port)
            return
        except TimeoutError:
            continue
    raise RuntimeError("udp port %d: silence" % port)


def churn(number):
    rnd = random.Random(seed * 100 + number)
    first = 10000 + number * 100
    while not stop.is_set():
        kind = rnd.randrange(4)
        port = first + rnd.randrange(50)
        spec = {"proto": "udp" if kind == 0 else "tcp", "parentPort": port, "childPort": 7}
        where = "/v1/ports/%d" % call("POST", "/v1/ports", spec)["id"]
        if kind == 0:
            datagrams(port, rnd)
            call("DELETE", where)
        elif kind == 1:  # removed in the middle
            n = transfer(port, rnd.randbytes(8 << 20), lambda: call("DELETE", where))
            count("ended", n < 8 << 20)
        else:
            data = rnd.randbytes(rnd.randrange(300000))
            if transfer(port, data) != len(data):
                raise RuntimeError("port %d: the end is missing" % port)
            call("DELETE", where)
        if kind:
            try:
                tcp(port)
                raise RuntimeError("port %d is open, although it was removed" % port)
            except ConnectionRefusedError:
                pass
        count("ports")
        count("transfers")


def steady_tcp(_):
    s = tcp(7007)
    data = random.Random(seed).randbytes(50000)
    while not stop.is_set():
        s.sendall(data)
        left = bytearray()
        while len(left) < len(data):
            part = s.recv(65536)
            if not part:
                raise RuntimeError("the connection that stays has ended")
            left += part
        if left != data:
            raise RuntimeError("the connection that stays brought other bytes")
        count("steady")
    s.close()


def steady_udp(number):
    rnd = random.Random(seed * 1000 + number)
    while not stop.is_set():
        datagrams(7007, rnd)
        count("steady")


def guarded(f, number):
    try:
        f(number)
    except Exception as e:
        wrong.append("%s %d: %s: %s" % (f.__name__, number, type(e).__name__, e))
        stop.set()


threads = [threading.Thread(target=guarded, args=(f, i)) for i, f in enumerate([churn] * 4 + [steady_tcp, steady_udp])]
for t in threads:
    t.start()
stop.wait(seconds)
least = time.monotonic() + WAIT  # on a slow machine a little longer
while not stop.is_set() and time.monotonic() < least and min(done.values()) < 2:
    stop.wait(0.05)
stop.set()
for t in threads:
    t.join(3 * WAIT)
print("# %(ports)d ports, %(transfers)d transfers, %(ended)d of them cut, %(steady)d beside" % done)
if not wrong and min(done.values()) < 2:
    wrong.append("less than two of each")
print("; ".join(wrong) or "all right")
