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
# Debian's users do not have that directory in PATH; dockerd and iptables lie there
rk_env_was=$rk_env
rk_env="$rk_env PATH=/usr/bin:/bin"
RK_NAME=$RK_BIN/rootless-supervisor
rk_run --net=none -- ldconfig
is "a command in /usr/sbin, which is not in PATH: the error and what mends it" "$RK_STATUS $(tr '\n' '@' <"$RK_ERR")" \
	"127 rootless-supervisor: error: running 'ldconfig': No such file or directory@PROGRAM_PATH: ldconfig is in /usr/sbin, which is not in \$PATH@by hand: export PATH=\$PATH:/usr/sbin:/sbin; in ~/.profile too, to have it at every login@"
documented "it is in the documentation" "$RK_ERR"
rk_env=$rk_env_was
ends rootless-supervisor 126 "rootless-supervisor: error: running '$T/plain': Permission denied@" --net=none -- "$T/plain"
ends rootless-supervisor 126 "rootless-supervisor: error: running '/etc': Permission denied@" --net=none -- /etc
ends rootlesskit 1 "$(two 'nonexistent a' 'exec: "nonexistent": executable file not found in $PATH' 1)" --net=none -- nonexistent a
ends rootlesskit 1 "$(two /nonexistent 'fork/exec /nonexistent: no such file or directory' 1)" --net=none -- /nonexistent
ends rootlesskit 1 "$(two "$T/plain" "fork/exec $T/plain: permission denied" 1)" --net=none -- "$T/plain"

# refuses FILE STATUS WORDS: what the exec says in both dialects, documented, and the namespaces are gone
refuses() {
	ends rootless-supervisor "$2" "rootless-supervisor: error: running '$1': $3@" --net=none --copy-up=/etc -- "$1"
	documented "running '$1': it is in the documentation" "$RK_ERR"
	ends rootlesskit 1 "$(two "$1" "fork/exec $1: $(echo "$3" | sed 's/^./\l&/')" 1)" --net=none --copy-up=/etc -- "$1"
	is "running '$1': no process is left" "$(pgrep -u "$RK_UID")" ''
}
echo 'echo it runs' >"$T/text"
printf '#!/nonexistent\n' >"$T/script"
printf '#!%s\n' "$T/recursive" >"$T/recursive"
cp /bin/true "$T/busy"
ln -s two "$T/one"
ln -s one "$T/two"
mkdir "$T/noexec"
mount -t tmpfs -o noexec noexec "$T/noexec"
cp "$T/busy" "$T/noexec/true"
chmod 755 "$T/text" "$T/script" "$T/recursive" "$T/busy"
refuses "$T/text" 126 "Exec format error"
refuses "$T/script" 127 "No such file or directory"
refuses "$T/recursive" 126 "Too many levels of symbolic links"
refuses "$T/one" 126 "Too many levels of symbolic links"
refuses "$T/noexec/true" 126 "Permission denied"
refuses "$T/text/true" 126 "Not a directory"
refuses "$T/$(printf '%0300d' 0)" 126 "File name too long"
exec 9>>"$T/busy"
refuses "$T/busy" 126 "Text file busy"
exec 9>&-
umount "$T/noexec"
# what fits for us, but not with the variables that are added for the command
# shellcheck disable=SC2016 # expands inside
as_user sh -c 'ulimit -s 1024; exec "$0" --net=none -- /bin/echo $(seq 1 40000)' "$RK_BIN/rootless-supervisor" >"$RK_OUT" 2>"$RK_ERR"
like "more arguments than fit beside what the command gets" "$? $(cat "$RK_ERR")" '12[56] *Argument list too long*'

# our own failures
RK_NAME=rootless-supervisor
rk_run --net=none --copy-up=/nonexistent -- true
is "125: a failure of ours" "$RK_STATUS" 125
one_error_line "in one line" "$RK_ERR" /nonexistent
RK_NAME=rootlesskit
rk_run --net=none --copy-up=/nonexistent -- true
is "1 under RootlessKit's name" "$RK_STATUS" 1
one_error_line "in one line" "$RK_ERR" "/nonexistent: [Nn]o such file or directory"
