# SPDX-License-Identifier: Apache-2.0
"""port_drain.py SOCKET - removal with --drain: what is open goes on, nothing new comes, it is bounded"""
import json
import socket
import subprocess
import sys
import time

PORT = 7007


def ctl(*args):
    return subprocess.run(["rootlessctl", "--socket", sys.argv[1], *args],
                          capture_output=True, text=True)


def check(what, good, said=""):
    print(f"{'ok' if good else 'not ok'} - {what}")
    if not good:
        print(f"# {said}")


def connected():
    s = socket.create_connection(("127.0.0.1", PORT), 5)
    return s if echoes(s) else None


def echoes(s):
    s.sendall(b"hello")
    return s.recv(5, socket.MSG_WAITALL) == b"hello"


def refused():
    try:
        socket.create_connection(("127.0.0.1", PORT), 5).close()
    except ConnectionRefusedError:
        return True
    return False


def ends(s):
    """it is reset, or ended, within a few seconds"""
    s.settimeout(10)
    try:
        return s.recv(5) == b""
    except ConnectionResetError:
        return True


old = connected()
begin = time.monotonic()
r = ctl("remove-ports", "--drain=60", "1")
took = time.monotonic() - begin
check("the answer does not wait for connections", r.stdout == "1\n" and took < 20, (r, took))
check("nothing new is taken", refused())
check("the port is not listed", ctl("list-ports", "--json").stdout == "")
check("what is open goes on", echoes(old))
check("the port is free for another", ctl("add-ports", f"127.0.0.1:{PORT}:7/tcp").stdout == "2\n")
new = connected()
check("both at once", echoes(old) and echoes(new))
active = json.loads(ctl("list-ports", "--json", "--stats").stdout)["stats"]["active"]
check("the new one has its own connections", active == 1, active)
old.shutdown(socket.SHUT_WR)
check("an end passes", ends(old))

begin = time.monotonic()
ctl("remove-ports", "--drain=1", "2")
check("and again", echoes(new))
check("a connection that does not end is ended", ends(new))
took = time.monotonic() - begin
check("after that time, not before", 0.9 < took < 8, took)

for bad in "-1", "3601":
    r = ctl("remove-ports", f"--drain={bad}", "1")
    check(f"{bad} s are refused", r.returncode == 1 and "drain" in r.stderr, r)
