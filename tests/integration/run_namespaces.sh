# SPDX-License-Identifier: Apache-2.0
# run_namespaces.sh - which namespaces are new, mount propagation, setgroups, the maps
. "${0%/*}/lib.sh"
need userns tun

# new ARG...: the namespaces that differ from the host's, sorted
new() {
	# shellcheck disable=SC2016 # expands inside
	rk_run "$@" -- sh -c 'cd /proc/self/ns; for n in cgroup ipc mnt net pid user uts; do echo "$n $(readlink $n)"; done'
	for n in cgroup ipc mnt net pid user uts; do echo "$n $(readlink /proc/self/ns/$n)"; done >"$T/host"
	grep -vxFf "$T/host" "$RK_OUT" | cut -d' ' -f1 | tr '\n' ' '
}
is "by default" "$(new)" "mnt net user "
is "--net=host" "$(new --net=host)" "mnt user "
is "--net=none" "$(new --net=none)" "mnt net user "
is "--pidns" "$(new --net=host --pidns)" "mnt pid user "
is "--cgroupns" "$(new --net=host --cgroupns)" "cgroup mnt user "
is "--utsns" "$(new --net=host --utsns)" "mnt user uts "
is "--ipcns" "$(new --net=host --ipcns)" "ipc mnt user "
is "all" "$(new --pidns --cgroupns --utsns --ipcns)" "cgroup ipc mnt net pid user uts "

# shellcheck disable=SC2016 # expands inside
rk_run --net=none --pidns -- sh -c 'ls -d /proc/[0-9]* | wc -l; cat /proc/1/comm; echo $$'
like "--pidns: /proc shows the new one" "$(tr '\n' ' ' <"$RK_OUT")" '[1-6] rootless-superv [2-6] '
rk_run --net=none --utsns -- sh -c 'hostname other && hostname'
is "--utsns: the name is ours to set" "$(cat "$RK_OUT")" other
isnt "--utsns: and only there" "$(hostname)" other
rk_run --net=none -- sh -c 'hostname other'
is "without it is not" "$RK_STATUS" 1

# --- propagation: what the host mounts later, and what is mounted inside ---
propagation() {
	# shellcheck disable=SC2016 # awk's
	rk_run "$@" -- awk '$5 == "/" { for (i = 7; $i != "-"; i++) { sub(/:.*/, "", $i); print $i } }' /proc/self/mountinfo
	tr '\n' ' ' <"$RK_OUT"
}
is "private" "$(propagation --net=host --propagation=private)" ''
is "rprivate is the default" "$(propagation --net=host)" ''
is "rslave" "$(propagation --net=slirp --propagation=rslave)" 'master '
is "slave" "$(propagation --net=host --propagation=slave)" 'master '
is "rshared" "$(propagation --net=host --propagation=rshared)" 'shared master '
is "shared" "$(propagation --net=host --propagation=shared)" 'shared master '
mkdir "$T/host-mount" "$T/inner"
for type in rprivate:no rslave:yes; do
	rk_start --net=host --propagation="${type%:*}" -- sleep 1000
	mount -t tmpfs later "$T/host-mount"
	as_user nsenter -U --preserve-credentials -m -t "$(cat "$STATE/child_pid")" sh -c \
		"mount -t tmpfs x $T/inner && grep -q ' $T/host-mount ' /proc/self/mountinfo && echo yes || echo no" >"$T/seen"
	is "a later mount of the host is seen with ${type%:*}" "$(cat "$T/seen")" "${type#*:}"
	fails "what is mounted inside stays inside with ${type%:*}" grep -q " $T/inner " /proc/self/mountinfo
	umount "$T/host-mount"
	rk_stop
done
rk_run --propagation=rshared -- true
one_error_line "rshared with copy-up" "$RK_ERR" "propagation rshared does not support copy-up driver tmpfs+symlink"
documented "it is in the documentation" "$RK_ERR"
rk_run --net=host --propagation=wrong -- true
one_error_line "an unknown word" "$RK_ERR" "unknown mount propagation: wrong"
documented "it is in the documentation" "$RK_ERR"

# --- ids ---
range=$(sed -n "s/^$RK_USER:\([0-9]*\):.*/\1/p" /etc/subuid)
groups=$(sed -n "s/^$RK_USER:\([0-9]*\):.*/\1/p" /etc/subgid)
map() { awk '{ print $1, $2, $3 }' | tr '\n' ';'; }
rk_run --net=none -- cat /proc/self/uid_map
is "uid_map" "$(map <"$RK_OUT")" "0 $RK_UID 1;1 $range 65536;"
rk_run --net=none -- cat /proc/self/gid_map
is "gid_map" "$(map <"$RK_OUT")" "0 $RK_GID 1;1 $groups 65536;"
rk_run --net=none -- cat /proc/self/setgroups
is "setgroups" "$(cat "$RK_OUT")" allow
rk_run --net=none -- sh -c 'touch $TMPDIR/f && chown 1000:1000 $TMPDIR/f && stat -c %u:%g $TMPDIR/f'
is "files can be given away" "$(cat "$RK_OUT") $(stat -c %u:%g "$RK_TMP/f")" "1000:1000 $((range + 999)):$((groups + 999))"
rm "$RK_TMP/f"
printf '%s:900000:10\n%s:910000:5\n%s:1000000000:65536\n' "$RK_USER" "$RK_UID" "$RK_USER" >>/etc/subuid
printf '%s:920000:65536\n' "$RK_USER" >>/etc/subgid
rk_run --net=none -- cat /proc/self/uid_map
is "several ranges, by name and by number, one behind the other" "$(map <"$RK_OUT")" \
	"0 $RK_UID 1;1 $range 65536;65537 900000 10;65547 910000 5;65552 1000000000 65536;"
rk_run --net=none -- cat /proc/self/gid_map
is "and of groups" "$(map <"$RK_OUT")" "0 $RK_GID 1;1 $groups 65536;65537 920000 65536;"
rk_run --net=none --subid-source=dynamic -- cat /proc/self/uid_map
like "getsubids tells the same ids" "$(map <"$RK_OUT")" "0 $RK_UID 1;*1000000000 65536;"
sed -i "/^$RK_USER:\(900000\|1000000000\)/d; /^$RK_UID:/d; /:920000:/d" /etc/subuid /etc/subgid
