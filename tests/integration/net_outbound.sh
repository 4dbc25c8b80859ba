# SPDX-License-Identifier: Apache-2.0
# net_outbound.sh - what a command reaches through --net=slirp: TCP, UDP, echo, names; and the errors
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:busybox
echo "0 4294967294" >/proc/sys/net/ipv4/ping_group_range

for RUNG in $RUNGS; do
rk_start --net=slirp -- sleep 1000 || exit
is "TCP both ways at once" "$(in_child nsprobe duplex 192.0.2.2 7 1000000 3)" ok
is "UDP" "$(in_child nsprobe ask -u 192.0.2.2 7 hello)" hello
is "an address that is not on-link" "$(in_child nsprobe ask -u 198.51.100.7 7 far)" far
like "the world sees the host's address" "$(in_child nsprobe ask 192.0.2.2 1007)" '192.0.2.1 *'
is "IPv6, TCP" "$(in_child nsprobe duplex 2001:db8::2 7 1000000 3)" ok
is "IPv6, UDP" "$(in_child nsprobe ask -u 2001:db8::2 7 hello)" hello
like "IPv6, not on-link" "$(in_child nsprobe ask 2001:db8:ffff::7 1007)" '2001:db8::1 *'
is "IPv6, nobody listens" "$(in_child nsprobe connect 2001:db8::2 4)" ECONNREFUSED
is "IPv6, the host's loopback is closed" "$(in_child nsprobe connect fd00::2 4)" ENETUNREACH
is "a name" "$(in_child nsprobe dns 10.0.2.3 web.world.test)" 192.0.2.2
is "a name that is not there" "$(in_child nsprobe dns 10.0.2.3 nope.world.test)" NXDOMAIN
is "the C library uses it" "$(in_child getent ahostsv4 two.world.test | awk 'NR == 1 { print $1 }')" 192.0.2.3
is "HTTP by name, the search domain is carried" "$(in_child curl -s http://web/)" hello
is "nobody listens" "$(in_child nsprobe connect 192.0.2.2 4)" ECONNREFUSED
is "the host's loopback is closed" "$(in_child nsprobe connect 10.0.2.2 7)" ENETUNREACH
is "the rest of the virtual network" "$(in_child nsprobe connect 10.0.2.77 7)" EHOSTUNREACH
is "only DNS at the DNS address" "$(in_child nsprobe connect 10.0.2.3 80)" ENETUNREACH
ok "the gateway answers echo" in_child busybox ping -c 1 -W 2 10.0.2.2
ok "echo goes out" in_child busybox ping -c 1 -W 2 192.0.2.2

like "the interface" "$(in_child ip -o -4 address show dev tap0)" '* 10.0.2.100/24 *'
like "its MTU" "$(in_child ip -o link show dev tap0)" '* mtu 65520 *'
like "the route" "$(in_child ip route show default)" 'default via 10.0.2.2 dev tap0*'
like "the resolver file" "$(in_child cat /etc/resolv.conf)" '*nameserver 10.0.2.3*'
like "the name of the host" "$(in_child getent ahostsv4 "$(uname -n)")" '127.0.0.1 *'
rk_stop
is "the command's end by TERM" "$RK_STATUS" 143

rk_start --net=slirp --cidr=10.99.0.0/24 --ifname=up0 --mtu=1500 -- sleep 1000 || exit
like "--cidr, --ifname" "$(in_child ip -o -4 address show dev up0)" '* 10.99.0.100/24 *'
like "--mtu" "$(in_child ip -o link show dev up0)" '* mtu 1500 *'
is "TCP at MTU 1500" "$(in_child nsprobe duplex 192.0.2.2 7 1000000 3)" ok
is "DNS moves with it" "$(in_child nsprobe dns 10.99.0.3 web.world.test)" 192.0.2.2
rk_stop
done
