# SPDX-License-Identifier: Apache-2.0
# check.sh - each cause of docs/check.md: provoked, recognised; where a command mends it, that is run
# deadline: 240
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:strace file:/usr/bin/python3

# who mends is this machine, wherever the test runs
rk_env="$rk_env ROOTLESS_SUPERVISOR_PLACE=host"
seen=$T/seen # ids that were recognised, and those whose command was verified
: >"$seen"

# run_as COMMAND...: rk_run's files and status, for any command around the program
run_as() {
	RK_STATUS=0
	"$@" >"$RK_OUT" 2>"$RK_ERR" </dev/null || RK_STATUS=$?
}
user_check() { run_as as_user rootless-supervisor check --json "$@"; }
# field ID NAME: of the finding in the last report
field() {
	/usr/bin/python3 -c '
import json, sys
for f in json.load(open(sys.argv[1]))["findings"]:
    if f["id"] == sys.argv[2]:
        print(f.get(sys.argv[3], ""))
        break
' "$RK_OUT" "$1" "$2"
}
# found ID STATUS PATTERN [WHAT]: the last report has it, with that reason
found() {
	like "$1${4+ ($4)} is recognised" "$(field "$1" reason)" "*$3*"
	is "$1${4+ ($4)}: exit status" "$RK_STATUS" "$2"
	echo "$1" >>"$seen"
}
gone() { is "$1: $2" "$(field "$1" id)" ''; }
# mend ID: the command of the last report, run as root, to whom sudo is nothing
mend() {
	field "$1" fix >"$T/fix"
	ok "$1: the command runs" sh -ec 'sudo() { "$@"; }; command -v sh >/dev/null; eval "$(cat "$1")"' sh "$T/fix"
}
# mended ID [ARG...]: its command, then the check says that it is good
mended() {
	mend "$1"
	user_check ${2+"$2"}
	gone "$1" "its command mends it"
}
# both ID PATTERN WRAPPER...: the wrapper around the check, which fails, and around a start, which says the same
both() {
	id=$1 pattern=$2
	shift 2
	run_as "$@" rootless-supervisor check --json
	found "$id" 1 "$pattern" "$*"
	reason=$(field "$id" reason)
	"$@" rootless-supervisor -- true >"$T/start" 2>&1 </dev/null
	is "$id: a start fails with these words" "$(sed -n 2p "$T/start")" "$id: $reason"
	is "$id: in three lines" "$(wc -l <"$T/start")" 3
}
# in_mounts SCRIPT COMMAND...: the script as root in a mount namespace of its own, then the command as the user
in_mounts() {
	script=$1
	shift
	# shellcheck disable=SC2016 disable=SC2086 # expands inside; lists of words
	unshare --mount --propagation private sh -ec 'eval "$1"; shift; exec "$@"' sh "$script" $rk_user $rk_env "$@"
}

# --- a good machine ------------------------------------------------------------------------------
was=$(as_user sh -c 'ls -A "$HOME" "$XDG_RUNTIME_DIR" "$TMPDIR"')
user_check
is "nothing fails here: status" "$RK_STATUS" 0
is "and what fails" "$(/usr/bin/python3 -c 'import json,sys; print([f["id"] for f in json.load(open(sys.argv[1]))["findings"] if f["level"] != "note"])' "$RK_OUT")" '[]'
is "and every group was looked at" "$(/usr/bin/python3 -c 'import json,sys; print(len(json.load(open(sys.argv[1]))["ok"]))' "$RK_OUT")" 8
is "a start agrees" "$(as_user rootless-supervisor -- echo it runs 2>&1)" "it runs"
ms=$(sed -n 's/.*"elapsedMs": \([0-9]*\).*/\1/p' "$RK_OUT")
# the least of some: what a busy machine adds is not what the check takes
for _ in 1 2 3 4; do
	[ "$ms" -ge $((1000 * ${RK_SLOW:-1})) ] || break
	run_as as_user rootless-supervisor check --json
	ms=$(sed -n 's/.*"elapsedMs": \([0-9]*\).*/\1/p' "$RK_OUT")
done
ok "under a second: $ms ms" test "$ms" -lt $((1000 * ${RK_SLOW:-1}))
is "it leaves no file" "$(as_user sh -c 'ls -A "$HOME" "$XDG_RUNTIME_DIR" "$TMPDIR"')" "$was"
run_as as_user rootless-supervisor doctor
like "doctor is the same" "$(cat "$RK_OUT")" "ok    USERNS*a start works here*"
status_is "an unknown option" 125 as_user rootless-supervisor check --nonsense
status_is "an unknown preset" 125 as_user rootless-supervisor check --preset=nonsense
printf '#!/bin/sh\necho "a command called check"\n' >"$T/check"
chmod 755 "$T/check"
is "a command of that name" "$(as_user PATH="$T:$PATH" rootless-supervisor --net=none -- check 2>&1)" "a command called check"
like "RootlessKit's dialect has no such word" "$(as_user PATH="$T:$PATH" rootlesskit check 2>&1)" "*a command called check*"
rm "$T/check"
packets() { awk '/^Tcp: [0-9]/ { print $6 } /^Udp: [0-9]/ { print $5 } /^Udp6OutDatagrams/ { print $2 }' /proc/net/snmp /proc/net/snmp6; }
before=$(packets)
user_check --preset=docker
is "no connection is opened, no datagram sent" "$(packets)" "$before"

# --- user namespaces -----------------------------------------------------------------------------
newuser=0x10000000
# filtered CALL ARG MASK ERRNO COMMAND...: behind a filter that root has set for the user
filtered() {
	call=$1 arg=$2 mask=$3 errnum=$4
	shift 4
	# shellcheck disable=SC2086 # lists of words
	/usr/bin/python3 "$RK_SRC/tests/integration/filter.py" "$call" "$arg" "$mask" "$errnum" $rk_user $rk_env "$@"
}
run_as filtered unshare 0 $newuser 1 rootless-supervisor check --json
found USERNS_SECCOMP 1 "Operation not permitted"
run_as filtered unshare 0 0 38 rootless-supervisor check --json
found USERNS_SECCOMP 1 "Function not implemented" "as an unknown call"
run_as filtered unshare 0 $newuser -1 rootless-supervisor check --json
found USERNS_SECCOMP 1 "it kills" "by a kill"
run_as filtered unshare 0 $newuser 87 rootless-supervisor check --json
found USERNS_DEPTH 1 "nested too deeply"
run_as filtered unshare 0 $newuser 22 rootless-supervisor check --json
found USERNS_KERNEL 1 "no user namespaces"
# the same on clone(), which a start uses
filtered clone 0 $newuser 1 rootless-supervisor --net=none -- true >"$T/start" 2>&1
like "a start behind a filter on clone()" "$(cat "$T/start")" "*Operation not permitted
USERNS_*"
is "a start behind a filter: three lines" "$(wc -l <"$T/start")" 3

# the limits of a nested namespace, which its root may set; ids inside as outside
cat >"$T/nested.py" <<'EOT'
import ctypes, os, sys
# nested.py COMMAND...: root of a user namespace that has all ids of this one
up, down = os.pipe(), os.pipe()
pid = os.fork()
if pid == 0:
    ctypes.CDLL(None).unshare(0x10000000)
    os.write(up[1], b"x")
    os.read(down[0], 1)
    os.execvp(sys.argv[1], sys.argv[1:])
os.read(up[0], 1)
for kind in "uid", "gid":
    with open("/proc/%d/%s_map" % (pid, kind), "w") as f:
        f.write("0 0 4294967295")
os.write(down[1], b"x")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
EOT
nested() { # SCRIPT COMMAND...
	script=$1
	shift
	# shellcheck disable=SC2016 disable=SC2086 # expands inside; lists of words
	/usr/bin/python3 "$T/nested.py" sh -ec 'eval "$1"; shift; exec "$@"' sh "$script" $rk_user $rk_env "$@"
}
for kind in user mnt net pid ipc uts cgroup; do
	run_as nested "echo 0 >/proc/sys/user/max_${kind}_namespaces" rootless-supervisor check --json
	case $kind in pid) found USERNS_LIMIT 1 "user.max_${kind}_namespaces" ;; *) found USERNS_LIMIT 1 "user.max_${kind}_namespaces" "$kind" ;; esac
done
both USERNS_LIMIT user.max_user_namespaces nested 'echo 0 >/proc/sys/user/max_user_namespaces'
both USERNS_LIMIT user.max_net_namespaces nested 'echo 0 >/proc/sys/user/max_net_namespaces'
limit='echo 0 >/proc/sys/user/max_user_namespaces'
run_as nested "$limit" rootless-supervisor check --json
run_as nested "$limit; sudo() { \"\$@\"; }; { $(field USERNS_LIMIT fix); } >&2" rootless-supervisor check --json
is "USERNS_LIMIT: its command mends it in that namespace" "$RK_STATUS$(field USERNS_LIMIT id)" 0
rm -f /etc/sysctl.d/90-rootless-*

run_as as_user unshare --user rootless-supervisor check --json
found USERNS_UNMAPPED 1 "user id 65534"
mkdir -p "$T/root/proc" "$T/root/run" "$T/root/tmp"
chroot_script='for d in usr etc run proc tmp dev sys; do mkdir -p $T/root/$d; mount --rbind /$d $T/root/$d; done; for l in bin sbin lib lib64; do ln -sfn usr/$l $T/root/$l; done'
chrooted() { # SCRIPT COMMAND...: in a chroot that is no mount
	script=$1
	shift
	# shellcheck disable=SC2016 disable=SC2086 # expands inside; lists of words
	T=$T unshare --mount --propagation private sh -ec 'eval "$1"; shift; exec chroot "$T/root" "$@"' sh "$script" $rk_user $rk_env "$@"
}
both USERNS_CHROOT "chroot" chrooted "$chroot_script"
# a chroot that is a mount looks like a root: all other causes are by fixtures in it
mount_script='mkdir -p $T/root; mount --rbind / $T/root;'
both USERNS_REFUSED "Operation not permitted" chrooted "$mount_script"
mkdir -p "$T/kernel"
fixture_kernel='cp -r --no-preserve=all /proc/sys/kernel/ngroups_max $T/kernel; mount --bind $T/kernel $T/root/proc/sys/kernel'
echo 0 >"$T/kernel/unprivileged_userns_clone"
both USERNS_SYSCTL "unprivileged_userns_clone is 0" chrooted "$mount_script $fixture_kernel"
rm "$T/kernel/unprivileged_userns_clone"
echo 1 >"$T/kernel/apparmor_restrict_unprivileged_userns"
both USERNS_APPARMOR "AppArmor*$RK_BIN/rootless-supervisor" chrooted "$mount_script $fixture_kernel"
like "USERNS_APPARMOR: the profile is of our path" "$(field USERNS_APPARMOR fix; grep fix: "$T/start")" "*userns,*$RK_BIN/rootless-supervisor*apparmor_parser -r*"
rm "$T/kernel/apparmor_restrict_unprivileged_userns"
mkdir -p "$T/fs/selinux"
echo 1 >"$T/fs/selinux/enforce"
both USERNS_SELINUX "SELinux is enforcing" chrooted "$mount_script"' mount --bind $T/fs $T/root/sys/fs'
# the ids cannot be mapped, or nothing be mounted: the same causes
run_as filtered mount 0 0 13 rootless-supervisor check --json
found MOUNT_DENIED 1 "Permission denied"
run_as in_mounts "mount --bind $T/fs /sys/fs" /usr/bin/python3 "$RK_SRC/tests/integration/filter.py" mount 0 0 13 true
# processes
both PROCESS_LIMIT "may not have more processes" as_user ASAN_OPTIONS=detect_leaks=0 prlimit --nproc=1 --

etc='passwd passwd- group group- shadow shadow- gshadow gshadow- subuid subuid- subgid subgid-'
mkdir "$T/etc"
for f in $etc; do [ ! -e "/etc/$f" ] || cp -a "/etc/$f" "$T/etc"; done
# --- ids -----------------------------------------------------------------------------------------
cp /etc/subuid "$T/subuid"
cp /etc/subgid "$T/subgid"
restore() {
	cat "$T/subuid" >/etc/subuid
	cat "$T/subgid" >/etc/subgid
}
sed -i "/^$RK_USER:/d" /etc/subuid
both SUBID_NONE "/etc/subuid has no line" as_user
mended SUBID_NONE
restore
sed -i "s/^\($RK_USER:.*\)$/\1\r/" /etc/subuid
both SUBID_CRLF "ends in CR LF" as_user
mended SUBID_CRLF
echo "$RK_USER:x:y" >>/etc/subgid
both SUBID_BAD "/etc/subgid" as_user
restore
echo "$RK_USER:500000:10" >/etc/subuid
user_check
found SUBID_SMALL 0 "has 10 ids"
run_as as_user rootless-supervisor check --strict
is "--strict: a warning is status 2" "$RK_STATUS" 2
user_check
mended SUBID_SMALL
restore
user_check
gone SUBID_OVERLAP "nobody else has our ids"
sed "s/^$RK_USER:/somebody:/" "$T/subuid" >>/etc/subuid
user_check
found SUBID_OVERLAP 0 "granted to somebody"
restore
echo "$RK_USER:1:65536" >/etc/subgid
user_check
found SUBID_LOGIN 0 "group id 1 (*)"
restore
RK_ODD=4242
# shellcheck disable=SC2086 # lists of words
odd() { setpriv --reuid $RK_ODD --regid "$RK_GID" --clear-groups --inh-caps=-all env -i $rk_env "$@"; }
both USER_UNKNOWN "user id $RK_ODD" odd
field USER_UNKNOWN fix >"$T/fix"
run_as odd rootless-supervisor check --json
mend USER_UNKNOWN
run_as odd rootless-supervisor check --json
gone USER_UNKNOWN "its command mends it"
rm -rf /home/user$RK_ODD /var/mail/user$RK_ODD
for f in $etc; do rm -f "/etc/$f"; done
cp -a "$T/etc/." /etc
restore

# --- newuidmap and newgidmap ---------------------------------------------------------------------
tool=$(command -v newuidmap)
both IDTOOL_MISSING "newuidmap is not in" as_user PATH="$RK_BIN:/nowhere"
like "IDTOOL_MISSING: the package" "$(sed -n 3p "$T/start")" "fix: sudo apt-get install -y uidmap"
cp "$tool" "$T/newuidmap"
chmod 755 "$T/newuidmap"
mount --bind "$T/newuidmap" "$tool"
both IDTOOL_RIGHTS "$tool is neither set-user-ID root" as_user
mended IDTOOL_RIGHTS
umount "$tool"
both NO_NEW_PRIVS "no_new_privs is set" as_user setpriv --no-new-privs
mount --bind "${tool%/*}" "${tool%/*}"
mount -o remount,bind,nosuid "${tool%/*}"
both IDTOOL_NOSUID "mounted nosuid" as_user
mended IDTOOL_NOSUID
umount --lazy "${tool%/*}"
# shellcheck disable=SC2086 # lists of words
bounded() { setpriv --bounding-set=-setuid ${rk_user#setpriv } $rk_env "$@"; }
both IDTOOL_BOUNDING "bounding set" bounded
run_as as_user strace -f -qq -o /dev/null rootless-supervisor check --json
found IDTOOL_TRACED 1 "is traced"
printf '#!/bin/sh\necho "0: %s 700000 65536"\n' "$RK_USER" >"$T/getsubids"
chmod 755 "$T/getsubids"
both IDTOOL_RANGE "/etc/subuid must grant" as_user GETSUBIDS="$T/getsubids"
for script in 'echo some words >&2; exit 1:IDTOOL_FAILED:some words' 'exec sleep 9:IDTOOL_TIMEOUT:does not answer' 'kill -KILL $$:IDTOOL_KILLED:killed from outside'; do
	printf '#!/bin/sh\n%s\n' "${script%%:*}" >"$T/fake"
	chmod 4755 "$T/fake"
	mount --bind "$T/fake" "$tool"
	user_check
	id=${script#*:}
	found "${id%:*}" 1 "${id#*:}"
	umount "$tool"
done

# --- mounts --------------------------------------------------------------------------------------
run_as in_mounts 'mount --bind /dev/null /proc/version' rootless-supervisor check --json
found PROC_MASKED 0 "Operation not permitted"
run_as in_mounts 'mount --bind /dev/null /proc/version; umount /proc/version' rootless-supervisor check --json
gone PROC_MASKED "the cover removed, it works"
bind=0x1000
run_as filtered mount 3 $bind 13 rootless-supervisor check --json
found NETNS_BIND 0 "Permission denied"
mkdir -p "$RK_HOME/.local/share" "$T/low" "$T/up"
mkdir "$T/up/u" "$T/up/w"
RK_DATA=$RK_HOME/.local
own_home="mount -t overlay -o lowerdir=$T/low,upperdir=$T/up/u,workdir=$T/up/w overlay $RK_DATA"
mkdir "$T/bin"
for f in newuidmap newgidmap iptables; do ln -s "$(command -v $f)" "$T/bin/$f"; done
run_as in_mounts "$own_home" PATH="$RK_BIN:$T/bin" rootless-supervisor check --preset=docker --json
found OVERLAY 0 "lies on an overlay"
ln -s /bin/true "$T/bin/fuse-overlayfs"
run_as in_mounts "$own_home" PATH="$RK_BIN:$T/bin" rootless-supervisor check --preset=docker --json
gone OVERLAY "with the program that its command installs"
run_as in_mounts "mount -t tmpfs -o noexec tmpfs $RK_DATA" rootless-supervisor check --preset=docker --json
found HOME_NOEXEC 0 "$RK_DATA is mounted noexec"
field HOME_NOEXEC fix >"$T/fix"
run_as in_mounts "mount -t tmpfs -o noexec tmpfs $RK_DATA; sudo() { \"\$@\"; }; $(cat "$T/fix")" rootless-supervisor check --preset=docker --json
gone HOME_NOEXEC "its command mends it"
# a fixture: this machine has no NFS
sed "s# $RK_DATA # #" /proc/self/mountinfo >"$T/mountinfo"
echo "999 1 0:99 / $RK_DATA rw - nfs4 server:/home rw" >>"$T/mountinfo"
# shellcheck disable=SC2086 # lists of words
run_as unshare --mount --propagation private sh -ec 'mount --bind "$1" /proc/$$/mountinfo; shift; exec "$@"' sh "$T/mountinfo" $rk_user $rk_env rootless-supervisor check --preset=docker --json
found HOME_NFS 0 "$RK_HOME/.local/share is on nfs4"
run_as in_mounts 'mount --make-rprivate /' rootless-supervisor check --preset=docker --json
found ROOT_PRIVATE 0 "no shared mount"
run_as in_mounts "sudo() { \"\$@\"; }; $(field ROOT_PRIVATE fix)" rootless-supervisor check --preset=docker --json
gone ROOT_PRIVATE "its command mends it"
rm -r "$RK_HOME/.local"
user_check
run_as as_user XDG_RUNTIME_DIR= rootless-supervisor check --json
found RUNTIME_DIR 0 "is not set"
run_as as_user XDG_RUNTIME_DIR=/root rootless-supervisor check --json
found RUNTIME_DIR 0 "not this user's" "of another user"
run_as as_user XDG_RUNTIME_DIR=/run/nothing rootless-supervisor check --json
found RUNTIME_DIR 0 "No such file" "absent"

# --- network -------------------------------------------------------------------------------------
both TUN_MISSING "No such file" in_mounts 'mount -t tmpfs tmpfs /dev/net'
run_as in_mounts 'mount -t tmpfs tmpfs /dev/net; modprobe() { :; }; sudo() { "$@"; }; { '"$(field TUN_MISSING fix | sed 's#/etc/modules#/tmp/modules#; s#/tmp/modules-load.d/tun.conf#/dev/null#')"'; } >&2' rootless-supervisor check --json
gone TUN_MISSING "its command mends it"
closed='mount -t tmpfs tmpfs /dev/net; mknod -m 600 /dev/net/tun c 10 200'
both TUN_DENIED "Permission denied" in_mounts "$closed"
run_as in_mounts "$closed; sudo() { \"\$@\"; }; $(field TUN_DENIED fix)" rootless-supervisor check --json
gone TUN_DENIED "its command mends it"
readonly='mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys'
both NET_SYSCTL "Read-only file system" in_mounts "$readonly"
run_as in_mounts "$readonly; sudo() { \"\$@\"; }; $(field NET_SYSCTL fix)" rootless-supervisor check --json
gone NET_SYSCTL "its command mends it"
run_as filtered socket 0 16 97 rootless-supervisor check --json
found NET_FAILED 1 "*"
library=$(readlink -f "$(ldconfig -p | sed -n 's/.*libslirp\.so\.0 .*=> //p' | head -n 1)")
run_as in_mounts "mount --bind /dev/null $library" rootless-supervisor check --json
found LIBSLIRP 1 "*loading libslirp: *"
run_as filtered socket 2 8 93 rootless-supervisor check --json
found NET_TPROXY 0 "*"
ip route add 10.0.0.0/16 via 192.0.2.2
user_check
found NET_CLASH 0 "(h0)"
cidr=$(field NET_CLASH byHand)
cidr=${cidr##*--cidr=}
is "NET_CLASH: the network that it names works" "$(as_user rootless-supervisor --cidr="$cidr" -- echo it runs 2>&1)" "it runs"
unlike "NET_CLASH: and is another" "$cidr" "10.0.*"
ip route del 10.0.0.0/16
user_check
gone NET_CLASH "without the route"
cp /etc/resolv.conf "$T/resolv.conf"
echo 'search world.test' >/etc/resolv.conf
user_check
found RESOLVER 0 "no line nameserver"
cat "$T/resolv.conf" >/etc/resolv.conf
user_check
gone RESOLVER "with a server"

# --- what daemons need ---------------------------------------------------------------------------
user_check
is "nothing of that without --preset" "$(field CGROUP_V1 id)$(field KEYS_LIMIT id)" ''
run_as in_mounts 'mount -t tmpfs tmpfs /sys/fs/cgroup' rootless-supervisor check --preset=docker --json
found CGROUP_V1 0 "cgroups"
# fixtures: a cgroup2 by name, with the files that systemd would have made
own=user.slice/user-$RK_UID.slice/user@$RK_UID.service
mkdir -p "$T/cgroup/$own"
sed "\# /sys/fs/cgroup #d" /proc/self/mountinfo >"$T/mountinfo"
echo "999 1 0:99 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw" >>"$T/mountinfo"
with_cgroup() {
	echo "$1" >"$T/cgroup/$own/cgroup.controllers"
	# shellcheck disable=SC2016 disable=SC2086 # expands inside; lists of words
	run_as unshare --mount --propagation private sh -ec 'mount --bind "$2" /sys/fs/cgroup; mount --bind "$1" /proc/$$/mountinfo; shift 2; exec "$@"' \
		sh "$T/mountinfo" "$T/cgroup" $rk_user $rk_env rootless-supervisor check --preset=k3s --json
}
with_cgroup 'memory pids'
found CGROUP_DELEGATION 0 "lacks cpu cpuset io"
like "CGROUP_DELEGATION: the unit" "$(field CGROUP_DELEGATION fix)" "*/user@.service.d/delegate.conf*"
with_cgroup 'cpuset cpu io memory pids'
gone CGROUP_DELEGATION "with all controllers"
user_check --preset=docker
found USER_BUS 0 "$RK_RUN/bus"
spawn /usr/bin/python3 -c 'import os, socket, time
s = socket.socket(socket.AF_UNIX)
s.bind(os.environ["XDG_RUNTIME_DIR"] + "/bus")
s.listen()
time.sleep(60)'
wait_for 5 test -S "$RK_RUN/bus"
user_check --preset=docker
gone USER_BUS "with one that listens"
kill "$SPAWNED"
wait "$SPAWNED" 2>/dev/null
rm "$RK_RUN/bus"
systemd='mkdir -p /run/systemd/system; mount -t tmpfs tmpfs /var/lib/systemd; mkdir /var/lib/systemd/linger'
run_as in_mounts "mount -t tmpfs -o mode=755 tmpfs /run; $systemd" rootless-supervisor check --preset=docker --json
found LINGER 0 "services of $RK_USER end at logout"
run_as in_mounts "mount -t tmpfs -o mode=755 tmpfs /run; $systemd; touch /var/lib/systemd/linger/$RK_USER" rootless-supervisor check --preset=docker --json
gone LINGER "with the file that loginctl makes"
no_sbin='for d in /usr/local/sbin /usr/sbin; do [ ! -d $d ] || mount -t tmpfs tmpfs $d; done'
run_as in_mounts "$no_sbin" PATH="$T/bin" "$RK_BIN/rootless-supervisor" check --preset=docker --json
found PROGRAM_MISSING 0 "dockerd is not in"
is "PROGRAM_MISSING: its package" "$(field PROGRAM_MISSING fix)" "sudo apt-get install -y docker.io"
found PORT_HELPER 0 "rootlesskit-docker-proxy is not in"
ln -s "$RK_BIN/rootlesskit-docker-proxy" /bin/true "$T/bin"
ln -s /bin/true "$T/bin/dockerd"
run_as as_user PATH="$T/bin" "$RK_BIN/rootless-supervisor" check --preset=docker --json
gone PROGRAM_MISSING "with it"
gone PORT_HELPER "with it"
rm "$T/bin/iptables"
run_as in_mounts "$no_sbin" PATH="$T/bin" "$RK_BIN/rootless-supervisor" check --preset=docker --json
found IPTABLES 0 "it is not in"
run_as as_user PATH="$T/bin" "$RK_BIN/rootless-supervisor" check --preset=docker --json
found PROGRAM_PATH 0 "iptables is in "
gone IPTABLES "it is only in a directory that users do not look into"
rm "$T/bin/dockerd"
run_as as_user PATH="$T/bin" "$RK_BIN/rootless-supervisor" check --preset=docker --json
gone PROGRAM_MISSING "as it is installed"
like "PROGRAM_PATH: both are named" "$(cat "$RK_OUT")" '*"dockerd is in */sbin, which is not in $PATH*'
run_as as_user PATH="$T/bin:/usr/sbin" "$RK_BIN/rootless-supervisor" check --preset=docker --json
gone PROGRAM_PATH "with that directory in PATH"
printf '#!/bin/sh\necho "some words"; exit 3\n' >"$T/bin/iptables"
chmod 755 "$T/bin/iptables"
run_as as_user PATH="$T/bin:$PATH" rootless-supervisor check --preset=docker --json
found IPTABLES 0 "some words" "fails"
rm "$T/bin/iptables"
# a fixture: modules are the machine's
mkdir -p "$T/none"
run_as in_mounts "mount --bind $T/none /proc/sys/net" rootless-supervisor check --preset=k3s --json
found BRIDGE_MODULE 1 "br_netfilter"
run_as in_mounts "mount --bind $T/fs /sys/fs" rootless-supervisor check --preset=docker --json
found SELINUX_LABEL 0 "label"
spawn /usr/bin/rootlesskit sleep 1000
running() { user_check --preset=docker; [ "$(field ALREADY_RUNNING id)" ]; }
wait_for 5 running
found ALREADY_RUNNING 0 "rootlesskit of this user runs already"
is "ALREADY_RUNNING: its process" "$(field ALREADY_RUNNING byHand)" "stop it: kill $SPAWNED, or systemctl --user stop its unit"
kill "$SPAWNED"
wait "$SPAWNED" 2>/dev/null
user_check --preset=docker
gone ALREADY_RUNNING "when it has ended"

# --- limits and sandbox --------------------------------------------------------------------------
run_as as_user prlimit --nofile=1000 rootless-supervisor check --json
found NOFILE_LIMIT 0 "at most 1000 descriptors"
echo 200 >"$T/maxkeys"
run_as in_mounts "mount --bind $T/maxkeys /proc/sys/kernel/keys/maxkeys" rootless-supervisor check --preset=docker --json
found KEYS_LIMIT 0 "maxkeys is 200"
echo 2000 >"$T/maxkeys"
run_as in_mounts "mount --bind $T/maxkeys /proc/sys/kernel/keys/maxkeys" rootless-supervisor check --preset=docker --json
gone KEYS_LIMIT "with more"
user_check
found LOW_PORTS 0 "below 1024"
found PING_GROUP 0 "refused"
mended LOW_PORTS
user_check
mended PING_GROUP
run_as filtered seccomp 0 0 38 rootless-supervisor check --json
found SECCOMP_ABSENT 0 "no seccomp filters"
run_as filtered landlock 0 0 38 rootless-supervisor check --json
found LANDLOCK_ABSENT 0 "Function not implemented"
run_as filtered socketpair 0 0 24 rootless-supervisor check --json
found CHECK_STUCK 1 "Too many open files"

# --- the script and the question -----------------------------------------------------------------
sysctl -qw net.ipv4.ip_unprivileged_port_start=1024
broken() { echo "$RK_USER:500000:10" >/etc/subuid; sed "s/\$/$(printf '\r')/" "$T/subgid" >/etc/subgid; }
broken
as_user rootless-supervisor check --fix-script >"$T/script"
ok "the script is one" sh -n "$T/script"
like "a note is optional" "$(cat "$T/script")" "*# optional: *ip_unprivileged_port_start*"
user_check
is "asking for it changes nothing" "$(field SUBID_CRLF id)" SUBID_CRLF
ok "root runs it" sh "$T/script"
user_check
is "what fails is mended" "$(field SUBID_CRLF id)" ''
mended SUBID_SMALL
# a sudo that asks nothing
cp "$(command -v setpriv)" "$T/bin/become-root"
chmod 4755 "$T/bin/become-root"
printf '#!/bin/sh\nexec %s --reuid=0 --regid=0 --clear-groups "$@"\n' "$T/bin/become-root" >"$T/bin/sudo"
chmod 755 "$T/bin/sudo"
broken
echo n | as_user PATH="$T/bin:$PATH" rootless-supervisor check --apply >"$RK_OUT" 2>&1
like "--apply shows the commands and asks" "$(cat "$RK_OUT")" "*sudo sed -i*Run these 1 commands*nothing was changed"
as_user PATH="$T/bin:$PATH" rootless-supervisor check --apply >"$RK_OUT" 2>&1 </dev/null
like "no answer means no" "$(cat "$RK_OUT")" "*nothing was changed"
user_check
is "no means no" "$(field SUBID_CRLF id)" SUBID_CRLF
echo y | as_user PATH="$T/bin:$PATH" rootless-supervisor check --apply >"$RK_OUT" 2>&1
is "yes runs them: status" $? 0
user_check
is "and they mend" "$(field SUBID_CRLF id)" ''
is "what is optional was left alone" "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" 1024
echo y | as_user PATH="$T/bin:$PATH" rootless-supervisor check --apply >"$RK_OUT" 2>&1
user_check
is "a second round mends what the first has brought to light" "$(field SUBID_SMALL id)" ''
restore
rm -f /etc/sysctl.d/90-rootless-*
for f in $etc; do rm -f "/etc/$f"; done
cp -a "$T/etc/." /etc

# --- all of them ---------------------------------------------------------------------------------
as_user rootless-supervisor check --list | sed -n 's/^\([A-Z][A-Z0-9_]*\) .*/\1/p' | sort >"$T/all"
ok "there are many" test "$(wc -l <"$T/all")" -gt 50
sort -u "$seen" >"$T/provoked"
is "every cause was provoked" "$(comm -23 "$T/all" "$T/provoked")" ''
