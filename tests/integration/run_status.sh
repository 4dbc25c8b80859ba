# SPDX-License-Identifier: Apache-2.0
# run_status.sh - the command's end becomes the exit status and the words of the dialect, on each network
# asan: yes
. "${0%/*}/lib.sh"
need userns tun

# ends DIALECT STATUS LINES ARG...: the status, and exactly these lines on stderr (@ ends a line)
ends() {
	RK_NAME=$1 want=$2 lines=$3
	shift 3
	rk_run "$@"
	is "$RK_NAME $*: status" "$RK_STATUS" "$want"
	is "$RK_NAME $*: words" "$(tr '\n' '@' <"$RK_ERR")" "$lines"
}
# two WHAT WHY STATUS: upstream's two lines
two() { echo "[rootlesskit:child ] error: command [$1] exited: $2@[rootlesskit:parent] error: child exited: exit status $3@"; }

for net in none host slirp; do
	ends rootless-supervisor 0 '' --net=$net -- true
	ends rootless-supervisor 42 '' --net=$net -- sh -c 'exit 42'
	# shellcheck disable=SC2016 # expands inside
	ends rootless-supervisor 143 '' --net=$net -- sh -c 'kill -TERM $$'
done
# shellcheck disable=SC2016 # expands inside
ends rootless-supervisor 137 '' --net=none --pidns -- sh -c 'kill -KILL $$'
ends rootless-supervisor 255 '' --net=none -- sh -c 'exit 255'

RK_NAME=rootlesskit
for net in none host; do
	ends rootlesskit 0 '' --net=$net -- true
	ends rootlesskit 42 "$(two 'sh -c exit 42' 'exit status 42' 42)" --net=$net -- sh -c 'exit 42'
done
# what stands after the first positional argument is the command's, flags included
RK_NAME=rootlesskit
rk_run --net=host echo --net=none -- --help
is "flags behind the command's name are its own" "$(cat "$RK_OUT")" "--net=none -- --help"
# shellcheck disable=SC2016 # expands inside
ends rootlesskit 255 "$(two 'sh -c kill -USR1 $$' 'signal: user defined signal 1' 255)" --net=none -- sh -c 'kill -USR1 $$'
# shellcheck disable=SC2016 # expands inside
ends rootlesskit 255 "$(two 'sh -c kill -KILL $$' 'signal: killed' 255)" --net=none -- sh -c 'kill -KILL $$'

# what cannot be run
touch "$T/plain"
for name in /nonexistent nonexistent; do
	ends rootless-supervisor 127 "rootless-supervisor: error: running '$name': No such file or directory@" --net=none -- $name
done
ends rootless-supervisor 126 "rootless-supervisor: error: running '$T/plain': Permission denied@" --net=none -- "$T/plain"
ends rootless-supervisor 126 "rootless-supervisor: error: running '/etc': Permission denied@" --net=none -- /etc
ends rootlesskit 1 "$(two 'nonexistent a' 'exec: "nonexistent": executable file not found in $PATH' 1)" --net=none -- nonexistent a
ends rootlesskit 1 "$(two /nonexistent 'exec: "/nonexistent": stat /nonexistent: no such file or directory' 1)" --net=none -- /nonexistent
ends rootlesskit 1 "$(two "$T/plain" "exec: \"$T/plain\": permission denied" 1)" --net=none -- "$T/plain"

# our own failures
RK_NAME=rootless-supervisor
rk_run --net=none --copy-up=/nonexistent -- true
is "125: a failure of ours" "$RK_STATUS" 125
one_error_line "in one line" "$RK_ERR" /nonexistent
RK_NAME=rootlesskit
rk_run --net=none --copy-up=/nonexistent -- true
is "1 under RootlessKit's name" "$RK_STATUS" 1
one_error_line "in one line" "$RK_ERR" "/nonexistent: [Nn]o such file or directory"
