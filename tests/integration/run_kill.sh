# SPDX-License-Identifier: Apache-2.0
# run_kill.sh - each process is killed in turn: what ends, in which time, with which words
# deadline: 120
# asan: yes
. "${0%/*}/lib.sh"
need userns tun

nothing_left() { [ -z "$(pgrep -u "$RK_UID")" ]; }
no_state() { [ ! -e "$STATE" ]; }
# worker nursery|relay|slirp
worker() { pgrep -u "$RK_UID" -x "rs-$1"; }
# agent child|gateway: its two processes
agent() {
	for pid in $(pgrep 'rs-(nsagent|spare)'); do
		if [ "$(readlink "/proc/$pid/ns/net")" = "$(readlink "/proc/$(cat "$STATE/child_pid")/ns/net")" ]; then
			[ "$1" != child ] || echo "$pid"
		else
			[ "$1" != gateway ] || echo "$pid"
		fi
	done
}
# the command, a daemon that it left, and a daemon of that one, deaf to TERM
command='setsid sh -c "trap \"\" TERM HUP INT; setsid sleep 1000 & exec sleep 1001" & sh -c "sleep 1002 & exit 0"; echo on; exec sleep 1003'
grown() { grep -q on "$RK_OUT" && [ "$(pgrep -u "$RK_UID" -c -x sleep)" = 4 ]; }
# begin ARG...: an instance with grandchildren
begin() {
	rk_start "$@" -- sh -c "$command" || return
	wait_for 5 grown || fail "the command has its daemons" "$(ps ax)"
}
# ended WHAT LIMIT
ended() {
	ok "$1: every process is dead within $2 s" wait_for "$2" nothing_left
	ok "$1: no state directory" wait_for 1 no_state
}

for mode in --net=host --net=slirp '--net=none --pidns'; do
	# shellcheck disable=SC2086 # words
	begin $mode
	kill -s KILL "$RK_PID"
	rk_wait
	ended "parent killed $mode" 1
	# shellcheck disable=SC2086 # words
	rk_run --state-dir="$STATE" $mode -- true
	is "the directory serves again at once $mode" "$RK_STATUS$(cat "$RK_ERR")" 0

	# shellcheck disable=SC2086 # words
	begin $mode
	kill -s KILL "$(cat "$STATE/child_pid")"
	rk_wait
	is "child killed $mode: status" "$RK_STATUS" 137
	one_error_line "child killed $mode: words" "$RK_ERR" "the child ended while the command ran: signal: killed"
	documented "it is in the documentation" "$RK_ERR"
	ended "child killed $mode" 1
done
RK_NAME=rootlesskit
begin --net=slirp4netns --disable-host-loopback --copy-up=/etc
kill -s KILL "$(cat "$STATE/child_pid")"
rk_wait
is "child killed, rootlesskit: status" "$RK_STATUS" 255
like "child killed, rootlesskit: words" "$(cat "$RK_ERR")" '*parent] error: child exited: signal: killed'
ended "child killed, rootlesskit" 1

# a worker dies and shall not be started again: one line names it, the command gets TERM and may end
# in its own way. So it is with the nursery, always
polite='trap "echo term; exit 3" TERM; echo on; while :; do sleep 0.02; done'
for name in rootless-supervisor:125 rootlesskit:1; do
	RK_NAME=${name%:*}
	for role in relay slirp nursery; do
		rk_start --net=slirp --copy-up=/etc --disable-host-loopback --port-driver=builtin \
			--on-worker-crash=exit -- sh -c "$polite" || continue
		wait_for 5 grep -q on "$RK_OUT"
		kill -s KILL "$(worker $role)"
		rk_wait
		is "$role killed, $RK_NAME: status" "$RK_STATUS" "${name#*:}"
		one_error_line "$role killed, $RK_NAME: one line names it" "$RK_ERR" $role
		documented "it is in the documentation" "$RK_ERR"
		is "$role killed, $RK_NAME: TERM for the command, once" "$(grep -c term "$RK_OUT")" 1
		ended "$role killed, $RK_NAME" 1
	done
done

# an agent dies, and its spare with it: a warning, the command goes on. One alone: agent_dies.sh
RK_NAME=rootless-supervisor
for which in child gateway; do
	rk_start --net=slirp -- sh -c "$polite"
	wait_for 5 grep -q on "$RK_OUT"
	# shellcheck disable=SC2046 # two numbers
	kill -s STOP $(agent $which) && kill -s KILL $(agent $which) # no one of them has time for a word
	ok "$which agent killed: a warning says what it means" wait_for 2 grep -q 'warning: .*agents of .* are dead' "$RK_ERR"
	is "$which agent killed: the network goes on" "$(in_child nsprobe connect -t 8000 192.0.2.2 7)" ok
	rk_stop
	is "$which agent killed: the command's own end" "$RK_STATUS" 3
	is "$which agent killed: one line in all" "$(wc -l <"$RK_ERR")" 1
	ended "$which agent killed" 1
done

# stopped is not dead
rk_start --net=slirp -- sh -c "$polite"
wait_for 5 grep -q on "$RK_OUT"
kill -s STOP "$RK_PID"
is "a stopped parent: traffic goes on" "$(in_child nsprobe connect -t 8000 192.0.2.2 7)" ok
kill -s CONT "$RK_PID"
rk_stop
is "and it ends as ever" "$RK_STATUS" 3

# the nursery's death ends the run in the other mode, too
rk_start --net=slirp -- sh -c "$polite"
wait_for 5 grep -q on "$RK_OUT"
kill -s KILL "$(worker nursery)"
rk_wait
is "nursery killed: status" "$RK_STATUS" 125
one_error_line "nursery killed: one line names it" "$RK_ERR" nursery
ended "nursery killed" 1

# two at once
begin --net=slirp
kill -s KILL "$(worker slirp)" "$(worker relay)" "$(cat "$STATE/child_pid")"
rk_wait
ended "child and workers killed" 1
