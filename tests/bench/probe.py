# SPDX-License-Identifier: Apache-2.0
"""probe.py - what bench_net.sh measures that no tool of the distribution prints

latency ADDR PORT N      connect and close N times, one after the other: median and p99, microseconds
idle ADDR PORT N         open N connections, say so, hold them until killed
pss [--but NAME] PID...  memory of these and all below them, KB; shared pages are counted in parts
ticks PID...             CPU time of these and all below them, in ticks
nanoseconds PID...       the same as the scheduler counts it
cpu TICKS TICKS FILE     CPU seconds a GB (10^9 bytes) between the two and of all, client and server
                         too; FILE is what iperf3 -J printed
"""
import json
import os
import resource
import socket
import sys
import time

HZ = os.sysconf("SC_CLK_TCK")


def stat(pid):
    """the fields of /proc/PID/stat from the state on; field 3 of proc(5) is [0]"""
    with open("/proc/%s/stat" % pid) as f:
        return f.read().rpartition(")")[2].split()


def below(pids):
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            parents.setdefault(int(stat(name)[1]), []).append(int(name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = []
    todo = [int(p) for p in pids]
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.append(pid)
            todo += parents.get(pid, [])
    return found


def latency(addr, port, n):
    took = []
    for _ in range(int(n)):
        s = socket.socket()
        begin = time.perf_counter_ns()
        s.connect((addr, int(port)))
        took.append(time.perf_counter_ns() - begin)
        s.close()
    took.sort()
    print("%.1f %.1f" % (took[len(took) // 2] / 1e3, took[len(took) * 99 // 100] / 1e3))


def idle(addr, port, n):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held = [socket.create_connection((addr, int(port)), timeout=20) for _ in range(int(n))]
    print("ready", len(held), flush=True)
    while True:
        time.sleep(1000)


def pss(*pids):
    but = None
    if pids[0] == "--but":
        but, pids = pids[1], pids[2:]
    total = 0
    for pid in below(pids):
        with open("/proc/%d/comm" % pid) as f:
            if f.read().strip() == but:
                continue
        with open("/proc/%d/smaps_rollup" % pid) as f:
            total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
    print(total)


def ticks(*pids):
    print(sum(int(t) for pid in below(pids) for t in stat(pid)[11:13]))


def nanoseconds(*pids):
    total = 0
    for pid in below(pids):
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, task)) as f:
                total += int(f.read().split()[0])
    print(total)


def cpu(before, after, report):
    with open(report) as f:
        end = json.load(f)["end"]
    between = (int(after) - int(before)) / HZ
    percent = end["cpu_utilization_percent"]
    ends = (percent["host_total"] + percent["remote_total"]) / 100 * end["sum_received"]["seconds"]
    gb = end["sum_received"]["bytes"] / 1e9
    print("%.3f %.3f" % (between / gb, (between + ends) / gb))


if __name__ == "__main__":
    {f.__name__: f for f in (latency, idle, pss, ticks, nanoseconds, cpu)}[sys.argv[1]](*sys.argv[2:])
