# SPDX-License-Identifier: Apache-2.0
# run_env_fds.sh - what the command inherits, and what it does not
# asan: yes
. "${0%/*}/lib.sh"
need userns

# --- environment, working directory, umask ---
RK_ENV="NOTIFY_SOCKET=/run/x EMPTY= LISTEN_FDNAMES=a:b"
rk_run --net=none --state-dir="$STATE" -- env
as_user NOTIFY_SOCKET=/run/x EMPTY= LISTEN_FDNAMES=a:b env | sort >"$T/want"
sort "$RK_OUT" >"$T/got"
is "no variable is lost or changed" "$(comm -23 "$T/want" "$T/got")" ''
is "and these are added" "$(comm -13 "$T/want" "$T/got")" "ROOTLESSKIT_PARENT_EGID=$RK_GID
ROOTLESSKIT_PARENT_EUID=$RK_UID
ROOTLESSKIT_STATE_DIR=$STATE"
RK_ENV='ROOTLESSKIT_STATE_DIR=/outer ROOTLESSKIT_PARENT_EUID=77'
rk_run --net=none --state-dir="$STATE" -- sh -c 'env | grep -c ^ROOTLESSKIT_; echo "$ROOTLESSKIT_STATE_DIR $ROOTLESSKIT_PARENT_EUID"'
is "a nested start has its own values" "$(tr '\n' ' ' <"$RK_OUT")" "3 $STATE $RK_UID "
RK_ENV=
rk_start --net=host -- sleep 1000
tr '\0' '\n' <"/proc/$(cat "$STATE/child_pid")/environ" | grep ROOTLESSKIT | sort >"$T/got"
is "/proc/child_pid/environ shows them" "$(grep ^ROOTLESSKIT_ "$T/got")" "ROOTLESSKIT_PARENT_EGID=$RK_GID
ROOTLESSKIT_PARENT_EUID=$RK_UID
ROOTLESSKIT_STATE_DIR=$STATE"
ok "and its owner may read it" as_user cat "/proc/$(cat "$STATE/child_pid")/environ"
rk_stop

as_user mkdir -p "$RK_HOME/there"
# shellcheck disable=SC2016 # expands inside
is "umask and working directory" "$(as_user sh -c 'cd "$HOME/there"; umask 027; rootless-supervisor --net=none -- sh -c "umask; pwd"' | tr '\n' ' ')" \
	"0027 $RK_HOME/there "
as_user rmdir "$RK_HOME/there"
# shellcheck disable=SC2016 # expands inside
is "a strict umask is no obstacle" "$(as_user sh -c 'umask 777; rootless-supervisor --net=none --copy-up=/etc -- sh -c "umask; cat /etc/rs-canary/file"' 2>&1 | tr '\n' ' ')" \
	"0777 /etc/rs-canary "

# --- descriptors ---
fds() { sed 's/ .*//' "$RK_OUT" | tr '\n' ' '; }
as_user bash -c 'exec 3</dev/null 4<>/dev/null 9</etc/passwd 77</etc/passwd; exec rootless-supervisor "$@"' sh --net=none -- nsprobe fds >"$RK_OUT" </dev/null
is "what the caller left open does not reach the command" "$(fds)" "0 1 2 "
as_user bash -c 'exec 9</etc/passwd; exec rootless-supervisor "$@"' sh --net=none --pidns -- nsprobe fds >"$RK_OUT" </dev/null
is "nor with a PID namespace" "$(fds)" "0 1 2 "

# closed WHICH: a start with these descriptors closed; the command writes what it has to a file
closed() {
	# shellcheck disable=SC2086 # words
	RK_STATUS=0
	as_user bash -c "exec rootless-supervisor --net=none -- sh -c 'nsprobe fds 3>&- >\$TMPDIR/fds' $1" </dev/null >"$RK_OUT" 2>"$RK_ERR" || RK_STATUS=$?
	is "closed '$1': it runs" "$RK_STATUS" 0
	is "closed '$1': 0-2 are there, and no other" "$(sed 's/ .*//' "$RK_TMP/fds" | tr '\n' ' ')" "0 1 2 "
	unlike "closed '$1': none of ours is among them" "$(cat "$RK_TMP/fds")" '*socket:*'
	rm -f "$RK_TMP/fds"
}
for set in '' '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do closed "$set"; done

# --- systemd's descriptors ---
# listen ARG...: 3 descriptors and LISTEN_PID, then the program
# shellcheck disable=SC2016 # expands inside
listen='export LISTEN_FDS=3; [ "$LISTEN_PID" ] || export LISTEN_PID=$$; exec 3</etc/passwd 4</etc/group 5<>/dev/null 8</etc/passwd; exec rootless-supervisor "$@"'
# shellcheck disable=SC2016 # expands inside
show='nsprobe fds; [ "$LISTEN_PID" = $$ ] && echo mine; echo "$LISTEN_PID $LISTEN_FDS"'
for mode in '' --pidns; do
	# shellcheck disable=SC2086 # words
	as_user bash -c "$listen" sh --net=none $mode -- sh -c "$show" >"$RK_OUT" </dev/null
	is "three descriptors of systemd $mode" "$(grep -o '^[0-9]* 0' "$RK_OUT" | tr -d '\n')" "0 01 02 03 04 05 0"
	like "in their order $mode" "$(cat "$RK_OUT")" '*3 *passwd*4 *group*5 */dev/null*'
	ok "LISTEN_PID is the command's $mode" grep -qx mine "$RK_OUT"
done
as_user LISTEN_PID=1 bash -c "$listen" sh --net=none -- sh -c "$show" >"$RK_OUT" </dev/null
is "LISTEN_PID of somebody else is not touched" "$(tail -n 1 "$RK_OUT")" "1 3"

# --- signals and limits ---
cat >"$T/look" <<-'EOT'
	grep -E '^Sig(Blk|Ign)' /proc/self/status | tr '\t\n' '  '
	ulimit -Sn
EOT
want=$(as_user sh "$T/look")
for mode in --net=slirp --net=host '--net=none --pidns'; do
	# shellcheck disable=SC2086 # words
	rk_run $mode -- sh "$T/look"
	is "signals and limits are the caller's with $mode" "$(cat "$RK_OUT")" "$want"
done
strange='exec env --ignore-signal=USR2,PIPE,CHLD --block-signal=USR1,WINCH,TERM,RTMIN+3 "$@"'
# shellcheck disable=SC2016 # expands inside
want=$(as_user bash -c "ulimit -Sn 200; $strange" sh sh "$T/look")
as_user bash -c "ulimit -Sn 200; $strange" sh rootless-supervisor --net=slirp -- sh "$T/look" >"$RK_OUT" 2>"$RK_ERR"
is "ignored and blocked ones, and a low limit, too" "$(cat "$RK_OUT" "$RK_ERR")" "$want"
