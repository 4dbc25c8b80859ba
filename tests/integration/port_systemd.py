#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""port_systemd.py ARG... - be systemd: pass sockets to rootless-supervisor ARG..., and keep them

Of $NAMES, each "NAME=tcp4,ADDRESS,PORT" and a slash between them; tcp6, both (one of both families), udp4 or unix. A process that holds
them as systemd does writes its pid to $HOLDER.
"""
import os
import socket
import sys


def make(kind, address="", port="0"):
    if kind == "unix":
        s = socket.socket(socket.AF_UNIX)
        s.bind("\0" + str(os.getpid()))
        s.listen()
        return s
    v6 = kind in ("tcp6", "both")
    s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET,
                      socket.SOCK_DGRAM if kind == "udp4" else socket.SOCK_STREAM)
    if v6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, kind == "tcp6")
    s.bind((address, int(port)))
    if kind != "udp4":
        s.listen()
    return s


pairs = [p.split("=") for p in os.environ["NAMES"].split("/")]
names = [name for name, _ in pairs]
high = [os.dup(make(*what.split(",")).detach()) for _, what in pairs]
for i, fd in enumerate(high):  # above all that the next loop writes
    os.dup2(fd, 100 + i)
args = sys.argv[1:]
for i, arg in enumerate(args):  # lib.sh's may be one of ours
    if arg.startswith("--ready-fd="):
        os.dup2(int(arg.split("=")[1]), 99)
        args[i] = "--ready-fd=99"
os.closerange(3, 99)
for i in range(len(pairs)):
    os.dup2(100 + i, 3 + i)
os.closerange(100, 200)
if os.fork() == 0:
    os.closerange(0, 3)
    os.closerange(99, 100)
    with open(os.environ["HOLDER"], "w") as f:
        f.write(str(os.getpid()))
    os.execvp("sleep", ["sleep", "1000"])
os.environ.update(LISTEN_PID=os.environ.get("PID", str(os.getpid())), LISTEN_FDS=str(len(pairs)), LISTEN_FDNAMES=":".join(names))
os.execvp("rootless-supervisor", ["rootless-supervisor", *args])
