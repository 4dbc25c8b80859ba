# SPDX-License-Identifier: Apache-2.0
# net_transfer.sh - 64 MB out, in and both ways at once, byte for byte; 500 connections at once
# deadline: 120
# asan: yes
. "${0%/*}/lib.sh"
need userns tun
MB64=67108864

# by the kernel and by libslirp
for RUNG in $RUNGS; do
for mtu in 65520 1500; do
	rk_start --net=slirp --mtu="$mtu" -- sleep 1000 || exit
	is "64 MB out, MTU $mtu" "$(in_child nsprobe send 192.0.2.2 9 $MB64 5)" ok
	is "64 MB in, MTU $mtu" "$(in_child nsprobe recv 192.0.2.2 19 $MB64 1)" ok
	is "64 MB both ways at once, MTU $mtu" "$(in_child nsprobe duplex 192.0.2.2 7 $MB64 7)" ok
	is "64 MB both ways at once over IPv6, MTU $mtu" "$(in_child nsprobe duplex 2001:db8::2 7 $MB64 7)" ok
	is "500 connections at once, MTU $mtu" "$(in_child nsprobe many 192.0.2.2 7 500)" "500 alive"
	rk_stop
done
done
