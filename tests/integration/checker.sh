#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# checker.sh - the invariants after every test (see docs/hacking.md): what a run must not leave
#
#   checker.sh snapshot DIR    write down what is there
#   checker.sh compare DIR     a line for each difference, `I<n>: what`, to DIR/differences; status 1
#                              when there is any. Silent: a redirection would be a difference itself
#
# It runs inside the test's world, whose PID and network namespace hold nothing but the test:
# I1 processes, I2 the state directory and I5 canary trees ($CHECK_TREES), I3 sockets and interfaces
# of the host netns, I4 mounts, I9 flags of descriptors 0-2. The rest lies elsewhere: I6 and I7 in
# lib.sh (one_error_line, status_is), I8 in the deadline of world.sh, I10 in `nsprobe pty`.
# DIR/except lists invariants that the test breaks on purpose, one a line.
set -u
LC_ALL=C
export LC_ALL
GRACE=20 # times 50 ms: what has lost its parent may take a second to end

# pid, start time and name of all processes but this script, its caller and zombies
processes() {
	for proc in /proc/[0-9]*; do
		pid=${proc#/proc/}
		case $pid in "$$" | "$PPID" | "${CHECK_PID-}") continue ;; esac
		{ read -r stat <"$proc/stat"; } 2>/dev/null || continue
		comm=${stat#*\(}
		comm=${comm%\)*}
		# shellcheck disable=SC2086 # fields
		set -- ${stat##*) }
		[ "$2" != $$ ] || continue
		case $1 in Z | X) continue ;; esac
		echo "$pid ${20} $comm"
	done
}

# listeners and UDP sockets of this netns (TCP state 0A is listen), unix listeners, interfaces
sockets() {
	for table in tcp tcp6 udp udp6 udplite udplite6 raw raw6; do
		[ -r "/proc/net/$table" ] || continue
		case $table in
		tcp*) awk -v t="$table" 'NR > 1 && $4 == "0A" { print t, $2, "uid", $8 }' "/proc/net/$table" ;;
		*) awk -v t="$table" 'NR > 1 { print t, $2, "uid", $8 }' "/proc/net/$table" ;;
		esac
	done
	awk 'NR > 1 && $4 == "00010000" { print "unix", $8 }' /proc/net/unix
	awk -F: 'NR > 2 { gsub(/ /, "", $1); print "interface", $1 }' /proc/net/dev
}

# no device and inode numbers of mounts: parent, root, point, options, type, source
mounts() {
	cut -d' ' -f1,4- /proc/self/mountinfo
}

trees() {
	# shellcheck disable=SC2086 # a list
	find $CHECK_TREES -xdev \( -type d -printf '%p dir %m %U:%G\n' -o -type l -printf '%p -> %l\n' \
		-o -type f -printf '%p file %m %U:%G %s %n\n' -o -printf '%p %y %m %U:%G\n' \)
	# shellcheck disable=SC2086 # a list
	find $CHECK_TREES -xdev -type f -exec sha256sum {} +
}

# descriptors 0-2 of $CHECK_PID, our caller if not set: the test was given the same open files
flags() {
	for fd in 0 1 2; do
		while read -r key value; do
			[ "$key" != flags: ] || echo "descriptor $fd flags $value"
		done <"/proc/${CHECK_PID:-$PPID}/fdinfo/$fd"
	done
}

record() {
	processes >"$dir/$1/processes"
	sockets | sort >"$dir/$1/sockets"
	mounts | sort >"$dir/$1/mounts"
	trees | sort >"$dir/$1/trees"
	flags >"$dir/$1/flags"
}

excepted() { grep -qx "$1" "$dir/except" 2>/dev/null; }

# differences NUMBER FILE: what only one of before/FILE and after/FILE has
differences() {
	excepted "$1" || diff "$dir/before/$2" "$dir/after/$2" |
		sed -n "s/^> /$1: $2, now: /p; s/^< /$1: $2, before: /p"
}

wait_for_processes() {
	left=$GRACE
	! excepted I1 || return 0
	while processes >"$dir/after/processes" &&
		grep -qvxFf "$dir/before/processes" "$dir/after/processes" && [ $left -gt 0 ]; do
		left=$((left - 1))
		sleep 0.05
	done
}

# the state directory is I2, all other trees are I5
tree_differences() {
	differences I5 trees | sed "s#^I5\(.*[ ]${RK_RUN:-/run/user}/state\)#I2\1#" |
		if excepted I2; then grep -v '^I2'; else cat; fi
}

compare() {
	wait_for_processes
	record after
	differences I1 processes
	differences I3 sockets
	differences I4 mounts
	tree_differences
	differences I9 flags
}

dir=$2
case $1 in
snapshot)
	mkdir -p "$dir/before" "$dir/after"
	record before
	;;
compare)
	compare >"$dir/differences"
	[ ! -s "$dir/differences" ]
	;;
*)
	echo "usage: checker.sh snapshot|compare DIR" >&2
	exit 2
	;;
esac
