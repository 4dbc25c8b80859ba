# SPDX-License-Identifier: Apache-2.0
"""port_udp_shared.py CHILD_PID WORLD_PID - UDP of one port of the child, both ways out; prints TAP

A port of the child is published and talks to the outside by itself: its peers know two addresses of
the host for it, and each must hear from the one that it uses. And what is lost meanwhile: an address
of the host, the gateway's agent.
"""
import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import threading

CHILD, WORLD = sys.argv[1:3]
HOST, LOST, PEER = "192.0.2.1", "192.0.2.77", "192.0.2.2"
libc = ctypes.CDLL(None, use_errno=True)


def udp(pid, addr, port):
    """a socket of that process' netns"""
    with open(f"/proc/{pid}/ns/net") as there, open("/proc/self/ns/net") as here:
        if libc.setns(there.fileno(), 0x40000000) < 0:
            raise OSError(ctypes.get_errno(), "setns")
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        libc.setns(here.fileno(), 0x40000000)
    s.bind((addr, port))
    s.settimeout(5)
    return s


def check(what, got, want):
    print(f"{'ok' if got == want else 'not ok'} - {what}", flush=True)
    if got != want:
        print(f"# got: {got}, want: {want}", flush=True)


def say(source, to, sink):
    """what came, and from where"""
    source.sendto(b"x", to)
    try:
        return sink.recvfrom(99)[1]
    except TimeoutError:
        return None


def a_lost_address():
    device = subprocess.run(["ip", "-o", "-4", "route", "show", "192.0.2.0/24"], capture_output=True,
                            text=True).stdout.split(" dev ")[1].split()[0]
    inside, peer, other = udp(CHILD, "0.0.0.0", 7001), udp(WORLD, PEER, 9001), udp(WORLD, PEER, 9002)
    subprocess.run(["ip", "address", "add", f"{LOST}/32", "dev", device], check=True)
    check("a port that is free is the same outside", say(inside, (PEER, 9001), peer), (HOST, 7001))
    check("anybody reaches it", say(other, (LOST, 7001), inside), (PEER, 9002))
    check("and is answered from the address that it knows", say(inside, (PEER, 9002), other), (LOST, 7001))
    subprocess.run(["ip", "address", "del", f"{LOST}/32", "dev", device], check=True)
    check("when the host loses that, from another one", say(inside, (PEER, 9002), other), (HOST, 7001))
    check("from then on", say(inside, (PEER, 9002), other), (HOST, 7001))


def both_ways(port, peer_port, published_first):
    inside, peer = udp(CHILD, "0.0.0.0", port), udp(WORLD, PEER, peer_port)
    out = say(inside, (PEER, peer_port), peer)
    check("what the child begins leaves from another port than the published one", out[1] == port, False)
    if published_first:
        check("a client of the port is shown", say(peer, (HOST, port), inside), (PEER, peer_port))
        check("and answered by it", say(inside, (PEER, peer_port), peer), (HOST, port))
    for _ in range(6):  # as many as make a pair of addresses busy
        check("who was talked to is shown", say(peer, out, inside), (PEER, peer_port))
    check("a client of the port is shown, who was talked to", say(peer, (HOST, port), inside), (PEER, peer_port))
    check("and answered by the port", say(inside, (PEER, peer_port), peer), (HOST, port))


def gateway_agent():
    child_netns = os.readlink(f"/proc/{CHILD}/ns/net")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm") as f:
                if f.read().strip() == "rs-nsagent" and os.readlink(f"/proc/{pid}/ns/net") != child_netns:
                    return int(pid)
        except OSError:
            pass
    raise SystemExit("there is no agent of the gateway")


def answered(clients, seconds):
    """until all are, or nothing has come for so long"""
    n = 0
    while clients:
        ready = select.select(clients, [], [], seconds)[0]
        if not ready:
            break
        for s in ready:
            s.recv(99)
            clients.remove(s)
            n += 1
    return n


def a_lost_agent():
    inside = udp(CHILD, "0.0.0.0", 7004)
    inside.settimeout(None)

    def echo():
        while True:
            inside.sendto(*inside.recvfrom(99))

    threading.Thread(target=echo, daemon=True).start()
    agent = gateway_agent()
    os.kill(agent, signal.SIGSTOP)
    clients = [udp(WORLD, PEER, 0) for _ in range(300)]
    for s in clients:
        s.sendto(b"x", (HOST, 7004))
    first = answered(clients, 0.5)
    check("some wait for a socket of the gateway's netns", 0 < first < 300, True)
    os.kill(agent, signal.SIGKILL)
    check("when its agent is gone they are served without", first + answered(clients, 5), 300)


a_lost_address()
both_ways(7002, 9003, True)
both_ways(7003, 9004, False)
a_lost_agent()
