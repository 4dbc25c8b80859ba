# SPDX-License-Identifier: Apache-2.0
# slirp4netns_echo.sh - ping and traceroute on a direct tap, as the program slirp4netns has it: answers, errors with their sender, every
# hop, the true MTU, more pings than sockets, and a refusal that is seen when the host's groups leave us out
. "${0%/*}/lib.sh"
need userns tun tool:python3
ln -s "$RK_BIN/rootless-supervisor" "$RK_BIN/slirp4netns"

# start: the program serves a new network namespace
# shellcheck disable=SC2086,SC2154 # lists of words of lib.sh
start() {
	(exec $rk_user $rk_env unshare --user --map-root-user --net sleep 1000) &
	TARGET=$!
	wait_for 5 sh -c "grep -q . /proc/$TARGET/uid_map && grep -qx sleep /proc/$TARGET/comm"
	: >"$T/ready"
	(exec $rk_user $rk_env slirp4netns -c -6 -r 7 "$TARGET" tap0 7>"$T/ready" >"$T/said" 2>&1 </dev/null) &
	S4N=$!
	wait_for 10 grep -q 1 "$T/ready" || fail "slirp4netns starts" "$(cat "$T/said")"
	inside ip -6 address add fd00::100/64 dev tap0 nodad
	inside ip -6 route add default via fd00::2 # without waiting for an advertisement
}
stop() {
	kill "$S4N" "$TARGET"
	wait "$S4N" "$TARGET" 2>/dev/null
}
inside() { as_user nsenter --user --net --preserve-credentials --target "$TARGET" -- "$@"; }
datagrams() { inside python3 "$RK_SRC/tests/integration/net_udp.py" "$@"; }
echoes() { inside python3 "$RK_SRC/tests/integration/net_echo.py" "$@"; }

far_start 1400
ip route add unreachable 203.0.113.0/24
ip -6 route add unreachable 2001:db8:5::/48
echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range
start
is "an answer" "$(echoes one 192.0.2.2)" "32 bytes of 192.0.2.2"
is "by IPv6" "$(echoes one 2001:db8::2)" "32 bytes of 2001:db8::2"
is "of libslirp itself" "$(echoes one 10.0.2.2)" "32 bytes of 10.0.2.2"
is "by IPv6" "$(echoes one fd00::2)" "32 bytes of fd00::2"
is "the first hop" "$(echoes one $FAR 1)" "error 11 0 0 of 10.0.2.2"
is "by IPv6" "$(echoes one $FAR6 1)" "error 3 0 0 of fd00::2"
is "the second" "$(echoes one $FAR 2)" "error 11 0 0 of 192.0.2.2"
like "by IPv6" "$(echoes one $FAR6 2)" "error 3 0 0 of 2001:db8::[23]"
is "the third is the destination" "$(echoes one $FAR 3)" "32 bytes of $FAR"
is "by IPv6" "$(echoes one $FAR6 3)" "32 bytes of $FAR6"
is "one that is too long for the path" "$(echoes one $FAR 64 1400 0)" "error 3 4 1400 of 10.0.2.2"
is "when it may be cut" "$(echoes one $FAR 64 1400 1)" "1400 bytes of $FAR"
is "no host" "$(echoes one 203.0.113.5)" "error 3 1 0 of 10.0.2.2"
is "by IPv6" "$(echoes one 2001:db8:5::1)" "error 1 3 0 of fd00::2"
is "a wrong checksum" "$(echoes broken 192.0.2.2)" nothing
is "more pings than sockets" "$(echoes many 192.0.2.2 300)" 300
is "a SYN: the first hop" "$(echoes tcp $FAR 1)" "error 11 0 of 10.0.2.2"
is "by IPv6" "$(echoes tcp $FAR6 1)" "error 3 0 of fd00::2"
is "the second" "$(echoes tcp $FAR 2)" "error 11 0 of 192.0.2.2"
like "by IPv6" "$(echoes tcp $FAR6 2)" "error 3 0 of 2001:db8::[23]"
is "the third is the destination, where nobody listens" "$(echoes tcp $FAR 3 9)" "Connection refused"
is "by IPv6" "$(echoes tcp $FAR6 3 9)" "Connection refused"
is "datagrams: every hop" "$(datagrams hops $FAR)" "10.0.2.2 192.0.2.2 $FAR"
like "by IPv6" "$(datagrams hops $FAR6)" "fd00::2 2001:db8::[23] $FAR6"
stop

echo "1 0" >/proc/sys/net/ipv4/ping_group_range
start
is "no group of ours: a refusal" "$(echoes one 192.0.2.2)" "error 3 13 0 of 10.0.2.2"
is "by IPv6" "$(echoes one 2001:db8::2)" "error 1 1 0 of fd00::2"
is "which is said, once" "$(grep -c "ping of the child is refused" "$T/said")" 1
stop
far_stop
