# SPDX-License-Identifier: Apache-2.0
"""net_echo.py - echo requests by hand: what comes back, and from whom"""
import os
import select
import socket
import struct
import sys
import time


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ping_socket(addr):
    v6 = ":" in addr
    if v6:
        return socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


def send(s, addr, ident, seq, size, broken=False):
    v6 = ":" in addr
    head = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, ident, seq)
    data = bytes(i & 0xFF for i in range(size))
    if not v6:
        total = checksum(head + data) ^ (1 if broken else 0)
        head = struct.pack("!BBHHH", 8, 0, total, ident, seq)
    s.sendto(head + data, (addr, 0))


def receive(s, addr, within=2):
    """(what, id, seq) of the next answer; None when there is none"""
    v6 = ":" in addr
    end = time.monotonic() + within
    while (left := end - time.monotonic()) > 0:
        if not select.select([s], [], [], left)[0]:
            return None
        pkt, sender = s.recvfrom(70000)
        skip = 0 if v6 else (pkt[0] & 15) * 4
        icmp = pkt[skip:]
        kind, code, _, rest = struct.unpack("!BBHI", icmp[:8])
        if kind == (129 if v6 else 0):
            good = icmp[8:] == bytes(i & 0xFF for i in range(len(icmp) - 8))
            if not v6 and checksum(icmp):
                good = False
            return (f"{len(icmp) - 8} bytes of {sender[0]}" if good else "spoilt", rest >> 16, rest & 0xFFFF)
        if kind in ((1, 2, 3, 4) if v6 else (3, 11, 12)):
            inner = icmp[8:]
            where = 40 if v6 else 20
            ident, seq = struct.unpack("!HH", inner[where + 4 : where + 8])
            if not v6 and socket.inet_ntoa(inner[16:20]) != addr:
                continue  # about something else
            return (f"error {kind} {code} {rest} of {sender[0]}", ident, seq)
    return None


def one(addr, ttl=64, size=32, cut=1):
    s = ping_socket(addr)
    if ":" in addr:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, int(ttl))
    else:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, int(ttl))
        s.setsockopt(socket.IPPROTO_IP, 10, 0 if int(cut) else 3)  # IP_MTU_DISCOVER: DONT, PROBE
    ident = os.getpid() & 0xFFFF
    for seq in range(2):  # twice by one flow
        send(s, addr, ident, seq, int(size))
        got = receive(s, addr)
        if got is None:
            return "nothing"
        if got[1:] != (ident, seq):
            return f"a foreign id: {got}"
    return got[0]


def long(addr, size):
    """the host may have to learn the path's MTU from the first"""
    s = ping_socket(addr)
    for seq in range(8):
        send(s, addr, 78, seq, int(size))
        got = receive(s, addr, 0.2 + seq * 0.3)
        if got:
            return got[0]
    return "nothing"


def broken(addr):
    s = ping_socket(addr)
    send(s, addr, 77, 1, 32, True)
    return "nothing" if receive(s, addr, 0.2) is None else "an answer"


def many(addr, n):
    """n pings with an id each; how many are answered, when each waits for the one before"""
    s = ping_socket(addr)
    good = 0
    for ident in range(1, int(n) + 1):
        send(s, addr, ident, 1, 8)
        got = receive(s, addr)
        good += got is not None and got[1] == ident
    return good


def tcp(addr, hops, port=7):
    """a connection whose SYN goes so far; 5 bytes to an echo server when it stands"""
    v6 = ":" in addr
    s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET)
    level = socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP
    s.setsockopt(level, socket.IPV6_UNICAST_HOPS if v6 else socket.IP_TTL, int(hops))
    s.setsockopt(level, 25 if v6 else 11, 1)  # RECVERR
    s.settimeout(3)
    try:
        s.connect((addr, int(port)))
    except OSError as e:
        s.setblocking(False)  # with a timeout recvmsg() would wait for it
        try:
            control = s.recvmsg(1024, 1024, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)[1][0][2]
        except OSError:
            return os.strerror(e.errno)
        at = 16 + (8 if v6 else 4)
        sender = socket.inet_ntop(s.family, control[at : at + (16 if v6 else 4)])
        return f"error {control[5]} {control[6]} of {sender}"
    s.sendall(b"hello")
    return s.recv(5).decode()


print(globals()[sys.argv[1]](*sys.argv[2:]))
