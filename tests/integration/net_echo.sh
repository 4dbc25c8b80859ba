# SPDX-License-Identifier: Apache-2.0
# net_echo.sh - ping and the hops of a SYN, whoever carries TCP: answers, errors with the sender that they had, every hop, the
# true MTU, more pings than sockets; and a refusal that is seen when the host's groups leave us out
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3
py="python3 $RK_SRC/tests/integration/net_echo.py"
# shellcheck disable=SC2086 # two words
echoes() { in_child $py "$@"; }

far_start 1400
(exec nsenter --net="/proc/$FAR_PID/ns/net" -- nsprobe serve tcp-echo,$FAR,7 tcp-echo,$FAR6,7) >"$T/echo" 2>&1 &
echo_server=$!
wait_for 5 sh -c "[ \$(grep -c ^ready $T/echo) = 2 ]"
ip route add unreachable 203.0.113.0/24
ip -6 route add unreachable 2001:db8:5::/48
echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range

for RUNG in $RUNGS; do
rk_start --net=slirp -- sleep 1000 || exit
is "an answer" "$(echoes one 192.0.2.2)" "32 bytes of 192.0.2.2"
is "by IPv6" "$(echoes one 2001:db8::2)" "32 bytes of 2001:db8::2"
is "of the gateway" "$(echoes one 10.0.2.2)" "32 bytes of 10.0.2.2"
is "of its IPv6" "$(echoes one fd00::2)" "32 bytes of fd00::2"
is "a long one" "$(echoes one 192.0.2.2 64 20000)" "20000 bytes of 192.0.2.2"
is "by IPv6" "$(echoes one 2001:db8::2 64 20000)" "20000 bytes of 2001:db8::2"
is "the first hop" "$(echoes one $FAR 1)" "error 11 0 0 of 10.0.2.2"
like "by IPv6" "$(echoes one $FAR6 1)" "error 3 0 0 of fd00::[23]"
is "the second" "$(echoes one $FAR 2)" "error 11 0 0 of 192.0.2.2"
like "by IPv6" "$(echoes one $FAR6 2)" "error 3 0 0 of 2001:db8::[23]"
is "the third is the destination" "$(echoes one $FAR 3)" "32 bytes of $FAR"
is "by IPv6" "$(echoes one $FAR6 3)" "32 bytes of $FAR6"
is "one that is too long for the path" "$(echoes one $FAR 64 1400 0)" "error 3 4 1400 of 10.0.2.2"
is "when it may be cut" "$(echoes one $FAR 64 1400 1)" "1400 bytes of $FAR"
is "by IPv6" "$(echoes long $FAR6 1400)" "1400 bytes of $FAR6"
is "no host" "$(echoes one 203.0.113.5)" "error 3 1 0 of 10.0.2.2"
is "by IPv6" "$(echoes one 2001:db8:5::1)" "error 1 3 0 of fd00::2"
is "a wrong checksum" "$(echoes broken 192.0.2.2)" nothing
is "more pings than sockets" "$(echoes many 192.0.2.2 300)" 300
for a in $FAR $FAR6; do
	is "TCP, $a" "$(echoes tcp "$a" 64)" hello
	like "a SYN, first hop, $a" "$(echoes tcp "$a" 1)" "error $([ "$a" = "$FAR" ] && echo '11 0 of 10.0.2.2' || echo '3 0 of fd00::[23]')"
	like "a SYN, second hop, $a" "$(echoes tcp "$a" 2)" "error $([ "$a" = "$FAR" ] && echo '11 0 of 192.0.2.2' || echo '3 0 of 2001:db8::[23]')"
	is "a SYN, third hop, $a" "$(echoes tcp "$a" 3)" hello
	is "third hop, nobody listens, $a" "$(echoes tcp "$a" 3 9)" "Connection refused"
done
is "no complaint" "$(cat "$RK_ERR")" ""
rk_stop
done

echo "1 0" >/proc/sys/net/ipv4/ping_group_range
for RUNG in $RUNGS; do
rk_start --net=slirp -- sleep 1000 || exit
is "no group of ours: a refusal" "$(echoes one 192.0.2.2)" "error 3 13 0 of 10.0.2.2"
is "by IPv6" "$(echoes one 2001:db8::2)" "error 1 1 0 of fd00::2"
like "which is said, once" "$(grep -v '^$' "$RK_ERR")" "rootless-supervisor: warning: network: ping of the child is refused: no group of this user is in the host's net.ipv4.ping_group_range*"
is "in one line" "$(wc -l <"$RK_ERR")" 1
rk_stop
done
kill $echo_server
far_stop
