# SPDX-License-Identifier: Apache-2.0
# net_flows.py out|client - open flows, tell the ports of TCP and UDP, hold them until stdin ends
# net_flows.py listed RUNG TCPPORT UDPPORT - what must be in the list of flows on stdin, and is not; status 1 then
import json
import select
import socket
import sys

ECHO = ("192.0.2.2", 7)
DNS = ("10.0.2.3", 53)
PING_ID = 0x22
MORE = 60  # connections, so that they come in several pieces


def echoed(s, data):
    s.sendall(data)
    assert len(s.recv(len(data), socket.MSG_WAITALL)) == len(data)


def out():
    tcp = socket.create_connection(ECHO)
    echoed(tcp, bytes(3000))
    more = [socket.create_connection(ECHO) for _ in range(MORE)]
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.connect(ECHO)
    echoed(udp, b"x")
    ping = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    ping.connect(ECHO)
    ping.send(bytes((8, 0, 0xF7, 0xDD, 0, PING_ID, 0, 0)))
    dns = socket.create_connection(DNS)
    print(tcp.getsockname()[1], udp.getsockname()[1], flush=True)
    while not select.select([sys.stdin], [], [], 5)[0]:  # after 10 s without a word it is closed
        new = socket.create_connection(DNS)
        dns.close()
        dns = new
    for s in more + [dns]:
        s.close()


def client():
    tcp = socket.create_connection(("127.0.0.1", 7007))
    echoed(tcp, bytes(500))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.connect(("127.0.0.1", 7008))
    echoed(udp, b"x")
    print("open", flush=True)
    sys.stdin.read()


def listed(rung, tcp_port, udp_port):
    to = {"farIP": "192.0.2.2", "farPort": 7, "kind": "out"}
    child = {"childIP": "10.0.2.100"}
    by_relay = {"worker": "relay", "age": (0, 60)}
    moved = {"state": "open", "bytesIn": 3000, "bytesOut": 3000}
    server = {"kind": "published", "childIP": "10.0.2.100", "childPort": 7, "farIP": "127.0.0.1", **by_relay}
    wanted = [
        {"worker": "slirp", "proto": "icmp", "kind": "out", "farIP": "192.0.2.2", "childPort": PING_ID, "idle": (0, 60), **child},
        {"proto": "tcp", "portID": 1, "state": "open", "bytesIn": 500, "bytesOut": 500, **server},
        {"proto": "udp", "portID": 2, "state": "open", "idle": (0, 60), **server},
    ]
    if rung == "off":
        wanted.append({"worker": "slirp", "proto": "tcp", **to, **moved})
    else:
        wanted.append({"proto": "tcp", "childPort": int(tcp_port), **to, **moved, **child, **by_relay})
        wanted.append({"proto": "tcp", "kind": "dns", "farIP": "192.0.2.2", "farPort": 53, **child, **by_relay})
    if rung == "tproxy":
        wanted.append({"proto": "udp", "state": "open", "childPort": int(udp_port), "idle": (0, 60), **to, **child, **by_relay})
    answer = json.load(sys.stdin)
    missing = [w for w in wanted if not any(fits(f, w) for f in answer["flows"])]
    out = [f for f in answer["flows"] if f["proto"] == "tcp" and f["kind"] == "out"]
    if len(out) != MORE + 1 or (rung != "off" and len({f["childPort"] for f in out}) != MORE + 1):
        missing.append(f"connections out: {len(out)}")
    if not answer["complete"] or answer["total"] != len(answer["flows"]):
        missing.append("the end of the list")
    if missing:
        print(*missing, "among", *answer["flows"], sep="\n")
        sys.exit(1)


def fits(flow, want):
    for k, v in want.items():
        if isinstance(v, tuple):
            if k not in flow or not v[0] <= flow[k] <= v[1]:
                return False
        elif flow.get(k) != v:
            return False
    return True


{"out": out, "client": client, "listed": listed}[sys.argv[1]](*sys.argv[2:])
