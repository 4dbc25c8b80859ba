# SPDX-License-Identifier: Apache-2.0
# net_mtu_auto.sh - --mtu=auto: the network has the MTU of the host's default routes and follows it, on
# every rung, with workers that were started again; without a route, and with one that flaps
# deadline: 120
. "${0%/*}/lib.sh"
need userns tun tool:python3

cat >"$T/probe.py" <<'E2'
import errno, socket, sys
what, addr, numbers = sys.argv[1], sys.argv[2], list(map(int, sys.argv[3:]))
family = socket.AF_INET6 if ':' in addr else socket.AF_INET
if what == 'serve':  # UDP: as many bytes as are asked for
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind((addr, 4007))
    print('ready', flush=True)
    while True:
        n, peer = s.recvfrom(100)
        s.sendto(b'x' * int(n), peer)
if what == 'lengths':
    for n in numbers:
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.settimeout(10)
        s.sendto(b'%d' % n, (addr, 4007))
        print(len(s.recv(65536)), end=' ')
if what == 'uncut':  # a datagram of that MTU that must not be cut, and one that is longer
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(10)
    s.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER, DO
    s.connect((addr, 7))
    s.send(b'x' * (numbers[0] - 28))
    print(len(s.recv(65536)) + 28, end=' ')
    try:
        s.send(b'x' * (numbers[0] - 27))
        print('sent')
    except OSError as e:
        print(errno.errorcode[e.errno], s.getsockopt(socket.IPPROTO_IP, 14))  # IP_MTU
if what == 'mss':
    s = socket.create_connection((addr, 9), 10)
    mss = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
    header = 60 if family == socket.AF_INET6 else 40
    print('fits' if numbers[0] - header - 12 <= mss <= numbers[0] - header else mss)  # 12: timestamps
E2
chmod 644 "$T/probe.py"
(exec nsenter "--net=/proc/$RK_WORLD_PID/ns/net" python3 "$T/probe.py" serve 2001:db8::2 >"$T/serve") &
server=$!
wait_for 5 grep -q ready "$T/serve"

ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
probe() { in_child python3 "$T/probe.py" "$@"; }
# mtus: of all links of both namespaces but lo
mtus() {
	for agent in $(pgrep -x rs-nsagent); do
		nsenter --net="/proc/$agent/ns/net" ip -o link | sed -n '/ lo: /d; s/.* mtu \([0-9]*\) .*/\1/p'
	done | sort -u
}
has_mtu() { [ "$(mtus)" = "$1" ]; }
follows() { ok "$1: tap0, gw0 and the like have $2" wait_for 10 has_mtu "$2"; }
cable() { ip link set h0 mtu "$1" && in_world ip link set w0 mtu "$1"; }
changes() { ctl events | grep -c '"type":"mtu-changed"'; }
another() { new=$(pgrep -x "$1") && [ "$new" != "$2" ]; }
# again WORKER: it is killed, and the next one serves
again() {
	old=$(pgrep -x "$1")
	kill -s KILL "$old"
	wait_for 5 another "$1" "$old"
}
segments() { probe mss 192.0.2.2 "$1"; probe mss 2001:db8::2 "$1"; }
fit() { [ "$(segments "$1" | sort -u)" = fits ]; }
works() { # DESCRIPTION MTU: that size and no larger one
	is "$1: datagrams" "$(probe uncut 192.0.2.2 "$2")" "$2 EMSGSIZE $2"
	wait_for 5 fit "$2" # workers are told beside the links
	is "$1: TCP" "$(segments "$2")" "fits
fits"
	is "$1: long datagrams from there" "$(probe lengths 2001:db8::2 1200 1433 9000)" "1200 1433 9000 "
}

for RUNG in $RUNGS; do
cable 1500
rk_start --net=slirp --mtu=auto -- sleep 1000 || exit
ok "at the start it is the host's" has_mtu 1500
works "at the start" 1500
cable 1400
follows "the host's shrinks" 1400
works "after it" 1400
again rs-slirp
again rs-relay
works "with new workers" 1400
cable 1480
follows "the host's grows" 1480
works "after that" 1480
like "info has it" "$(ctl info --json | tr -d ' \n')" '*"mtu":1480,"mtuAuto":true*'
like "status, too" "$(ctl status)" '*MTU 1480 (auto)*'
is "and both events" "$(changes)" 2
like "which say what it is" "$(ctl events | tail -n 1)" '*"type":"mtu-changed","mtu":"1480"}'
is "no more is said" "$(grep -v 'was killed by signal 9' "$RK_ERR")" "$([ "$RUNG" != redirect ] || grep 'TCP out goes' "$RK_ERR")"
rk_stop
done
RUNG=

# a link and routes that come and go: what counts is how it ends
rk_start --net=slirp --mtu=auto -- sleep 1000 || exit
workers=$(pgrep -x 'rs-slirp|rs-relay')
began=$(date +%s)
n=0
while [ $n -lt 60 ]; do
	n=$((n + 1))
	ip link set h0 mtu $((1300 + n % 2 * 100))
	ip route replace default via 192.0.2.2 mtu $((1290 + n))
	[ $((n % 5)) != 0 ] || { ip -6 route del default; ip -6 route add ::/0 via 2001:db8::2; }
done
cable 1440
ip route replace default via 192.0.2.2
follows "after 60 changes" 1440
ok "they were followed no more than twice a second" test "$(changes)" -le $((($(date +%s) - began + 2) * 2))
is "by the same workers" "$(pgrep -x 'rs-slirp|rs-relay')" "$workers"
works "after 60 changes" 1440
rk_stop

# no way out, and ways that are narrower than their devices
cable 1500
ip route del default
ip -6 route del default
rk_start --net=slirp --mtu=auto -- sleep 1000 || exit
ok "no default route: the default" has_mtu 65520
ip route add default via 192.0.2.2 mtu 1450
follows "a route with an MTU comes" 1450
ip -6 route add ::/0 via 2001:db8::2 mtu 1350
follows "an IPv6 route with a smaller one" 1350
ip route add 0.0.0.0/1 via 192.0.2.2 mtu 1320
follows "half of the addresses, as VPNs do" 1320
ip route add default via 192.0.2.2 table 51 mtu 600
follows "another table, below what IPv6 takes" 1280
ip route del default table 51
follows "it goes" 1320
ip route del 0.0.0.0/1
ip route del default
ip -6 route del default
sleep 0.8 # a look comes within half a second; that nothing changes is what is waited for
ok "the last route goes: what was last" has_mtu 1320
ip route add default via 192.0.2.2
ip -6 route add ::/0 via 2001:db8::2
follows "they come back" 1500
rk_stop

cable 1460
rk_run --explain --net=slirp --mtu=auto -- true
like "--explain tells it" "$(cat "$RK_OUT")" '*tap0, veth, MTU 1460 (auto: *'
rk_run --net=none --mtu=auto -- true
is "--net=none: it runs" "$RK_STATUS" 0
like "and has no use for it" "$(cat "$RK_ERR")" '*warning: *unsupported mtu for --net=none: auto'
for net in pasta vpnkit 'slirp4netns --slirp4netns-binary=/usr/bin/slirp4netns'; do
	# shellcheck disable=SC2086 # words
	rk_run --net=$net --mtu=auto -- true
	isnt "--net=$net: no start" "$RK_STATUS" 0
	one_error_line "--net=$net: why" "$RK_ERR" "mtu \"auto\" is not supported for --net=${net%% *}*"
	documented "--net=$net: documented" "$RK_ERR"
done
rk_run --net=slirp --mtu=automatic -- true
one_error_line "another word" "$RK_ERR" "option --mtu takes a number or auto, not \"automatic\""
cable 1500
kill $server
