# SPDX-License-Identifier: Apache-2.0
# api_openapi.sh - docs/openapi.yaml is what the program answers, and the other way round
. "${0%/*}/lib.sh"
need userns tun tool:python3 file:/usr/lib/python3/dist-packages/yaml
SEEN=$T/seen

# compare [SOURCE]: the running instance with the document
compare() {
	/usr/bin/python3 "$RK_SRC/tests/integration/api_openapi.py" "$RK_SRC/docs/openapi.yaml" "$SEEN" "$STATE/api.sock" "$@" >"$T/tap" 2>&1
	is "the comparison comes to its end" $? 0
	tap_of "$T/tap"
}
rk_start --net=slirp --ipv6 --mtu=auto -- nsprobe serve tcp-echo,0.0.0.0,7 udp-echo,0.0.0.0,7 || exit
counted() { [ "$(as_user rootlessctl --socket "$STATE/api.sock" info --json | grep -c '"budgets"')" = 2 ]; }
wait_for 7 counted # a moment after the start
ip link set h0 mtu 1400
followed() { as_user rootlessctl --socket "$STATE/api.sock" events | grep -q mtu-changed; }
wait_for 10 followed
ip link set h0 mtu 1500
# shellcheck disable=SC2046 # two numbers
kill -s KILL $(pgrep 'rs-(nsagent|spare)' | while read -r pid; do
	[ "$(readlink "/proc/$pid/ns/net")" = "$(readlink "/proc/$(cat "$STATE/child_pid")/ns/net")" ] || echo "$pid"
done)
degraded() { as_user rootlessctl --socket "$STATE/api.sock" info | grep -q Degraded; }
wait_for 5 degraded
compare
rk_stop
rk_start --net=slirp --source-ip-transparent=false -- nsprobe serve tcp-echo,0.0.0.0,7 udp-echo,0.0.0.0,7 || exit
compare
rk_stop
cp "$RK_BUILD/tests/refuse/librefuse.so" "$T/librefuse.so" # where the user may read it
RK_ENV="LD_PRELOAD=$T/librefuse.so REFUSE=nf_tables"
rk_start --net=none -- nsprobe serve tcp-echo,127.0.0.1,7 udp-echo,127.0.0.1,7 || exit
compare
rk_stop
RK_ENV=
rk_start --net=host -- sleep 1000 || exit
compare "$RK_SRC/lib/parent/api.c"
rk_stop
