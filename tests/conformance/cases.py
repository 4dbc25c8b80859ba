# SPDX-License-Identifier: Apache-2.0
# cases.py - run the cases of one table: cases.py DIR NAME, for DIR/NAME.cases; prints TAP
#
# A case is a head line `ID PEERS STATUS` and indented lines:
#   run WORD...        the arguments of rootlesskit, as a shell splits them; or sh SCRIPT, run by the user's shell, $P is rootlesskit
#   out TEXT           one line of stdout; err TEXT one of stderr, log lines apart. `~REGEX` is a pattern of
#                      the whole line, `*` all the rest. No such line: nothing is said there
#   log LEVEL REGEX    a log line of that level has this in it
#   why TEXT           PEERS is `ours`: why RootlessKit 1.1 has no part in it
# What is expected is the contract's. With PEERS `both` Debian's program is run too, and its status and streams
# are compared with ours. The line `rows WORD...` names the rows of the table: each has a case whose id is ROW or
# ROW.MORE. `differences` lists `ID WHO ASPECT REASON`: WHO is `spec` (we differ from the contract) or `debian` (the two
# programs differ), ASPECT is status, out, err or log. What is not listed fails, and what is listed but is not so, too.
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

DEBIAN = "/usr/bin/rootlesskit"
# the list of differences is that to Debian 12's; another version is not compared with
COMPARED = " 1.1." in subprocess.run([DEBIAN, "--version"], capture_output=True, text=True).stdout
HERE, NAME = sys.argv[1], sys.argv[2]
T = os.environ["RK_BASE"] + "/t"
TMP = T + "/tmp"
WORDS = {"{INSIDE}": T + "/inside", "{STATE}": os.environ["RK_RUN"] + "/state", "{TMP}": TMP,
         "{UID}": os.environ["RK_UID"], "{GID}": os.environ["RK_GID"], "{USER}": os.environ["RK_USER"]}
HOST_NS = " ".join(os.readlink("/proc/self/ns/" + kind) for kind in ("net", "user", "mnt", "pid", "cgroup", "uts", "ipc"))
ASPECTS = ["status", "out", "err", "log"]


def tap(good, what, lines=()):
    print("%sok - %s" % ("" if good else "not ", what))
    for line in lines:
        print("# " + line)
    sys.stdout.flush()


def fill(text):
    for word, value in WORDS.items():
        text = text.replace(word, value)
    return text


def read_cases(path):
    rows, cases = [], []
    for number, line in enumerate(open(path), 1):
        line = line.rstrip("\n")
        where = "%s:%d" % (path, number)
        if not line or line.startswith("#"):
            continue
        if line[0].isspace():
            key, _, value = line.strip().partition(" ")
            if key not in ("run", "sh", "out", "err", "log", "why"):
                sys.exit("%s: no such line: %s" % (where, line))
            cases[-1][key].append(fill(value))
        elif line.startswith("rows "):
            rows += line.split()[1:]
        else:
            head = line.split()
            if len(head) != 3 or head[1] not in ("both", "ours"):
                sys.exit("%s: no head of a case: %s" % (where, line))
            cases.append({"id": head[0], "peers": head[1], "status": head[2], "where": where,
                          "run": [], "sh": [], "out": [], "err": [], "log": [], "why": []})
    for case in cases:
        if len(case["run"] + case["sh"]) != 1 or (case["peers"] == "ours") != bool(case["why"]):
            sys.exit("%s: one run or sh, and a why for ours alone" % case["where"])
    return rows, cases


def read_differences(path):
    listed = {}
    for line in open(path):
        if line.strip() and not line.startswith("#"):
            case, who, aspect, reason = line.split(None, 3)
            if who not in ("spec", "debian") or aspect not in ASPECTS or (case, who, aspect) in listed:
                sys.exit("%s: %s" % (path, line))
            listed[case, who, aspect] = reason.strip()
    return listed


def run(program, case):
    command = ["P=" + program, "sh", "-c", case["sh"][0]] if case["sh"] else [program] + shlex.split(case["run"][0])
    os.mkdir(TMP)
    os.chown(TMP, int(os.environ["RK_UID"]), int(os.environ["RK_GID"]))
    child = subprocess.Popen(shlex.split(os.environ["RK_AS"]) + ["TMPDIR=" + TMP, "HOST_NS=" + HOST_NS] + command, cwd="/",
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    try:
        out, err = child.communicate(timeout=20)
        status = str(child.returncode)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        out, err = child.communicate()
        status = "hangs"
    left = os.listdir(TMP)
    shutil.rmtree(TMP)
    if program != DEBIAN and os.path.exists(WORDS["{STATE}"]):
        left.append(WORDS["{STATE}"])
    shutil.rmtree(WORDS["{STATE}"], ignore_errors=True)
    said, logs = [], []
    for line in err.decode("utf-8", "replace").splitlines():
        log = re.fullmatch(r'time="?[^"]*"? level=(\w+) msg=(.*)', line)
        logs.append((log[1], log[2].replace('\\"', '"'))) if log else said.append(line)
    return {"status": status, "out": normal(out.decode("utf-8", "replace").splitlines()), "err": normal(said),
            "log": logs, "left": left}


def normal(lines):
    """what differs from start to start: names of temporary directories"""
    return [re.sub(r"/rootlesskit-?\w{6,}", "/rootlesskit-N", line) for line in lines]


def fits(wanted, got):
    for i, want in enumerate(wanted):
        if want == "*":
            return True
        if i >= len(got):
            return False
        if not (re.fullmatch(want[1:], got[i]) if want.startswith("~") else want == got[i]):
            return False
    return len(wanted) == len(got)


def logged(wanted, logs):
    for want in wanted:
        level, _, pattern = want.partition(" ")
        if not any(l == level and re.search(pattern, m) for l, m in logs):
            return False
    return True


def against_spec(case, got):
    return {a for a, good in (("status", got["status"] == case["status"]), ("out", fits(case["out"], got["out"])),
                              ("err", fits(case["err"], got["err"])), ("log", logged(case["log"], got["log"]))) if not good}


def between(case, ours, theirs):
    different = {"status"} if ours["status"] != theirs["status"] else set()
    for a in ("out", "err"):
        compared = slice(case[a].index("*")) if "*" in case[a] else slice(None)
        if ours[a][compared] != theirs[a][compared]:
            different.add(a)
    if logged(case["log"], ours["log"]) != logged(case["log"], theirs["log"]):
        different.add("log")
    return different


def show(name, got):
    yield "%s: status %s" % (name, got["status"])
    for a in ("out", "err"):
        for line in got[a][:20]:
            yield "%s: %s %s" % (name, a, line)
    for level, text in got["log"][-20:]:
        yield "%s: log %s %s" % (name, level, text)


def verdict(case, who, found, listed, lines):
    """one check of one comparison: what is found is what is listed"""
    mine = {a for (i, w, a) in listed if i == case["id"] and w == who}
    lines = (case["sh"] or ["rootlesskit " + case["run"][0]]) + lines
    if who == "spec":
        lines += ["want: %s %s" % (k, line) for k in ("out", "err", "log") for line in case[k]] + ["want: status " + case["status"]]
    lines = ["differs, but is not listed: " + a for a in sorted(found - mine)] + \
        ["is listed as different, but is not: " + a for a in sorted(mine - found)] + lines
    name = "as the contract says" if who == "spec" else "as Debian's"
    tap(found == mine, "%s %s" % (case["id"], name), lines if found != mine else ())


def main():
    rows, cases = read_cases("%s/%s.cases" % (HERE, NAME))
    listed = read_differences(HERE + "/differences")
    ids = [c["id"] for c in cases]
    tap(len(ids) == len(set(ids)), "each case has a name of its own", [i for i in ids if ids.count(i) > 1])
    missing = [r for r in rows if not any(i == r or i.startswith(r + ".") for i in ids)]
    tap(rows and not missing, "each row has a case", missing)
    strange = [i for i in ids if i not in rows and not any(i.startswith(r + ".") for r in rows)]
    tap(not strange, "each case belongs to a row", strange)
    section = rows[0].split("-")[0] + "-"
    stale = [k[0] for k in listed if k[0].startswith(section) and k[0] not in ids]
    tap(not stale, "each difference belongs to a case", stale)
    began = time.monotonic()
    for case in cases:
        ours = run("rootlesskit", case)
        lines = list(show("ours", ours))
        verdict(case, "spec", against_spec(case, ours), listed, lines)
        if ours["left"]:
            tap(False, case["id"] + " leaves nothing", ours["left"])
        if case["peers"] == "both" and COMPARED:
            for _ in range(3):  # it has races of its own: what it does once counts; ours gets no second try
                theirs = run(DEBIAN, case)
                found = between(case, ours, theirs)
                if found == {a for (i, w, a) in listed if i == case["id"] and w == "debian"}:
                    break
            verdict(case, "debian", found, listed, lines + list(show("debian", theirs)))
    print("# %s: %d cases%s compared with Debian's, %.1f s" % (NAME, len(cases), "," if COMPARED else ", not", time.monotonic() - began))


main()
