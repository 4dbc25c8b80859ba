# SPDX-License-Identifier: Apache-2.0
# port_client_inside.sh - who a server sees as its client on networks without our gateway: by sockets of the child's netns
# deadline: 120
. "${0%/*}/lib.sh"
need userns tun tool:python3 tool:nft file:/usr/bin/slirp4netns
world_py() { in_world python3 "$RK_SRC/tests/integration/port_client_address.py" "$@"; }
cp "$RK_BUILD/tests/refuse/librefuse.so" "$T/librefuse.so" # where the user may read it
# who ADDR PORT [FROM [PORT]]: whom the server in the child sees, from the world
who() { in_world nsprobe ask -t 5000 ${3:+-b "$3"} ${4:+-p "$4"} "$1" "$2"; }
uwho() { in_world nsprobe ask -u -t "${patience:-8000}" ${3:+-b "$3"} ${4:+-p "$4"} "$1" "$2" x; }
addr() { echo "${1% *}"; }
sees() { patience=1000; [ "$(addr "$(uwho 192.0.2.1 7107 198.51.100.8)")" = "$1" ]; }
table_is_there() { in_child nft list table inet rootless-supervisor; }
extra() { as_user rootlessctl --socket "$STATE/api.sock" info --json | python3 -c "import json, sys; print(json.load(sys.stdin)['portDriver'].get('extra', {}).get('$1'))"; }

# addresses of the world that the host reaches by its default route only, one of them in the child's LAN
for a in 198.51.100.8 203.0.113.9 10.0.2.77; do in_world ip address add $a/32 dev lo; done
in_world ip address add 2001:db8:ffff::8/128 dev lo nodad
ip route replace 10.0.2.77 via 192.0.2.2
in_world sysctl -qw net.ipv4.ip_unprivileged_port_start=0

servers='tcp-who,0.0.0.0,2007 tcp-who,::,1008 tcp-who,127.0.0.1,1009 tcp-echo,0.0.0.0,7 udp-who,0.0.0.0,2007 udp-who,::,1008 udp-who,127.0.0.1,1009 udp-echo,0.0.0.0,7'
nservers=8
ports='-p 0.0.0.0:7107:2007/tcp -p [::]:7108:1008/tcp -p 0.0.0.0:7109:1009/tcp -p 0.0.0.0:7007:7/tcp -p 0.0.0.0:7017:7/tcp -p 0.0.0.0:7106:1006/tcp
	-p 0.0.0.0:7107:2007/udp -p [::]:7108:1008/udp -p 0.0.0.0:7109:1009/udp -p 0.0.0.0:7106:1006/udp -p 0.0.0.0:7007:7/udp'
start() { # ARG...
	# shellcheck disable=SC2086 # lists of words
	rk_start "$@" $ports -- nsprobe serve $servers || exit
	wait_for 5 sh -c "[ \$(grep -c ^ready $RK_OUT) = $nservers ]"
}

for net in none slirp4netns; do
	case $net in
	none) start --net=none && own=127.0.0.1 far=127.0.0.1 u6=::1 ;;
	# a router advertisement of slirp4netns would give the child another address of IPv6 at any moment
	*) start --net=slirp4netns --slirp4netns-binary=/usr/bin/slirp4netns --sysctl=net.ipv6.conf.tap0.accept_ra=0 && own=10.0.2.100 far=198.51.100.8 u6=2001:db8:ffff::8 ;;
	esac
	is "$net: info" "$(extra sourceIPTransparentBackend) $(extra sourceIPTransparentReason)" "nft None"
	is "$net: a client, and its port" "$(who 192.0.2.1 7107 198.51.100.8 5501)" "198.51.100.8 5501"
	is "$net: a port below 1024" "$(addr "$(who 192.0.2.1 7107 203.0.113.9 443)")" "$own"
	is "$net: a LAN like the child's" "$(addr "$(who 192.0.2.1 7107 10.0.2.77)")" 10.0.2.77
	is "$net: a server on the child's loopback" "$(addr "$(who 192.0.2.1 7109 198.51.100.8)")" 198.51.100.8
	is "$net: this machine by its address" "$(addr "$(nsprobe ask 192.0.2.1 7107)")" 192.0.2.1
	is "$net: this machine by loopback" "$(addr "$(nsprobe ask 127.0.0.1 7107)")" "$own"
	is "$net: the port of a server inside" "$(addr "$(who 192.0.2.1 7107 198.51.100.8 2007)")" "$own"
	ok "$net: IPv6 of the world is up" wait_for 5 in_world nsprobe connect -b 2001:db8:ffff::8 2001:db8::1 7108
	is "$net: IPv6" "$(addr "$(who 2001:db8::1 7108 2001:db8:ffff::8)")" 2001:db8:ffff::8
	like "$net: nobody listens" "$(who 192.0.2.1 7106 198.51.100.8 2>&1)" "*ECONNRESET*"
	is "$net: 8 MB both ways" "$(in_world nsprobe duplex -b 198.51.100.8 192.0.2.1 7007 8388608 7)" ok
	is "$net: one address and port, 50 times" "$(world_py again 192.0.2.1 7107 198.51.100.8 5600 50)" ok
	is "$net: one address and port to two ports of one server" "$(world_py two 192.0.2.1 7007 7017 198.51.100.8 5700)" "echo echo"
	is "$net: UDP" "$(addr "$(uwho 192.0.2.1 7107 198.51.100.8)")" "$far"
	is "$net: UDP, IPv6" "$(addr "$(uwho 2001:db8::1 7108 2001:db8:ffff::8)")" "$u6"
	is "$net: UDP, this machine by loopback" "$(addr "$(nsprobe ask -u 127.0.0.1 7107 x)")" "$own"
	is "$net: UDP, a server on the child's loopback" "$(addr "$(uwho 192.0.2.1 7109 198.51.100.8)")" 127.0.0.1
	is "$net: UDP, 100 clients at once" "$(world_py crowd 192.0.2.1 7007 198.51.100.8 100)" ok
	[ $net = none ] && rk_stop
done
is "UDP: a client, and its port" "$(uwho 192.0.2.1 7107 198.51.100.8 5501)" "198.51.100.8 5501"
is "UDP: a port below 1024" "$(addr "$(uwho 192.0.2.1 7107 203.0.113.9 443)")" 10.0.2.100
is "UDP: a LAN like the child's" "$(addr "$(uwho 192.0.2.1 7107 10.0.2.77)")" 10.0.2.77
is "UDP: the port of a server inside" "$(addr "$(uwho 192.0.2.1 7107 198.51.100.8 2007)")" 10.0.2.100

# what is the child's own is no client; a way that is taken away is not believed in
in_child ip address add 198.51.100.8/32 dev lo
is "an address of the child's" "$(addr "$(who 192.0.2.1 7107 198.51.100.8)")" 10.0.2.100
is "UDP: an address of the child's" "$(addr "$(uwho 192.0.2.1 7107 198.51.100.8)")" 10.0.2.100
in_child ip address delete 198.51.100.8/32 dev lo
is "until it has gone" "$(addr "$(who 192.0.2.1 7107 198.51.100.8)")" 198.51.100.8
in_child ip route replace 198.51.100.8 dev lo src 127.0.0.1
is "UDP: where a server would answer from another address" "$(addr "$(uwho 192.0.2.1 7107 198.51.100.8)")" 10.0.2.100
is "which TCP never does" "$(addr "$(who 192.0.2.1 7107 198.51.100.8)")" 198.51.100.8
in_child ip route delete 198.51.100.8

# a container: NAT of the child, and a bridge that answers come by
in_child unshare --net sh -c 'echo $$; exec nsprobe serve tcp-who,0.0.0.0,80 udp-who,0.0.0.0,80' >"$T/container" &
job=$!
wait_for 5 sh -c "[ \$(grep -c ready $T/container) = 2 ]"
container=$(head -n 1 "$T/container")
in_container() { nsenter --target "$container" --user --net -- "$@"; }
in_child ip link add c0 type veth peer name eth0 netns "$container"
in_child ip address add 172.17.0.1/16 dev c0
in_child ip link set c0 up
in_container ip address add 172.17.0.2/16 dev eth0
in_container ip link set eth0 up
in_container ip route add default via 172.17.0.1
in_child nft -f - <<-EOT
	table ip nat { chain out { type nat hook output priority -100;
		ip daddr 10.0.2.100 tcp dport 1006 dnat to 172.17.0.2:80
		ip daddr 10.0.2.100 udp dport 1006 dnat to 172.17.0.2:80
	}
	}
EOT
is "a server behind NAT" "$(who 192.0.2.1 7106 198.51.100.8 5801)" "198.51.100.8 5801"
is "UDP: a server behind NAT" "$(uwho 192.0.2.1 7106 198.51.100.8 5801)" "198.51.100.8 5801"

# the table is the child's: it is removed, and comes back
world_py load 192.0.2.1 7007 2 >"$T/load" &
load=$!
for _ in 1 2 3; do
	in_child nft flush ruleset
	ok "made again" wait_for 5 table_is_there
done
in_child nft flush table inet rootless-supervisor
ok "emptied: made again" wait_for 5 sees 198.51.100.8
patience=
wait $load
is "clients do not notice" "$(cat "$T/load")" ok
is "TCP" "$(who 192.0.2.1 7107 198.51.100.8 5502)" "198.51.100.8 5502"
is "it is said once" "$(grep -c "info: ports: the table 'rootless-supervisor' of nf_tables in the child was removed: made again" "$RK_ERR")" 1
# more than 20 times within a minute, however slow this machine is
given_up() { grep -q "warning: ports: the table .* it is removed again and again; servers do not see" "$RK_ERR"; }
there_or_given_up() { given_up || table_is_there; }
n=0
until given_up || [ $n = 100 ]; do
	n=$((n + 1))
	in_child nft flush ruleset
	wait_for 5 there_or_given_up
done
ok "but not for ever" given_up
is "then TCP has an address of the child" "$(addr "$(who 192.0.2.1 7107 198.51.100.8)")" 10.0.2.100
is "and UDP" "$(addr "$(uwho 192.0.2.1 7107 198.51.100.8)")" 10.0.2.100
is "which info says" "$(extra sourceIPTransparentBackend): $(extra sourceIPTransparentReason)" \
	"none: the table 'rootless-supervisor' of nf_tables in the child: it is removed again and again"
is "and the log, once" "$(grep -c "it is removed again and again; servers do not see" "$RK_ERR")" 1
kill "$container"
{ wait "$job"; } 2>/dev/null
rk_stop

# who does not want it, and kernels that lack something
start --net=none --source-ip-transparent=false
is "switched off" "$(addr "$(who 192.0.2.1 7107 198.51.100.8)") $(extra sourceIPTransparentBackend)" "127.0.0.1 None"
is "no table, no rule" "$(in_child nft list ruleset; in_child ip rule show pref 100)" ""
rk_stop
while read -r lacking reason; do
	RK_ENV="LD_PRELOAD=$T/librefuse.so REFUSE=$lacking"
	start --net=none
	is "without $lacking" "$(addr "$(who 192.0.2.1 7107 198.51.100.8)")" 127.0.0.1
	is "UDP without $lacking" "$(addr "$(uwho 192.0.2.1 7107 198.51.100.8)")" 127.0.0.1
	like "which info says" "$(extra sourceIPTransparentBackend): $(extra sourceIPTransparentReason)" "none: $reason*"
	is "and the log, once" "$(grep -c "info: ports: servers do not see the addresses of clients: $reason" "$RK_ERR")" 1
		rk_stop
done <<-EOT
	nf_tables opening a socket to nf_tables: Protocol not supported
	ct nf_tables: marking a connection: No such file or directory
	readonly=fwmark setting '/proc/sys/net/ipv4/tcp_fwmark_accept' to '1': Read-only file system
EOT
