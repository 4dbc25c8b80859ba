# SPDX-License-Identifier: Apache-2.0
# net_udp_rungs.sh - what UDP out does on every rung: one port for all peers, answers of anybody, refusals, datagrams
# longer than the path, every hop, a flood of another, more ports than descriptors, the death of who carries it
# deadline: 180
. "${0%/*}/lib.sh"
need userns tun tool:python3 tool:prlimit
py="python3 $RK_SRC/tests/integration/net_udp.py"
# shellcheck disable=SC2086 # two words
probe() { in_child $py "$@"; }
same() { if [ "${1%,*}" = "${1#*, }" ]; then pass "$2"; else fail "$2" "$1"; fi; }
# a worker that is busy says it a little later
budget_told() { as_user rootlessctl --socket "$STATE/api.sock" info --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["workers"][sys.argv[1]]["budgets"][sys.argv[2]]["max"])' "$@" >"$T/budget" 2>"$T/untold"; }
budget() {
	wait_for 10 budget_told "$@"
	cat "$T/budget"
}

# shellcheck disable=SC2086 # two words
(exec nsenter --net="/proc/$RK_WORLD_PID/ns/net" -- $py serve 192.0.2.2 192.0.2.3 2001:db8::2 2001:db8::3) >"$T/world" 2>&1 &
server=$!
wait_for 5 grep -q ^ready "$T/world"
far_start 1400
(exec nsenter --net="/proc/$FAR_PID/ns/net" -- nsprobe serve udp-echo,$FAR,7 udp-echo,$FAR6,7) >"$T/echo" 2>&1 &
echo_server=$!
wait_for 5 sh -c "[ \$(grep -c ^ready $T/echo) = 2 ]"

ip address add 192.0.2.9/24 dev h0 # the host has more than one address
ip address add 2001:db8::9/64 dev h0 nodad
ip route add 198.51.100.7 via 192.0.2.2 src 192.0.2.9

for RUNG in $RUNGS; do
worker=slirp
[ "$RUNG" != tproxy ] || worker=relay
rk_start --net=slirp -p 7008:7008/udp -- nsprobe serve udp-echo,::,7008 || exit
wait_for 5 grep -q ^ready "$RK_OUT"
same "$(probe mapping 192.0.2.2 192.0.2.3 5060)" "two servers see one port"
same "$(probe mapping 2001:db8::2 2001:db8::3 5060)" "and by IPv6"
is "others may answer" "$(probe others 192.0.2.2 192.0.2.3)" "192.0.2.2 3007; 192.0.2.2 3006 192.0.2.3 3006"
is "and by IPv6" "$(probe others 2001:db8::2 2001:db8::3)" "2001:db8::2 3007; 2001:db8::2 3006 2001:db8::3 3006"
for a in 192.0.2.2 2001:db8::2; do
	is "100 ports ask where nobody listens, $a" "$(probe refused $a 100)" "100 refused, 10 alive"
done
like "it leaves from the address that the route says" "$(in_child nsprobe ask -u -t 8000 198.51.100.7 1007)" "192.0.2.9 *"
like "else from the first" "$(in_child nsprobe ask -u -t 8000 192.0.2.3 1007)" "192.0.2.1 *"
for a in 192.0.2.1 192.0.2.9 2001:db8::1 2001:db8::9; do
	is "a published port answers from the address that was asked, $a" "$(in_world nsprobe ask -u -t 8000 $a 7008 hello)" hello
done
is "longer than the path" "$(probe over $FAR 1300 1450 9000 65507)" "1300 1450 9000 65507"
is "and by IPv6" "$(probe over $FAR6 1300 1450 9000 65400)" "1300 1450 9000 65400"
is "every hop" "$(probe hops $FAR)" "10.0.2.2 192.0.2.2 $FAR"
like "and by IPv6" "$(probe hops $FAR6)" "fd00::[23] 2001:db8::[23] $FAR6"

# another address of the child talks from as many ports as there are
in_child ip address add 10.0.2.101/24 dev tap0
probe flood 192.0.2.2 3 10.0.2.101 >"$T/flood" &
flood=$!
steady=$(probe steady 192.0.2.2 60)
wait $flood
ok "a healthy flow beside a flood of $(cat "$T/flood"): $steady of 60" test "${steady:-0}" -ge 40

# who carries it is killed while all talk
: >"$T/talk" # that of the rung before says ready
probe talk 192.0.2.2 40 >"$T/talk" 2>"$T/talked" &
talk=$!
wait_for 5 grep -q ready "$T/talk"
talker=$(pgrep -f "net_udp.py talk")
for _ in 1 2 3; do
	old=$(pgrep -x "rs-$worker")
	kill -s KILL "$old"
	ok "another $worker" wait_for 5 sh -c "[ \"\$(pgrep -x rs-$worker || echo $old)\" != $old ]"
done
kill -s USR1 "$talker"
wait $talk
is "all talk as before, and no byte is another" "$(sed 1d "$T/talk")" ok
cat "$T/talked"
rk_stop

RK_ENV="prlimit --nofile=400:400"
rk_start --net=slirp -- sleep 1000 || exit
RK_ENV=
if [ "$RUNG" = tproxy ]; then
	most=$(budget relay udpOut)
	least=$most
else # a quarter at a time, and who talked in the same moment
	most=$(budget slirp udp)
	least=$((most / 4))
fi
is "more ports than descriptors: the oldest go" "$(probe oldest_go 192.0.2.2 300 "$least" "$most")" ok
like "which is said" "$(cat "$RK_ERR")" '*ports of the child talk UDP at once*'
is "TCP beside it" "$(in_child nsprobe duplex 192.0.2.2 7 1000000 3)" ok
rk_stop
done
kill $server $echo_server
far_stop
