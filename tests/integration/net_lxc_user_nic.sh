# SPDX-License-Identifier: Apache-2.0
# net_lxc_user_nic.sh - LXC's lxc-user-nic as network: a bridge of the host, addresses by DHCP, refusals
# deadline: 90
. "${0%/*}/lib.sh"
# lxc-user-nic tells a bridge by /sys, which shows the namespace that it was mounted from
need userns tool:python3 file:/usr/libexec/lxc/lxc-user-nic kernel:"mount -t sysfs none /sys" kernel:"ip link add lxcbr0 type bridge"
info() { as_user rootlessctl --socket "$STATE/api.sock" info --json | python3 -c "import json, sys; i = json.load(sys.stdin); print($1)"; }
ip address add 10.0.3.1/24 dev lxcbr0
ip link set lxcbr0 up
mkdir /etc/lxc
echo "$RK_USER veth lxcbr0 2" >/etc/lxc/lxc-usernet
# dhcp LEASE_SECONDS OPTION...: busybox is the server
dhcp() {
	lease=$1
	shift
	{
		printf 'start 10.0.3.100\nend 10.0.3.101\nmax_leases 2\ninterface lxcbr0\nlease_file %s/leases\npidfile %s/dhcp.pid\n' "$T" "$T"
		printf 'option subnet 255.255.255.0\noption lease %s\n' "$lease"
		printf 'option %s\n' "$@"
	} >"$T/dhcp.conf"
	: >"$T/leases"
	busybox udhcpd -f -a 50 "$T/dhcp.conf" 2>"$T/dhcp.log" &
	server=$!
}
no_dhcp() {
	kill "$server" 2>/dev/null
	wait "$server" || :
}
acks() { [ "$(grep -c 'sending ACK' "$T/dhcp.log")" -ge "$1" ]; }

dhcp 6 'router 10.0.3.1' 'dns 10.0.3.1'
rk_start --net=lxc-user-nic -p 127.0.0.1:7007:7/tcp -p 0.0.0.0:7107:2007/tcp -p 0.0.0.0:7107:2007/udp -- \
	nsprobe serve tcp-echo,0.0.0.0,7 tcp-who,0.0.0.0,2007 udp-who,0.0.0.0,2007 || exit
like "an address of the server's" "$(in_child ip -4 -o address show dev eth0)" '*inet 10.0.3.10[01]/24 *'
is "and the router" "$(in_child ip route show default | cut -d' ' -f1-5)" "default via 10.0.3.1 dev eth0"
is "and the name server" "$(in_child head -n 1 /etc/resolv.conf)" "nameserver 10.0.3.1"
is "a veth on the bridge" "$(bridge link | grep -c 'master lxcbr0')" 1
spawn nsprobe serve tcp-echo,10.0.3.1,9007
wait_for 5 nsprobe connect 10.0.3.1 9007
is "TCP to the host" "$(in_child nsprobe duplex 10.0.3.1 9007 1000000 3)" ok
kill "$SPAWNED"
is "a published port" "$(nsprobe duplex 127.0.0.1 7007 1000000 3)" ok
is "a server sees the client" "$(in_world nsprobe ask -t 5000 -b 192.0.2.3 192.0.2.1 7107 | cut -d' ' -f1)" 192.0.2.3
is "UDP: too" "$(in_world nsprobe ask -u -t 5000 -b 192.0.2.3 192.0.2.1 7107 x | cut -d' ' -f1)" 192.0.2.3
is "info" "$(info 'i["networkDriver"], i["portDriver"]["driver"]')" "{'driver': 'lxc-user-nic', 'dynamicChildIP': True} builtin"
ok "the lease is renewed at half its time" wait_for 9 acks 2
# the spare has a copy of the lease, which has expired when it takes over: it asks at once
ok "and again, until the first lease is over" wait_for 9 acks 3
kill -s KILL "$(pgrep -x rs-nsagent)"
ok "the agent is killed: its spare renews the lease" wait_for 9 acks 4
ok "which is said" wait_for 5 grep -q "warning: network: the agent of the child's network namespace died, its spare has taken over" "$RK_ERR"
is "and the published port goes on" "$(nsprobe duplex 127.0.0.1 7007 1000000 3)" ok
no_dhcp
wait_for 20 sh -c "! kill -0 $RK_PID 2>/dev/null"
rk_wait
is "a lease that nobody renews ends the run" "$RK_STATUS" 125
one_error_line "and says so" "$RK_ERR" "the DHCP lease of eth0 has expired: could not exchange DHCP with eth0: *; stopping the command"
documented "which is documented" "$RK_ERR"
like "it was warned of" "$(cat "$RK_ERR")" "*warning: network: could not exchange DHCP with eth0: *; trying again while the lease lasts*"

refuse() { # WHAT PATTERN ARG...
	what=$1 pattern=$2
	shift 2
	rk_run --net=lxc-user-nic "$@" true
	one_error_line "$what" "$RK_ERR" "$pattern"
	documented "$what is documented" "$RK_ERR"
}
dhcp 3600 'dns 10.0.3.1'
refuse "no router" 'got no Router'
no_dhcp
dhcp 3600 'router 10.0.3.1'
refuse "no name server" 'got no DNS'
no_dhcp
refuse "another bridge" '/usr/libexec/lxc/lxc-user-nic failed: *: exit status 1*/etc/lxc/lxc-usernet*' --lxc-user-nic-bridge=lxcbr9
refuse "no such program" 'exec: "/no/such": stat /no/such: no such file or directory' --lxc-user-nic-binary=/no/such

ip link delete lxcbr0
umount /sys
rm -r /etc/lxc /run/lxc
