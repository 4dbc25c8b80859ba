# SPDX-License-Identifier: Apache-2.0
"""run_signal_at_fork.py PROGRAM ARG... - SIGINT while the child is stopped at a call around its fork

The command is `nsprobe sigcount`. Called by run_signal_at_fork.sh, as the user, with a build that
injects faults: FAULT=child:INDEX:SIGSTOP stops the child (and its fork, when that gets so far).
"""
import os
import pty
import signal
import subprocess
import sys
import time

WAIT_S = 10.0
PENDING = 1 << (signal.SIGINT - 1)


def until(what, condition):
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        got = condition()
        if got:
            return got
        time.sleep(0.001)
    raise TimeoutError(what)


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(p) for p in f.read().split()]
    except OSError:
        return []


def status(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as f:
            return dict(line.rstrip().split(":\t", 1) for line in f if ":\t" in line)
    except OSError:
        return {}


def family(pid):
    return [pid] + [p for c in children(pid) for p in family(c)]


def stopped(pid):
    return [p for p in family(pid) if status(p).get("State", "?")[0] == "T"]


def trace(args):
    path = os.path.join(os.environ["TMPDIR"], "trace")
    subprocess.run(args + ["sleep", "0.1"], env=dict(os.environ, FAULT="record:" + path), check=True)
    with open(path, encoding="ascii") as f:
        calls = [line.split() for line in f]
    os.unlink(path)
    calls = [(int(n), call) for role, n, call, _ in calls if role == "child"]
    fork = max(n for n, c in calls if c == "fork")
    return fork, min(n for n, c in calls if c == "poll" and n > fork)


def output(master):
    text = b""
    while True:
        try:
            got = os.read(master, 4096)
        except OSError:
            return text.decode()
        if not got:
            return text.decode()
        text += got


def once(args, index, how):
    """how often the command has got SIGINT"""
    pid, master = pty.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # the command's from its exec on
        os.environ["FAULT"] = f"child:{index}:SIGSTOP"
        os.execv(args[0], args + ["nsprobe", "sigcount"])
    first = until("the child or its fork stops", lambda: stopped(pid))[0]
    if how == "terminal":
        os.write(master, b"\x03")
    else:
        os.killpg(pid, signal.SIGINT)
    until("the signal is there", lambda: int(status(first)["ShdPnd"], 16) & PENDING)
    end = time.monotonic() + WAIT_S
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        for p in stopped(pid):
            os.kill(p, signal.SIGCONT)
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)
    os.waitpid(pid, 0)
    text = output(master)
    os.close(master)
    return text.count("SIGINT")


def main():
    args = sys.argv[1:]
    fork, poll = trace(args)
    print(f"# the fork is call {fork}, the first wait is call {poll}")
    for how in ("terminal", "group"):
        wrong = {i: n for i in range(fork - 1, poll + 1) if (n := once(args, i, how)) != 1}
        print(f"{'not ok' if wrong else 'ok'} - SIGINT from the {how} at each call: once {wrong or ''}")


main()
