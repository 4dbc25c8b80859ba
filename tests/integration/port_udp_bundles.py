# SPDX-License-Identifier: Apache-2.0
# port_udp_bundles.py - bundles of datagrams through a published port, for port_udp_bundles.sh
#
# serve PORT              answer each message that comes, a bundle by a bundle of the same datagrams
# ask FAMILY ADDR PORT    bundles and datagrams of all kinds: "ok", or what came back wrong
import ctypes, fcntl, socket, struct, sys, time

UDP_SEGMENT, UDP_GRO, SO_RCVBUFFORCE = 103, 104, 33
# bytes of each datagram, how many, bytes of the last: a bundle each
BUNDLES = [
    (1400, 40, 1400),
    (1400, 40, 1),
    (1400, 2, 1399),
    (64, 64, 64),
    (64, 63, 7),
    (8, 64, 8),
    (1472, 44, 700),
    (1300, 1, 1300),
    (1400, 2, 1400),
]
BIG = [(4000, 16, 4000), (4000, 9, 17), (9000, 7, 8999), (30000, 2, 29999)]


def buffers(s):
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)


def serve(port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    s.bind(("::", int(port)))
    print("ready", flush=True)
    bundles = 0
    while True:
        data, control, _, peer = s.recvmsg(65536, 256)
        size = [int.from_bytes(v, sys.byteorder) for level, kind, v in control if level == socket.IPPROTO_UDP]
        if data == b"bundles?":
            s.sendto(b"%d" % bundles, peer)
        elif size and size[0] < len(data):
            bundles += 1
            send(s, data, size[0], peer)
        else:
            s.sendto(data, peer)


def send(s, data, size, *to):
    try:
        control = [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", size))]
        s.sendmsg([data], control if len(data) > size else [], 0, *to)
    except OSError:  # longer than the path takes: as datagrams
        for i in range(0, len(data), size):
            s.sendmsg([data[i : i + size]], [], 0, *to)


def datagrams(seed, size, n, last):
    made = []
    for i in range(n):
        length = last if i == n - 1 else size
        made.append((struct.pack("!HH", seed, i) * (length // 4 + 1))[:length])
    return made


# what comes back, however long it takes; whatever was not sent is an error at once
def collect(s, sent):
    want = sorted(sent)
    got = []
    while len(got) < len(want):
        try:
            got.append(s.recv(65536))
        except TimeoutError:
            return None
        if got[-1] not in want:
            raise SystemExit("%d bytes came, which nobody sent" % len(got[-1]))
    if sorted(got) != want:
        raise SystemExit("some came twice")
    return got


def ask(family, addr, port):
    kind = socket.AF_INET6 if family == "6" else socket.AF_INET
    seed = 0
    for size, n, last in BUNDLES + BIG:
        for as_bundle in (True, False):
            for _ in range(5):  # a full buffer drops: then all of them again, from another port
                seed += 1
                s = socket.socket(kind, socket.SOCK_DGRAM)
                buffers(s)
                s.settimeout(2)
                s.connect((addr, int(port)))
                sent = datagrams(seed, size, n, last)
                if as_bundle:
                    send(s, b"".join(sent), size)
                else:
                    for d in sent:
                        s.send(d)
                if collect(s, sent):
                    break
            else:
                raise SystemExit("%d of %d bytes: some were lost, five times" % (n, size))
    # empty ones between others, and behind a bundle
    s.send(b"")
    send(s, bytes(3000), 1000)
    s.send(b"")
    if sorted(len(d) for d in collect(s, [b"", b"", bytes(1000), bytes(1000), bytes(1000)]) or []) != [0, 0, 1000, 1000, 1000]:
        raise SystemExit("not the five that were sent")
    print("ok")


def bundles(addr, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(0.5)
    for _ in range(10):
        s.sendto(b"bundles?", (addr, int(port)))
        try:
            print(s.recv(100).decode())
            return
        except TimeoutError:
            continue


# the card shall neither compute checksums nor cut bundles
def no_offload(name):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for what in (0x17, 0x24):  # ETHTOOL_STXCSUM, ETHTOOL_SGSO
        value = ctypes.create_string_buffer(struct.pack("=II", what, 0))
        fcntl.ioctl(s, 0x8946, struct.pack("=16sQ16x", name.encode(), ctypes.addressof(value)))


{f.__name__: f for f in (serve, ask, bundles, no_offload)}[sys.argv[1]](*sys.argv[2:])
