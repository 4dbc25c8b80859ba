# SPDX-License-Identifier: Apache-2.0
# port_thousand.sh - a thousand published ports cost a start little, and less than 2 MB; as one range hardly anything
. "${0%/*}/lib.sh"
need userns tun
i=8000 singles=
while [ $i -lt 9000 ]; do singles="$singles -p 127.0.0.1:$i:$i" i=$((i + 1)); done
range='-p 127.0.0.1:8000-8999:8000-8999'

# best ARG...: milliseconds of the fastest start and end of five
best() {
	for _ in 1 2 3 4 5; do
		since=$(date +%s%N)
		rk_run --net=slirp "$@" -- true
		echo $((($(date +%s%N) - since) / 1000000))
	done | sort -n | head -n 1
}
# memory ARG...: kB of their own that the parent and the relay have; the others know of no port
memory() {
	rk_start --net=slirp "$@" -- nsprobe serve tcp-echo,0.0.0.0,8999 || exit
	wait_for 5 grep -q ready "$RK_OUT"
	[ $# = 0 ] || is "the last of $# serves" "$(nsprobe ask 127.0.0.1 8999 last)" last
	kb=0
	for pid in "$RK_PID" "$(pgrep -f 'rs-worker relay')"; do
		kb=$((kb + $(awk '$1 == "Anonymous:" { print $2 }' "/proc/$pid/smaps_rollup")))
	done
	rk_stop
}

# shellcheck disable=SC2086 # lists of words
{
	none_ms=$(best) range_ms=$(best $range) singles_ms=$(best $singles)
	echo "# none $none_ms ms, a range of 1000 $range_ms ms, 1000 ports $singles_ms ms"
	ok "a range starts in less than eight times the time" [ "$range_ms" -lt $((8 * none_ms)) ]
	ok "and so do single ports" [ "$singles_ms" -lt $((8 * none_ms)) ]
	memory
	none_kb=$kb
	memory $range
	range_kb=$kb
	memory $singles
}
echo "# none $none_kb kB, a range $range_kb kB, 1000 ports $kb kB"
ok "a range costs less than 1 MB" [ $((range_kb - none_kb)) -lt 1024 ]
ok "1000 ports cost less than 2 MB" [ $((kb - none_kb)) -lt 2048 ]
