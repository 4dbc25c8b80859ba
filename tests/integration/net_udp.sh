# SPDX-License-Identifier: Apache-2.0
# net_udp.sh - UDP out by the kernel: one port for all peers, answers of anybody, errors, hops and the
# true MTU are seen inside, bundles pass, and the policy holds for packets made by hand
# deadline: 120
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3
py="python3 $RK_SRC/tests/integration/net_udp.py"
# shellcheck disable=SC2086 # two words
probe() { in_child $py "$@"; }

in_world ip address add 192.0.2.4/24 dev w0 2>/dev/null || in_world ip address add 192.0.2.4/24 dev "$(in_world ip -o route show 192.0.2.0/24 | sed 's/.*dev \([^ ]*\).*/\1/')"
# shellcheck disable=SC2086 # two words
(exec nsenter --net="/proc/$RK_WORLD_PID/ns/net" -- $py serve 192.0.2.2 192.0.2.3 2001:db8::2 2001:db8::3) >"$T/world" 2>&1 &
server=$!
wait_for 5 grep -q ^ready "$T/world"

rk_start --net=slirp --accel=tproxy -- sleep 1000 || exit
is "two servers see one port, the child's" "$(probe mapping 192.0.2.2 192.0.2.3 5060)" "192.0.2.1 5060, 192.0.2.1 5060"
is "and by IPv6" "$(probe mapping 2001:db8::2 2001:db8::3 5060)" "2001:db8::1 5060, 2001:db8::1 5060"
python3 -c 'import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 5061)); print("ready", flush=True); time.sleep(1000)' >"$T/taken" &
taken=$!
wait_for 5 grep -q ready "$T/taken"
seen=$(probe mapping 192.0.2.2 192.0.2.3 5061)
unlike "a port that the host uses is another there" "$seen" "192.0.2.1 5061,*"
like "which is one for both" "${seen#* }, ${seen##* }" "${seen##* }, *"
kill $taken
is "others may answer" "$(probe others 192.0.2.2 192.0.2.3)" "192.0.2.2 3007; 192.0.2.2 3006 192.0.2.3 3006"
is "and by IPv6" "$(probe others 2001:db8::2 2001:db8::3)" "2001:db8::2 3007; 2001:db8::2 3006 2001:db8::3 3006"
for a in 192.0.2.2 2001:db8::2; do
	is "500 datagrams come for one, $a" "$(probe many $a 500 1200)" 500
	is "bundles go out, $a" "$(probe bundles $a 400 1200)" 400
	is "bundles of small ones, $a" "$(probe bundles $a 400 64)" 400
	is "a traffic class passes, a hop is counted, $a" "$(probe marks $a 30 184)" "29 184"
	like "nobody listens, $a" "$(in_child nsprobe ask -u -t 8000 $a 4 x 2>&1)" '*ECONNREFUSED'
	like "an empty datagram, $a" "$(in_child nsprobe ask -u -t 8000 $a 7 '')" ''
done
is "the first hop is the gateway" "$(probe probe 192.0.2.2 1)" "EHOSTUNREACH 11 0 0 10.0.2.2"
is "by IPv6" "$(probe probe 2001:db8::2 1)" "EHOSTUNREACH 3 0 0 fd00::2"
is "the last is the destination" "$(probe probe 192.0.2.2 9)" "ECONNREFUSED 3 3 0 192.0.2.2"
is "by IPv6" "$(probe probe 2001:db8::2 9)" "ECONNREFUSED 1 4 0 2001:db8::2"
mac=$(in_child sh -c 'ping -c1 -W1 10.0.2.2 >/dev/null 2>&1; ip neigh show 10.0.2.2' | sed 's/.*lladdr \([^ ]*\).*/\1/')
is "no checksum is needed" "$(probe no_checksum "$mac" 192.0.2.2)" none

# a router of the world, two hops away, and a path that is narrow behind it
far_start 1400
(exec nsenter --net="/proc/$FAR_PID/ns/net" -- nsprobe serve udp-echo,$FAR,7 udp-echo,$FAR6,7) >"$T/echo" 2>&1 &
echo_server=$!
wait_for 5 sh -c "[ \$(grep -c ^ready $T/echo) = 2 ]"
is "a router on the way is seen" "$(probe probe $FAR 2)" "EHOSTUNREACH 11 0 0 192.0.2.2"
like "and by IPv6" "$(probe probe $FAR6 2)" "EHOSTUNREACH 3 0 0 2001:db8::[23]"
like "a narrow path is told" "$(probe mtu $FAR 1450)" "EMSGSIZE 1400, [23] came back"
like "and by IPv6" "$(probe mtu $FAR6 1440)" "EMSGSIZE 1400, [23] came back"
like "9000 bytes over it" "$(probe mtu $FAR 9000)" "EMSGSIZE 1400, [23] came back"
is "a long one is no search for the MTU" "$(in_child nsprobe ask -u $FAR 7 "$(head -c 50000 /dev/zero | tr '\0' x)" | tr -d '\n' | wc -c)" 50000
kill $echo_server
far_stop
ip route add unreachable 203.0.113.0/24
ip route add prohibit 198.18.0.0/15
is "no host" "$(probe probe 203.0.113.5)" "EHOSTUNREACH 3 1 0 10.0.2.2"
is "prohibited" "$(probe probe 198.18.0.5)" "EHOSTUNREACH 3 13 0 10.0.2.2"
is "closed loopback" "$(probe probe 10.0.2.2)" "ENETUNREACH 3 0 0 10.0.2.2"
is "other ports of the DNS address" "$(probe probe 10.0.2.3)" "ENETUNREACH 3 0 0 10.0.2.2"

# root of the child writes packets by hand: no loopback of the host hears them
nsprobe serve udp-echo,127.0.0.1,4000 udp-echo,::1,4000 >"$T/canary" 2>&1 &
canary=$!
wait_for 2 sh -c "[ \$(grep -c ^ready $T/canary) = 2 ]"
loopback() { awk '$1 == "lo:" { print $3 }' /proc/net/dev; }
before=$(loopback)
is "packets by hand" "$(probe raw "$mac" 4000)" sent
is "the way out still works" "$(in_child nsprobe ask -u 192.0.2.2 7 alive)" alive
is "nothing came to the host's loopback" "$(loopback)" "$before"

# a flood from as many ports as there are, beside one that only wants its answers
probe flood 192.0.2.2 2 >"$T/flood" &
flood=$!
steady=$(probe steady 192.0.2.2 100)
wait $flood
ok "a healthy flow beside a flood of $(cat "$T/flood"): $steady of 100" test "${steady:-0}" -ge 80
is "4000 ports that talk, or what descriptors allow, beside TCP" "$(probe beside 192.0.2.2 4000)" "all, quick"
is "names resolve after it" "$(in_child nsprobe dns 10.0.2.3 web.world.test)" 192.0.2.2
rk_stop

rk_start --net=slirp --accel=tproxy --disable-host-loopback=false -- sleep 1000 || exit
is "opened: IPv4" "$(in_child nsprobe ask -u 10.0.2.2 4000 x)" x
is "opened: IPv6" "$(in_child nsprobe ask -u fd00::2 4000 x)" x
like "opened: nobody listens" "$(in_child nsprobe ask -u 10.0.2.2 4001 x 2>&1)" '*ECONNREFUSED'
is "by the gateway" "$(probe probe 10.0.2.2 0 0 4001)" "ECONNREFUSED 3 3 0 10.0.2.2"
rk_stop
kill $canary

# more ports than there are descriptors: the oldest go, and everything still has its answer
RK_ENV="prlimit --nofile=400:400"
rk_start --net=slirp --accel=tproxy -- sleep 1000 || exit
RK_ENV=
is "600 ports with 400 descriptors" "$(probe ports 192.0.2.2 600)" 600
like "which is said" "$(cat "$RK_ERR")" '*ports of the child talk UDP at once*'
is "TCP beside it" "$(in_child nsprobe duplex 192.0.2.2 7 1000000 3)" ok
is "names beside it" "$(in_child nsprobe dns 10.0.2.3 web.world.test)" 192.0.2.2
rk_stop
kill $server
