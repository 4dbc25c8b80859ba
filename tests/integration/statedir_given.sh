# SPDX-License-Identifier: Apache-2.0
# statedir_given.sh - a state directory of the user's choice: locked, foreign, stale, strange
# asan: yes
. "${0%/*}/lib.sh"
need userns

tree() { (cd "$1" && find . -printf '%p %y %m %s %l\n' | sort && find . -type f -exec cat {} +); }

# --- locked ---
rk_start --net=none -- sleep 1000
before=$(tree "$STATE")
first=$RK_PID
for name in rootless-supervisor:125:'in use by another instance*--state-dir' rootlesskit:1:"failed to lock $STATE/lock, another RootlessKit is running with the same state directory?"; do
	RK_NAME=${name%%:*}
	rest=${name#*:}
	rk_run --state-dir="$STATE" --net=none -- echo it runs
	is "a second instance, $RK_NAME: status" "$RK_STATUS$(cat "$RK_OUT")" "${rest%%:*}"
	one_error_line "a second instance, $RK_NAME: words" "$RK_ERR" "${rest#*:}"
	documented "it is in the documentation" "$RK_ERR"
done
RK_NAME=rootless-supervisor
is "the first is untouched" "$(tree "$STATE")" "$before"
ok "and runs" kill -0 "$first"
status_is "the directory is locked against cleaners, too" 1 flock --exclusive --nonblock "$STATE" true
rk_stop
fails "it is gone at the end" test -e "$STATE"

# --- foreign ---
as_user sh -c 'mkdir -p "$1/dir" && echo precious >"$1/dir/file" && echo x >"$1/notes" && echo stale >"$1/child_pid" && ln -s notes "$1/link"' sh "$STATE"
before=$(tree "$STATE")
rk_run --state-dir="$STATE" --net=none -- echo it runs
is "foreign files: status" "$RK_STATUS$(cat "$RK_OUT")" 125
one_error_line "foreign files: the words name them" "$RK_ERR" "holds files that are not ours: *'notes'*nothing was touched"
documented "it is in the documentation" "$RK_ERR"
is "foreign files: all are there" "$(tree "$STATE")" "$before"
as_user rm -r "$STATE"

# --- of somebody else ---
while read -r owner mode pattern; do
	mkdir -m "$mode" "$STATE"
	chown "$owner" "$STATE"
	rk_run --state-dir="$STATE" --net=none -- true
	like "owner $owner, mode $mode" "$RK_STATUS $(cat "$RK_ERR")" "$pattern"
	rm -rf "$STATE"
done <<-EOT
	12345 777 0 *warning: state directory: other users can change what is in '$STATE': its owner is user id 12345, its mode 777*
	$RK_UID 777 0 *warning: state directory: other users can change what is in '$STATE': *its mode 777*
	$RK_UID 775 0?
	0 775 125 *locking*
EOT

# --- stale: what a killed run leaves, in each type that a name may have ---
names='child_pid api.sock netns resolv.conf hosts .s4nn.sock .bp.sock .bp-ready.pipe'
for kind in file fifo socket link; do
	as_user mkdir "$STATE"
	for name in $names; do
		case $kind in
		file) as_user sh -c 'echo stale >"$1"' sh "$STATE/$name" ;;
		fifo) as_user mkfifo "$STATE/$name" ;;
		socket) as_user python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$STATE/$name" ;;
		link) as_user ln -s "$RK_HOME/.canary/file" "$STATE/$name" ;;
		esac
	done
	as_user touch "$STATE/lock"
	rk_run --state-dir="$STATE" --net=slirp -- sh -c 'cat "$ROOTLESSKIT_STATE_DIR/child_pid"; test -S "$ROOTLESSKIT_STATE_DIR/api.sock"'
	is "stale names, each a $kind: it runs" "$RK_STATUS$(cat "$RK_ERR")" 0
	like "stale names, each a $kind: and they are ours" "$(cat "$RK_OUT")" '[0-9]*[0-9]'
	fails "stale names, each a $kind: it is gone" test -e "$STATE"
done
as_user mkdir -p "$STATE/child_pid/x"
rk_run --state-dir="$STATE" --net=none -- true
is "a directory in the place of a name: status" "$RK_STATUS" 125
one_error_line "a directory in the place of a name: words" "$RK_ERR" child_pid
ok "a directory in the place of a name: it is there" test -d "$STATE/child_pid/x"
as_user rm -rf "$STATE"

# --- strange paths ---
for path in "$RK_TMP/deep/er/state" "$RK_TMP/with blank" "$RK_TMP//a/./b/" relative; do
	as_user sh -c 'cd "$TMPDIR" && exec rootless-supervisor --state-dir="$1" --net=none -- sh -c "echo \$ROOTLESSKIT_STATE_DIR; test -f \$ROOTLESSKIT_STATE_DIR/child_pid"' sh "$path" >"$RK_OUT" 2>"$RK_ERR"
	like "state directory '$path': absolute" "$(cat "$RK_OUT" "$RK_ERR")" "$RK_TMP/*"
	as_user sh -c 'cd "$TMPDIR" && ls -d "$1"' sh "$path" >"$T/ls" 2>&1
	like "state directory '$path': gone" "$(cat "$T/ls")" '*No such file*'
	as_user rmdir "$RK_TMP/deep/er" "$RK_TMP/deep" "$RK_TMP/a" 2>/dev/null
done
as_user mkdir -m 700 "$STATE"
as_user ln -s "$STATE" "$RK_TMP/link"
rk_run --state-dir="$RK_TMP/link" --net=none -- true
is "a link to a directory" "$RK_STATUS$(cat "$RK_ERR")" 0
fails "which is removed" test -e "$STATE"
as_user rm "$RK_TMP/link"

# --- nobody else may look ---
rk_start --net=none -- sleep 1000
is "the modes" "$(cd "$STATE" && stat -c '%n %a' . api.sock lock child_pid | tr '\n' ' ')" ". 700 api.sock 600 lock 600 child_pid 444 "
fails "another user cannot enter" setpriv --reuid 65534 --regid 65534 --clear-groups ls "$STATE"
rk_stop
