# SPDX-License-Identifier: Apache-2.0
# net_vxlan.sh - two hosts, a supervisor in each, and VXLANs between their children: what a cluster of rootless nodes does
. "${0%/*}/lib.sh"
need userns tun
need "kernel:ip link add rs-vxlan type vxlan id 1 dstport 0 && ip link del rs-vxlan"

# two network namespaces as hosts, joined by a cable with the MTU of a cloud's network
other_netns() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
for host in a b; do
	mkdir "$T/$host"
	unshare --net sleep 1000 &
	echo $! >"$T/$host/ns"
	wait_for 5 other_netns $! || bail "no namespace for host $host"
done
trap 'kill $(cat "$T/a/ns" "$T/b/ns"); rk_end' EXIT
ip link add cable mtu 1460 netns "$(cat "$T/a/ns")" type veth peer name cable mtu 1460 netns "$(cat "$T/b/ns")"
for host in a:1 b:2; do
	nsenter --net="/proc/$(cat "$T/${host%:*}/ns")/ns/net" ip -batch - <<-EOT
		link set lo up
		address add 203.0.113.${host#*:}/24 dev cable
		link set cable up
	EOT
done

child() { # child HOST COMMAND...
	rk_cpid=$(cat "$RK_RUN/$1/child_pid")
	shift
	as_user nsenter -U -m -n --preserve-credentials -t "$rk_cpid" -- "$@"
}
# node HOST NUMBER PEER [RUNG [OPTION]]: a supervisor that publishes the ports of VXLAN, and two overlays in its child: as Linux
# has them by default, and with a checksum around them
# shellcheck disable=SC2086 # lists of words
node() {
	: >"$T/$1/ready"
	(exec nsenter --net="/proc/$(cat "$T/$1/ns")/ns/net" -- $rk_user $rk_env rootless-supervisor --state-dir="$RK_RUN/$1" --mtu=1460 --accel="${4-auto}" --ready-fd=3 \
		--sysctl=net.ipv4.conf.default.rp_filter=0 -p "203.0.113.$2:8472:8472/udp" -p "203.0.113.$2:4789:4789/udp" -- \
		nsprobe serve tcp-echo,::,7 tcp-who,::,1007 >"$T/$1/out" 2>"$T/$1/err" 3>"$T/$1/ready" </dev/null) &
	echo $! >"$T/$1/node"
	wait_for 10 grep -q READY=1 "$T/$1/ready" || bail "node $1: $(cat "$T/$1/err")"
	child "$1" ip -batch - <<-EOT
		link add vx address 02:00:00:00:09:0$2 type vxlan id 42 dev tap0 remote 203.0.113.$3 dstport 8472 ${5-}
		address add 10.9.0.$2/24 dev vx
		link set vx up
		link add vs address 02:00:00:00:08:0$2 type vxlan id 43 dev tap0 remote 203.0.113.$3 dstport 4789 udpcsum
		address add 10.8.0.$2/24 dev vs
		link set vs up
	EOT
}
# end_node HOST
end_node() {
	kill "$(cat "$T/$1/node")"
	wait "$(cat "$T/$1/node")"
	is "node $1 ends" $? 143
	is "node $1 has logged nothing" "$(cat "$T/$1/err")" ""
}
# ten HOST ADDRESS: ten connections, each with a port of UDP of its own
ten() { for i in $(seq 10); do child "$1" nsprobe connect "$2" 7 || echo "number $i"; done | sort | uniq -c | tr -s ' '; }

node a 1 2
node b 2 1
is "the overlay leaves room for its header" "$(child a cat /sys/class/net/vx/mtu)" 1410
is "a to b: 5 MB both ways" "$(child a nsprobe duplex 10.9.0.2 7 5000000 3)" ok
is "b to a: 5 MB both ways" "$(child b nsprobe duplex 10.9.0.1 7 5000000 4)" ok
is "with a checksum around it: 5 MB both ways" "$(child a nsprobe duplex 10.8.0.2 7 5000000 3)" ok
like "the peer is the node itself, not a gateway" "$(child a nsprobe ask 10.9.0.2 1007)" "10.9.0.1 *"
is "ten connections" "$(ten a 10.9.0.2)" " 10 ok"
end_node b
node b 2 1
is "after a start of b: a reaches it again" "$(child a nsprobe duplex 10.9.0.2 7 100000 5)" ok
end_node a
end_node b

# where libslirp carries UDP the inner checksum must be there before, and who sends is not seen
cat >"$T/tx_off.py" <<-'EOT'
	import array, fcntl, socket, struct
	value = array.array("I", [0x17, 0])  # ETHTOOL_STXCSUM
	request = struct.pack("16sP16x", b"vx", value.buffer_info()[0])
	fcntl.ioctl(socket.socket(), 0x8946, request)  # SIOCETHTOOL
EOT
node a 1 2 off nolearning
node b 2 1 off nolearning
for host in a b; do ok "libslirp: checksums by $host" child $host python3 -c "$(cat "$T/tx_off.py")"; done
is "libslirp: 1 MB both ways" "$(child a nsprobe duplex 10.9.0.2 7 1000000 3)" ok
end_node a
end_node b
