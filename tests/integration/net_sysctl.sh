# SPDX-License-Identifier: Apache-2.0
# net_sysctl.sh - --sysctl: settings of the child's network namespace, and those that are refused
# asan: yes
. "${0%/*}/lib.sh"
need userns tun

host=$(cat /proc/sys/net/ipv4/ip_forward)
for net in --net=slirp --net=none; do
	rk_run $net --sysctl=net.ipv4.ip_forward=1 --sysctl 'net.ipv4.ip_local_port_range=20000 30000' \
		--sysctl=net.ipv4.ip_local_reserved_ports=20080,20443 --sysctl=net/ipv4/conf/lo/rp_filter=2 -- \
		cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_local_port_range \
		/proc/sys/net/ipv4/ip_local_reserved_ports /proc/sys/net/ipv4/conf/lo/rp_filter
	is "$net: all four are set" "$(tr '\t\n' '  ' <"$RK_OUT")" "1 20000 30000 20080,20443 2 "
	is "$net: status, nothing to say" "$RK_STATUS $(cat "$RK_ERR")" "0 "
done
is "the host's is what it was" "$(cat /proc/sys/net/ipv4/ip_forward)" "$host"
rk_run --sysctl=net.ipv4.conf.tap0.rp_filter=2 --sysctl=net.ipv4.ip_forward=1 --sysctl=net.ipv4.ip_forward=0 -- \
	cat /proc/sys/net/ipv4/conf/tap0/rp_filter /proc/sys/net/ipv4/ip_forward
is "of the interface; the last of two counts" "$(tr '\n' ' ' <"$RK_OUT")" "2 0 "
rk_start --detach-netns --sysctl=net.ipv4.ip_forward=1 -- sleep 1000
# shellcheck disable=SC2016 # expands inside
is "detached: in STATE/netns, not where the command is" \
	"$(as_user nsenter -U -m --preserve-credentials -t "$(cat "$STATE/child_pid")" sh -c \
		'nsenter --net="$1/netns" cat /proc/sys/net/ipv4/ip_forward; cat /proc/sys/net/ipv4/ip_forward' sh "$STATE" | tr '\n' ' ')" "1 $host "
is "the network works with it" "$(as_user nsenter -U -m --preserve-credentials -t "$(cat "$STATE/child_pid")" \
	nsenter --net="$STATE/netns" nsprobe ask -u 192.0.2.2 7 ping)" ping
rk_stop

# refused WHAT WORDS KEY=VALUE
refused() {
	rk_run --sysctl="$3" -- true
	is "$1: status" "$RK_STATUS" 125
	one_error_line "$1: words" "$RK_ERR" "$2"
	documented "$1: documented" "$RK_ERR"
	is "$1: nothing is left" "$(ls "$RK_RUN")" canary
}
refused "not of the network" "only net.\* belongs to the child's network namespace" kernel.hostname=x
refused "a way out" "only net.\* belongs to the child's network namespace" net/../kernel/hostname=x
refused "not a setting" 'sysctl must be KEY=VALUE, not "net.ipv4.ip_forward"' net.ipv4.ip_forward
# which of the two a kernel says has changed over time
refused "the host's alone" "setting 'net/core/rmem_max' to '4096': *
*the host's *" net.core.rmem_max=4096
refused "no such setting" "setting 'net/ipv4/no_such' to '1': No such file or directory
*it is the host's alone, or a module is not loaded, or the name is wrong" net.ipv4.no_such=1
refused "a value that the kernel does not take" "setting 'net/ipv4/ip_local_port_range' to 'x': Invalid argument" net.ipv4.ip_local_port_range=x
