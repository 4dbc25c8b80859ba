# SPDX-License-Identifier: Apache-2.0
# net_million.sh - a million connections out, one after the other, and 8,000 at once: descriptors and
# memory of the relay come back. RK_CONNECTIONS: another number
# deadline: 1500
. "${0%/*}/../integration/lib.sh"
need userns tun tool:python3
cp "$RK_SRC/tests/nightly/net_million.py" "$RK_BASE/million.py" # the tree may lie where the user cannot go
py="python3 $RK_BASE/million.py"

# shellcheck disable=SC2086 # two words
(exec nsenter --net="/proc/$RK_WORLD_PID/ns/net" -- $py serve 192.0.2.2) >"$T/server" 2>&1 &
server=$!
wait_for 5 grep -q ready "$T/server" || bail "no server: $(cat "$T/server")"
# ports rest for a minute at the side that closed first
echo '1024 65535' >/proc/sys/net/ipv4/ip_local_port_range
rk_start --net=slirp --accel=tproxy sleep 3000 || exit
in_child sh -c "echo '1024 65535' >/proc/sys/net/ipv4/ip_local_port_range"
relay=$(pgrep -f 'rs-worker relay')
descriptors() { find "/proc/$relay/fd" -mindepth 1 | wc -l; }
resident() { awk '/^VmRSS:/ { print $2 }' "/proc/$relay/status"; } # KB
at_most() { [ "$("$1")" -le "$2" ]; }

# shellcheck disable=SC2086 # two words
is "the first 2000" "$(in_child $py visit 192.0.2.2 2000)" ok
fds=$(descriptors) rss=$(resident)
# shellcheck disable=SC2086 # two words
is "${RK_CONNECTIONS:=1000000} one after the other" "$(in_child $py visit 192.0.2.2 "$RK_CONNECTIONS")" ok
ok "descriptors come back ($fds)" wait_for 12 at_most descriptors $((fds + 2))
ok "memory stays ($rss KB)" at_most resident $((rss + 256))

# shellcheck disable=SC2086 # two words
spawn nsenter --user --mount --net --preserve-credentials --target "$(cat "$STATE/child_pid")" -- \
	$py hold 192.0.2.2 8000 >"$T/held" 2>&1
ok "8000 at once" wait_for 60 grep -q ready "$T/held"
ok "they take at most 1 KiB each" at_most resident $((rss + 8000 + 256))
# shellcheck disable=SC2086 # two words
is "and 1000 beside them" "$(in_child $py visit 192.0.2.2 1000)" ok
kill "$SPAWNED"
wait "$SPAWNED" 2>/dev/null
ok "descriptors come back again" wait_for 12 at_most descriptors $((fds + 2))
kill $server
wait $server 2>/dev/null
rk_stop
