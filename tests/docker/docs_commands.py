# SPDX-License-Identifier: Apache-2.0
# docs_commands.py TREE OUT - run the commands of the documents (see docs_commands.sh); TAP on stdout
import glob
import os
import re
import subprocess
import sys
import time

TREE, OUT = sys.argv[1:]
USER = os.environ["RK_PREFIX"].split()
ENV = dict(word.split("=", 1) for word in USER if re.match(r"[A-Z_]+=", word))
RUN, HOME = ENV["XDG_RUNTIME_DIR"], ENV["HOME"]
ROOT = ["env", "-i", "HOME=/root", "LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]

# What cannot run here, and why. A line that fits no command any more is a failure, too
CANNOT = [
    (r"\./dev test", "the suites, of which this is a part"),
    (r"\./dev lint", "a suite, of which this is a part"),
    (r"\./dev deps", "installs packages"),
    (r"(BENCH_.*)?\./dev bench", "takes minutes, and packages that only benchmarks need"),
    (r".* tcpdump ", "a package that no test needs otherwise"),
]
# What does not end by itself: it is ended when it has printed something
ENDLESS = r".* (top|--follow)$"
# What a command has to print
PRINTS = [
    (r"curl http://127.0.0.1:8080/$", "hello from a container"),
    (r"docker .* run ", r"^[0-9a-f]{64}$"),
    (r"rootless-supervisor check", "a start works here"),
    (r"rootlessctl status$", "slirp"),
    (r"rootlessctl top$", "8080"),
    (r"rootlessctl events --follow$", '"'),
    (r"rootlessctl metrics$", "# HELP"),
    (r"rootlessctl .*add-ports ", r"^[0-9]+$"),
    (r".*list-ports", "80"),
    (r".*(nsenter|exec) .*ip address$", "10.0.2.100/24"),
    (r".*/v1/info$", '"stateDir"'),
    (r".*ip rule$", "lookup"),
    (r".*nft list ruleset$", "table"),
    (r"sudo ss ", "rs-relay"),
    (r"(rootless-supervisor|nsenter) .*(mountinfo|findmnt)$", r"/etc\b"),
    (r"\./dev demo$", "left nothing behind"),
    (r"\./dev demo docker$", "left nothing behind"),
]
done, count = set(), 0


def check(what, good, why=""):
    global count
    count += 1
    print("ok" if good else "not ok", count, "-", what.replace("\n", " "), flush=True)
    if not good and why:
        print("".join("# %s\n" % line for line in why.splitlines()[-30:]), end="", flush=True)


class Block:
    def __init__(self, file, section, number):
        self.name = "%s#%s/%d" % (file, section, number)
        self.lines, self.commands = [], []  # commands: (FILE:LINE, text), which begins with `sudo ` when root runs it


def blocks():
    """the `sh` blocks of the documents by name, FILE#SECTION/NUMBER; comments are left out"""
    found, strangers = {}, []
    os.chdir(TREE)
    for file in [f for f in DOCUMENTS if os.path.exists(f)] + sorted(glob.glob("docs/*.md")):
        section, number, fence, block = "", 0, None, None
        for n, line in enumerate(open(file, encoding="utf-8"), 1):
            line, where = line.rstrip("\n"), "%s:%d" % (file, n)
            if line.lstrip().startswith("```"):
                fence, block = (None, None) if fence is not None else (line, None)
                if fence == "```sh":
                    number += 1
                    block = Block(file, section, number)
                    found[block.name] = block
                elif fence not in (None, "```", "```ini", "```json", "```yaml", "```c"):
                    strangers.append("%s: %s" % (where, line))
            elif block:
                block.lines.append(line)
                text = re.sub(r"(^|  +)# .*", "", line)
                if re.match(r"\t|done\b", text):
                    block.commands[-1] = (block.commands[-1][0], block.commands[-1][1] + "\n" + text)
                elif text:
                    block.commands.append((where, text))
            elif fence is not None:
                if re.match(r"(sudo|rootless-supervisor|rootlessctl|docker|curl|nsenter|\./dev) ", line):
                    strangers.append("%s: %s" % (where, line))
            elif line.startswith("#"):
                section, number = re.sub(r"[^a-z0-9]+", "-", line.lstrip("# ").lower()).strip("-"), 0
    check("commands stand in blocks that begin with ```sh", not strangers, "\n".join(strangers))
    return found


def cannot(text):
    return any(re.match("(sudo )?(%s)" % pattern, text) for pattern, _ in CANNOT)


def shell(text, out):
    """what the shell is given for a command that prints to out"""
    if re.match(ENDLESS, text):
        return "%s &\nfor try in $(seq 100); do [ ! -s %s ] || break; sleep 0.1; done\nkill $!; wait $!; [ $? = 143 ]" % (text, out)
    if text.startswith("curl http://127"):  # a server in a container takes a moment
        return "for try in $(seq 20); do %s && break; sleep 0.3; done" % text
    return text


def play(block, who=USER, cwd=HOME, **words):
    """run the commands of the block in one shell, those with sudo by root after it; words: what the documents name by a word in capitals"""
    os.makedirs(OUT, exist_ok=True)
    scripts, ran = ["", ""], []
    for where, text in block.commands:
        if cannot(text):
            continue
        ran.append((where, text))
        for word, value in words.items():
            text = re.sub(r"\b%s\b" % word, value, text)
        out, sudo = "%s/%d" % (OUT, len(ran)), text.startswith("sudo ")
        scripts[sudo] += "{\n%s\n} >%s 2>&1 </dev/null\necho $? >%s.rc\n" % (shell(text.removeprefix("sudo "), out), out, out)
    for file in glob.glob(OUT + "/*"):
        os.unlink(file)
    os.chmod(OUT, 0o777)
    subprocess.run(who + ["timeout", "60", "sh", "-c", scripts[False]], cwd=cwd, check=False)
    subprocess.run(ROOT + ["timeout", "60", "sh", "-c", scripts[True]], cwd=TREE, check=False)
    for n, (where, text) in enumerate(ran, 1):
        said, status = [open(f, encoding="utf-8", errors="replace").read().strip() if os.path.exists(f) else ""
                        for f in ("%s/%d" % (OUT, n), "%s/%d.rc" % (OUT, n))]
        good = status == "0" and all(re.search(want, said, re.M) for pattern, want in PRINTS if re.match(pattern, text))
        check("%s: %s" % (where, text), good, "status %s\n%s" % (status or "none: it did not end", said))
        done.add(text.removeprefix("sudo "))


def wait_for(seconds, what):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Server:
    """a block whose last command does not end: in the background"""
    def __init__(self, block, ready):
        text = "\n".join(text for _, text in block.commands[:-1])
        # the process is the program, not a shell that waits for it
        text += "\n" + re.sub(r"^((\w+=\S+ )*)", lambda m: ("export " + m[1] + "\n" if m[1] else "") + "exec ", block.commands[-1][1])
        self.log = open(OUT + ".log", "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(USER + ["sh", "-c", text], cwd=HOME, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        up = wait_for(30, lambda: ready() or self.process.poll() is not None) and self.process.poll() is None
        check("%s: %s" % block.commands[-1], up, open(OUT + ".log", encoding="utf-8", errors="replace").read())
        done.update(text for _, text in block.commands)

    def stop(self, status):
        self.process.terminate()
        try:
            got = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            got = "none"
        check("it ends with status %d" % status, got == status, str(got))


def user_says(*command):
    return subprocess.run(USER + list(command), stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def gateway(child):
    """the pid of the agent whose namespace has gw0"""
    agents = subprocess.run(["pgrep", "-P", child, "rs-nsagent"], capture_output=True, text=True, check=True).stdout.split()
    return next(pid for pid in agents if "gw0:" in open("/proc/%s/net/dev" % pid, encoding="utf-8").read())


def dockerd_answers():
    return user_says("docker", "-H", "unix://%s/docker.sock" % RUN, "version")


def import_nginx():
    """an image of that name: the documents pull the real one"""
    at = OUT + ".image"
    for path in ("bin", "w"):
        os.makedirs("%s/%s" % (at, path))
    subprocess.run(["cp", "/bin/busybox", at + "/bin/busybox"], check=True)
    with open(at + "/w/index.html", "w", encoding="utf-8") as page:
        page.write("hello from a container\n")
    run = 'CMD ["/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/w"]'
    tar = subprocess.Popen(["tar", "-C", at, "-c", "."], stdout=subprocess.PIPE)
    subprocess.run(USER + ["docker", "-H", "unix://%s/docker.sock" % RUN, "import", "--change", run, "-", "nginx"],
                   stdin=tar.stdout, stdout=subprocess.DEVNULL, check=True)


def main():
    every = blocks()
    one = every.__getitem__
    play(one("README.md#install/1"), ROOT, TREE)
    play(one("README.md#install/2"))
    play(one("docs/check.md#would-a-start-work-here/1"))

    ports = Server(one("README.md#ports/1"), lambda: user_says("curl", "-s", "-m", "1", "http://127.0.0.1:8080/"))
    state = RUN + "/rs"
    child = open(state + "/child_pid", encoding="utf-8").read().strip()
    play(one("README.md#ports/2"))
    play(one("README.md#ports/3"))
    play(one("docs/api.md#examples/3"))
    play(one("docs/network.md#how-to-look/1"), STATE=state, PID=gateway(child))
    play(one("docs/mount.md#looking-at-it/1"), STATE=state)
    ports.stop(143)

    ports = Server(one("docs/api.md#examples/1"), lambda: os.path.exists(state + "/api.sock"))
    play(one("docs/api.md#examples/2"))
    ports.stop(143)

    docker = Server(one("README.md#run-dockerd/1"), dockerd_answers)
    import_nginx()
    play(one("README.md#run-dockerd/2"))
    docker.stop(0)

    docker = Server(one("README.md#in-the-place-of-rootlesskit/1"), dockerd_answers)
    docker.stop(0)

    play(one("README.md#see-it/1"), ROOT, TREE)
    example = one("docs/hacking.md#integration-tests/1")
    with open(TREE + "/tests/integration/net_none_true.sh", "w", encoding="utf-8") as file:
        file.write("\n".join(example.lines) + "\n")
    said = subprocess.run(ROOT + ["sh", "tests/integration/net_none_true.sh"], cwd=TREE, capture_output=True, text=True, check=False)
    check("docs/hacking.md: the test that is shown passes", said.returncode == 0, said.stdout + said.stderr)
    done.update(text for _, text in example.commands)

    commands = [command for block in every.values() for command in block.commands]
    for where, text in commands:
        if text.removeprefix("sudo ") not in done and not cannot(text):
            check("%s is run by this test, or named with a reason: %s" % (where, text), False)
    for pattern, reason in CANNOT:
        check("cannot run: %s (%s)" % (pattern, reason), any(re.match("(sudo )?(%s)" % pattern, text) for _, text in commands))


main()
