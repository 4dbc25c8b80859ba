# SPDX-License-Identifier: Apache-2.0
# net_host_loopback.py frames MAC PORT [ADDR...] - as root in the child: frames by hand to the gateway's MAC, to these
# addresses or to every class of them that could mean a loopback of the host, TCP and UDP; prints how many
# net_host_loopback.py canary PORT [ADDR...] - on these addresses of the host or its loopback: prints each connection and
# datagram
import itertools, select, socket, struct, sys

V4 = ("127.0.0.1 127.1.2.3 127.255.255.254 0.0.0.0 0.0.0.1 10.0.2.2 10.0.2.3 10.0.2.100 10.0.2.255 255.255.255.255 "
      "240.0.0.1 224.0.0.1").split()
V4_FROM = "10.0.2.100 10.0.2.2 127.0.0.1 0.0.0.0".split()
V6 = ("::1 :: ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.2.2 ::ffff:0:127.0.0.1 fd00::2 fd00::3 fd00::100 fe80::1 fec0::1 "
      "ff02::1").split()
V6_FROM = "fd00::100 fd00::2 ::1 ::ffff:127.0.0.1".split()


def total(b):
    b += b"\0" * (len(b) % 2)
    n = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    while n >> 16:
        n = (n >> 16) + (n & 0xFFFF)
    return ~n & 0xFFFF


# a datagram tells the address that it was sent to
def transport(proto, src, dst, sport, port):
    if proto == 6:
        p = struct.pack("!HHIIBBHHH", sport, port, 1, 0, 0x50, 2, 65535, 0, 0)
        at = 16
    else:
        text = socket.inet_ntop(socket.AF_INET if len(dst) == 4 else socket.AF_INET6, dst).encode()
        p = struct.pack("!HHHH", sport, port, 8 + len(text), 0) + text
        at = 6
    s = total(src + dst + struct.pack("!II", len(p), proto) + p)
    return p[:at] + struct.pack("!H", s or 0xFFFF) + p[at + 2 :]


def ip4(proto, src, dst, body, options=b"", flags=0):
    head = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(body), 7, flags, 64, proto, 0)
    head += src + dst + options
    return head[:10] + struct.pack("!H", total(head)) + head[12:] + body


def ip6(proto, src, dst, body):
    return struct.pack("!IHBB", 0x60000000, len(body), proto, 64) + src + dst + body


def packets(port, to4, to6):
    sport = 20000
    for to, by, proto in itertools.product(to4, V4_FROM, (6, 17)):
        sport += 1
        src, dst = socket.inet_aton(by), socket.inet_aton(to)
        t = transport(proto, src, dst, sport, port)
        yield 0x0800, ip4(proto, src, dst, t)
        # in two fragments
        yield 0x0800, ip4(proto, src, dst, t[:8], flags=0x2000)
        yield 0x0800, ip4(proto, src, dst, t[8:], flags=1)
        # by a source route, in IPv4 and in IPv6
        far = socket.inet_aton("192.0.2.2")
        route = b"\x83\x07\x04" + dst + b"\x00"
        yield 0x0800, ip4(proto, src, far, transport(proto, src, dst, sport, port), options=route)
        yield 0x0800, ip4(4, src, far, ip4(proto, src, dst, t))
    for to, by, proto in itertools.product(to6, V6_FROM, (6, 17)):
        sport += 1
        src, dst = socket.inet_pton(socket.AF_INET6, by), socket.inet_pton(socket.AF_INET6, to)
        t = transport(proto, src, dst, sport, port)
        yield 0x86DD, ip6(proto, src, dst, t)
        yield 0x86DD, ip6(0, src, dst, struct.pack("!BBHI", proto, 0, 0x0104, 0) + t)
        far = socket.inet_pton(socket.AF_INET6, "fd00::2")
        for kind in (0, 2):
            yield 0x86DD, ip6(43, src, far, struct.pack("!BBBBI", proto, 2, kind, 1, 0) + dst + t)
        yield 0x86DD, ip6(44, src, dst, struct.pack("!BBHI", proto, 0, 0, 9) + t)
        yield 0x0800, ip4(41, socket.inet_aton("10.0.2.100"), socket.inet_aton("10.0.2.2"), ip6(proto, src, dst, t))


def frames(mac, port, *to):
    to4, to6 = [a for a in to if ":" not in a], [a for a in to if ":" in a]
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("tap0", 0))
    n = 0
    for kind, packet in packets(int(port), to4 or V4, to6 or V6):
        s.send(bytes.fromhex(mac.replace(":", "")) + s.getsockname()[4] + struct.pack("!H", kind) + packet)
        n += 1
    print(n)


def canary(port, *addrs):
    socks = {}
    for addr, kind in itertools.product(addrs or ("127.0.0.1", "::1"), (socket.SOCK_STREAM, socket.SOCK_DGRAM)):
        s = socket.socket(socket.AF_INET6 if ":" in addr else socket.AF_INET, kind)
        if ":" in addr:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((addr, int(port)))
        if kind == socket.SOCK_STREAM:
            s.listen(64)
        socks[s] = addr
    print("ready", flush=True)
    while True:
        for s in select.select(list(socks), [], [])[0]:
            if s.type == socket.SOCK_STREAM:
                c, _ = s.accept()
                print("tcp", socks[s], flush=True)
                c.send(b"heard")
                c.close()
            else:
                data, peer = s.recvfrom(2000)
                print("udp", socks[s], data[:60].decode(errors="replace"), flush=True)
                s.sendto(b"heard", peer)


{"frames": frames, "canary": canary}[sys.argv[1]](*sys.argv[2:])
