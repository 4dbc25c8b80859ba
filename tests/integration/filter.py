# SPDX-License-Identifier: Apache-2.0
"""filter.py CALL ARG MASK ERRNO COMMAND... - that system call fails in the command

With ERRNO when one of the bits MASK is in argument ARG; MASK 0: always. ERRNO -1: it kills. Root sets
the filter without no_new_privs, so that programs of set-user-ID go on to work behind it.
"""
import ctypes
import os
import platform
import struct
import sys

NUMBERS = {
    "x86_64": {"unshare": 272, "clone": 56, "mount": 165, "landlock": 444, "seccomp": 317,
               "socket": 41, "socketpair": 53},
    "aarch64": {"unshare": 97, "clone": 220, "mount": 40, "landlock": 444, "seccomp": 277,
                "socket": 198, "socketpair": 199},
}
LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
KILL, FAIL, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
PR_SET_SECCOMP, MODE_FILTER = 22, 2


def op(code, yes, no, k):
    return struct.pack("HBBI", code, yes, no, k)


nr = NUMBERS[platform.machine()][sys.argv[1]]
arg, mask, errnum = (int(v, 0) for v in sys.argv[2:5])
verdict = KILL if errnum < 0 else FAIL | errnum
prog = [op(LOAD, 0, 0, 0), op(EQUAL, 0, 3, nr), op(LOAD, 0, 0, 16 + 8 * arg),
        op(ANY_BIT, 0, 1, mask) if mask else op(EQUAL, 0, 0, 0),
        op(RETURN, 0, 0, verdict), op(RETURN, 0, 0, ALLOW)]
raw = ctypes.create_string_buffer(b"".join(prog))
fprog = struct.pack("HxxxxxxQ", len(prog), ctypes.addressof(raw))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.c_char_p(fprog), 0, 0) != 0:
    sys.exit(f"prctl: {ctypes.get_errno()}")
os.execvp(sys.argv[5], sys.argv[5:])
