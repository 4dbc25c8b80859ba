# SPDX-License-Identifier: Apache-2.0
"""api_stranger.py SOCKET - a server of the API that says what it likes; prints what it was asked"""
import os
import socket
import sys
import time

EMPTY = 4
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
s.listen(8)
begun, empty = 0, 0
while True:
    c, _ = s.accept()
    path = c.recv(4096).split(b" ")[1].decode()
    if path == "/v1/info":
        body = '{"childPID":1,"stateDir":"/tmp"}'
    elif path == "/v1/events?after=1":
        begun = begun or time.monotonic()
        empty += 1
        if empty > EMPTY:
            print("took", "long enough" if time.monotonic() - begun >= 0.9 else "no time", flush=True)
            c.close()
            continue
        body = ""
    elif path == "/v1/events?after=9":
        body = '{"seq":11}'
    else:
        print(path, end="", flush=True)
        c.close()
        continue
    c.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    c.close()
