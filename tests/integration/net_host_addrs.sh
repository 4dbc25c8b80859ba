# SPDX-License-Identifier: Apache-2.0
# net_host_addrs.sh - with --deny-host-addrs no address of the host is reached, whatever it is, however it is spelled and
# whenever the host got it; without, all are
# asan: yes
# deadline: 120
. "${0%/*}/lib.sh"
need userns tun tool:python3
py="python3 $RK_SRC/tests/integration"

echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range
ip address add 198.18.5.1/32 dev lo
ip route add local 198.18.6.0/24 dev lo # a range that is local without an address
HOST="192.0.2.1 198.18.5.1 198.18.6.77 2001:db8::1"
SPELLED="$HOST 192.0.2.255 ::ffff:192.0.2.1 ::192.0.2.1 ::ffff:0:192.0.2.1 fe80::1"
: >"$T/canary"
for port in 4000 7; do
	# shellcheck disable=SC2086 # two words
	$py/net_host_loopback.py canary $port 0.0.0.0 :: >>"$T/canary" 2>&1 &
	canaries="${canaries-} $!"
done
nsprobe serve dns,192.0.2.1,53 >"$T/dns" 2>&1 &
canaries="$canaries $!"
wait_for 5 sh -c "[ \$(cat '$T/canary' '$T/dns' | grep -c ^ready) = 3 ]"
heard() { grep -vc ^ready "$T/canary"; }
# shellcheck disable=SC2086 # two words
echoes() { in_child $py/net_echo.py one "$1"; }
frames() {
	mac=$(in_child sh -c 'ping -c1 -W1 10.0.2.2 >/dev/null 2>&1; ip neigh show 10.0.2.2' | sed 's/.*lladdr \([^ ]*\).*/\1/')
	# shellcheck disable=SC2086 # words
	in_child $py/net_host_loopback.py frames "$mac" 4000 $SPELLED
}
asked() { in_child nsprobe ask "$@" 2>/dev/null; }
# while the list is on its way no canary may hear it: another port, that nobody has
tcp_gives() { [ "$(in_child nsprobe connect -t 2000 "$1" 4004)" = "$2" ]; }
ping_gives() { [ "$(echoes "$1")" = "$2" ]; }
# total WORKER NAME: of the counters
total() {
	as_user rootlessctl --socket "$STATE/api.sock" info --json |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["workers"][sys.argv[1]].get("totals", {}).get(sys.argv[2], 0))' "$@"
}
counts() { sleep 0.5; [ "$(total "$@")" -gt 0 ]; } # they come every 5 s
# later TEXT WANT: one more datagram of the socket that was there before
later() { echo "$1" >&3; wait_for 15 grep -qx "$2" "$T/later" || { cat "$T/later"; return 1; }; }

for RUNG in $RUNGS; do
cp /etc/resolv.conf "$T/resolv.conf"
echo 'nameserver 192.0.2.1' >/etc/resolv.conf
rk_start --net=slirp --deny-host-addrs -- sleep 1000 || exit
for a in $HOST; do
	is "TCP to $a" "$(in_child nsprobe connect -t 8000 "$a" 4000)" ENETUNREACH
	is "UDP to $a" "$(asked -u -t 200 "$a" 4000 x)" ""
done
is "ping" "$(echoes 192.0.2.1)" "error 3 0 0 of 10.0.2.2"
is "ping of a local range" "$(echoes 198.18.6.77)" "error 3 0 0 of 10.0.2.2"
is "ping by IPv6" "$(echoes 2001:db8::1)" "error 1 0 0 of fd00::2"
is "names are asked of a server that is the host" "$(in_child nsprobe dns 10.0.2.3 web.world.test | head -n 1)" 192.0.2.2
ok "frames by hand" test "$(frames)" -gt 300
# what came of them would have come before this, the same way
is "the world is reached" "$(asked 192.0.2.2 7 x) $(asked -u 192.0.2.2 7 x)" "x x"
is "and by IPv6" "$(asked 2001:db8::2 7 x) $(asked -u 2001:db8::2 7 x)" "x x"

: >"$T/later" # that of the rung before says ready
# shellcheck disable=SC2094 # another name each
mkfifo "$T/in.$RUNG"
in_child python3 "$RK_SRC/tests/integration/net_host_addrs.py" 198.51.100.7 7 <"$T/in.$RUNG" >"$T/later" 2>&1 &
child=$!
exec 3>"$T/in.$RUNG"
ok "a socket talks to an address of the world" wait_for 15 grep -q ready "$T/later"
ip address add 198.51.100.7/32 dev lo
ip address add 2001:db8:ffff::7/128 dev lo nodad
ok "which the host gets then: refused" wait_for 5 tcp_gives 198.51.100.7 ENETUNREACH
ok "by IPv6" wait_for 5 tcp_gives 2001:db8:ffff::7 ENETUNREACH
ok "by the other worker" wait_for 5 ping_gives 198.51.100.7 "error 3 0 0 of 10.0.2.2"
ok "the socket that talked to it, too" later late ENETUNREACH
case $RUNG in off) worker=rs-slirp ;; *) worker=rs-relay ;; esac
pid=$(pgrep -u "$RK_UID" -x $worker)
kill -KILL "$pid"
ok "a worker dies" wait_for 5 sh -c "new=\$(pgrep -u $RK_UID -x $worker) && [ \"\$new\" != $pid ]"
for a in 198.51.100.7 192.0.2.1; do
	is "the next one refuses TCP to $a" "$(in_child nsprobe connect -t 8000 "$a" 4000)" ENETUNREACH
done
ip address del 198.51.100.7/32 dev lo
ip address del 2001:db8:ffff::7/128 dev lo
ok "when the host loses it, it is the world's again" wait_for 5 tcp_gives 198.51.100.7 ECONNREFUSED
exec 3>&-
wait $child
is "no canary heard anything" "$(heard)" 0
case $RUNG in off) ok "denials are counted" wait_for 2 counts slirp refused ;;
*) ok "denials are counted" wait_for 2 counts relay tcpOutRefused ;; esac
like "info has it" "$(as_user rootlessctl --socket "$STATE/api.sock" info --json | tr -d ' \n')" '*"denyHostAddrs":true*'
rk_stop
cp "$T/resolv.conf" /etc/resolv.conf

rk_start --net=slirp --deny-host-addrs --disable-host-loopback=false -- sleep 1000 || exit
is "the gateway's door is another flag's" "$(asked 10.0.2.2 4000)" heard
is "TCP to the host otherwise" "$(in_child nsprobe connect -t 8000 192.0.2.1 4000)" ENETUNREACH
rk_stop
echo ready >"$T/canary"

rk_start --net=slirp -- sleep 1000 || exit
for a in $HOST; do
	is "without it: TCP to $a" "$(asked "$a" 4000)" heard
	is "without it: UDP to $a" "$(asked -u "$a" 4000 x)" heard
done
is "without it: ping" "$(echoes 192.0.2.1)" "32 bytes of 192.0.2.1"
echo ready >"$T/canary"
ok "without it: frames by hand" test "$(frames)" -gt 300
for a in 192.0.2.1 198.18.5.1 198.18.6.77 2001:db8::1; do
	ok "datagrams of them to $a are heard" wait_for 3 grep -q "^udp .* $a\$" "$T/canary"
done
ok "and connections" wait_for 3 grep -q '^tcp 0.0.0.0' "$T/canary"
ok "by IPv6" wait_for 3 grep -q '^tcp ::' "$T/canary"
rk_stop
echo ready >"$T/canary"
done
RUNG=
# shellcheck disable=SC2086 # pids
kill $canaries

rk_run --net=slirp4netns --slirp4netns-binary=slirp4netns --deny-host-addrs -- true
one_error_line "not with a network of others" "$RK_ERR" 'deny-host-addrs needs the built-in network*'
documented "which is documented" "$RK_ERR"
like "the plan says it" "$(as_user rootless-supervisor --explain --deny-host-addrs -- true)" '*every other address that it has or gets*'
