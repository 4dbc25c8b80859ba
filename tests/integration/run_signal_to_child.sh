# SPDX-License-Identifier: Apache-2.0
# run_signal_to_child.sh - upstream's test of sigproxy: SIGUSR1 to child_pid, in all PID modes
. "${0%/*}/lib.sh"
need userns

# killed NAME STATUS PATTERN ARG...: the command dies by the USR1 that child_pid gets
killed() {
	RK_NAME=$1 want=$2 pattern=$3
	shift 3
	rk_start --net=host "$@" -- sleep 1000 || return
	wait_for 5 command_runs
	kill -s USR1 "$(cat "$STATE/child_pid")"
	rk_wait
	is "$RK_NAME $*: status" "$RK_STATUS" "$want"
	like "$RK_NAME $*: words" "$(cat "$RK_ERR")" "$pattern"
	fails "$RK_NAME $*: the state directory is gone" test -e "$STATE"
}
command_runs() { pgrep -P "$(cat "$STATE/child_pid")" -x sleep; }

for mode in '' --pidns '--pidns --reaper=auto' '--pidns --reaper=true' '--pidns --reaper=false'; do
	# shellcheck disable=SC2086 # words
	killed rootlesskit 255 '*signal: user defined signal 1*exit status 255*' $mode
	# shellcheck disable=SC2086 # words
	killed rootless-supervisor 138 '' $mode
done

# each signal that can be told apart comes through, once, and by its number
RK_NAME=rootless-supervisor
got() { grep -c "^SIG$1\$" "$RK_OUT"; }
came() { [ "$(got "$1")" -ge 1 ]; }
# the shell starts what is in the background with INT and QUIT ignored; sigcount takes them nevertheless
for mode in '' --pidns; do
	# shellcheck disable=SC2086 # words
	rk_start --net=host $mode -- nsprobe sigcount
	wait_for 5 grep -q ready "$RK_OUT"
	for name in HUP QUIT USR1 USR2 WINCH ALRM CONT; do
		kill -s $name "$RK_PID"
		wait_for 2 came $name
	done
	rk_stop
	for name in HUP QUIT USR1 USR2 WINCH ALRM TERM; do
		is "$name to the parent$mode: once" "$(got $name)" 1
	done
	is "and the command ended by itself" "$RK_STATUS" 0
done

# a second and a third TERM are passed on, and nobody is in a hurry to end
rk_start --net=host -- sh -c 'n=0; trap "n=\$((n + 1)); echo term \$n" TERM; echo on; while [ $n -lt 3 ]; do sleep 0.02; done; exit 9'
wait_for 5 grep -q on "$RK_OUT"
for n in 1 2 3; do
	kill -s TERM "$RK_PID"
	wait_for 5 grep -q "term $n" "$RK_OUT"
done
rk_wait
is "three TERMs arrive, the command decides" "$RK_STATUS" 9
