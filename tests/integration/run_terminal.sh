# SPDX-License-Identifier: Apache-2.0
# run_terminal.sh - ^C, ^\ and ^Z on a terminal: once each, and the terminal stays as it was
. "${0%/*}/lib.sh"
need userns tun

RK=$RK_BIN/rootless-supervisor
# on_pty ARG... : output without carriage returns, and `status N` as last line
on_pty() {
	rc=0
	as_user timeout 20 nsprobe pty "$@" >"$RK_OUT" || rc=$?
	tr -d '\r' <"$RK_OUT" >"$T/seen"
	echo "status $rc" >>"$T/seen"
}
count() { grep -o "SIG$1" "$T/seen" | wc -l; } # the echo of a key may stand in the line

for mode in '--net=host' '--net=none' '--net=slirp' '--net=host --pidns --reaper=false' '--net=host --pidns' '--net=slirp --pidns'; do
	# shellcheck disable=SC2086 # words
	on_pty -w ready:^C "$RK" $mode -- nsprobe sigcount -e 5
	is "^C with $mode: once" "$(count INT)" 1
	is "^C with $mode: the command's status" "$(tail -n 1 "$T/seen")" "status 5"
	# shellcheck disable=SC2086 # words
	on_pty -w 'ready:^\' -w SIGQUIT:^C "$RK" $mode -- nsprobe sigcount -e 5
	is "^\\ with $mode: once" "$(count QUIT)$(count INT)" 11
done
on_pty -w ready:^C -w SIGINT:^C -w SIGINT:^C "$RK" --net=none -- sh -c \
	'n=0; trap "n=\$((n + 1)); echo SIGINT \$n" INT; echo ready; while [ $n -lt 3 ]; do sleep 0.02; done; exit 6'
is "three ^C are three" "$(grep -o "SIGINT [123]" "$T/seen" | wc -l) $(tail -n 1 "$T/seen")" "3 status 6"
on_pty -w ready:^C "$RK" --net=none -- sh -c 'echo ready; exec sleep 100'
like "what dies of ^C is 130" "$(tail -n 1 "$T/seen")" '*status 130'

# ^Z stops the job, the shell (nsprobe's leader) continues it
on_pty -w ready:^Z -w continued:^C "$RK" --net=slirp -- sh -c 'trap "echo end; exit 4" INT; echo ready; while :; do sleep 0.02; done'
is "^Z stops the job" "$(grep -c '\[stopped by SIGTSTP\]' "$T/seen")" 1
like "and it goes on" "$(cat "$T/seen")" '*continued*end
status 4'
unlike "and nothing is said" "$(cat "$T/seen")" '*rootless-supervisor:*'

# shellcheck disable=SC2016 # expands inside
look='test -t 0 && test -t 1 && tty | grep -q ^/dev/pts/ && stty size && ps -o pgid=,tpgid= -p $$ | awk "{ print (\$1 == \$2 ? \"foreground\" : \"background\") }"; echo "$(: </dev/tty && echo tty)"'
for mode in '--net=host' '--net=slirp' '--net=host --pidns --reaper=false'; do
	# shellcheck disable=SC2086 # words
	on_pty "$RK" $mode -- sh -c "$look"
	is "the terminal is the command's with $mode" "$(tr '\n' ' ' <"$T/seen")" "24 80 foreground tty status 0 "
done
on_pty -w ready:hello^M "$RK" --net=none -- sh -c 'echo ready; read -r line; echo "got $line"'
like "what is typed is read" "$(cat "$T/seen")" '*got hello*status 0'
on_pty "$RK" --net=none -- stty -echo
is "only the command changes modes" "$(tail -n 1 "$T/seen")" "status 99"
# shellcheck disable=SC2016 # expands inside
on_pty "$RK" --net=host --pidns -- sh -c 'ps -o sid=,pid= -p $$ | awk "{ print (\$1 == \$2 ? \"own session\" : \"not\") }"'
is "with the reaper a session of its own" "$(head -n 1 "$T/seen")" "own session"

# the terminal goes away: HUP once from the kernel, the command decides what follows
: >"$T/log"
chmod 666 "$T/log"
spawn nsprobe pty "$RK" --net=slirp --state-dir="$STATE" -- sh -c "exec nsprobe sigcount >>$T/log"
wait_for 5 grep -q ready "$T/log"
kill -s KILL "$SPAWNED"
wait "$SPAWNED" 2>/dev/null
ok "HUP reaches the command" wait_for 5 grep -q SIGHUP "$T/log"
ok "the run goes on without a terminal" test -f "$STATE/child_pid"
kill -s TERM "$(pgrep -f "^$RK --net=slirp --state-dir" | head -n 1)"
ok "until it is told to end" wait_for 5 grep -q "^end" "$T/log"
ok "and it ends" wait_for 5 test ! -e "$STATE"
is "each signal came once" "$(grep -c SIGHUP "$T/log")$(grep -c SIGTERM "$T/log")" 11
