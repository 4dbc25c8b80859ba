# SPDX-License-Identifier: Apache-2.0
# net_fastpath.sh - TCP by the kernel never meets libslirp: its interface and its process stay idle
# deadline: 120
. "${0%/*}/lib.sh"
need userns tun tool:python3

gateway_agent() {
	for rk_pid in $(pgrep rs-nsagent); do
		grep -q slirp0: "/proc/$rk_pid/net/dev" && echo "$rk_pid"
	done
}
slirp0_bytes() { awk '$1 == "slirp0:" { print $2 + $10 }' "/proc/$(gateway_agent)/net/dev"; }
tap0() { in_child awk '$1 == "tap0:" { print $10, $11 }' /proc/self/net/dev; } # bytes and packets out
# mean length of a packet when much is sent by one call
mean_packet() {
	rk_before=$(tap0)
	in_child python3 -c 'import socket
s = socket.create_connection(("192.0.2.2", 9))
s.sendall(bytes(1 << 27))
s.shutdown(1)
s.recv(1)' && echo "$(tap0) $rk_before" | awk '{ print int(($1 - $3) / ($2 - $4)) }'
}
slirp_ticks() { awk '{ print $14 + $15 }' "/proc/$(pgrep -f 'rs-worker slirp')/stat"; }

rk_start --net=slirp --accel=tproxy sleep 1000 || exit
bytes=$(slirp0_bytes) ticks=$(slirp_ticks)
like "1 GB out" "$(in_child nsprobe send 192.0.2.2 9 1000000000 5)" "ok*"
is "and 64 MB in" "$(in_child nsprobe recv 192.0.2.2 19 67108864 1)" ok
# shellcheck disable=SC2046 # two words
set -- $(uname -r | tr . ' ')
if [ "$1" -gt 6 ] || { [ "$1" = 6 ] && [ "${2%%[!0-9]*}" -ge 3 ]; }; then
	ok "packets of more than 64 KiB" [ "$(mean_packet)" -gt 66000 ]
fi
ok "slirp0 saw less than 10 KB of them" [ $(($(slirp0_bytes) - bytes)) -lt 10000 ]
ok "slirp worked less than 50 ms" [ $(($(slirp_ticks) - ticks)) -lt 5 ]
rk_stop

rk_start --net=slirp --accel=off sleep 1000 || exit
bytes=$(slirp0_bytes) ticks=$(slirp_ticks)
like "256 MB by libslirp" "$(in_child nsprobe send 192.0.2.2 9 268435456 5)" "ok*"
ok "slirp0 has them" [ $(($(slirp0_bytes) - bytes)) -gt 268435456 ]
ok "slirp worked" [ $(($(slirp_ticks) - ticks)) -ge 5 ]
rk_stop
