# SPDX-License-Identifier: Apache-2.0
# start_after_kill.sh - a new instance in the same state directory, while the child of a killed one is
# still clearing away: neither harms the other
. "${0%/*}/lib.sh"
need userns

for round in 1 2 3 4 5; do
	rk_start --net=none -- sh -c 'i=0; while [ $i -lt 300 ]; do sleep 1000 & i=$((i + 1)); done; wait' || exit
	old=$(cat "$STATE/child_pid")
	[ $round != 5 ] || kill -s STOP "$old"
	kill -s KILL "$RK_PID"
	wait "$RK_PID" 2>/dev/null
	RK_PID=''
	rk_start --net=none -- sleep 1000 || exit
	[ $round != 5 ] || kill -s CONT "$old"
	ok "round $round: the old child ends" wait_for 5 is_gone "$old"
	sleep 0.1 # whatever it had in mind
	isnt "round $round: child_pid is the new one's" "$(cat "$STATE/child_pid")" "$old"
	ok "round $round: the API answers" as_user rootlessctl --socket "$STATE/api.sock" info
	rk_stop
	fails "round $round: the directory is gone at the end" test -e "$STATE"
done
