# SPDX-License-Identifier: Apache-2.0
# dns_failover.sh - the first server is dead, refuses or fails; then all are
. "${0%/*}/lib.sh"
need userns tun

now_ms() { date +%s%3N; }
# took DESCRIPTION LEAST MOST COMMAND...: its time in ms; what it says goes to $T/said. Where nothing need be
# waited for, one of three tries must show it
took() {
	rk_name=$1 least=$2 most=$3
	shift 3
	for _ in 1 2 3; do
		begin=$(now_ms)
		"$@" >"$T/said" 2>&1
		ms=$(($(now_ms) - begin))
		if [ "$least" != 0 ] || [ "$ms" -le "$most" ]; then break; fi
	done
	if [ "$ms" -ge "$least" ] && [ "$ms" -le "$most" ]; then pass "$rk_name"; else fail "$rk_name" "$ms ms, not $least to $most"; fi
}
servers() { for server; do echo "nameserver $server"; done >/etc/resolv.conf; }
where() { in_child nsprobe dns -t 12000 "$@" 10.0.2.3 where.world.test; }
follows() { in_child grep -q "$1" /etc/resolv.conf; }

# nobody answers for 192.0.2.66: not even ARP, so it is silent; 192.0.2.1 refuses
ip neighbour add 192.0.2.66 lladdr 02:00:00:00:00:66 dev h0 nud permanent
servers 192.0.2.66 192.0.2.2
rk_start --net=slirp -- sleep 1000 || exit
took "a silent server costs 1.5 s once" 1400 4400 where
is "then the next is asked" "$(cat "$T/said")" 192.0.2.2
took "and is asked first from then on" 0 800 where
is "with an answer" "$(cat "$T/said")" 192.0.2.2
took "by TCP too" 0 800 where --tcp
is "with the same answer" "$(cat "$T/said")" 192.0.2.2

printf 'nameserver 192.0.2.66\nnameserver 192.0.2.2\nsearch tcp\n' >/etc/resolv.conf
wait_for 6 follows tcp || fail "the file is followed"
printf 'nameserver 192.0.2.66\nnameserver 192.0.2.3\nnameserver 192.0.2.2\nsearch tcp2\n' >/etc/resolv.conf
wait_for 6 follows tcp2 || fail "the file is followed"
took "TCP moves on from a silent server, and from one that refuses" 1400 4400 where --tcp
is "before any byte is passed" "$(cat "$T/said")" 192.0.2.2
took "and stays there" 0 800 where --tcp

printf 'nameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch refuses\n' >/etc/resolv.conf
wait_for 6 follows refuses || fail "the file is followed"
took "a server that refuses costs nothing" 0 800 where
is "the next one answers" "$(cat "$T/said")" 192.0.2.2
is "NXDOMAIN passes" "$(in_child nsprobe dns 10.0.2.3 nope.world.test)" NXDOMAIN
is "SERVFAIL passes" "$(in_child nsprobe dns 10.0.2.3 fail.world.test)" SERVFAIL

printf 'nameserver 192.0.2.66\nsearch dead\n' >/etc/resolv.conf
wait_for 6 follows dead || fail "the file is followed"
sent() { awk '$1 == "h0:" { print $11 }' /proc/net/dev; }
before=$(sent)
took "all are dead: an answer after 5 s" 4800 9000 where
is "that says so" "$(cat "$T/said")" SERVFAIL
packets=$(($(sent) - before))
ok "without a storm: $packets packets" [ $packets -le 12 ]
printf 'nameserver 192.0.2.1\nsearch gone\n' >/etc/resolv.conf
wait_for 6 follows gone || fail "the file is followed"
took "all refuse: at once" 0 800 where
is "with the same answer" "$(cat "$T/said")" SERVFAIL
isnt "by TCP there is no connection" "$(where --tcp)" 192.0.2.2

rk_stop
ip neighbour del 192.0.2.66 dev h0
printf 'nameserver 192.0.2.2\nsearch world.test\n' >/etc/resolv.conf
