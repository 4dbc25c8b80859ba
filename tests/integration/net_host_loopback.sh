# SPDX-License-Identifier: Apache-2.0
# net_host_loopback.sh - the host's 127.0.0.1 is closed to root in the child, however it is spelled,
# and open only when asked
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3

: >"$T/canary"
python3 "$RK_SRC/tests/integration/net_host_loopback.py" canary 4000 >>"$T/canary" 2>&1 &
canary=$!
nsprobe serve tcp-who,0.0.0.0,4001 >"$T/open" 2>&1 &
open=$!
wait_for 5 grep -q ^ready "$T/canary"
wait_for 5 grep -q ^ready "$T/open"
# heard [WORDS]: how often
heard() { grep -v ^ready "$T/canary" | grep -c "${1-}"; }
# connections to it, of whoever; those of the rung before may not be over
synced() { ss -Htan state syn-sent state syn-recv state established 'sport = :4000 or dport = :4000' | wc -l; }
frames() {
	mac=$(in_child sh -c 'ping -c1 -W1 10.0.2.2 >/dev/null 2>&1; ip neigh show 10.0.2.2' | sed 's/.*lladdr \([^ ]*\).*/\1/')
	in_child python3 "$RK_SRC/tests/integration/net_host_loopback.py" frames "$mac" 4000
}

# root of the child bends its own network: nothing on this side may notice
# shellcheck disable=SC2016 # expands inside
bend='
	ip route flush table local
	for f in all default tap0; do echo 1 >/proc/sys/net/ipv4/conf/$f/route_localnet; done
	ip route add 127.0.0.0/8 via 10.0.2.2
	ip route add 0.0.0.0/8 via 10.0.2.2 2>/dev/null
	ip route add local 10.0.2.100 dev tap0 table local
	ip addr del 127.0.0.1/8 dev lo'

for RUNG in $RUNGS; do
rk_start --net=slirp -- sleep 1000 || exit
for a in 10.0.2.2 10.0.2.3; do
	isnt "TCP to $a" "$(in_child nsprobe connect -t 700 $a 4000)" ok
	is "UDP to $a" "$(in_child nsprobe ask -u -t 300 $a 4000 x 2>/dev/null)" ""
done
ok "frames by hand" test "$(frames)" -gt 800
sleep 0.5 # whatever would come of them
is "no connection to the host's loopback" "$(synced)" 0
is "and the canary heard nothing" "$(heard)" 0
in_child sh -c "$bend"
for a in 127.0.0.1 127.1.2.3 127.255.255.254 0.0.0.1; do
	isnt "TCP to $a" "$(in_child nsprobe connect -t 700 -b 10.0.2.100 $a 4000)" ok
	is "UDP to $a" "$(in_child nsprobe ask -u -t 300 -b 10.0.2.100 $a 4000 x 2>/dev/null)" ""
done
is "the canary heard nothing" "$(heard)" 0
is "the world is still reached" "$(in_child nsprobe ask 192.0.2.2 1007 | cut -d' ' -f1)" 192.0.2.1
like "addresses of the host that are no loopback are open" "$(in_child nsprobe ask 192.0.2.1 4001)" '192.0.2.1 *'
rk_stop

rk_start --net=slirp --disable-host-loopback=false -- sleep 1000 || exit
for a in 10.0.2.2 fd00::2; do
	is "opened: TCP to $a" "$(in_child nsprobe ask $a 4000)" heard
	is "opened: UDP to $a" "$(in_child nsprobe ask -u $a 4000 x)" heard
done
for a in 127.0.0.1 ::1; do
	is "and the canary heard them, $a" "$(heard "tcp $a") $(heard "udp $a x")" "1 1"
done
ok "opened: frames by hand" test "$(frames)" -gt 800
ok "connections of them are heard" wait_for 2 sh -c "grep -c 'tcp ::1' '$T/canary' | grep -qv '^1$'"
ok "and by IPv4" wait_for 2 sh -c "grep -c 'tcp 127.0.0.1' '$T/canary' | grep -qv '^1$'"
is "datagrams to the gateway's addresses, no others" "$(sed -n 's/^udp .* //p' "$T/canary" | sort -u | tr '\n' ' ')" "10.0.2.2 fd00::2 x "
in_child sh -c "$bend"
isnt "opened, but literal loopback is not" "$(in_child nsprobe connect -t 700 -b 10.0.2.100 127.0.0.1 4000)" ok
rk_stop
echo ready >"$T/canary"
done
kill $canary $open
