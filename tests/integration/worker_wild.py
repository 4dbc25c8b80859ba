# SPDX-License-Identifier: Apache-2.0
"""worker_wild.py - write and send in a worker's name, as root of the host may

log PID SECONDS        lines into its log for so long; prints the bytes that were taken
message PID SECONDS TYPE VERSION LEN   messages on its control socket; prints how many were taken
"""
import ctypes
import os
import select
import socket
import struct
import sys
import time

SYS_PIDFD_GETFD = 438
CONTROL_FD = 3
LINE = b"1this line is one of a great many" + b"." * 466 + b"\n"


def until(fd, seconds, push):
    """push() as often as fd takes it; the sum of what it returns"""
    end, total = time.monotonic() + seconds, 0
    while (left := end - time.monotonic()) > 0:
        if select.select([], [fd], [], left)[1]:
            try:
                total += push()
            except BlockingIOError:
                pass
            except (BrokenPipeError, ConnectionResetError):  # it is dead
                break
    return total


def log(pid, seconds):
    fd = os.open(f"/proc/{pid}/fd/2", os.O_WRONLY | os.O_NONBLOCK)
    return until(fd, seconds, lambda: os.write(fd, LINE))


def message(pid, seconds, kind, version, length):
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(SYS_PIDFD_GETFD, os.pidfd_open(pid), CONTROL_FD, 0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    sock = socket.socket(fileno=fd)
    data = struct.pack("=HHI", version, kind, length) + bytes(length)
    return until(fd, seconds, lambda: 1 if sock.send(data, socket.MSG_DONTWAIT) else 0)


def main():
    pid, seconds = int(sys.argv[2]), float(sys.argv[3])
    if sys.argv[1] == "log":
        print(log(pid, seconds))
    else:
        print(message(pid, seconds, *map(int, sys.argv[4:])))


main()
