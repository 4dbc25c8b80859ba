#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""framepeer.py - the other side of vpnkit's and gvproxy's protocols, as small as it can be

framepeer.py --ethernet PATH --mtu MTU [--host-ip IP] is what vpnkit is called with, framepeer.py
-listen unix://PATH -mtu MTU -ssh-port -1 what gvproxy is, whose network is 192.168.127.0/24. One
client at a time. Behind the socket is a network 192.168.65.0/24 with one host, 192.168.65.1, which
answers ARP, DHCP and ping and echoes what comes to port 7 of TCP and UDP. The environment makes it
misbehave: VPNKIT_REFUSE=TEXT refuses the interface, VPNKIT_SLOW=SECONDS listens late, VPNKIT_VERSION
is another one, or with a minus another protocol; GVPROXY_HALVES sends a frame at once, its second half
after half a second. It appends what it was called with and what it was asked to VPNKIT_LOG.
Written from the description of the wire in moby/vpnkit's documentation, without our C code.
"""
import os
import socket
import struct
import sys
import time

if sys.argv[1] == "--ethernet":
    GATEWAY, CLIENT = bytes([192, 168, 65, 1]), bytes([192, 168, 65, 3])
    MAC, CLIENT_MAC = bytes.fromhex("f6161622a5e1"), bytes.fromhex("025000000001")
else:
    GATEWAY, CLIENT = bytes([192, 168, 127, 1]), bytes([192, 168, 127, 2])
    MAC, CLIENT_MAC = bytes.fromhex("5a94efe40cdd"), bytes.fromhex("5a94efe40cee")


def log(text):
    with open(os.environ.get("VPNKIT_LOG", "/dev/null"), "a", encoding="ascii") as f:
        f.write(text + "\n")


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack(f">{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return ~s & 0xFFFF


class Host:
    """the gateway"""

    def __init__(self, send, mtu):
        self.send, self.mtu, self.tcp = send, mtu, {}

    def ip(self, dst_mac, dst, proto, payload):
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, proto, 0, GATEWAY, dst)
        head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
        self.send(dst_mac + MAC + b"\x08\x00" + head + payload)

    def l4(self, dst_mac, dst, proto, segment, at):
        pseudo = GATEWAY + dst + struct.pack(">BBH", 0, proto, len(segment))
        check = checksum(pseudo + segment) or 0xFFFF
        self.ip(dst_mac, dst, proto, segment[:at] + struct.pack(">H", check) + segment[at + 2:])

    def udp(self, dst_mac, dst, sport, dport, data):
        self.l4(dst_mac, dst, 17, struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data, 6)

    def frame(self, frame):
        src, kind, body = frame[6:12], frame[12:14], frame[14:]
        if kind == b"\x08\x06" and body[6:8] == b"\0\1" and body[24:28] == GATEWAY:
            self.send(src + MAC + b"\x08\x06" + body[:6] + b"\0\2" + MAC + GATEWAY + body[8:18])
        elif kind == b"\x08\x00" and body[0] == 0x45:
            body = body[:struct.unpack(">H", body[2:4])[0]]
            self.packet(src, body[9], body[12:16], body[16:20], body[20:])

    def packet(self, mac, proto, src, dst, data):
        if proto == 17 and data[:4] == struct.pack(">HH", 68, 67):
            self.dhcp(data[8:])
        elif dst != GATEWAY:
            return
        elif proto == 1 and data[0] == 8:
            answer = b"\0\0\0\0" + data[4:]
            self.ip(mac, src, 1, answer[:2] + struct.pack(">H", checksum(answer)) + answer[4:])
        elif proto == 17:
            sport, dport = struct.unpack(">HH", data[:4])
            if dport == 7:
                self.udp(mac, src, 7, sport, data[8:])
        elif proto == 6:
            self.segment(mac, src, data)

    def dhcp(self, q):
        if q[28:34] != CLIENT_MAC:
            log("dhcp with another hardware address: " + q[28:34].hex())
            return
        kind = q[242] if q[240:242] == b"\x35\x01" else 0
        log(f"dhcp {kind}")
        options = bytes([53, 1, 2 if kind == 1 else 5, 54, 4]) + GATEWAY + b"\x01\x04\xff\xff\xff\0"
        options += bytes([3, 4]) + GATEWAY + bytes([6, 4]) + GATEWAY + b"\x33\x04\0\0\x1c\x20\xff"
        a = b"\2\1\6\0" + q[4:12] + bytes(4) + CLIENT + GATEWAY + bytes(4) + q[28:44] + bytes(192)
        data = a + bytes([99, 130, 83, 99]) + options
        self.udp(CLIENT_MAC, b"\xff\xff\xff\xff", 67, 68, data)

    def segment(self, mac, src, data):
        """an echo server that takes what comes in order and sends it back; the client repeats the rest"""
        sport, dport, seq, ack = struct.unpack(">HHII", data[:12])
        flags, payload, key = data[13], data[(data[12] >> 4) * 4:], (src, sport)

        def answer(bits, body=b""):
            state = self.tcp.get(key, [0, 0])
            opts = struct.pack(">BBH", 2, 4, self.mtu - 40) if bits & 2 else b""
            head = struct.pack(">HHIIBBHHH", dport, sport, state[1] & 0xFFFFFFFF, state[0] & 0xFFFFFFFF,
                               (20 + len(opts)) << 2, bits, 65535, 0, 0)
            self.l4(mac, src, 6, head + opts + body, 16)
            if key in self.tcp:
                state[1] += len(body) + (1 if bits & 3 else 0)

        if flags & 4:
            self.tcp.pop(key, None)
        elif flags & 2 and dport == 7:
            self.tcp[key] = [seq + 1, 1000]  # what we expect, what we send next
            answer(0x12)
        elif key not in self.tcp:
            # a reset carries no acknowledgement of ours but the client's own numbers
            self.tcp[key] = [seq + max(1, len(payload)), ack]
            answer(0x14)
            del self.tcp[key]
        else:
            state = self.tcp[key]
            if seq != state[0] & 0xFFFFFFFF:
                answer(0x10)
                return
            state[0] += len(payload)
            if payload:
                answer(0x18, payload)
            if flags & 1:
                state[0] += 1
                answer(0x11)


def take(conn, n):
    data = b""
    while len(data) < n:
        more = conn.recv(n - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def frames(conn, mtu):
    host = Host(lambda f: conn.sendall(struct.pack("<H", len(f)) + f), mtu)
    while True:
        host.frame(take(conn, struct.unpack("<H", take(conn, 2))[0]))


def serve_gvproxy(conn, mtu):
    """as Go's HTTP server: what is read behind the request is lost"""
    request = b""
    while b"\r\n\r\n" not in request:
        more = conn.recv(4096)
        if not more:
            raise EOFError
        request += more
    lines = request.decode().split("\r\n")
    log(lines[0])
    assert lines[0] == "POST /connect HTTP/1.1" and any(x.lower().startswith("host:") for x in lines), request
    if "GVPROXY_HALVES" in os.environ:
        # longer than the pause of the other side; nobody is meant
        frame = struct.pack("<H", 60) + b"\xfe" * 60
        conn.sendall(frame[:32])
        time.sleep(0.5)
        conn.sendall(frame[32:])
    frames(conn, mtu)


def serve_vpnkit(conn, mtu):
    hello = take(conn, 49)
    assert hello[:5] == b"VMN3T" and struct.unpack("<I", hello[5:9])[0] == 22, hello
    version = int(os.environ.get("VPNKIT_VERSION", "22"))
    conn.sendall((b"VMN3T" if version > 0 else b"VMNET") + struct.pack("<I", abs(version)) + b"0123456789012345678901234567890123456789")
    want = take(conn, 41)
    ip = want[37:41][::-1]
    log(f"interface {want[0]} {want[1:37].decode()} {socket.inet_ntoa(ip)}")
    refusal = os.environ.get("VPNKIT_REFUSE", "").encode()
    if refusal:
        conn.sendall(b"\2" + bytes([len(refusal)]) + refusal)
        return
    conn.sendall(b"\1" + struct.pack("<HH", mtu, mtu + 14) + CLIENT_MAC + bytes(247))
    frames(conn, mtu)


def main():
    args = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    log("called with " + " ".join(sys.argv[1:]))
    time.sleep(float(os.environ.get("VPNKIT_SLOW", "0")))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(args.get("--ethernet") or args["-listen"].removeprefix("unix://"))
    listener.listen()
    while True:
        conn = listener.accept()[0]
        try:
            (serve_vpnkit if "--ethernet" in args else serve_gvproxy)(conn, int(args.get("--mtu") or args["-mtu"]))
        except (EOFError, ConnectionError) as e:
            log(f"end of the connection: {e!r}")
        conn.close()


main()
