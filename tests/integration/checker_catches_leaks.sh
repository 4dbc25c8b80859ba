# SPDX-License-Identifier: Apache-2.0
# checker_catches_leaks.sh - each kind of leak is planted, and the checker names it
. "${0%/*}/lib.sh"

checker() { CHECK_PID=$$ sh "$RK_SRC/tests/integration/checker.sh" "$1" "$T/check"; }
# caught DESCRIPTION NUMBER PATTERN: the report has lines of this invariant and of no other
caught() {
	checker compare
	report=$(cat "$T/check/differences")
	like "$1" "$report" "*$2: *$3*"
	is "$1: nothing else is reported" "$(echo "$report" | grep -v "^$2: ")" ""
}
listening() { grep -q ready "$T/serve"; }
# plant a server of the user
serve() {
	spawn nsprobe serve "$1" >"$T/serve"
	wait_for 2 listening
}
stop() {
	kill "$1"
	wait "$1" 2>/dev/null
}

checker snapshot
ok "nothing was planted" checker compare

spawn sleep 1000
caught "a process of the user" I1 sleep
stop "$SPAWNED"

setpriv --reuid 200000 --regid 200000 --clear-groups sleep 1000 &
SPAWNED=$!
caught "a process of another id" I1 sleep
stop "$SPAWNED"

spawn unshare --user --map-root-user --net setsid sleep 1000
wait_for 2 grep -q sleep "/proc/$SPAWNED/comm"
caught "a daemon in namespaces of its own" I1 sleep
stop "$SPAWNED"

spawn sleep 0.3
ok "a process that ends at once is waited for" checker compare
wait "$SPAWNED"

as_user mkdir "$STATE"
as_user touch "$STATE/lock"
caught "a state directory" I2 "$STATE/lock"
as_user rm -r "$STATE"

# a socket without a process: the checker is in another test's shoes, so its listener is ours
echo I1 >"$T/check/except"
for kind in tcp-echo,0.0.0.0,1234 tcp-echo,::1,1234 udp-echo,127.0.0.1,1234; do
	serve $kind
	caught "a listener, $kind" I3 04D2
	stop "$SPAWNED"
done
ip link add leak0 type veth peer name leak1
caught "an interface" I3 leak0
ip link delete leak0
rm "$T/check/except"

mount -t tmpfs leak "$RK_TMP/canary"
checker compare
report=$(cat "$T/check/differences")
like "a mount" "$report" "*I4: *$RK_TMP/canary*tmpfs*"
umount "$RK_TMP/canary"
mkdir "$T/inner"
mount -t tmpfs leak "$T/inner"
umount "$T/inner"
ok "a mount that is gone again" checker compare

# changed DESCRIPTION UNDO COMMAND...: what is done to files
changed() {
	what=$1 undo=$2
	shift 2
	"$@"
	caught "$what" I5 ''
	sh -c "$undo"
	ok "$what: undone" checker compare
}
changed "a file left in TMPDIR" "rm $RK_TMP/left" touch "$RK_TMP/left"
changed "a file left in HOME" "rm $RK_HOME/left" touch "$RK_HOME/left"
changed "a directory left in XDG_RUNTIME_DIR" "rmdir $RK_RUN/left" mkdir "$RK_RUN/left"
changed "a canary of /etc written to" "echo /etc/rs-canary >/etc/rs-canary/file" sh -c 'echo x >/etc/rs-canary/file'
changed "a canary of /run removed" "echo /run/rs-canary >/run/rs-canary/file; chown $RK_UID:$RK_GID /run/rs-canary/file" rm /run/rs-canary/file
changed "a link that points elsewhere" "ln -sfn file $RK_HOME/.canary/link; chown -h $RK_UID:$RK_GID $RK_HOME/.canary/link" ln -sfn elsewhere "$RK_HOME/.canary/link"
changed "a mode" "chmod 755 $RK_RUN/canary" chmod 777 "$RK_RUN/canary"
changed "an owner" "chown $RK_UID $RK_RUN/canary/file" chown 0 "$RK_RUN/canary/file"

nsprobe nonblock 2 on 2>&2
caught "O_NONBLOCK on a descriptor of the caller" I9 "descriptor 2"
nsprobe nonblock 2 off 2>&2

is "I10: terminal modes" "$(nsprobe pty stty -echo | tr -d '\r')" "[terminal modes changed]"
status_is "I10: all as before" 7 nsprobe pty sh -c 'exit 7'

printf 'rootless-supervisor: error: a: b\n' >"$T/one"
printf 'rootless-supervisor: error: a\nrootless-supervisor: error: b\n' >"$T/two"
one_error_line "I6: one line" "$T/one" "a: b"
like "I6: two lines" "$(one_error_line two "$T/two")" "not ok*"
like "I7: another status" "$(status_is seven 7 sh -c 'exit 6')" "not ok*"
