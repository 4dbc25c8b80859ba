# SPDX-License-Identifier: Apache-2.0
# net_torture.sh - TCP out on every rung when nobody is kind: random pauses, urgent bytes, tiny buffers,
# any order of closing, a relay that stops, slow readers, a scan, late and broken peers, no pipes
# deadline: 400
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3 tool:nft
py="python3 $RK_SRC/tests/integration/net_torture.py"
many=${RK_READERS:-300} ports=${RK_PORTS:-8000} transfers=${RK_TRANSFERS:-12}
# shellcheck disable=SC2086 # two words
probe() { in_child $py "$@"; }
# but for pipes, of which up to 32 are kept once they were needed
relay_fds() { find "/proc/$relay/fd" -mindepth 1 -not -lname 'pipe:*' | wc -l; }
few_fds() { [ "$(relay_fds)" -le $(($1 + 8)) ] || { what_is_open; false; }; }
# for who reads of the failure: kinds of descriptors, and the connections on both sides
what_is_open() {
	echo "$(relay_fds) open, $before at the start:"
	find "/proc/$relay/fd" -mindepth 1 -printf '%l\n' | sed 's/:.*//' | sort | uniq -c
	in_child ss -Htan | head -n 20
	ss -Htan | head -n 20
}
# shellcheck disable=SC2086 # two words
(exec nsenter --net="/proc/$RK_WORLD_PID/ns/net" -- $py serve 192.0.2.2 2001:db8::2) >"$T/server" 2>&1 &
server=$!
wait_for 10 grep -q ready "$T/server"
wrong() { grep -v ready "$T/server"; }

# what the world refuses, and how; 301x are silent for a while
in_world nft -f - <<'EOT'
table inet t {
	chain input {
		type filter hook input priority 0
		tcp dport 4101 reject with icmpx type admin-prohibited
		tcp dport 4102 reject with icmpx type host-unreachable
		tcp dport 4103 reject with icmpx type no-route
		tcp dport 4104 reject with icmpx type port-unreachable
		tcp dport 4105 reject with tcp reset
		ip version 4 tcp dport 4106 reject with icmp type prot-unreachable
		ip version 4 tcp dport 4107 reject with icmp type net-prohibited
		ip version 4 tcp dport 4108 reject with icmp type host-prohibited
	}
	chain late {
		type filter hook input priority 1
	}
}
EOT

in_world sh -c 'echo 0 >/proc/sys/net/ipv4/icmp_ratelimit; echo 0 >/proc/sys/net/ipv6/icmp/ratelimit'

for RUNG in $RUNGS; do
rk_start --net=slirp -- sleep 1000 || exit
is "the way is open" "$(in_child nsprobe duplex 192.0.2.2 7 1000 3)" ok # what is made at first is there
relay=$(pgrep -x rs-relay)
before=$(relay_fds)

transfers_to=3001
[ "$RUNG" != off ] || transfers_to=3004 # what libslirp cannot do: README, limits
# the relay stops for a moment again and again
(while kill -STOP "$relay" && sleep 0.02 && kill -CONT "$relay"; do sleep 0.05; done) 2>/dev/null &
storm=$!
for a in 192.0.2.2 2001:db8::2; do
	is "transfers that are not kind, $a" "$(probe transfers $a 1000 "$transfers" 1500000 $transfers_to)" ok
done
kill $storm
wait $storm 2>/dev/null
kill -CONT "$relay"
is "and at their servers" "$(wrong)" ""

# errors: as on the host
if [ "$RUNG" != off ]; then
	for a in 192.0.2.2 2001:db8::2; do
		for port in 4101 4102 4103 4104 4105; do
			is "refused like on the host: $a, $port" "$(in_child nsprobe connect -t 4000 $a $port)" "$(as_user nsprobe connect -t 4000 $a $port)"
		done
	done
	for port in 4106 4107 4108; do
		is "refused like on the host: $port" "$(in_child nsprobe connect -t 4000 192.0.2.2 $port)" "$(as_user nsprobe connect -t 4000 192.0.2.2 $port)"
	done
fi

# connects that last: 301x drops until its time. Meanwhile others give up
in_world nft add rule inet t late tcp dport 3010-3015 tcp flags syn / syn,ack drop
probe late 192.0.2.2 3010 3011 >"$T/late4" &
late4=$!
probe late 2001:db8::2 3012 >"$T/late6" &
late6=$!
is "connects that are given up" "$(probe aborts 192.0.2.2 3014 100)" ok
sleep 0.8
in_world nft flush chain inet t late
wait $late4 $late6
like "late, but connected" "$(cat "$T/late4")" "3010: ok *, 3011: ok *"
like "late, IPv6" "$(cat "$T/late6")" "3012: ok *"

# a scan beside others
mkfifo "$T/end" 2>/dev/null
probe live 192.0.2.2 <"$T/end" >"$T/live" &
live=$!
exec 4>"$T/end"
is "a scan" "$(probe scan 192.0.2.2 "$ports")" ok
exec 4>&-
wait $live
read -r n p99 <"$T/live"
ok "beside it $n connections, 99 of 100 within $p99 ms" test "$p99" -lt 1500

is "$many slow readers, and others beside them" "$(probe slow 192.0.2.2 "$many" 3000000 $transfers_to)" ok
is "and at their servers" "$(wrong)" ""
# a reset of a slow reader that a full queue dropped is found out by the next probe of its closed
# window, 120 s later at most
wait_for 130 few_fds "$before"
ok "descriptors come back" few_fds "$before"
rk_stop
done

# the user's other programs have used up all pipes
for RUNG in $RUNGS; do
rm -f "$T/end"
mkfifo "$T/end"
: >"$T/pipes" # that of the rung before says ready
# shellcheck disable=SC2086 # two words
as_user $py pipes <"$T/end" >"$T/pipes" &
pipes=$!
exec 4>"$T/end"
wait_for 10 grep -q ready "$T/pipes"
transfers_to=3001
[ "$RUNG" != off ] || transfers_to=3004
rk_start --net=slirp -- sleep 1000 || exit
is "no pipes: 64 MB both ways at once" "$(in_child nsprobe duplex 192.0.2.2 7 67108864 7)" ok
is "no pipes: transfers that are not kind" "$(probe transfers 192.0.2.2 7000 5 1500000 $transfers_to)" ok
rk_stop
exec 4>&-
wait $pipes
done
kill $server
