# SPDX-License-Identifier: Apache-2.0
# cli_full_disk.sh - who cannot print what was asked for says so and fails; RootlessKit's name, too
. "${0%/*}/lib.sh"
need userns

# COMMAND... prints to a full disk, then to a closed descriptor
fails_to_print() { # NAME COMMAND...
	name=$1
	shift
	as_user "$@" >/dev/full 2>"$T/err"
	is "$name, full disk: status" $? 1
	like "$name, full disk: why" "$(cat "$T/err")" "*writing to standard output: No space left on device*"
	as_user "$@" >&- 2>"$T/err"
	is "$name, closed: status" $? 1
	like "$name, closed: why" "$(cat "$T/err")" "*writing to standard output: Bad file descriptor*"
	is "$name: one line" "$(wc -l <"$T/err")" 1
}

for args in --help --version check\ --help check\ --list check check\ --json check\ --fix-script --explain\ --net=none\ true; do
	# shellcheck disable=SC2086 # words
	fails_to_print "rootless-supervisor $args" rootless-supervisor $args
done
fails_to_print "rootlesskit --help" rootlesskit --help
as_user rootless-supervisor --version >/dev/full 2>"$T/err"
documented "it is in the documentation" "$T/err"
as_user rootless-supervisor --nonsense >&- 2>"$T/err"
is "another error is not replaced" $? 125
is "nor added to" "$(grep -c . "$T/err") $(grep -c 'standard output' "$T/err")" "2 0"

rk_start --net=none -p 127.0.0.1:7101:80/tcp -- sleep 60
ctl="rootlessctl --socket=$STATE/api.sock"
for args in --help --version info info\ --json list-ports list-ports\ --json status metrics events events\ --follow \
	top\ --interval=1 flows help\ info "add-ports 127.0.0.1:7102:80/tcp"; do
	# shellcheck disable=SC2086 # words
	case $args in add-ports*) as_user $ctl $args >/dev/full 2>"$T/err"; is "add-ports, full disk" $? 1; continue ;; esac
	# shellcheck disable=SC2086 # words
	fails_to_print "rootlessctl $args" $ctl $args
done
is "what was published is so" "$(as_user rootlessctl --socket="$STATE/api.sock" list-ports --json | grep -c 7102)" 1
# shellcheck disable=SC2016,SC2086 # the inner shell's; words
as_user $ctl exec sh -c '[ -e /proc/$$/fd/1 ] || exit 7' >&-
is "a command has closed what its caller has closed" $? 7
rk_stop
