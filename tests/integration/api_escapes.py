# SPDX-License-Identifier: Apache-2.0
# api_escapes.py SOCKET - an API all of whose words would command the terminal
import json
import socket
import sys

BAD = "\x1b]0;title\x07\x1b[2Jx\x9b31m\u202ey\r"
SPEC = {"proto": BAD, "parentIP": BAD, "parentPort": 1, "childPort": 1, "childIP": BAD}
STATS = {"active": 1, "accepted": 1, "bytesIn": 1, "bytesOut": 1, "refused": 1, "lastError": BAD}
WORKERS = {"relay": {"state": BAD, "restarts": 1, "budgets": {BAD: {"used": 1, "max": 2}}, "totals": {BAD: 3}}, BAD: {"state": "up", "restarts": 0}}
FLOW = {"worker": BAD, "proto": BAD, "kind": BAD, "state": BAD, "childIP": BAD, "childPort": 1, "farIP": BAD, "farPort": 1, "bytesIn": 5, "bytesOut": 5}
INFO = {
    "apiVersion": BAD, "version": BAD, "stateDir": BAD, "childPID": 1, "workers": WORKERS,
    "networkDriver": {"driver": BAD, "dns": [BAD], "childIP": BAD, "extra": {"accel": BAD, "accelReason": BAD, "dnsServers": [BAD], "sandbox": {"relay": BAD}}},
    "portDriver": {"driver": BAD, "protos": [BAD]}, "instance": {"pid": 1, "started": 1, "detachedNetns": True},
}
ANSWERS = {
    "/v1/info": INFO,
    "/v1/ports": [{"id": 1, "spec": SPEC, "stats": STATS}],
    "/v1/flows": {"flows": [FLOW], "complete": True, "next": 0, "workers": WORKERS},
    "/v1/events": "\x1b[2Jevent\x9b\n",
    "/v1/metrics": "name{of=\"\x1b[2J\"} 1\n",
}

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
while True:
    conn = listener.accept()[0]
    with conn:
        method, path = conn.recv(65536).split()[:2]
        answer = ANSWERS.get(path.decode().split("?")[0], {})
        body = (answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)).encode()
        status = "200 OK"
        if method != b"GET":
            status, body = "400 Bad Request", json.dumps({"message": BAD}).encode()
        conn.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status.encode(), len(body), body))
