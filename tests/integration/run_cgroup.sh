# SPDX-License-Identifier: Apache-2.0
# run_cgroup.sh - --evacuate-cgroup2: the subgroup, the controllers, what the command sees, and the way back
# deadline: 180
. "${0%/*}/lib.sh"
need userns tun
CGROUP2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
GROUP=$(mktemp -d "${CGROUP2:-/nonexistent}/rs-test-XXXXXX" 2>/dev/null) || rk_skip "a cgroup2 that can be written"
FLAGS='--pidns --cgroupns --evacuate-cgroup2=evac'

# a group that is delegated to the user, as systemd does it; with the test's shell in it
delegate() { chmod 755 "$GROUP"; chown "$RK_UID:$RK_GID" "$GROUP" "$GROUP/cgroup.procs" "$GROUP/cgroup.subtree_control" "$GROUP/cgroup.threads"; }
home=$CGROUP2$(sed -n 's/^0:://p' /proc/self/cgroup)
delegate
echo $$ >"$GROUP/cgroup.procs"
leave() {
	rk_last=$?
	[ -z "$RK_PID" ] || rk_stop
	echo $$ >"$home/cgroup.procs"
	rmdir "$GROUP"/*/ "$GROUP" 2>/dev/null
	(exit $rk_last)
	rk_end
}
trap leave EXIT
group_of() { sed -n 's/^0:://p' "/proc/$1/cgroup"; }
all_in() { for pid in $$ "$RK_PID" "$(cat "$STATE/child_pid")" $(pgrep -U "$RK_UID"); do group_of "$pid"; done | sort -u; }

# shellcheck disable=SC2086 # words
for net in host none slirp; do
	rk_run --net=$net $FLAGS -- sh -c 'sed -n s/^0:://p /proc/self/cgroup; stat -f -c %T /sys/fs/cgroup; ls -d /sys/fs/cgroup/evac/cgroup.procs
		mkdir /sys/fs/cgroup/own && rmdir /sys/fs/cgroup/own && echo made'
	is "--net=$net: in the subgroup of its root, which is mounted and its own" "$(tr '\n' ' ' <"$RK_OUT")" \
		"/evac cgroup2fs /sys/fs/cgroup/evac/cgroup.procs made "
	is "--net=$net: status, nothing to say" "$RK_STATUS $(cat "$RK_ERR")" "0 "
	is "--net=$net: the caller is back where it was" "$(group_of $$)" "/${GROUP##*/}"
	fails "--net=$net: the subgroup is gone" test -e "$GROUP/evac"
done

# shellcheck disable=SC2086 # words
{
	RK_NAME=rootlesskit
	rk_start $FLAGS -- sleep 1000
	is "every process of the group moved, our own and the caller's" "$(all_in)" "/${GROUP##*/}/evac"
	is "the group itself has none left" "$(cat "$GROUP/cgroup.procs")" ""
	is "its controllers are handed down" "$(cat "$GROUP/cgroup.subtree_control")" "$(cat "$GROUP/cgroup.controllers")"
	rk_stop
	RK_NAME=rootless-supervisor
	is "and taken back" "$(cat "$GROUP/cgroup.subtree_control")" ""

	rk_start $FLAGS --net=slirp --detach-netns -- sleep 1000
	is "detached: moved as well" "$(all_in)" "/${GROUP##*/}/evac"
	is "detached: but /sys/fs/cgroup is the host's" "$(as_user nsenter -U -m --preserve-credentials -t "$(cat "$STATE/child_pid")" stat -c %d /sys/fs/cgroup)" "$(stat -c %d /sys/fs/cgroup)"
	rk_stop

	for net in none slirp; do
		rk_start $FLAGS --net=$net -- sleep 1000
		rk_stop KILL
		ok "killed, --net=$net: the subgroup goes" wait_for 8 sh -c "! test -e '$GROUP/evac'"
		is "who was there before is back, the controllers are taken back" "$(group_of $$) $(cat "$GROUP/cgroup.subtree_control")" "/${GROUP##*/} "
		ok "the state directory goes, too" wait_for 5 sh -c "! test -e '$STATE'"
	done

	as_user mkdir "$GROUP/evac"
	rk_run --net=host $FLAGS -- true
	ok "a group that was there stays" test -d "$GROUP/evac"
	is "as an empty start: status" "$RK_STATUS" 0
	echo $$ >"$GROUP/cgroup.procs"
	rmdir "$GROUP/evac"

	# a start that was killed before it forked anybody
	as_user mkdir "$GROUP/evac"
	as_user python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.rootless-supervisor", b"")' "$GROUP/evac"
	rk_run --net=none $FLAGS -- true
	fails "one of ours that was left empty goes" test -e "$GROUP/evac"

	# the mark is the user's to write, and so root's of the child
	mark() { as_user python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.rootless-supervisor", sys.argv[2].encode())' "$@"; }
	as_user mkdir "$GROUP/evac"
	mark "$GROUP/evac" "$(printf '\033[31m') "
	rk_run --net=none $FLAGS -- true
	ok "a mark that names no controllers is none of ours: the group stays" test -d "$GROUP/evac"
	is "and nothing is said of it" "$RK_STATUS $(cat "$RK_ERR")" "0 "
	echo $$ >"$GROUP/cgroup.procs"
	rmdir "$GROUP/evac"
	rk_start $FLAGS --net=none -- sleep 1000
	mark "$GROUP" "pids "
	rk_stop
	is "a group above that is marked in the run is left alone" "$(group_of $$) $(cat "$RK_ERR")" "/${GROUP##*/} "
	fails "and the subgroup is gone" test -e "$GROUP/evac"
	as_user python3 -c 'import os, sys; os.removexattr(sys.argv[1], "user.rootless-supervisor")' "$GROUP"

	# another instance makes its subgroup, or removes it, while this one starts
	beside() { # what it does meanwhile
		: >"$T/beside" # the last one began as well
		as_user python3 -c '
import fcntl, os, sys, time
group, what = sys.argv[1:]
procs = os.open(group + "/cgroup.procs", os.O_RDONLY)
fcntl.flock(procs, fcntl.LOCK_EX)
os.mkdir(group + "/evac")
sub = os.open(group + "/evac", os.O_RDONLY)
if what == "removes":
    os.setxattr(sub, "user.rootless-supervisor", b"")
    fcntl.flock(sub, fcntl.LOCK_EX)
print("begun", flush=True)
time.sleep(0.3)  # so that the start meets it
if what == "removes":
    os.rmdir(group + "/evac")
else:
    os.setxattr(sub, "user.rootless-supervisor", b"")' "$GROUP" "$1" >"$T/beside" &
		other=$!
		wait_for 5 grep -q begun "$T/beside"
	}
	for what in makes removes; do
		beside $what
		rk_run --net=none $FLAGS -- true
		is "another one $what it: status, nothing to say" "$RK_STATUS $(cat "$RK_ERR")" "0 "
		wait "$other"
		fails "another one $what it: nothing is left" test -e "$GROUP/evac"
	done

	# two instances: by a shell that the first has moved, or side by side; whoever ends last takes all back
	second() { # the second instance, while the first runs
		as_user rootless-supervisor --state-dir="$RK_RUN/second" --net=none $FLAGS -- sleep 1000 &
		other=$!
		wait_for 10 test -S "$RK_RUN/second/api.sock"
	}
	end_second() {
		kill "$(as_user rootlessctl --socket="$RK_RUN/second/api.sock" info --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["instance"]["pid"])')"
		wait "$other"
	}
	for where in evac/evac evac; do
		for last in first second; do
			rk_start $FLAGS --net=none -- sleep 1000
			[ $where = evac/evac ] || echo $$ >"$GROUP/cgroup.procs"
			second
			is "$where: the second one's subgroup" "$(group_of "$(cat "$RK_RUN/second/child_pid")")" "/${GROUP##*/}/$where"
			if [ $last = second ]; then rk_stop; else end_second; fi
			ok "$where: the $last one goes on" test -d "$GROUP/evac"
			if [ $last = second ]; then end_second; else rk_stop; fi
			fails "$where, the $last ends last: nothing is left" test -e "$GROUP/evac"
			is "$where: and who was there before is back" "$(group_of $$)" "/${GROUP##*/}"
		done
	done

	chown root:root "$GROUP"
	rk_run --net=none $FLAGS -- true
	is "not delegated: status" "$RK_STATUS" 125
	one_error_line "not delegated: why, and what to do" "$RK_ERR" "evacuating the cgroup: making its subgroup 'evac': Permission denied*Delegate=yes"
	documented "it is in the documentation" "$RK_ERR"
	is "not delegated: nothing is left" "$(ls "$RK_RUN"; cat "$GROUP/cgroup.subtree_control")" canary
}
