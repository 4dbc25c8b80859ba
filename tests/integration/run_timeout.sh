# SPDX-License-Identifier: Apache-2.0
# run_timeout.sh - `timeout rootless-supervisor -- command`: one TERM, and a network while the command says goodbye
. "${0%/*}/lib.sh"
need userns tun

RK=$RK_BIN/rootless-supervisor
cat >"$T/command" <<-'EOT'
	exec 2>/dev/null # the shell's words on its sleep, which TERM ends as well
	n=0
	trap 'n=$((n + 1)); echo "term $n $(nsprobe ask -t 8000 192.0.2.2 1007 x)"' TERM
	trap 'echo int' INT
	echo ready
	while [ $n = 0 ]; do sleep 0.02; done
	i=0
	while [ $i -lt 10 ]; do sleep 0.02; i=$((i + 1)); done
	echo "end $n"
	exit 7
EOT

nothing_left() { [ -z "$(pgrep -u "$RK_UID")" ]; }
# timeout sends two signals, to its child and to the group: on a busy machine the second may come so
# late that it is one of its own, as it would be without us. So one of three tries must show one
tries='1 2 3'
for mode in '' --pidns '--pidns --reaper=false'; do
	for _ in $tries; do
		rc=0
		# shellcheck disable=SC2086 # words
		as_user timeout -s TERM 1.5 "$RK" $mode -- sh "$T/command" >"$RK_OUT" 2>"$RK_ERR" || rc=$?
		! grep -q 'end 1' "$RK_OUT" || break
	done
	is "timeout with '$mode': its status" "$rc" 124
	# the supervisor ends after timeout has told its status only when it was killed: it was not
	like "timeout with '$mode': one TERM, the network is alive" "$(tr '\n' ' ' <"$RK_OUT")" 'ready term 1 192.0.2.1 [0-9]* end 1 '
	is "timeout with '$mode': nothing is said" "$(cat "$RK_ERR")" ''
done
rc=0
as_user timeout --preserve-status -s TERM 1.5 "$RK" -- sh "$T/command" >"$RK_OUT" 2>"$RK_ERR" || rc=$?
is "the command's status" $rc 7

# the shell may take two TERMs for one, nsprobe does not
for mode in '' --pidns '--pidns --reaper=false'; do
	for _ in $tries; do
		# shellcheck disable=SC2086 # words
		as_user timeout -s TERM 0.7 "$RK" $mode -- nsprobe sigcount >"$RK_OUT" 2>"$RK_ERR"
		[ "$(grep -c SIGTERM "$RK_OUT")" != 1 ] || break
	done
	is "timeout with '$mode': TERM is counted once" "$(grep -c SIGTERM "$RK_OUT")" 1
done

# timeout --foreground signals the parent alone
rc=0
as_user timeout --foreground --preserve-status -s TERM 1.5 "$RK" -- sh "$T/command" >"$RK_OUT" 2>"$RK_ERR" || rc=$?
like "TERM to the parent alone: once" "$(tr '\n' ' ' <"$RK_OUT")" 'ready term 1 192.0.2.1 [0-9]* end 1 '
is "TERM to the parent alone: status" $rc 7

# two groups, as a shell with job control would make them: kill -TERM -PGID
: >"$RK_OUT"
as_user setsid -w "$RK" --state-dir="$STATE" -- sh "$T/command" >"$RK_OUT" 2>"$RK_ERR" &
waiter=$!
wait_for 5 grep -q ready "$RK_OUT"
kill -s TERM -- "-$(ps -o pgid= -p "$(cat "$STATE/child_pid")" | tr -d ' ')"
rc=0
wait $waiter || rc=$?
like "TERM to the group: once" "$(tr '\n' ' ' <"$RK_OUT")" 'ready term 1 192.0.2.1 [0-9]* end 1 '
is "TERM to the group: status" $rc 7

# a command that does not care is killed with everything: `timeout -k` kills the whole group, parent
# and child at once, so nobody is left to remove the state directory, and the next start does
for mode in '' --pidns; do
	rc=0
	daemon=${mode:+setsid} # in the PID namespace not even that escapes
	# shellcheck disable=SC2086 # words
	as_user timeout -k 0.3 -s TERM 0.5 "$RK" --state-dir="$STATE" $mode -- \
		sh -c "trap '' TERM; $daemon sleep 100" >"$RK_OUT" 2>"$RK_ERR" || rc=$?
	is "KILL after TERM $mode" $rc 137
	ok "no process is left within a second $mode" wait_for 1 nothing_left
	rk_run --state-dir="$STATE" -- true
	is "the next start takes the directory $mode" "$RK_STATUS$(cat "$RK_ERR")" 0
	fails "and removes it $mode" test -e "$STATE"
done
