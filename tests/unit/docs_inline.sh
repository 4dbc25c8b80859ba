#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs_inline.sh BUILD - options and commands of ours that documents name in inline code are there; all benches are named
set -u
cd "${0%/*}/../.." || exit
build=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
make_docs=$build/cmd/make_docs/make_docs
{
	for who in rootless-supervisor rootlesskit check rootlessctl rootlesskit-docker-proxy; do
		"$make_docs" names $who | sed "s/^/$who	--/"
	done
	for command in $("$make_docs" commands); do
		echo "rootlessctl $command	"
		"$make_docs" names "rootlessctl $command" | sed "s/^/rootlessctl $command	--/"
	done
	ln -s "$(realpath "$build/cmd/rootless-supervisor/rootless-supervisor")" "$tmp/slirp4netns"
	"$tmp/slirp4netns" --help 2>&1 | grep -oE -- '--[a-z0-9-]+' | sort -u | sed 's/^/slirp4netns	/'
} >"$tmp/options"

python3 - "$tmp/options" README.md CHANGELOG.md docs/*.md <<'E2'
import collections
import re
import sys

# programs of others whose lines stand in our documents
FOREIGN = {"./dev", "command", "docker", "nsenter", "prlimit", "setpriv", "sudo", "unshare"}
# of others, where no program stands before them: docker run's, ld's, ./dev bench's
OTHERS = {"--check", "--device", "--privileged", "--security-opt", "--wrap"}
OURS = ("rootless-supervisor", "rootlesskit", "rootlessctl", "rootlesskit-docker-proxy", "slirp4netns")

known = collections.defaultdict(set)
for line in open(sys.argv[1]):
    who, option = line.rstrip("\n").split("\t")
    known[who].add(option)
known["rootlesskit"].add("--state")  # another name of --state-dir
everywhere = set.union(*known.values()) | OTHERS


def options_of(words):
    for w in words:
        if w == "--":
            return
        found = re.match(r"[(\[\"]*(--[a-z][a-z0-9-]*)", w)
        if found:
            yield found[1]


def strangers(words):
    """what of this inline code is not there"""
    first, rest = words[0], words[1:]
    if first in FOREIGN:
        return []
    if first not in OURS:
        return [o for o in options_of(words) if o not in everywhere]
    there = set(known[first])
    if first == "rootlessctl":
        while rest and rest[0].startswith("-"):
            rest = rest[1 if "=" in rest[0] or rest[0] != "--socket" else 2:]
        command = f"rootlessctl {rest[0]}" if rest else ""
        if command and command not in known:
            return [command]
        there |= known[command]
    if first == "rootless-supervisor":
        there |= known["check"]
    return [o for o in options_of(words[1:]) if o not in there | {"--help", "--version"}]


seen, bad = 0, []
for path in sys.argv[2:]:
    text = re.sub(r"(?ms)^```.*?^```", "", open(path).read())
    for code in re.findall(r"`([^`\n]+)`", text):
        words = code.replace("\\|", "|").split()
        if words and ("--" in code or words[0] == "rootlessctl"):
            seen += 1
            bad += [f"{path}: `{code}`: {s}" for s in strangers(words)]
print("ok 1 - what inline code names is there" if not bad else "not ok 1 - what inline code names is there")
for line in bad:
    print("#  ", line)
print(f"{'ok' if seen > 300 else 'not ok'} 2 - enough was looked at: {seen}")
# the test can fail
wrong = [strangers(w.split()) for w in ("--nte=none", "rootlessctl list-port", "rootlessctl --socket S top --limit 3",
                                        "rootlessctl flows --limit=3 --stats", "rootless-supervisor --jason -- docker --xyz")]
good = [strangers(w.split()) for w in ("--net=none", "rootlessctl --socket S flows --limit 3", "rootless-supervisor --net=none -- docker --xyz")]
want = [["--nte"], ["rootlessctl list-port"], ["--limit"], ["--stats"], ["--jason"]]
print("ok 3 - what is not there is found" if wrong == want and not any(good) else f"not ok 3 - what is not there is found: {wrong} {good}")
E2

missing=
for file in tests/bench/bench_*.sh; do
	name=${file##*/bench_}
	name=${name%.sh}
	./dev help | grep -E '^[[:space:]]*\./dev bench' | grep -qw "$name" || missing="$missing dev:$name"
	grep '^sudo ./dev bench' docs/hacking.md | grep -qw "$name" || missing="$missing docs/hacking.md:$name"
done
if [ -z "$missing" ]; then echo "ok 4 - each bench is named"; else echo "not ok 4 - each bench is named:$missing"; fi
