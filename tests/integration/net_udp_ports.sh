# SPDX-License-Identifier: Apache-2.0
# net_udp_ports.sh - a container that talks from more UDP ports than the host gives away leaves half of them:
# other programs of the host can still ask others, and names resolve
. "${0%/*}/lib.sh"
need userns tun tool:python3

host_asks() { as_user nsprobe ask -u -t 8000 192.0.2.2 7 alive; }
# from all those ports and as many others; the answer says that what was sent before has been seen, or lost
flood() {
	in_child python3 -c '
import resource, socket
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
held = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for i in range(2000)]
for i, s in enumerate(held[:1000]):
    s.bind(("", 40000 + i))
for s in held:
    s.sendto(b"x", ("192.0.2.2", 7))
held[0].settimeout(1)
for i in range(20):
    try:
        held[0].sendto(b"alive", ("192.0.2.2", 7))
        while held[0].recv(9) != b"alive":
            pass
        print("alive")
        break
    except TimeoutError:
        pass'
}

echo 40000 40999 >/proc/sys/net/ipv4/ip_local_port_range
for RUNG in $RUNGS; do
	rk_start --net=slirp -- sleep 1000 || exit
	is "2000 ports talk from inside" "$(flood)" alive
	is "the host can ask" "$(host_asks)" alive
	is "names resolve" "$(in_child nsprobe dns 10.0.2.3 web.world.test)" 192.0.2.2
	rk_stop
done
RUNG=
