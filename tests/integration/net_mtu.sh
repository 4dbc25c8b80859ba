# SPDX-License-Identifier: Apache-2.0
# net_mtu.sh - the MTU that is asked for is in force: segments as TCP and the interface count them,
# datagrams of any length both ways, a smaller MTU behind the child's; and no window stays closed
# deadline: 120
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:ss tool:python3
MB64=67108864

cat >"$T/datagrams.py" <<'E2'
# ADDRESS LENGTH...: each is sent to the echo service and comes back
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
for n in map(int, sys.argv[2:]):
    data = bytes((i * 7 + n) & 255 for i in range(n))
    s.sendto(data, (sys.argv[1], 7))
    print(n if s.recv(65536) == data else 'other bytes', end=' ')
E2
cat >"$T/lengths.py" <<'E2'
# serve ADDRESS: answers with as many bytes as it is asked for; ask ADDRESS LENGTH...
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[2] else socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1] == 'serve':
    s.bind((sys.argv[2], 4007))
    print('ready', flush=True)
    while True:
        n, peer = s.recvfrom(100)
        s.sendto(b'x' * int(n), peer)
s.settimeout(3)
for n in sys.argv[3:]:
    s.sendto(n.encode(), (sys.argv[2], 4007))
    print(len(s.recv(65536)), end=' ')
E2
chmod 644 "$T"/*.py
(exec nsenter "--net=/proc/$RK_WORLD_PID/ns/net" python3 "$T/lengths.py" serve 192.0.2.2 >"$T/serve4") &
serve4=$!
(exec nsenter "--net=/proc/$RK_WORLD_PID/ns/net" python3 "$T/lengths.py" serve 2001:db8::2 >"$T/serve6") &
serve6=$!
wait_for 5 grep -q ready "$T/serve4"
wait_for 5 grep -q ready "$T/serve6"

# field TEXT NAME: from the words of ss
field() { printf '%s\n' "$1" | grep -oE "(^| )$2:[0-9]+" | head -1 | cut -d: -f2; }
# count FILE GROUP NAME: one of the kernel's counters in the child; they count what is in a bundle
count() {
	in_child cat "/proc/net/$1" | awk -v group="$2:" -v name="$3" '$1 == group && !n { n = split($0, names); next }
		$1 == group { for (i = 2; i <= n; i++) if (names[i] == name) print $i }'
}
# is_sending ADDRESS: more than a megabyte has gone there
is_sending() { in_child ss -tinH dst "[$1]" | grep -qE 'bytes_acked:[0-9]{7}'; }

# by libslirp every MTU, by the kernel the least and the most
for RUNG in $RUNGS; do
mtus="1280 65520" timestamps=12 # an option of each segment
[ "$RUNG" != off ] || mtus="1280 1500 9000 65520" timestamps=0
for mtu in $mtus; do
	rk_start --net=slirp --mtu="$mtu" -- sleep 1000 || exit
	for to in 192.0.2.2 2001:db8::2; do
		header=40
		case $to in *:*) header=60 ;; esac
		before=$(count snmp Tcp OutSegs)
		in_child nsprobe send $to 9 $((MB64 * 4)) 5 >"$T/sent" &
		sender=$!
		wait_for 5 is_sending $to
		said=$(in_child ss -tinH dst "[$to]")
		wait $sender
		mss=$(field "$said" mss)
		ok "MTU $mtu, $to: mss ${mss:-none} fits" test "${mss:-99999}" -le $((mtu - header))
		ok "MTU $mtu, $to: and uses it" test "${mss:-0}" -ge $((mtu < 16000 ? mtu - header - timestamps : 16000))
		is "MTU $mtu, $to: 256 MB out" "$(cat "$T/sent")" ok
		segments=$(($(count snmp Tcp OutSegs) - before))
		ok "MTU $mtu, $to: in $segments segments" test $segments -ge $((MB64 * 4 / (mtu - header)))
		before=$(count netstat IpExt InNoECTPkts)
		is "MTU $mtu, $to: 64 MB in" "$(in_child nsprobe recv $to 19 $MB64 1)" ok
		packets=$(($(count netstat IpExt InNoECTPkts) - before))
		case $to in *:*) ;; *) ok "MTU $mtu, $to: in $packets packets" test $packets -ge $((MB64 / (mtu - header))) ;; esac
	done
	is "MTU $mtu: datagrams there and back" "$(in_child python3 "$T/datagrams.py" 192.0.2.2 1252 1472 1473 9000 65493 65494 65507)" \
		"1252 1472 1473 9000 65493 65494 65507 "
	is "MTU $mtu: long IPv6 datagrams from there" "$(in_child python3 "$T/lengths.py" ask 2001:db8::2 1232 1233 1453 9000 65507)" \
		"1232 1233 1453 9000 65507 "
	is "MTU $mtu: no error on the interface" "$(in_child sh -c 'cd /sys/class/net/tap0/statistics && cat rx_errors tx_errors tx_dropped' 2>/dev/null | tr '\n' ' ')" "0 0 0 "
	rk_stop
done
done

# a bridge with an MTU of its own behind tap0, as dockerd makes it
for RUNG in $RUNGS; do
rk_start --net=slirp -- sleep 1000 || exit
in_child sh -ec '
	unshare --net sleep 1000 >/dev/null 2>&1 & echo $! >/run/container
	sleep 0.3
	echo 1 >/proc/sys/net/ipv4/ip_forward
	ip link add c0 mtu 1500 type veth peer name eth0 mtu 1500 netns $(cat /run/container)
	ip address add 172.17.0.1/16 dev c0
	ip link set c0 up
	nsenter --net=/proc/$(cat /run/container)/ns/net ip -batch - <<-EOT
		address add 172.17.0.2/16 dev eth0
		link set eth0 up
		route add default via 172.17.0.1
	EOT'
in_container() { in_child sh -c 'exec nsenter "--net=/proc/$(cat /run/container)/ns/net" -- "$@"' sh "$@"; }
is "a container at MTU 1500: out" "$(in_container nsprobe send 192.0.2.2 9 $MB64 5)" ok
is "a container at MTU 1500: in" "$(in_container nsprobe recv 192.0.2.2 19 $MB64 1)" ok
is "a container at MTU 1500: datagrams" "$(in_container python3 "$T/datagrams.py" 192.0.2.2 1472 1473 65507)" "1472 1473 65507 "
if [ "$RUNG" != off ]; then # libslirp does not look at ICMP errors: segments of that size are lost
	# a hop with less: the container thinks it has 1500
	in_child sh -c 'ip link set c0 mtu 1280; ip -6 address add fd00:17::1/64 dev c0 nodad; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
		ip route flush cache'
	in_container sh -c 'ip -6 address add fd00:17::2/64 dev eth0 nodad; ip -6 route add default via fd00:17::1'
	is "behind a hop of 1280: out" "$(in_container nsprobe send 192.0.2.2 9 $MB64 5)" ok
	is "behind a hop of 1280: in" "$(in_container nsprobe recv 192.0.2.2 19 $MB64 1)" ok
	is "behind a hop of 1280: in, IPv6" "$(in_container nsprobe recv 2001:db8::2 19 $MB64 1)" ok
	ok "the hop has said so" test "$(count snmp Icmp OutDestUnreachs)" -gt 0
fi
in_child sh -c 'kill $(cat /run/container)'
rk_stop
done
kill $serve4 $serve6
