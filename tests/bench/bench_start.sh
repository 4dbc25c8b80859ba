# SPDX-License-Identifier: Apache-2.0
# bench_start.sh - milliseconds of a whole run of `true` with a network and two copy-ups
# deadline: 180
. "${0%/*}/lib.sh"
need userns tun tool:slirp4netns file:/usr/bin/rootlesskit

# time_runs N PAUSE COMMAND...: milliseconds, one a line; by a shell with a clock of its own, as the
# user. A run that fails is told in $T/measured and made again: RootlessKit's port driver loses a
# race with a command as short as true now and then
time_runs() {
	as_user bash -c 'n=$1 pause=$2 failures=5
		shift 2
		while ((n > 0)); do
			begin=${EPOCHREALTIME/./}
			if "$@"; then
				us=$((${EPOCHREALTIME/./} - begin))
				printf "%d.%03d\n" $((us / 1000)) $((us % 1000))
				n=$((n - 1))
			else
				((failures-- > 0)) || { echo "failed"; exit 1; }
				echo "a run failed" >&2
			fi
			sleep "$pause"
		done' bash "$@" 2>>"$T/measured" </dev/null
}
start() { # COLUMN N PAUSE
	case $1 in
	ours) set -- "$2" "$3" rootless-supervisor --net=slirp ;;
	peer) set -- "$2" "$3" /usr/bin/rootlesskit --net=slirp4netns ;;
	esac
	time_runs "$@" --port-driver=builtin --copy-up=/etc --copy-up=/run --disable-host-loopback true
}

start ours 1 0 >"$T/first" # files are in memory from here on
start peer 1 0 >"$T/first"
while more_rounds; do
	# the kernel takes namespaces down in the background: the pause keeps that out of the next run
	for _ in 1 2 3 4 5; do
		both "with 150 ms between, ms" start 1 0.15
	done
	for column in $columns; do
		# shellcheck disable=SC2046 # a list of numbers
		record "back to back, ms" "$column" $(start "$column" 5 0)
		sleep 0.3
	done
done
report "start and end of true; the first row has 5 of each a round" rootlesskit
echo "# runs made again: $(grep -c '^a run failed' "$T/measured")"
goal "with 150 ms between, ms" '<=' 0.5
pass "all was measured"
