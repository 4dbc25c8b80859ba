# SPDX-License-Identifier: Apache-2.0
# start_failures.sh - what a start needs and has not got: the status, few words, in no time, nothing left
# deadline: 120
# asan: yes
. "${0%/*}/lib.sh"
need userns tun

LIMIT_MS=3000 # a start that cannot work says so long before its limit of 30 s
now_ms() { date +%s%3N; }
# refused WHAT PATTERN ARG...: both dialects; the text's first line is the same
refused() {
	what=$1 pattern=$2
	shift 2
	for RK_NAME in rootless-supervisor rootlesskit; do
		since=$(now_ms)
		rk_run "$@"
		took=$(($(now_ms) - since))
		want=125
		[ $RK_NAME = rootless-supervisor ] || want=1
		is "$what, $RK_NAME: status" "$RK_STATUS" $want
		is "$what, $RK_NAME: the command did not run" "$(cat "$RK_OUT")" ''
		one_error_line "$what, $RK_NAME: one line says why" "$RK_ERR" "$pattern"
		documented "$what, $RK_NAME: it is in the documentation" "$RK_ERR"
		ok "$what, $RK_NAME: at most 3 lines" test "$(wc -l <"$RK_ERR")" -le 3
		ok "$what, $RK_NAME: in time ($took ms)" test $took -le $((LIMIT_MS * ${RK_SLOW:-1}))
		is "$what, $RK_NAME: no process is left" "$(pgrep -u "$RK_UID")" ''
		is "$what, $RK_NAME: no state directory is left" "$(cd "$RK_RUN" && ls; cd "$RK_TMP" && ls)" "canary
canary"
	done
}
slirp='--net=slirp --copy-up=/etc --disable-host-loopback --port-driver=builtin'
run='-- echo it runs'

# --- subordinate ids ---
cp /etc/subuid "$T/subuid"
cp /etc/subgid "$T/subgid"
restore() {
	cat "$T/subuid" >/etc/subuid
	cat "$T/subgid" >/etc/subgid
}
sed -i "/^$RK_USER:/d" /etc/subuid
# shellcheck disable=SC2086 # words
refused "no line in subuid" "No subuid ranges found for user $RK_UID (\"$RK_USER\")*sudo usermod --add-subuids [0-9]*-[0-9]* *$RK_USER" $slirp $run
hint=$(sed -n 's/.*\(--add-subuids [0-9-]*\).*/\1/p' "$RK_ERR")
first=${hint#* }
first=${first%-*}
ok "the range of the hint is free" awk -F: -v f="$first" '$2 < f + 65536 && f < $2 + $3 { exit 1 }' /etc/subuid
for file in subuid- subgid-; do cp -p "/etc/$file" "$T"; done # usermod makes backups
# shellcheck disable=SC2086 # words
ok "and usermod takes it" usermod $hint "$RK_USER"
for file in subuid- subgid-; do cp -p "$T/$file" /etc; done
rk_run --net=none -- true
is "after that it runs" "$RK_STATUS" 0
restore
sed -i "/^$RK_USER:/d" /etc/subgid
# shellcheck disable=SC2086 # words
refused "no line in subgid" "No subgid ranges found for user $RK_UID (\"$RK_USER\")*--add-subgids*" $slirp $run
restore
rm /etc/subuid /etc/subgid
# shellcheck disable=SC2086 # words
refused "no files" "*subuid*usermod*" $slirp $run
restore
# getsubids tells more than newuidmap grants
printf '#!/bin/sh\necho "0: %s 700000 65536"\n' "$RK_USER" >"$T/getsubids"
chmod 755 "$T/getsubids"
RK_ENV="GETSUBIDS=$T/getsubids"
# shellcheck disable=SC2086 # words
refused "ids that are not ours" "newuidmap *0 $RK_UID 1 1 700000 65536*failed*" --subid-source=dynamic $slirp $run
RK_ENV=

# --- the tools ---
tool=$(command -v newuidmap)
RK_ENV="PATH=$RK_BIN:/nowhere"
# shellcheck disable=SC2086 # words
refused "newuidmap is not installed" "*newuidmap*executable file not found in*IDTOOL_MISSING*uidmap*" $slirp -- "$(command -v echo)" x
RK_ENV=
cp "$tool" "$T/newuidmap"
chmod 755 "$T/newuidmap"
mount --bind "$T/newuidmap" "$tool"
# shellcheck disable=SC2086 # words
refused "newuidmap is not setuid" "*newuidmap*neither set-user-ID root nor has file capabilities*" $slirp $run
umount "$tool"
for script in 'echo some words >&2; exit 1:some words' 'exit 1:exit status 1' 'kill -KILL $$:[Kk]illed' 'yes x | head -c 1000000 >&2; exit 3:xxx*\|exit status 3\|x'; do
	printf '#!/bin/sh\n%s\n' "${script%:*}" >"$T/fake"
	chmod 755 "$T/fake"
	mount --bind "$T/fake" "$tool"
	case $script in yes*) pattern='newuidmap*failed*' ;; *) pattern="newuidmap*failed*${script##*:}" ;; esac
	# shellcheck disable=SC2086 # words
	refused "newuidmap: ${script%:*}" "$pattern" $slirp $run
	umount "$tool"
	case $script in
	kill*) unlike "newuidmap: ${script%:*}: no hint at rights that were not the cause" "$(cat "$RK_ERR")" '*set-user-ID*' ;;
	exit*) like "newuidmap: ${script%:*}: a hint at its rights" "$(cat "$RK_ERR")" '*set-user-ID*' ;;
	esac
done
as_user sh -c 'setpriv --no-new-privs rootless-supervisor --net=none -- true' >"$RK_OUT" 2>"$RK_ERR"
one_error_line "no_new_privs" "$RK_ERR" "no_new_privs is set"
documented "no_new_privs is in the documentation" "$RK_ERR"

# --- user namespaces ---
was=$(cat /proc/sys/user/max_user_namespaces)
as_user unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec rootless-supervisor --net=none -- true' >"$RK_OUT" 2>"$RK_ERR"
one_error_line "max_user_namespaces is 0" "$RK_ERR"
documented "max_user_namespaces is in the documentation" "$RK_ERR"
is "and only in there" "$(cat /proc/sys/user/max_user_namespaces)" "$was"

# --- /dev/net/tun ---
mkdir "$T/net"
mount --bind "$T/net" /dev/net
# shellcheck disable=SC2086 # words
refused "/dev/net/tun is missing" "*/dev/net/tun*No such file or directory*" $slirp $run
mknod "$T/net/tun" c 10 200
chmod 600 "$T/net/tun"
# shellcheck disable=SC2086 # words
refused "/dev/net/tun is closed" "*/dev/net/tun*Permission denied*" $slirp $run
umount /dev/net

# --- libslirp ---
library=$(ldconfig -p | sed -n 's/.*libslirp\.so\.0 .*=> //p' | head -n 1)
library=$(readlink -f "$library")
: >"$T/empty"
mount --bind "$T/empty" "$library"
# shellcheck disable=SC2086 # words
refused "a libslirp that is none" "*loading libslirp: *libslirp.so.0*; install it (Debian: libslirp0)" $slirp $run
umount "$library"
other=$(ldconfig -p | sed -n 's/.*libm\.so\.6 .*=> //p' | head -n 1)
mount --bind "$(readlink -f "$other")" "$library"
# shellcheck disable=SC2086 # words
refused "a libslirp without what is called" "*loading libslirp: *undefined symbol*; install it (Debian: libslirp0)" $slirp $run
umount "$library"
rk_run --net=none -- true
is "nothing but slirp needs it" "$RK_STATUS" 0

# --- mounts and the state directory ---
# shellcheck disable=SC2086 # words
refused "a directory to copy up is absent" "*/nonexistent: No such file or directory" --net=none --copy-up=/nonexistent $run
touch "$T/file"
# shellcheck disable=SC2086 # words
refused "a file to copy up" "*$T/file*Not a directory" --net=none --copy-up="$T/file" $run
# shellcheck disable=SC2086 # words
refused "a state directory in a file" "*$T/file*Not a directory" --net=none --state-dir="$T/file/state" $run
# shellcheck disable=SC2086 # words
refused "a state directory in a directory of root's" "creating a state directory: mkdir $T/state: Permission denied" --net=none --state-dir="$T/state" $run

# --- ports ---
nsprobe serve tcp-echo,127.0.0.1,8080 tcp-echo,::,8081 >"$T/serve" &
server=$!
wait_for 2 grep -q 8081 "$T/serve"
# shellcheck disable=SC2086 # words
refused "a port in use" "*failed to expose port*8080*listen tcp 127.0.0.1:8080: bind: address already in use" $slirp -p 127.0.0.1:8082:80/tcp -p 127.0.0.1:8080:80/tcp $run
# shellcheck disable=SC2086 # words
refused "a port in use on all addresses" "*failed to expose port*8081*bind: address already in use" $slirp -p 0.0.0.0:8081:80/tcp $run
kill $server
wait $server 2>/dev/null
# shellcheck disable=SC2086 # words
refused "an address that is not ours" "*failed to expose port*cannot assign requested address*" $slirp -p 192.0.2.77:8080:80/tcp $run
