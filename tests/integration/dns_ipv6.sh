# SPDX-License-Identifier: Apache-2.0
# dns_ipv6.sh - DNS at fd00::3, and servers that are reached by IPv6
# asan: yes
. "${0%/*}/lib.sh"
need userns tun

rk_start --net=slirp --ipv6 -- sleep 1000 || exit
dns() { in_child nsprobe dns "$@"; }
is "the child's file" "$(in_child cat /etc/resolv.conf | tr '\n' ' ')" \
	"nameserver 10.0.2.3 nameserver fd00::3 search world.test "
is "UDP at fd00::3" "$(dns fd00::3 web.world.test)" 192.0.2.2
is "TCP at fd00::3" "$(dns --tcp fd00::3 web.world.test)" 192.0.2.2
is "an address of IPv6" "$(dns fd00::3 web.world.test AAAA)" 2001:db8::2
is "500 addresses by TCP" "$(dns --tcp fd00::3 huge.world.test | grep -c .)" 500
is "4 kB by UDP" "$(dns --edns 4096 fd00::3 wide.world.test | grep -c .)" 240
is "10.0.2.3 still answers" "$(dns 10.0.2.3 web.world.test)" 192.0.2.2

follows() { in_child grep -q "$1" /etc/resolv.conf; }
printf 'nameserver 2001:db8::2\nsearch six\n' >/etc/resolv.conf
wait_for 6 follows six || fail "the file is followed"
is "a server of IPv6" "$(dns 10.0.2.3 where.world.test AAAA)" 2001:db8::2
is "by TCP" "$(dns --tcp fd00::3 where.world.test AAAA)" 2001:db8::2

ip address add fe80::53/64 dev h0 nodad
nsprobe serve dns,fe80::53%h0,53 >"$T/server" 2>&1 &
server=$!
wait_for 5 grep -q ready "$T/server" || bail "the server: $(cat "$T/server")"
printf 'nameserver fe80::53%%h0\nsearch near\n' >/etc/resolv.conf
wait_for 6 follows near || fail "the file is followed"
is "a link-local server with its interface" "$(dns 10.0.2.3 where.world.test AAAA)" fe80::53
is "by TCP" "$(dns --tcp 10.0.2.3 where.world.test AAAA)" fe80::53
kill $server
wait $server 2>/dev/null
ip address del fe80::53/64 dev h0
rk_stop
printf 'nameserver 192.0.2.2\nsearch world.test\n' >/etc/resolv.conf
