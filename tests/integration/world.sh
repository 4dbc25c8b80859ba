#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# world.sh - run one integration test in a world of its own: world.sh TEST [ARG...], as root
#
#   host netns (the test, the program)          world netns (nsprobe serve)
#   h0 192.0.2.1/24 2001:db8::1/64   ─ veth ─   w0 192.0.2.2/24 192.0.2.3/24 2001:db8::2/64 ::3/64
#   default routes via the world                lo: 198.51.100.7/32 2001:db8:ffff::7/128 (not on-link)
#
# Services on all addresses of the world: TCP echo 7, sink 9, source of 64 MB (seed 1) 19, HTTP 80,
# who 1007 (the peer as seen there); UDP echo 7 and who 1007 on 192.0.2.2, 192.0.2.3, 198.51.100.7
# and 2001:db8::2; DNS on 192.0.2.2 and 2001:db8::2 port 53 (zone world.test, see nsprobe/dns.c).
#
# All namespaces are anonymous: when PID 1 of the world dies, the kernel takes everything away, so a
# killed test leaves one empty directory in /tmp and nothing else. /etc is a private copy (tests may
# write resolv.conf, subuid, hosts), /run is private, mounts are shared inside the world so that a
# mount that leaks out of the program is seen.
set -eu

here=$(cd "${0%/*}" && pwd)
top=${here%/tests/integration}
build=${RK_BUILD:-$top/build}
user=rs-test

# the kernel ends the world when unshare, the child of timeout ($1), is gone
# shellcheck disable=SC2317 # a trap calls it
interrupted() {
	unshare_pid=
	read -r unshare_pid <"/proc/$1/task/$1/children" || true # that file has no newline
	[ -z "$unshare_pid" ] || kill -s KILL "$unshare_pid"
	wait "$1" || true
	exit 130
}

outer() {
	test=$1
	[ "$(id -u)" = 0 ] || { echo "Bail out! integration tests make their world as root"; exit 1; }
	[ -x "$build/tests/nsprobe/nsprobe" ] || { echo "Bail out! nothing is built in $build: ./dev build"; exit 1; }
	"$top/tests/make_user.sh" "$user"
	[ -c /dev/net/tun ] || { mkdir -p /dev/net; mknod /dev/net/tun c 10 200; }
	[ "$(stat -c %a /dev/net/tun)" = 666 ] || chmod 0666 /dev/net/tun
	deadline=${RK_DEADLINE:-$(sed -n 's/^# deadline: *\([0-9]*\).*/\1/p' "$test")}
	base=$(mktemp -d /tmp/rs-XXXXXX)
	chmod 755 "$base"
	# shellcheck disable=SC2064 # the value of now
	trap "rmdir '$base'" EXIT
	trap 'interrupted $!' INT TERM HUP
	deadline=$((${deadline:-60} * ${RK_SLOW:-1} * ${RK_BUSY:-1}))
	rc=0
	RK_BASE=$base RK_BUILD=$build timeout --signal=KILL "$deadline" \
		unshare --mount --pid --net --ipc --fork --kill-child --mount-proc \
		"$build/tests/nsprobe/nsprobe" init sh "$here/world.sh" --inside "$@" &
	wait $! || rc=$?
	if [ $rc = 137 ]; then echo "not ok - deadline: $deadline s are over"; fi
	exit $rc
}

# --- inside, as root of the world --------------------------------------------------------------
private_tree() { # PATH: an empty one
	mount -t tmpfs -o mode=755 rs-test "$1"
}

make_files() {
	private_tree "$RK_BASE"
	cp -a /etc "$RK_BASE/etc"
	private_tree /etc
	cp -a "$RK_BASE/etc/." /etc
	rm -rf "${RK_BASE:?}/etc" /etc/resolv.conf
	printf 'nameserver 192.0.2.2\nsearch world.test\n' >/etc/resolv.conf
	umount --recursive --lazy /run/netns 2>/dev/null || : # they come and go with other tests
	private_tree /run
	mkdir -p /run/lock /run/mount /run/user "$RK_BASE/bin" "$RK_BASE/t" "$RK_BASE/check"
	install -d -m 700 -o "$RK_UID" -g "$RK_GID" "$RK_RUN" "$RK_HOME" "$RK_TMP"
	# names that no program may touch: beside the state directory, in HOME, among copy-up's sources
	for canary in "$RK_RUN/canary" "$RK_HOME/.canary" "$RK_TMP/canary" /etc/rs-canary /run/rs-canary; do
		mkdir -p "$canary" # a demo may be run in the world of a test
		echo "$canary" >"$canary/file"
		ln -sf file "$canary/link"
		chown -R "$RK_UID:$RK_GID" "$canary"
	done
}

# the tree may lie where the user cannot go (/root): the programs are copied
make_programs() {
	cp "$build/tests/nsprobe/nsprobe" "$build/tests/nsprobe/nsprobe-static" "$RK_BIN"
	for program in rootless-supervisor rootlessctl rootlesskit-docker-proxy; do
		[ -x "$build/cmd/$program/$program" ] || continue
		cp "$build/cmd/$program/$program" "$RK_BIN"
	done
	chmod 755 "$RK_BIN"/*
	# shadows the distribution's: tests that compare with it say /usr/bin/rootlesskit
	for name in rootlesskit docker-rootlesskit; do ln -s rootless-supervisor "$RK_BIN/$name"; done
}

make_network() {
	nsprobe=$RK_BIN/nsprobe
	mkfifo "$RK_BASE/go"
	# the world's netns lives as long as its servers, which start when it has its addresses
	# shellcheck disable=SC2016 # expands inside
	unshare --net sh -c 'read -r _ <"$1/go"; exec >"$1/services" 2>&1 </dev/null "$2" serve \
		tcp-echo,::,7 tcp-sink,::,9 tcp-source,::,19,67108864:1 http,::,80 tcp-who,::,1007 \
		udp-echo,192.0.2.2,7 udp-echo,192.0.2.3,7 udp-echo,198.51.100.7,7 udp-echo,2001:db8::2,7 \
		udp-who,192.0.2.2,1007 udp-who,192.0.2.3,1007 udp-who,198.51.100.7,1007 \
		udp-who,2001:db8::2,1007 dns,192.0.2.2,53 dns,2001:db8::2,53' sh "$RK_BASE" "$nsprobe" &
	RK_WORLD_PID=$!
	world_ns=/proc/$RK_WORLD_PID/ns/net
	until [ "$(readlink "$world_ns")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
	ip -batch - <<-EOT
		link set lo up
		link add h0 type veth peer name w0 netns $RK_WORLD_PID
		address add 192.0.2.1/24 dev h0
		address add 2001:db8::1/64 dev h0 nodad
		link set h0 up
	EOT
	nsenter --net="$world_ns" ip -batch - <<-EOT
		link set lo up
		address add 198.51.100.7/32 dev lo
		address add 2001:db8:ffff::7/128 dev lo nodad
		address add 192.0.2.2/24 dev w0
		address add 192.0.2.3/24 dev w0
		address add 2001:db8::2/64 dev w0 nodad
		address add 2001:db8::3/64 dev w0 nodad
		link set w0 up
	EOT
	ip -batch - <<-EOT
		route add default via 192.0.2.2
		route add ::/0 via 2001:db8::2
	EOT
	echo go >"$RK_BASE/go"
	rm "$RK_BASE/go"
	export RK_WORLD_PID
}

wait_services() {
	tries=100
	until [ "$(grep -c ^ready "$RK_BASE/services" 2>/dev/null)" = 17 ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || { echo "Bail out! the world's services: $(cat "$RK_BASE/services")"; exit 1; }
		sleep 0.02
	done
}

inside() {
	mount --make-rprivate /
	RK_UID=$(id -u "$user") RK_GID=$(id -g "$user")
	RK_HOME=$RK_BASE/home RK_TMP=$RK_BASE/tmp RK_RUN=/run/user/$RK_UID RK_BIN=$RK_BASE/bin
	RK_STAGE=inside RK_USER=$user RK_SRC=$top
	CHECK_TREES="$RK_HOME $RK_TMP $RK_RUN /etc /run"
	export RK_UID RK_GID RK_HOME RK_TMP RK_RUN RK_BIN RK_STAGE RK_USER RK_SRC CHECK_TREES
	export PATH="$RK_BIN:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" LANG=C.UTF-8
	umask 022
	make_files
	make_programs
	make_network
	mount --make-rshared /
	wait_services
	sh "$here/checker.sh" snapshot "$RK_BASE/check"
	rc=0
	TMPDIR=$RK_BASE/t sh "$@" || rc=$?
	[ $rc != 77 ] || exit 77
	n=$(($(cat "$RK_BASE/check/tests" 2>/dev/null || echo 0) + 1))
	if sh "$here/checker.sh" compare "$RK_BASE/check"; then
		echo "ok $n - nothing is left behind"
	else
		echo "not ok $n - nothing is left behind"
		sed 's/^/#   /' "$RK_BASE/check/differences"
		rc=1
	fi
	echo "1..$n"
	exit $rc
}

if [ "${1-}" = --inside ]; then
	shift
	inside "$@"
else
	outer "$@"
fi
