# SPDX-License-Identifier: Apache-2.0
# stop_hard.sh - ends that meet resistance: daemons deaf to TERM, stopped commands, hung workers, kills of the parent,
# the child and both: nothing is left, nothing else is touched
# deadline: 150
# asan: yes
. "${0%/*}/lib.sh"
need userns tun

GRANDCHILDREN=50
now_ms() { date +%s%3N; }
worker() { pgrep -u "$RK_UID" -x "rs-$1"; }
no_state() { [ ! -e "$STATE" ]; }
# daemons of the command are called 1000, whoever they run as; 2000 is the user's own
daemons() { pgrep -f '^sleep 1000' | wc -l; }
grown() { [ "$(daemons)" = "$1" ]; }
program() { pgrep -u "$RK_UID" | grep -vx "$bystander"; }
nothing_left() { [ "$(daemons)" = 0 ] && [ -z "$(program)" ]; }
# ended WHAT SECONDS: from now
ended() {
	ok "$1: every process is dead within $2 s" wait_for $(($2 * ${RK_SLOW:-1})) nothing_left
	ok "$1: no state directory" wait_for 1 no_state
	ok "$1: a process of the user's outside lives" kill -0 "$bystander"
}
spawn sleep 2000
bystander=$SPAWNED

# --- daemons in sessions of their own, deaf to what ends a program ---
# shellcheck disable=SC2016 # expands inside
daemonize='trap "" TERM HUP INT QUIT; i=0; while [ $i -lt '$GRANDCHILDREN' ]; do setsid sleep 1000 & i=$((i + 1)); done; trap "exit 7" TERM; echo on; while :; do sleep 0.02; done'
for mode in --net=host '--net=host --pidns' --net=slirp '--net=slirp --pidns'; do
	# shellcheck disable=SC2086 # words
	rk_start $mode -- sh -c "$daemonize" || continue
	ok "$mode: there are $GRANDCHILDREN daemons" wait_for 10 grown $GRANDCHILDREN
	since=$(now_ms)
	rk_stop
	took=$(($(now_ms) - since))
	is "$mode: the command's own status" "$RK_STATUS" 7
	ok "$mode: in time ($took ms)" test $took -le $((2000 * ${RK_SLOW:-1}))
	ended "$mode, $GRANDCHILDREN daemons" 1
done

# --- a command that does not want to end, or cannot ---
rk_start --net=slirp -- sh -c 'n=0; trap "n=\$((n + 1)); echo term \$n" TERM; echo on; while :; do sleep 0.02; done'
wait_for 5 grep -q on "$RK_OUT"
for n in 1 2 3; do
	kill -s TERM "$RK_PID"
	ok "TERM $n is passed on" wait_for 2 grep -qx "term $n" "$RK_OUT"
done
ok "and nobody ends before the command does" kill -0 "$RK_PID"
pkill -KILL -P "$(cat "$STATE/child_pid")" -x sh
rk_wait
is "the command is killed: status" "$RK_STATUS" 137
ended "a command deaf to TERM" 1

rk_start --net=slirp -- nsprobe sigcount
wait_for 5 grep -q ready "$RK_OUT"
command=$(pgrep -P "$(cat "$STATE/child_pid")" -x nsprobe)
kill -s STOP "$command"
kill -s TERM "$RK_PID"
has_term() { grep -q '^ShdPnd:.*[4-7c-f]...$' "/proc/$command/status"; }
ok "a stopped command: TERM waits for it" wait_for 2 has_term
ok "a stopped command: and so do we" kill -0 "$RK_PID"
kill -s CONT "$command"
rk_wait
is "a stopped command: goes on and ends" "$RK_STATUS" 0
is "a stopped command: TERM came once" "$(grep -c SIGTERM "$RK_OUT")" 1
ended "a stopped command" 1

# --- workers that hang: what is waited for is counted ---
for mode in relay slirp 'relay slirp' nursery 'relay slirp nursery'; do
	rk_start --net=slirp -p 127.0.0.1:8080:80/tcp -p 127.0.0.1:8081:81/udp -- sh -c 'trap "exit 6" TERM; echo on; while :; do sleep 0.02; done' || continue
	wait_for 5 grep -q on "$RK_OUT"
	for role in $mode; do kill -s STOP "$(worker "$role")"; done
	since=$(now_ms)
	rk_stop
	took=$(($(now_ms) - since))
	is "$mode hung: the command's status" "$RK_STATUS$(cat "$RK_ERR")" 6
	ok "$mode hung: ended within the limit ($took ms)" test $took -le $((4000 * ${RK_SLOW:-1}))
	ended "$mode hung" 1
done

# --- SIGKILL ---
# daemons of all kinds: root and another user of the namespace, one in a user namespace of its own
kinds='setsid sleep 1000 & setsid setpriv --reuid 5 --regid 5 --clear-groups sleep 1000 & setsid unshare --user --map-root-user sh -c "sleep 1000 & exec sleep 1000" & setsid sh -c "trap \"\" TERM HUP; sleep 1000 & exec sleep 1000" & echo on; exec sleep 1000'
# killed WHAT ARG...: parent, child or both
killed() {
	what=$1
	shift
	rk_start "$@" -- sh -c "$kinds" || return
	wait_for 5 grown 7 || fail "$what $*: the command has its daemons" "$(ps -e -o pid,ppid,user,args)"
	case $what in
	*parent*child*) kill -s KILL "$RK_PID" "$(cat "$STATE/child_pid")" ;;
	*child*) kill -s KILL "$(cat "$STATE/child_pid")" ;;
	*parent*) kill -s KILL "$RK_PID" ;;
	esac
	rk_wait
	is "$what killed, $*: status" "$RK_STATUS" 137
}
for mode in --net=none --net=slirp '--net=slirp --pidns' '--net=slirp --detach-netns'; do
	for what in parent child 'parent and child'; do
		# shellcheck disable=SC2086 # words
		killed "$what" $mode
		ended "$what killed, $mode" 1
	done
done
for what in parent child; do
	killed $what --net=host
	ended "$what killed, --net=host" 1
done
killed 'parent and child' --net=host --pidns
ok "parent and child killed, --net=host --pidns: the kernel ends the rest" wait_for 1 nothing_left
ok "parent and child killed, --net=host: the state directory is left" test -e "$STATE/lock"
rk_run --net=host --state-dir="$STATE" -- true
is "parent and child killed, --net=host: the next start repairs it" "$RK_STATUS$(cat "$RK_ERR")" 0
ended "parent and child killed, --net=host --pidns" 1

rk_start --net=slirp -- sh -c "$kinds"
wait_for 5 grown 7
kill -s KILL "$RK_PID" "$(cat "$STATE/child_pid")" "$(worker relay)" "$(worker slirp)"
rk_wait
ended "parent, child, relay and slirp killed" 1

# the child is stopped when the parent is killed: the nursery gives it 3 s
rk_start --net=slirp -- sh -c "$kinds"
wait_for 5 grown 7
kill -s STOP "$(cat "$STATE/child_pid")" "$(worker relay)" "$(worker nursery)"
kill -s KILL "$RK_PID"
rk_wait
ended "parent killed, child, relay and nursery stopped" 6

# a new instance has the directory already: the old one's nursery leaves it alone
rk_start --net=slirp -- sh -c "$kinds"
wait_for 5 grown 7
old=$(cat "$STATE/child_pid")
kill -s STOP "$old"
kill -s KILL "$RK_PID"
rk_wait
rk_start --net=slirp -- sleep 900
ok "a new instance in the same directory: the old one ends" wait_for 6 is_gone "$old"
ok "a new instance in the same directory: its daemons, too" wait_for 1 grown 0
ok "a new instance in the same directory: it answers" as_user rootlessctl --socket "$STATE/api.sock" info
rk_stop
is "a new instance in the same directory: status" "$RK_STATUS" 143
ended "a new instance in the same directory" 1
kill "$bystander"
