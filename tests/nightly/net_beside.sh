# SPDX-License-Identifier: Apache-2.0
# net_beside.sh - who talks is as quick beside many others: the relay's processor time for a request beside
# 8,000 idle connections, new TCP connections beside 4,000 UDP flows. RK_IDLE, RK_FLOWS: other numbers
# deadline: 600
. "${0%/*}/../integration/lib.sh"
need userns tun tool:python3
cp "$RK_SRC/tests/nightly/net_beside.py" "$RK_BASE/beside.py" # the tree may lie where the user cannot go
py="python3 $RK_BASE/beside.py"
requests=${RK_REQUESTS:-5000} idle=${RK_IDLE:-8000} flows=${RK_FLOWS:-4000}
# shellcheck disable=SC2086 # two words
probe() { in_child $py "$@"; }
# held FILE ARG...: one that stays, in BACK
held() {
	held_file=$1
	shift
	# shellcheck disable=SC2086 # two words
	spawn nsenter --user --mount --net --preserve-credentials --target "$(cat "$STATE/child_pid")" -- $py "$@" >"$held_file" 2>&1
	BACK=$SPAWNED
	wait_for 120 grep -q '^ready' "$held_file" || fail "$*" "$(tail -n 3 "$held_file")"
}
drop() {
	kill "$1"
	wait "$1" 2>/dev/null
}
# once FILE: ns of a processor for a request go there
once() {
	n=$(grep -c 'done' "$T/asked") before=$(cut -d' ' -f1 "/proc/$worker/schedstat")
	echo go >&4
	wait_for 120 sh -c "[ \$(grep -c 'done' $T/asked) -gt $n ]"
	echo "$((($(cut -d' ' -f1 "/proc/$worker/schedstat") - before) / requests))" >>"$1"
}
least() { sort -n "$1" | head -n 1; }

for RUNG in $RUNGS; do
	rk_start --net=slirp -- sleep 1000 || exit
	worker=$(pgrep -x "rs-$([ "$RUNG" = off ] && echo slirp || echo relay)")
	rm -f "$T/go"
	mkfifo "$T/go"
	# shellcheck disable=SC2086 # two words
	in_child $py ask 192.0.2.2 "$requests" <"$T/go" >"$T/asked" &
	asker=$!
	exec 4>"$T/go"
	wait_for 10 grep -q ready "$T/asked"
	: >"$T/alone"
	: >"$T/beside"
	for _ in ${RK_TURNS:-1 2 3 4}; do # by turns: the machine has other work
		for _ in 1 2 3; do once "$T/alone"; done
		held "$T/idle" idle 192.0.2.2 "$idle"
		for _ in 1 2 3; do once "$T/beside"; done
		drop "$BACK"
		sleep 0.5 # their ends are worked off
	done
	alone=$(least "$T/alone") beside=$(least "$T/beside")
	echo "# ns of a request, the least of twelve: $alone alone, $beside beside $idle idle connections"
	if [ "$RUNG" != off ]; then # libslirp looks at all its sockets each time
		ok "it takes at most 5 % more" [ "$((beside * 100))" -le "$((alone * 105))" ]
	fi
	exec 4>&-
	wait $asker
	is "nothing was cut" "$(grep -c cut "$T/asked")" 0

	# by turns as well: the best of each
	for n in 1 2 3; do
		probe connects 192.0.2.2 300 >>"$T/free"
		held "$T/flows" udp 192.0.2.2 "$flows"
		probe connects 192.0.2.2 300 >>"$T/connects"
		[ $n = 3 ] || drop "$BACK"
	done
	echo "# ms of a TCP connection, median and p99: $(tr '\n' ';' <"$T/free") beside $flows UDP flows: $(tr '\n' ';' <"$T/connects")"
	best() { sort -n -k2 "$1" | head -n 1 | sed 's/.* //; s/[.].*//'; }
	ok "99 of 100 within 10 ms, or twice what they take without" [ "$(best "$T/connects")" -lt $((10 + 2 * $(best "$T/free"))) ]
	rm "$T/free" "$T/connects"
	drop "$BACK"
	rk_stop
done
