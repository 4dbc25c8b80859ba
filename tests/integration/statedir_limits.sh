# SPDX-License-Identifier: Apache-2.0
# statedir_limits.sh - state directories with long paths, on a file system that is read-only or full
# deadline: 120
# asan: yes
. "${0%/*}/lib.sh"
need userns tun

name100=$(printf '%0100d' 0)
# refused WHAT PATTERN ARG...: both dialects, one line, documented
refused() {
	what=$1 pattern=$2
	shift 2
	for RK_NAME in rootless-supervisor rootlesskit; do
		rk_run "$@"
		want=125
		[ $RK_NAME = rootless-supervisor ] || want=1
		is "$what, $RK_NAME: status" "$RK_STATUS$(cat "$RK_OUT")" $want
		one_error_line "$what, $RK_NAME: one line says why" "$RK_ERR" "$pattern"
		documented "$what, $RK_NAME: it is in the documentation" "$RK_ERR"
		is "$what, $RK_NAME: no process is left" "$(pgrep -u "$RK_UID")" ''
	done
	RK_NAME=rootless-supervisor
}

# --- longer than the address of a socket: all works, and who cannot follow is named ---
# shellcheck disable=SC2016 # expands inside
api='echo "$ROOTLESSKIT_STATE_DIR"; rootlessctl --socket "$ROOTLESSKIT_STATE_DIR/api.sock" info --json | grep -o stateDir'
long=$RK_TMP/$name100/$name100
as_user mkdir -p "$long"
# long HOW PLACE ARG...
long() {
	how=$1 place=$2
	shift 2
	rk_run "$@" -- sh -c "$api"
	is "long path by $how: status" "$RK_STATUS" 0
	like "long path by $how: it is used, the API answers" "$(cat "$RK_OUT")" "$place
stateDir"
	like "long path by $how: a warning says what that means" "$(cat "$RK_ERR")" "*warning: *longer than the 107 bytes of a socket's address*"
	is "long path by $how: and nothing else" "$(wc -l <"$RK_ERR")" 1
}
long --state-dir "$long/state" --net=slirp --state-dir="$long/state"
RK_ENV=XDG_RUNTIME_DIR=$long
long XDG_RUNTIME_DIR "$long/rootless-supervisor-??????" --net=none
RK_ENV="XDG_RUNTIME_DIR= TMPDIR=$long"
long TMPDIR "$long/rootless-supervisor-??????" --net=none
RK_NAME=rootlesskit
rk_run --net=none -- sh -c "$api"
like "long path by TMPDIR, rootlesskit" "$RK_STATUS$(cat "$RK_OUT")" "0$long/rootlesskit-??????
stateDir"
RK_ENV='' RK_NAME=rootless-supervisor
is "long paths: all are gone" "$(find "$long" -mindepth 1)" ''
as_user rm -r "$RK_TMP/$name100"
# longer than any path, longer than any name: before anything starts
refused "a path of 4400 bytes" "creating a state directory: mkdir *...: File name too long" --net=slirp --state-dir="$RK_TMP/$(printf '%0200d/' $(seq 1 22))state" -- echo it runs
refused "a name of 300 bytes" "creating a state directory: mkdir *: File name too long" --net=slirp --state-dir="$RK_TMP/$name100$name100$name100" -- echo it runs

# --- read-only ---
fs=$RK_TMP/fs
mkdir "$fs"
# mounted OPTIONS: a file system of the user's
mounted() {
	mount -t tmpfs -o "mode=700,uid=$RK_UID,gid=$RK_GID,$1" full "$fs"
}
mounted size=1m
as_user mkdir "$fs/empty"
mount -o remount,ro "$fs"
refused "a read-only file system" "creating a state directory: mkdir $fs/state: Read-only file system" --net=slirp --state-dir="$fs/state" -- echo it runs
refused "an empty directory on a read-only file system" "locking '$fs/empty/lock': Read-only file system" --net=slirp --state-dir="$fs/empty" -- echo it runs
RK_ENV=XDG_RUNTIME_DIR=$fs
rk_run --net=none -- sh -c 'echo "$ROOTLESSKIT_STATE_DIR"'
like "XDG_RUNTIME_DIR is read-only: TMPDIR serves" "$RK_STATUS$(cat "$RK_OUT" "$RK_ERR")" "0$RK_TMP/rootless-supervisor-*"
RK_ENV="XDG_RUNTIME_DIR= TMPDIR=$fs"
refused "TMPDIR is read-only" "creating a state directory: mkdir $fs/rootless*-??????: Read-only file system" --net=slirp -- echo it runs
RK_ENV=
umount "$fs"

# --- full: no block, or no inode at each number of files ---
mounted size=16k
as_user dd if=/dev/zero of="$fs/filler" bs=4k >/dev/null 2>&1
refused "no block is free" "*state*: No space left on device" --net=slirp --state-dir="$fs/state" -- echo it runs
is "no block is free: nothing of ours is left" "$(ls "$fs")" filler
umount "$fs"
seen=''
for inodes in 2 3 4 5 6 7 8 9; do
	mounted size=1m,nr_inodes=$inodes
	rk_run --net=slirp --state-dir="$fs/state" -- echo it runs
	case $RK_STATUS$(cat "$RK_OUT") in
	"0it runs") seen="$seen ran" ;;
	125)
		seen="$seen full"
		one_error_line "$inodes inodes: one line says why" "$RK_ERR" "No space left on device"
		documented "$inodes inodes: it is in the documentation" "$RK_ERR"
		;;
	*) seen="$seen $RK_STATUS" ;;
	esac
	is "$inodes inodes: nothing of ours is left" "$(ls "$fs"; pgrep -u "$RK_UID")" ''
	umount "$fs"
done
like "it is full until there are enough inodes" "$seen" ' full full full full*ran ran'
unlike "and never ends otherwise" "$seen" '*[0-9]*'
rmdir "$fs"
