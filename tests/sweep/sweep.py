# SPDX-License-Identifier: Apache-2.0
"""sweep.py - fail or kill each call of a start and its stop, and look what is left

    sweep.py [--kinds N] [--shard I/N] [--only ROLE:INDEX[:KIND]] -- ARG...

Runs `rootless-supervisor ARG...` once for each planned FAULT (see lib/fault/fault.c), as root of a
PID, network, mount and IPC namespace that hold nothing else: sweep.sh makes them. A violation is a
line `not ok - FAULT=...` that reproduces it; figures go to the lines with `#`. Every call meets
SIGKILL, SIGTERM and all errnos of its class; with --kinds it meets N of them, the same each time.
"""
import errno
import hashlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time

ERRNOS = {
    "path": ["ENOENT", "EACCES", "ENOSPC", "EMFILE", "ELOOP"],
    "mount": ["EPERM", "EBUSY", "ENOMEM", "ENOSPC"],
    "net": ["EADDRINUSE", "EACCES", "ENOBUFS", "EMFILE", "ENODEV"],
    "proc": ["EAGAIN", "EPERM", "ENOMEM", "ESRCH"],
    "io": ["EINTR", "EAGAIN", "EPIPE", "EIO"],
    "memory": ["ENOMEM"],
}
# what the removal of the state directory calls, and its lock: they may leave it when they fail
REMOVAL = {"unlinkat", "readlink", "fstat", "fstatat", "openat", "flock"}
# what opens the API: then the child has the state directory, lives and removes it
OPENING = {"socket", "bind", "listen", "setsockopt", "chmod", "fchmodat"}
# what the kernel never tells of a file that is there, a peer that lives and a process of ours: the
# state directory may stay, and the end may come by a time limit or by itself
LIES = {("unlinkat", "ENOENT"), ("sendmsg", "EPIPE")} | {("kill", e) for e in ERRNOS["proc"]}
# what is told in other words than those of the errno: a lie of the above; a lock that is held; a file
# of ids that is absent; a descriptor that cannot be asked what it is; what poll() and recv() never say, read as the
# peer's end; what the child cannot say, because it is its saying that fails
OTHER_WORDS = re.compile(
    r"parent flock EAGAIN .* is in use by another instance"
    r"|parent openat ENOENT .*No sub[ug]id ranges found"
    r"|child unlinkat ENOENT .*creating .*: File exists"
    r"|relay getsockopt .*(is neither a UDP socket nor a TCP listener|not a new port with a)"
    r"|nsagent (poll|recv) EPIPE .*the agents? of .* (died|are dead)"
    r"|child sendmsg .*the child ended .*: exit status 1"
    r"|(relay|slirp|nursery) sendmsg EPIPE .* worker exited with status 0", re.S)
TRACE = "/root/trace"
MEMORY = {"malloc", "calloc", "realloc", "strdup", "strndup", "vasprintf"}  # always ENOMEM
SIGNALS = ["SIGKILL", "SIGTERM"]
END_S = 10.0  # from the end of the program to the end of all its processes
WALL_S = 5.0  # a start that has failed must not let its user wait
TRIES = 4  # one of them must be in time: others use the machine as well
FAIR_S = 1.0  # a start and its stop without a fault: some 0.1 s of an idle machine
REST_S = 5  # between two tries: a kernel that is slow to end namespaces is so for seconds
LIMIT_S = 6.0  # the longest limit of the program but that of the whole start
HANG_S = 45.0  # more than any limit of the program: it is killed
RECORDINGS = 3  # calls come in an order that varies a little: the union is swept
COMPARED = ("/proc/self/mountinfo", "/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp",
            "/proc/net/udp6", "/proc/net/raw", "/proc/net/dev", "/proc/net/unix")


class World:
    """what must be the same after each run"""

    def __init__(self):
        self.user, self.group = int(os.environ["RK_UID"]), int(os.environ["RK_GID"])
        self.run, self.tmp = os.environ["RK_RUN"], os.environ["RK_TMP"]
        self.trees = [self.run, self.tmp, os.environ["RK_HOME"], "/etc/rs-canary",
                      "/run/rs-canary"]
        self.kept = {t: self.save(t) for t in (self.run, self.tmp)}
        self.before = self.look()

    @staticmethod
    def save(tree):
        copy = "/root/kept" + tree.replace("/", "_")
        subprocess.run(["cp", "-a", tree, copy], check=True)
        return copy

    def restore(self):
        """after a violation: the next run starts from the same trees and without its remains"""
        for pid in self.others():
            os.kill(pid, signal.SIGKILL)
        for tree, copy in self.kept.items():
            for name in os.listdir(tree):
                path = os.path.join(tree, name)
                if os.path.isdir(path) and not os.path.islink(path):
                    shutil.rmtree(path)
                else:
                    os.unlink(path)
            subprocess.run(["cp", "-a", copy + "/.", tree], check=True)

    @staticmethod
    def others():
        return [int(d) for d in os.listdir("/proc") if d.isdigit() and int(d) != os.getpid()]

    def wait_for_processes(self):
        """what outlives the program becomes ours, PID 1; the names of those that do not end"""
        deadline, pause = time.monotonic() + END_S, 0.0005
        while True:
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                pass
            left = self.others()
            if not left or time.monotonic() > deadline:
                return [self.name(pid) for pid in left]
            time.sleep(pause)
            pause = min(pause * 2, 0.05)

    @staticmethod
    def name(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
                return f.read(60).split(")")[0].split("(")[-1]
        except OSError:
            return "?"

    @staticmethod
    def entry(path):
        st = os.lstat(path)
        text = f"{path} {st.st_mode:o} {st.st_uid}:{st.st_gid}"
        if os.path.islink(path):
            return f"{text} -> {os.readlink(path)}"
        if os.path.isfile(path):
            with open(path, "rb") as f:
                return f"{text} {st.st_nlink} {hashlib.sha256(f.read()).hexdigest()}"
        return text

    def look(self):
        seen = set()
        for tree in self.trees:
            seen.add(self.entry(tree))
            for top, dirs, files in os.walk(tree):
                seen.update(self.entry(os.path.join(top, n)) for n in dirs + files)
        for tree in ("/etc", "/run"):  # the sources of copy-up, whole at the end of the world
            seen.update(f"{tree}/{n}" for n in os.listdir(tree))
        for table in COMPARED:
            with open(table, encoding="utf-8") as f:
                seen.update(f"{table} {self.static(table, line)}" for line in f)
        return seen

    @staticmethod
    def static(table, line):
        word = line.split()
        if table == "/proc/net/dev":
            return word[0]
        if table == "/proc/net/unix":
            return " ".join(word[3:4] + word[7:])  # listeners have a name
        return line.rstrip()

    def differences(self):
        after = self.look()
        return sorted("new: " + d for d in after - self.before) + \
            sorted("gone: " + d for d in self.before - after)


class Program:
    """the program as the user runs it"""

    def __init__(self, world, args):
        self.world, self.args = world, args
        self.env = {"USER": os.environ["RK_USER"], "HOME": os.environ["RK_HOME"],
                    "XDG_RUNTIME_DIR": world.run, "TMPDIR": world.tmp, "LANG": "C.UTF-8",
                    "PATH": os.environ["RK_BIN"] + ":/usr/bin:/bin:/usr/sbin:/sbin"}
        self.program = os.environ["RK_BIN"] + "/rootless-supervisor"

    def run(self, fault, args=None):
        """status (negative: killed by that signal), stderr, seconds"""
        env = dict(self.env, FAULT=fault, FAULT_TRACE=TRACE) if fault else self.env
        with open(TRACE, "w", encoding="ascii"):
            os.chmod(TRACE, 0o666)
        with open("/root/stderr", "w+b") as err:
            begin = time.monotonic()
            p = subprocess.Popen([self.program] + (args or self.args), env=env, stderr=err,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/",
                                 user=self.world.user, group=self.world.group, extra_groups=[])
            fd = os.pidfd_open(p.pid)
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            if not poll.poll(HANG_S * 1000):
                p.kill()
            os.close(fd)
            p.wait()
            seconds = time.monotonic() - begin
            err.seek(0)
            return p.returncode, err.read().decode("utf-8", "replace"), seconds

    @staticmethod
    def trace():
        with open(TRACE, encoding="ascii") as f:
            return [line.split() for line in f]

    def record(self):
        """(role, index) -> set of classes; the calls of each recording in their order"""
        calls, order = {}, []
        for n in range(RECORDINGS):
            status, err, _ = self.run("record")
            if status not in (0, 143):
                sys.exit(f"not ok - the recorded start ends with {status}\n# {err}")
            self.world.wait_for_processes()
            order.append([])
            for role, index, call, kind in self.trace():
                calls.setdefault((role, int(index)), set()).add(kind)
                order[n].append((role, int(index), call))
        return calls, order


class Sweep:
    def __init__(self, world, program):
        self.world, self.program = world, program
        self.calls, recorded = program.record()
        # the child's last wait: the parent may have released the command, or not
        self.released = min(self.first(r, "child", "signalfd") for r in recorded) - 2
        # the parent has written child_pid, and has not let the command go
        renames = [[i for role, i, call in r if (role, call) == ("parent", "renameat")][-1]
                   for r in recorded]  # the last is that of child_pid
        self.strict = range(max(renames), min(self.first(r, "parent", "sendmsg", n)
                                              for r, n in zip(recorded, renames)) + 1)
        self.runs = self.violations = self.missed = 0
        self.longest = (0, "")

    @staticmethod
    def first(recorded, role, call, after=0):
        return next(i for r, i, c in recorded if (r, c) == (role, call) and i > after)

    def plan(self, most):
        for (role, index), classes in sorted(self.calls.items()):
            kinds = SIGNALS + sorted({e for c in classes for e in ERRNOS[c]})
            # the hash: neighbours of a class meet different kinds
            start = hashlib.sha256(f"{role}{index}".encode()).digest()[0]
            for n in range(min(most, len(kinds))):
                yield f"{role}:{index}:{kinds[(start + n) % len(kinds)]}"

    def allowed(self, role, index, kind, call):
        status = {0, 125, 143} if kind not in SIGNALS else {0, 125, 143, 137}
        if role == "parent" and kind in SIGNALS:
            status |= {-signal.Signals[kind]}
        if role == "none" and kind in SIGNALS:
            status |= {-signal.Signals[kind], 128 + signal.Signals[kind]}
        if role == "child" and kind == "SIGKILL" and index < self.released:
            status = {125}
        if "exec" in call and role == "child":
            status |= {126, 127}
        return status

    @staticmethod
    def explains(role, call, kind, err):
        """the words are those of that errno, or of a call that has others"""
        return (call in MEMORY or (call, kind) in LIES or
                os.strerror(getattr(errno, kind)).lower() in err.lower() or
                OTHER_WORDS.match(f"{role} {call} {kind} {err}"))

    def judge(self, fault, calls, result):
        """what is wrong with the run. More than one call: processes of the role went on at the same time"""
        call = calls[0]
        role, index, kind = fault.split(":")
        status, err, seconds = result
        lines = [s for s in err.splitlines() if ": warning: " not in s]
        errors = [s for s in lines if ": error: " in s]
        wrong = []
        if status not in self.allowed(role, int(index), kind, call):
            wrong.append(f"status {status}")
        if len(errors) != 1 and status in (125, 126, 127) or len(errors) and status in (0, 143):
            wrong.append(f"{len(errors)} error lines")
        if len(lines) > 3:
            wrong.append(f"{len(lines)} lines")
        if status == 125 and kind not in SIGNALS and \
                not any(self.explains(role, c, kind, err) for c in calls):
            wrong.append("another errno than the one that was met")
        left = self.world.wait_for_processes()
        if left:
            wrong.append("processes left: " + " ".join(left))
        left = [] if (call, kind) == ("unlinkat", "ENOENT") else self.world.differences()
        may_leave = role == "none" or role == "parent" and not (
            call in OPENING and int(index) in self.strict)
        if kind not in SIGNALS and role == "parent":
            may_leave = call in REMOVAL
        if left and may_leave and kind != "SIGTERM":
            left = self.repair(left)
        return wrong + left

    def repair(self, left):
        """
        What a killed parent leaves when no child is there to tidy up, or what it could not remove
        and has warned of: a state directory that the next start takes and removes
        """
        dirs = [d for d in os.listdir(self.world.run)
                if d == "state" or d.startswith("rootless-supervisor-")]
        if len(dirs) != 1:
            return left
        args = [a for a in self.program.args if not a.startswith("--state-dir")]
        path = os.path.join(self.world.run, dirs[0])
        status, err, _ = self.program.run(None, [f"--state-dir={path}"] + args)
        left = self.world.wait_for_processes() + self.world.differences()
        return left + ([] if status in (0, 143) else [f"the next start: {status} {err}"])

    def run(self, fault):
        """what was hit, how it ended, what is wrong"""
        result = self.program.run(fault)
        calls = [hit[2] for hit in self.program.trace()] or ["no call was hit"]
        call = calls[0]
        late = result[2] > (LIMIT_S if (call, fault.split(":")[2]) in LIES else WALL_S)
        return call, result, self.judge(fault, calls, result), late

    def once(self, fault):
        for n in range(TRIES):
            time.sleep(REST_S if n else 0)
            call, result, wrong, late = self.run(fault)
            if wrong or not late:
                break
            self.world.restore()
            # a machine on which the same start without a fault takes so long cannot tell
            late = self.program.run(None)[2] < FAIR_S
            self.world.wait_for_processes()
            self.world.restore()
            if not late:
                break
        if late:
            wrong.append(f"{result[2]:.1f} s")
        self.missed += call == "no call was hit"
        self.runs += 1
        self.longest = max(self.longest, (result[2], fault))
        if not wrong:
            if call == "unlinkat":
                self.world.restore()
            return
        self.violations += 1
        print(f"not ok - FAULT={fault} rootless-supervisor {' '.join(self.program.args)}")
        print(f"#   {call}, status {result[0]}: " + "; ".join(wrong))
        print("".join(f"#   | {line}\n" for line in result[1].splitlines()), end="", flush=True)
        self.world.restore()

    def figures(self, seconds):
        roles = {}
        for role, index in self.calls:
            roles[role] = max(roles.get(role, 0), index)
        print("# calls: " + ", ".join(f"{r} {n}" for r, n in sorted(roles.items())))
        print(f"# {self.runs} runs, {self.violations} violations, {seconds:.0f} s, "
              f"{self.missed} whose call did not come, "
              f"longest {self.longest[0]:.2f} s by {self.longest[1]}")
        if self.runs and not self.violations:
            print(f"ok - {self.runs} faults leave nothing and say one thing")


def main():
    split = sys.argv.index("--")
    option = dict(zip(sys.argv[1:split:2], sys.argv[2:split:2]))
    shard, shards = map(int, option.get("--shard", "1/1").split("/"))
    only = option.get("--only", "")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=777", "sweep", "/root"], check=True)
    os.umask(0o022)
    world = World()
    sweep = Sweep(world, Program(world, sys.argv[split + 1:]))
    plan = list(sweep.plan(99 if only else int(option.get("--kinds", "99"))))
    begin = time.monotonic()
    for n, fault in enumerate(plan):
        if n % shards == shard - 1 and (fault + ":").startswith(only + ":" if only else ""):
            sweep.once(fault)
    sweep.figures(time.monotonic() - begin)
    return 1 if sweep.violations else 0


sys.exit(main())
