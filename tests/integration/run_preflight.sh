# SPDX-License-Identifier: Apache-2.0
# run_preflight.sh - what RootlessKit warns of before a start: the same words as Debian's
. "${0%/*}/lib.sh"
need userns file:/usr/bin/rootlesskit
RK_NAME=rootlesskit

warnings() { sed -nE 's/^time=[^ ]* level=warning msg="?(\[rootlesskit:parent\] )?//p' "$1"; }
# same DESCRIPTION PATTERN ARG...: both warn, alike
same() {
	rk_what=$1 rk_want=$2
	shift 2
	as_user rootlesskit "$@" true 2>"$T/ours"
	is "$rk_what: it starts" $? 0
	as_user /usr/bin/rootlesskit "$@" true 2>"$T/theirs"
	like "$rk_what" "$(warnings "$T/ours")" "$rk_want"
	is "$rk_what: as Debian's" "$(warnings "$T/ours")" "$(warnings "$T/theirs")"
}
same "a sound host" ''
same "a shared root" '' --propagation=rslave
as_it_was=$rk_user
rk_user="unshare --mount --propagation private $rk_user"
same "a private root" 'The host root filesystem is mounted as *rslave*not supported."' --propagation=rslave
same "a private root, private inside" '' --propagation=rprivate
rk_user=$as_it_was
# fixtures: the kernel's own number is the machine's
for n in 0 1000 1024; do
	echo $n >"$T/max"
	mount --bind "$T/max" /proc/sys/user/max_user_namespaces
	want=
	[ $n != 0 ] || want='/proc/sys/user/max_user_namespaces needs to be set to non-zero.*'
	[ $n != 1000 ] || want='/proc/sys/user/max_user_namespaces=1000 may be low. Consider setting to >= 1024.*'
	same "max_user_namespaces $n" "$want"
	umount /proc/sys/user/max_user_namespaces
done
