# SPDX-License-Identifier: Apache-2.0
# port_client_address.sh - who a server in the child sees as its client, and what comes instead
# deadline: 180
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3
py="python3 $RK_SRC/tests/integration/port_client_address.py"
# shellcheck disable=SC2086 # two words
world_py() { in_world $py "$@"; }
ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
# who ADDR PORT [FROM [PORT]]: whom the server in the child sees, from the world
who() { in_world nsprobe ask -t 5000 ${3:+-b "$3"} ${4:+-p "$4"} "$1" "$2"; }
uwho() { in_world nsprobe ask -u -t 8000 ${3:+-b "$3"} ${4:+-p "$4"} "$1" "$2" x; }
addr() { echo "${1% *}"; }

# addresses of the world that the host reaches by its default route only
in_world ip address add 198.51.100.8/32 dev lo
in_world ip address add 203.0.113.9/32 dev lo
in_world ip address add 2001:db8:ffff::8/128 dev lo nodad
in_world ip address add fd12:3456::9/128 dev lo nodad
# a LAN that overlaps the child's network, and one that overlaps a bridge in it
in_world ip address add 10.0.2.77/32 dev lo
in_world ip address add 172.17.0.77/32 dev lo
for a in 10.0.2.77 172.17.0.77 198.51.100.8 203.0.113.9; do ip route replace $a via 192.0.2.2; done
in_world sysctl -qw net.ipv4.ip_unprivileged_port_start=0

servers='tcp-who,0.0.0.0,1007 tcp-who,::,1008 tcp-who,127.0.0.1,1009 tcp-who,::1,1010 tcp-echo,0.0.0.0,7 tcp-who,fd00::100,1011
	udp-who,0.0.0.0,1007 udp-who,::,1008 udp-who,127.0.0.1,1009 udp-echo,0.0.0.0,7'
uports='-p 0.0.0.0:7107:1007/udp -p :7108:1008/udp -p 0.0.0.0:7109:1009/udp -p 0.0.0.0:7117:1007/udp -p :7112:1007/udp
	-p 0.0.0.0:7007:7/udp'
nservers=10
ports='-p 0.0.0.0:7107:1007/tcp -p :7108:1008/tcp -p 0.0.0.0:7109:1009/tcp -p :7110:1010/tcp
	-p 0.0.0.0:7007:7/tcp -p 0.0.0.0:7017:7/tcp -p :7111:1011/tcp -p :7112:1007/tcp'
# shellcheck disable=SC2086 # lists of words
rk_start --net=slirp --ipv6 $ports $uports -- nsprobe serve $servers || exit
wait_for 5 sh -c "[ \$(grep -c ^ready $RK_OUT) = $nservers ]"
in_child ip link add br0 type bridge
in_child ip address add 172.17.0.1/16 dev br0
in_child ip link set br0 up

is "a client by routes, and its port" "$(who 192.0.2.1 7107 198.51.100.8 5501)" "198.51.100.8 5501"
is "another machine of the LAN" "$(addr "$(who 192.0.2.1 7107 192.0.2.3)")" 192.0.2.3
is "a port below 1024" "$(who 192.0.2.1 7107 203.0.113.9 443)" "203.0.113.9 443"
is "the port of our own listener" "$(addr "$(nsprobe ask -b 192.0.2.1 -p 7 192.0.2.1 7107)")" 10.0.2.2
is "IPv4 by a port of both families" "$(addr "$(who 192.0.2.1 7108 198.51.100.8)")" 198.51.100.8
# what the world sends from addresses of lo asks for us by its link-local one, which takes 2 s to be one
ok "IPv6 of the world is up" wait_for 5 in_world nsprobe connect -b 2001:db8:ffff::8 2001:db8::1 7108
is "IPv6, global" "$(addr "$(who 2001:db8::1 7108 2001:db8:ffff::8)")" 2001:db8:ffff::8
is "IPv6, unique-local" "$(addr "$(who 2001:db8::1 7108 fd12:3456::9)")" fd12:3456::9
is "IPv6 to a server of IPv4" "$(addr "$(who 2001:db8::1 7112 2001:db8:ffff::8)")" 10.0.2.2
is "IPv4 to a server of IPv6" "$(addr "$(who 192.0.2.1 7111 198.51.100.8)")" fd00::2
is "IPv6 to a server of IPv6" "$(addr "$(who 2001:db8::1 7111 2001:db8:ffff::8)")" 2001:db8:ffff::8
is "IPv6, link-local" "$(addr "$(who "$(ip -o -6 address show dev h0 scope link | sed 's/.*inet6 \([^/]*\).*/\1/')%w0" 7108)")" 10.0.2.2
is "this machine by its address" "$(addr "$(nsprobe ask 192.0.2.1 7107)")" 192.0.2.1
is "this machine by loopback" "$(addr "$(nsprobe ask 127.0.0.1 7107)")" 10.0.2.2
is "this machine by IPv6 loopback" "$(addr "$(nsprobe ask ::1 7108)")" 10.0.2.2
is "UDP: a client by routes, and its port" "$(uwho 192.0.2.1 7107 198.51.100.8 5501)" "198.51.100.8 5501"
is "UDP: again" "$(uwho 192.0.2.1 7107 198.51.100.8 5501)" "198.51.100.8 5501"
is "UDP: to another port of the same server" "$(addr "$(uwho 192.0.2.1 7117 198.51.100.8 5501)")" 10.0.2.2
is "UDP: to the first again" "$(uwho 192.0.2.1 7107 198.51.100.8 5501)" "198.51.100.8 5501"
is "UDP: another machine of the LAN" "$(addr "$(uwho 192.0.2.1 7107 192.0.2.3)")" 192.0.2.3
is "UDP: a port below 1024" "$(uwho 192.0.2.1 7107 203.0.113.9 443)" "203.0.113.9 443"
is "UDP: the port of our own socket" "$(addr "$(uwho 192.0.2.1 7107 203.0.113.9 7)")" 10.0.2.2
is "UDP: IPv4 by a port of both families" "$(addr "$(uwho 192.0.2.1 7108 198.51.100.8)")" 198.51.100.8
is "UDP: IPv6, global" "$(addr "$(uwho 2001:db8::1 7108 2001:db8:ffff::8)")" 2001:db8:ffff::8
is "UDP: IPv6, unique-local" "$(addr "$(uwho 2001:db8::1 7108 fd12:3456::9)")" fd12:3456::9
is "UDP: IPv6 to a server of IPv4" "$(addr "$(uwho 2001:db8::1 7112 2001:db8:ffff::8)")" 10.0.2.2
is "UDP: this machine by its address" "$(addr "$(nsprobe ask -u 192.0.2.1 7107 x)")" 192.0.2.1
is "UDP: this machine by loopback" "$(addr "$(nsprobe ask -u 127.0.0.1 7107 x)")" 10.0.2.2
is "UDP: a LAN like the child's" "$(addr "$(uwho 192.0.2.1 7107 10.0.2.77)")" 10.0.2.2
is "UDP: a LAN like a bridge inside" "$(addr "$(uwho 192.0.2.1 7107 172.17.0.77)")" 10.0.2.2
is "UDP: a server on the child's loopback" "$(addr "$(uwho 192.0.2.1 7109 198.51.100.8)")" 127.0.0.1
is "UDP: 100 clients at once" "$(world_py crowd 192.0.2.1 7007 198.51.100.8 100)" ok
is "a LAN like the child's" "$(addr "$(who 192.0.2.1 7107 10.0.2.77)")" 10.0.2.2
is "a LAN like a bridge inside" "$(addr "$(who 192.0.2.1 7107 172.17.0.77)")" 10.0.2.2
in_child ip link delete br0
is "until the bridge has gone" "$(addr "$(who 192.0.2.1 7107 172.17.0.77)")" 172.17.0.77
in_child ip route add 198.51.100.8 dev lo
is "a route inside hides" "$(addr "$(who 192.0.2.1 7107 198.51.100.8)")" 10.0.2.2
in_child ip route delete 198.51.100.8
is "until it has gone" "$(addr "$(who 192.0.2.1 7107 198.51.100.8)")" 198.51.100.8
in_child ip rule add to 198.51.100.8 unreachable
is "a rule inside hides" "$(addr "$(who 192.0.2.1 7107 198.51.100.8)")" 10.0.2.2
in_child ip rule delete to 198.51.100.8 unreachable
is "a server on the child's loopback" "$(addr "$(who 192.0.2.1 7109 198.51.100.8)")" 127.0.0.1
like "one on ::1 only is not sought" "$(who 192.0.2.1 7110 198.51.100.8 2>&1)" "*ECONNRESET*"

is "64 MB both ways" "$(in_world nsprobe duplex -b 198.51.100.8 192.0.2.1 7007 67108864 7)" ok
is "500 at once" "$(in_world nsprobe many 192.0.2.1 7007 500)" "500 alive"
is "one address and port, 100 times" "$(world_py again 192.0.2.1 7107 198.51.100.8 5600 100)" ok
is "and when the client ends first" "$(world_py first_closes 192.0.2.1 7007 198.51.100.8 5601 100)" ok
is "one address and port to two ports of one server" \
	"$(world_py two 192.0.2.1 7007 7017 198.51.100.8 5700)" "echo echo"

# answers that never come: the route says by us, the packets go elsewhere
in_child ip rule add from 10.0.2.100 to 203.0.113.9 ipproto tcp blackhole
is "silence ends in the gateway's address" "$(addr "$(who 192.0.2.1 7107 203.0.113.9)")" 10.0.2.2
at_once() { in_world nsprobe ask -t 900 -b 203.0.113.9 192.0.2.1 7107 2>/dev/null; }
is "which is then used at once" "$(addr "$(at_once || at_once || at_once)")" 10.0.2.2 # a SYN may be lost
in_child ip rule delete from 10.0.2.100 to 203.0.113.9 ipproto tcp blackhole
is "until routes change" "$(addr "$(who 192.0.2.1 7107 203.0.113.9)")" 203.0.113.9

# ports come and go under load
world_py load 192.0.2.1 7007 3 >"$T/load" &
load=$!
for _ in 1 2 3 4 5 6 7 8; do
	id=$(ctl add-ports 0.0.0.0:7300:7/tcp) && ctl remove-ports "$id" >/dev/null || echo bad
done >"$T/churn"
wait $load
is "ports come and go" "$(cat "$T/churn")" ""
is "and others do not notice" "$(cat "$T/load")" ok
rk_stop

# shellcheck disable=SC2086 # lists of words
for how in --accel=off --source-ip-transparent=false; do
	rk_start --net=slirp $how $ports $uports -- nsprobe serve $servers || exit
	wait_for 5 sh -c "[ \$(grep -c ^ready $RK_OUT) = $nservers ]"
	want=127.0.0.1
	[ $how != --accel=off ] || want=10.0.2.100
	is "$how: an address of the child" "$(addr "$(who 192.0.2.1 7107 198.51.100.8)")" $want
	is "$how: UDP" "$(addr "$(uwho 192.0.2.1 7107 198.51.100.8)")" $want
	is "$how: 16 MB both ways" "$(in_world nsprobe duplex 192.0.2.1 7007 16777216 7)" ok
	rk_stop
done

# the agents end: what they have handed out is used up, then connections go on as they can
rk_start --net=slirp -p 0.0.0.0:7107:1007/tcp -- nsprobe serve tcp-who,0.0.0.0,1007 || exit
wait_for 5 grep -q ready "$RK_OUT"
is "before" "$(addr "$(who 192.0.2.1 7107 198.51.100.8)")" 198.51.100.8
child=$(cat "$STATE/child_pid")
for agent in $(pgrep 'rs-(nsagent|spare)'); do
	if [ "$(readlink "/proc/$agent/ns/net")" != "$(readlink "/proc/$child/ns/net")" ]; then kill -9 "$agent"; fi
done
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
	nsprobe ask 192.0.2.1 7107 &
	nsprobe ask 192.0.2.1 7107 &
	nsprobe ask 192.0.2.1 7107 &
	nsprobe ask 192.0.2.1 7107 &
	nsprobe ask 192.0.2.1 7107 &
	nsprobe ask 192.0.2.1 7107 &
	nsprobe ask 192.0.2.1 7107 &
	nsprobe ask 192.0.2.1 7107
done >/dev/null 2>&1
is "without the gateway's agent" "$(addr "$(who 192.0.2.1 7107 198.51.100.8)")" 10.0.2.100
rk_stop
