# SPDX-License-Identifier: Apache-2.0
# net_host_loopback.sh - the host's 127.0.0.1 is closed to root in the child, however it is spelled,
# and open only when asked
# asan: yes
. "${0%/*}/lib.sh"
need userns tun

nsprobe serve tcp-who,127.0.0.1,4000 udp-who,127.0.0.1,4000 tcp-who,0.0.0.0,4001 >"$T/canary" 2>&1 &
canary=$!
wait_for 2 sh -c "[ \$(grep -c ^ready $T/canary) = 3 ]"

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
rk_start --net=slirp -- sleep 50 || exit
for a in 10.0.2.2 10.0.2.3; do
	isnt "TCP to $a" "$(in_child nsprobe connect -t 700 $a 4000)" ok
	is "UDP to $a" "$(in_child nsprobe ask -u -t 300 $a 4000 x 2>/dev/null)" ""
done
in_child sh -c "$bend"
for a in 127.0.0.1 127.1.2.3 127.255.255.254 0.0.0.1; do
	isnt "TCP to $a" "$(in_child nsprobe connect -t 700 -b 10.0.2.100 $a 4000)" ok
	is "UDP to $a" "$(in_child nsprobe ask -u -t 300 -b 10.0.2.100 $a 4000 x 2>/dev/null)" ""
done
is "the canary heard nothing" "$(grep -vc ^ready "$T/canary")" 0
is "the world is still reached" "$(in_child nsprobe ask 192.0.2.2 1007 | cut -d' ' -f1)" 192.0.2.1
like "addresses of the host that are no loopback are open" "$(in_child nsprobe ask 192.0.2.1 4001)" '192.0.2.1 *'
rk_stop

rk_start --net=slirp --disable-host-loopback=false -- sleep 50 || exit
like "opened: TCP" "$(in_child nsprobe ask 10.0.2.2 4000)" '127.0.0.1 *'
like "opened: UDP" "$(in_child nsprobe ask -u 10.0.2.2 4000 x)" '127.0.0.1 *'
in_child sh -c "$bend"
isnt "opened, but literal loopback is not" "$(in_child nsprobe connect -t 700 -b 10.0.2.100 127.0.0.1 4000)" ok
rk_stop
done
kill $canary
