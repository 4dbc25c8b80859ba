# SPDX-License-Identifier: Apache-2.0
"""docs.py - put what was measured into README.md and docs/performance.md: docs.py DIR"""
import pathlib
import re
import sys

# benchmark, its row, its column of the peer; how the README calls it; unit 1000
ROWS = [
    ("start", "with 150 ms between, ms", "rootlesskit", "start and end of `true`, ms", 1),
    ("net", "iperf3 out, 1, MTU 1500, Gbit/s", "slirp4netns", "TCP out, MTU 1500, Gbit/s", 1),
    ("net", "iperf3 in (-R), 1, MTU 1500, Gbit/s", "slirp4netns", "TCP in over a connection out, MTU 1500, Gbit/s", 1),
    ("net", "iperf3 out, 1, MTU 65520, Gbit/s", "slirp4netns", "TCP out, MTU 65520, Gbit/s", 1),
    ("net", "iperf3 in (-R), 1, MTU 65520, Gbit/s", "slirp4netns", "TCP in over a connection out, MTU 65520, Gbit/s", 1),
    ("net", "wrk keep-alive c512, requests/s", "slirp4netns", "HTTP out, 512 connections, 1000 requests/s", 1000),
    ("net", "wrk close c64, requests/s", "slirp4netns", "HTTP out, a connection a request, 1000 requests/s", 1000),
    ("udp", "out, 1400 bytes, datagrams/s", "slirp4netns", "UDP out, 1400 bytes, 1000 datagrams/s", 1000),
    ("udp", "in, 1400 bytes, datagrams/s", "slirp4netns", "UDP in, 1400 bytes, 1000 datagrams/s", 1000),
    ("udp", "DNS, 20 sockets, answers/s", "slirp4netns", "DNS, 1000 answers/s", 1000),
    ("port", "iperf3 in, Gbit/s", "builtin", "published port, one stream in, Gbit/s", 1),
    ("port", "wrk keep-alive c1, requests/s", "builtin", "published port, HTTP on one connection, 1000 requests/s", 1000),
    ("port", "wrk close c64, requests/s", "builtin",
     "published port, HTTP, a connection a request, 1000 requests/s", 1000),
    ("docker", "wrk keep-alive c64, requests/s", "rootlesskit", "`docker run -p`, HTTP on 64 connections, 1000 requests/s", 1000),
    ("docker", "wrk close c64, requests/s", "rootlesskit", "`docker run -p`, HTTP, a connection a request, 1000 requests/s", 1000),
]
# benchmarks whose table is in docs/performance.md, and its mark there
TABLES = [("net", "bench"), ("udp", "bench udp"), ("port", "bench port"), ("docker", "bench docker")]


def short(x):
    return "%.0f" % x if x >= 100 else "%.1f" % x if x >= 10 else "%.2f" % x


def medians(path):
    rows = (line.split("\t") for line in path.read_text().splitlines())
    return {(row, column): float(value) for row, column, value in rows}


def put(path, mark, text):
    old = path.read_text()
    new, n = re.subn(r"(<!-- %s -->\n).*?(<!-- /%s -->\n)" % (mark, mark), lambda m: m[1] + text + m[2], old, flags=re.S)
    assert n == 1, "no place for it in %s" % path
    path.write_text(new)


def main(directory):
    of = {name: medians(directory / ("bench_%s.medians" % name)) for name in {row[0] for row in ROWS}}
    lines = ["| | rootless-supervisor | RootlessKit 1.1, slirp4netns 1.2 | ratio |", "|---|---|---|---|"]
    for bench, row, peer, title, unit in ROWS:
        a, b = (of[bench][row, column] / unit for column in ("ours", peer))
        lines.append("| %s | %s | %s | %s |" % (title, short(a), short(b), short(a / b)))
    put(pathlib.Path("README.md"), "bench", "\n".join(lines) + "\n")
    for bench, mark in TABLES:
        what = (directory / ("bench_%s.what" % bench)).read_text()
        table = (directory / ("bench_%s.md" % bench)).read_text()
        put(pathlib.Path("docs/performance.md"), mark, what.strip() + ".\n\n" + table)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
