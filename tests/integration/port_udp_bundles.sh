# SPDX-License-Identifier: Apache-2.0
# port_udp_bundles.sh - bundles of datagrams through published ports: what was sent comes, and as it was cut
# deadline: 90
. "${0%/*}/lib.sh"
need userns tun tool:python3
py=$RK_BASE/port_udp_bundles.py
cp "$RK_SRC/tests/integration/port_udp_bundles.py" "$py" # the tree may lie where the user cannot go

for mtu in 65520 1500; do
	rk_start --net=slirp --ipv6 --mtu=$mtu -p 0.0.0.0:7007:7007/udp -p '[::]:7008:7007/udp6' -p 127.0.0.1:7009:127.0.0.1:7007/udp \
		-- python3 "$py" serve 7007 || exit
	wait_for 5 grep -q ready "$RK_OUT"
	is "mtu $mtu: from here" "$(python3 "$py" ask 4 127.0.0.1 7007 2>&1)" ok
	is "mtu $mtu: from elsewhere" "$(in_world python3 "$py" ask 4 192.0.2.1 7007 2>&1)" ok
	is "mtu $mtu: by IPv6" "$(in_world python3 "$py" ask 6 2001:db8::1 7008 2>&1)" ok
	is "mtu $mtu: a port of one address" "$(python3 "$py" ask 4 127.0.0.1 7009 2>&1)" ok
	like "mtu $mtu: bundles came to the server" "$(python3 "$py" bundles 127.0.0.1 7007)" "[1-9]*"
	rk_stop
done
# a card that computes no checksums: bundles cannot leave by it, or the kernel does it
python3 "$py" no_offload h0
rk_start --net=slirp -p 0.0.0.0:7007:7007/udp -- python3 "$py" serve 7007 || exit
wait_for 5 grep -q ready "$RK_OUT"
is "without the card's help, from elsewhere" "$(in_world python3 "$py" ask 4 192.0.2.1 7007 2>&1)" ok
rk_stop
