# SPDX-License-Identifier: Apache-2.0
# net_detached.sh - --detach-netns: the command stays in the host's network namespace, the new one is
# STATE/netns; network and ports work there, with slirp, none and host
# deadline: 120
# asan: yes
. "${0%/*}/lib.sh"
need userns tun
in_netns() { # COMMAND...: in STATE/netns, as root of the child's namespaces
	rk_cpid=$(cat "$STATE/child_pid") || return 1
	as_user nsenter --user --mount --preserve-credentials --target "$rk_cpid" nsenter "--net=$STATE/netns" -- "$@"
}
host_ns=$(readlink /proc/self/ns/net)

for RUNG in $RUNGS; do
# shellcheck disable=SC2016 # expands inside
rk_start --net=slirp --detach-netns -p 127.0.0.1:7007:7/tcp -- \
	sh -c 'readlink /proc/self/ns/net; grep nameserver /etc/resolv.conf; exec nsenter "--net=$ROOTLESSKIT_STATE_DIR/netns" nsprobe serve tcp-echo,0.0.0.0,7' || exit
wait_for 5 grep -q ready "$RK_OUT"
is "the command is in the host's namespace" "$(sed -n 1p "$RK_OUT")" "$host_ns"
is "and asks the host's servers" "$(sed -n 2p "$RK_OUT")" "nameserver 192.0.2.2"
is "the path is an empty file outside" "$(stat -c '%F %a' "$STATE/netns")" "regular empty file 400"
isnt "and a namespace inside" "$(in_netns readlink /proc/self/ns/net)" "$host_ns"
like "the resolver file for others" "$(cat "$STATE/resolv.conf")" 'nameserver 10.0.2.3*'
is "TCP from there" "$(in_netns nsprobe duplex 192.0.2.2 7 1000000 3)" ok
is "UDP from there" "$(in_netns nsprobe ask -u 192.0.2.2 7 hello)" hello
is "IPv6 from there" "$(in_netns nsprobe duplex 2001:db8::2 7 1000000 3)" ok
MB64=67108864
is "64 MB out" "$(in_netns nsprobe send 192.0.2.2 9 $MB64 5)" ok
is "64 MB in" "$(in_netns nsprobe recv 192.0.2.2 19 $MB64 1)" ok
is "64 MB both ways at once" "$(in_netns nsprobe duplex 192.0.2.2 7 $MB64 7)" ok
is "64 MB both ways at once over IPv6" "$(in_netns nsprobe duplex 2001:db8::2 7 $MB64 7)" ok
is "500 connections at once" "$(in_netns nsprobe many 192.0.2.2 7 500)" "500 alive"
is "a datagram of 60000 bytes" "$(in_netns nsprobe ask -u 192.0.2.2 7 "$(head -c 60000 /dev/zero | tr '\0' x)" | tr -d '\n' | wc -c)" 60000
is "DNS from there" "$(in_netns nsprobe dns 10.0.2.3 web.world.test)" 192.0.2.2
is "a published port leads there" "$(nsprobe duplex 127.0.0.1 7007 1000000 3)" ok
rk_stop
done
RUNG=

rk_start --net=slirp --detach-netns --copy-up=/etc --copy-up=/run -- sleep 1000 || exit
is "with /run copied up the path holds" "$(in_netns nsprobe duplex 192.0.2.2 7 1000000 3)" ok
rk_stop

rk_start --net=none --detach-netns -p 127.0.0.1:7007:7/tcp -- \
	sh -c 'exec nsenter "--net=$ROOTLESSKIT_STATE_DIR/netns" nsprobe serve tcp-echo,127.0.0.1,7' || exit
wait_for 5 grep -q ready "$RK_OUT"
is "--net=none: the port" "$(nsprobe duplex 127.0.0.1 7007 1000000 3)" ok
is "--net=none: no way out" "$(in_netns nsprobe connect 192.0.2.2 7)" ENETUNREACH
rk_stop

rk_start --net=host --detach-netns -- sleep 1000 || exit
like "--net=host: an empty namespace all the same" "$(in_netns ip -o link)" '1: lo: <LOOPBACK>*state DOWN*'
rk_stop

RK_NAME=rootlesskit
ok "the feature probe of nerdctl" sh -c 'rootlesskit --help | grep -qw -- --detach-netns'
rk_run --net=none true
fails "without the flag there is no such path" test -e "$STATE/netns"
