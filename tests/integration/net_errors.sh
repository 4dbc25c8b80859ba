# SPDX-License-Identifier: Apache-2.0
# net_errors.sh - what the child sees of a way that is closed: the tables of docs/network.md, whoever
# carries TCP
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:nft
ip route add unreachable 203.0.113.0/24
ip route add prohibit 198.18.0.0/15
ip -6 route add unreachable 2001:db8:5::/48

# a router on this machine: its messages come while the kernel still has the connecting socket locked
in_world nft -f - <<'EOT'
table inet t {
	chain input {
		type filter hook input priority 0
		tcp dport 4104 reject with icmpx type port-unreachable
		tcp dport 4105 reject with icmpx type host-unreachable
		tcp dport 4106 reject with icmpx type no-route
	}
}
EOT
in_world sh -c 'echo 0 >/proc/sys/net/ipv4/icmp_ratelimit; echo 0 >/proc/sys/net/ipv6/icmp/ratelimit'

# sees WANTED COMMAND...: of nsprobe, inside
sees() {
	rk_want=$1
	shift
	like "$* -> $rk_want" "$(in_child nsprobe "$@" 2>&1)" "*$rk_want"
}
dgram="ask -u -t 1500"
for RUNG in $RUNGS; do
prohibited=EHOSTUNREACH
[ "$RUNG" != off ] || prohibited=ENETUNREACH # all that libslirp can say
rk_start --net=slirp -- sleep 1000 || exit
# on-link addresses that nobody has, inside and outside: a kernel asks for 3 s, the others meanwhile
in_child sh -c 'for a in 10.0.2.77 10.0.2.200 fd00::77 192.0.2.77 2001:db8::77; do nsprobe connect -t 12000 $a 7 & done; wait' >"$T/neighbours" &
neighbours=$!

while read -r want address port; do
	sees "$want" connect -t 3000 "$address" "$port"
done <<-EOT
	ok 192.0.2.2 7
	ok 10.0.2.3 53
	ok fd00::3 53
	ECONNREFUSED 192.0.2.2 4
	ECONNREFUSED 2001:db8::2 4
	ENETUNREACH 10.0.2.2 4
	ENETUNREACH 10.0.2.3 80
	ENETUNREACH fd00::2 4
	ENETUNREACH fd00::3 80
	ENETUNREACH 0.0.0.1 80
	ENETUNREACH ::127.0.0.1 80
	ENETUNREACH 255.255.255.255 80
	ENETUNREACH 224.0.0.1 80
	ENETUNREACH ff02::1 80
	EHOSTUNREACH 240.0.0.1 80
	EACCES fec0::1 80
	EACCES ::1.2.3.4 80
	EACCES ::ffff:0:1.2.3.4 80
	EHOSTUNREACH 203.0.113.5 80
	$prohibited 198.18.0.5 80
	EHOSTUNREACH 2001:db8:5::1 80
EOT
# shellcheck disable=SC2086 # words
while read -r want address port; do
	sees "$want" $dgram "$address" "$port" x
done <<-EOT
	ECONNREFUSED 192.0.2.2 4
	ECONNREFUSED 2001:db8::2 4
	EHOSTUNREACH 240.0.0.1 80
	EACCES fec0::1 80
EOT
# at once, not when our SYN is repeated after a second
for a in 192.0.2.2 2001:db8::2 192.0.2.2 2001:db8::2; do
	sees ECONNREFUSED connect -t 900 $a 4104
done
for a in 192.0.2.2 2001:db8::2; do
	sees EHOSTUNREACH connect -t 3000 $a 4105
	sees ENETUNREACH connect -t 3000 $a 4106
done
wait $neighbours
is "addresses that nobody has" "$(tr '\n' ' ' <"$T/neighbours")" "EHOSTUNREACH EHOSTUNREACH EHOSTUNREACH EHOSTUNREACH EHOSTUNREACH "
rk_stop
done
RUNG=

rk_start --net=slirp --disable-host-loopback=false -- sleep 1000 || exit
for a in 10.0.2.2 fd00::2; do
	sees ECONNREFUSED connect $a 4
	sees ECONNREFUSED ask -u $a 4 x
done
rk_stop

rk_start --net=slirp --ipv6=false -p 0.0.0.0:7007:7/tcp -- nsprobe serve tcp-echo,0.0.0.0,7 || exit
wait_for 5 grep -q ready "$RK_OUT"
sees ENETUNREACH connect 2001:db8::2 7
is "without IPv6 inside, a port on IPv6 outside" "$(in_world nsprobe duplex 2001:db8::1 7007 1000 3)" ok
rk_stop
