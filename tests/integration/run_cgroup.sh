# SPDX-License-Identifier: Apache-2.0
# run_cgroup.sh - --evacuate-cgroup2: the subgroup, the controllers, what the command sees, and the way back
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

	chown root:root "$GROUP"
	rk_run --net=none $FLAGS -- true
	is "not delegated: status" "$RK_STATUS" 125
	one_error_line "not delegated: why, and what to do" "$RK_ERR" "evacuating the cgroup: making its subgroup 'evac': Permission denied*Delegate=yes"
	documented "it is in the documentation" "$RK_ERR"
	is "not delegated: nothing is left" "$(ls "$RK_RUN"; cat "$GROUP/cgroup.subtree_control")" canary
}
