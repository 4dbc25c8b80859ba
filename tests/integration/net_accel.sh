# SPDX-License-Identifier: Apache-2.0
# net_accel.sh - TCP out by the kernel: errors are true, ports come back, closing and resets pass,
# nothing is left; and the same without it
# deadline: 240
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3 tool:curl
py="python3 $RK_SRC/tests/integration/net_accel.py"
info() { as_user curl -s --unix-socket "$STATE/api.sock" http://x/v1/info; }
# what leads packets in the gateway
in_gateway() {
	for p in $(pgrep -P "$(cat "$STATE/child_pid")" rs-nsagent); do
		nsenter --net="/proc/$p/ns/net" sh -c 'ip link show gw0 >/dev/null 2>&1 || exit
			nft list ruleset; ip rule; ip -6 rule; ip route show table all; ip -6 route show table all | sed "s/expires [0-9]*sec//"'
	done
}
relay_fds() { find "/proc/$(pgrep -f 'rs-worker relay')/fd" -mindepth 1 | wc -l; }
# shellcheck disable=SC2086 # two words
probe() { in_child $py "$@"; }

for a in 192.0.2.2 2001:db8::2; do
	# shellcheck disable=SC2086 # two words
	(exec nsenter --net="/proc/$RK_WORLD_PID/ns/net" -- $py serve $a) >"$T/world.$a" 2>&1 &
	servers="${servers-} $!"
done
for a in 192.0.2.2 2001:db8::2; do wait_for 5 sh -c "[ \$(grep -c ^ready $T/world.$a) = 4 ]"; done
ip route add unreachable 198.51.100.99
ip route add prohibit 198.51.100.98
ip route add throw 203.0.113.0/24
ip route del default
ip route add 198.51.100.7 via 192.0.2.2
ip -6 route add unreachable 2001:db8:9::1
ip -6 route del default

for RUNG in $RUNGS; do
	rk_start --net=slirp -p 127.0.0.1:7007:7/tcp -- nsprobe serve tcp-echo,0.0.0.0,7 || exit
	wait_for 5 grep -q ready "$RK_OUT"
	like "info says so" "$(info)" "*\"accel\":\"$RUNG\"*"
	before=$(relay_fds)
	for a in 192.0.2.2 2001:db8::2; do
		is "both ways at once, $a" "$(in_child nsprobe duplex $a 7 16777216 7)" ok
		is "nobody listens, $a" "$(in_child nsprobe connect $a 999)" ECONNREFUSED
		is "one port to two of it, $a" "$(probe twins $a)" "1000 ok"
		is "half-close, $a" "$(probe half $a)" 1000000
		is "the far side's reset, $a" "$(probe is_reset $a)" ECONNRESET
		is "the child's reset, $a" "$(probe resets $a)" ok
		[ "$RUNG" = off ] || ok "reaches the far side, $a" wait_for 5 grep -q reset "$T/world.$a"
	done
	is "an unreachable host" "$(in_child nsprobe connect 198.51.100.99 7)" EHOSTUNREACH
	is "no route" "$(in_child nsprobe connect 203.0.113.1 7)" ENETUNREACH
	is "the host's loopback is closed" "$(in_child nsprobe connect 10.0.2.2 7)" ENETUNREACH
	is "DNS by TCP" "$(in_child nsprobe dns --tcp 10.0.2.3 web.world.test)" 192.0.2.2
	is "a published port" "$(nsprobe duplex 127.0.0.1 7007 16777216 3)" ok
	is "500 at once" "$(in_child nsprobe many 192.0.2.2 7 500)" "500 alive"
	times=1000 refused=
	[ "$RUNG" != off ] || times=${RK_AGAIN:-200} refused=refused # README, limits; it takes 13 ms each
	is "a port is used again $times times" "$(probe reuse 192.0.2.2 "$times" $refused)" ok
	is "a port is used again 200 times, IPv6" "$(probe reuse 2001:db8::2 200 $refused)" ok
	if [ "$RUNG" != off ]; then
		# libslirp cannot say these
		is "prohibited" "$(in_child nsprobe connect 198.51.100.98 7)" EHOSTUNREACH
		is "no route, IPv6" "$(in_child nsprobe connect 2001:db8:77::1 7)" ENETUNREACH
		is "unreachable, IPv6" "$(in_child nsprobe connect 2001:db8:9::1 7)" EHOSTUNREACH
		is "no listener's port is known" "$(in_child nsprobe connect 10.0.2.2 7)" ENETUNREACH
	fi
	was=$(in_gateway)
	in_child sh -c 'nft flush ruleset; ip rule flush; ip -6 rule flush
		for f in -4 -6; do ip $f rule add pref 5 lookup main; ip $f rule add pref 0 lookup local; done
		ip route add local default dev lo table 204; ip route flush cache'
	is "what the child does to its rules changes nothing of ours" "$(in_gateway)" "$was"
	is "and it still gets out" "$(in_child nsprobe duplex 192.0.2.2 7 1000000 3)" ok
	ok "descriptors come back" wait_for 12 sh -c "[ \$(find /proc/$(pgrep -f 'rs-worker relay')/fd -mindepth 1 | wc -l) -le $((before + 8)) ]"
	rk_stop
done
RUNG=

# a peer that is silent: the child waits as long as it wants, and when it has gone nothing stays
rk_start --net=slirp --accel=tproxy -- sleep 1000 || exit
in_world ip route add blackhole 192.0.2.1 table 77
in_world ip rule add to 192.0.2.1 table 77 pref 1
before=$(relay_fds)
in_child nsprobe connect -t 30000 192.0.2.2 7 >"$T/slow" &
slow=$!
in_child nsprobe connect -t 1000 192.0.2.3 7 >"$T/gone"
is "who does not wait" "$(cat "$T/gone")" ETIMEDOUT
isnt "sockets are held" "$(relay_fds)" "$before"
sleep 1.2 # the child and the host repeat their SYNs meanwhile
in_world ip rule del pref 1
wait $slow
is "a peer that answers late" "$(cat "$T/slow")" ok
ok "nothing is held for those who left" wait_for 15 sh -c "[ \$(find /proc/$(pgrep -f 'rs-worker relay')/fd -mindepth 1 | wc -l) -le $((before + 2)) ]"

# root of the child bends its network and writes SYNs by hand: no loopback of the host hears them
nsprobe serve tcp-who,127.0.0.1,4000 tcp-who,::1,4000 >"$T/canary" 2>&1 &
canary=$!
wait_for 2 sh -c "[ \$(grep -c ^ready $T/canary) = 2 ]"
mac=$(in_child sh -c 'ping -c1 -W1 10.0.2.2 >/dev/null 2>&1; ip neigh show 10.0.2.2' | sed 's/.*lladdr \([^ ]*\).*/\1/')
synced() { ss -Htan 'sport = :4000 or dport = :4000' | grep -vc LISTEN; }
is "SYNs by hand" "$(probe raw "$mac" 4000)" sent
sleep 0.3 # whatever would come of them
is "no connection to the host's loopback" "$(synced)" 0
is "the canary heard nothing" "$(grep -vc ^ready "$T/canary")" 0
is "the way out still works" "$(in_child nsprobe duplex 192.0.2.2 7 1000000 3)" ok
rk_stop
rk_start --net=slirp --accel=tproxy --disable-host-loopback=false -- sleep 1000 || exit
like "opened: IPv4" "$(in_child nsprobe ask 10.0.2.2 4000)" '127.0.0.1 *'
like "opened: IPv6" "$(in_child nsprobe ask fd00::2 4000)" '::1 *'
is "opened: nobody listens" "$(in_child nsprobe connect 10.0.2.2 4001)" ECONNREFUSED
rk_stop
kill $canary

# the netns of --detach-netns has it too
rk_start --net=slirp --accel=tproxy --detach-netns -- sleep 1000 || exit
rk_cpid=$(cat "$STATE/child_pid")
is "detached" "$(as_user nsenter --user --mount --preserve-credentials --target "$rk_cpid" \
	nsenter "--net=$STATE/netns" -- nsprobe duplex 192.0.2.2 7 1000000 3)" ok
rk_stop
# shellcheck disable=SC2086 # a list
kill $servers
