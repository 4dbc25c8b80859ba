# SPDX-License-Identifier: Apache-2.0
# start_interrupted.sh - a start that is ended from outside, or whose child dies: at once, with its reason, nothing left
# deadline: 120
. "${0%/*}/lib.sh"
need userns tun

tool=$(command -v newuidmap)
cp -p "$tool" "$T/newuidmap.real"
now_ms() { date +%s%3N; }
nothing_left() { [ -z "$(pgrep -u "$RK_UID")" ]; }
empty() { [ "$(cd "$RK_RUN" && ls; cd "$RK_TMP" && ls)" = "canary
canary" ]; }

# with_tool SCRIPT: newuidmap is this script; the real one is $T/newuidmap.real
with_tool() {
	printf '#!/bin/sh\n%s\n' "$1" >"$T/fake"
	chmod 755 "$T/fake"
	mount --bind "$T/fake" "$tool"
}
# ends WHAT STATUS PATTERN MS: the run of the program in that tool's world
ends() {
	since=$(now_ms)
	rk_run --net=slirp -- echo it runs
	took=$(($(now_ms) - since))
	is "$1: status" "$RK_STATUS$(cat "$RK_OUT")" "$2"
	like "$1: words" "$(cat "$RK_ERR")" "$3"
	ok "$1: in time ($took ms)" test $took -le "$4"
	ok "$1: no process is left" wait_for 1 nothing_left
	ok "$1: no file is left" empty
	umount "$tool"
}
# the first argument of the tool is the child, its parent is ours
# shellcheck disable=SC2016 # expands inside
{
	with_tool 'kill -KILL $1; exit 0'
	ends "the child is killed before it is mapped" 125 '*the child ended before its ids were mapped: signal: killed*' 8000
	with_tool 'kill -KILL $1; echo "no such process" >&2; exit 1'
	ends "the same, and newuidmap says so" 125 '*newuidmap*no such process*' 8000
	for name in TERM:143 INT:130 HUP:129 QUIT:131; do
		with_tool 'kill -'"${name%:*}"' $PPID; exec sleep 1000'
		ends "${name%:*} while newuidmap hangs" "${name#*:}" '' 8000
	done
	with_tool 'kill -TERM $PPID; exec '"$T/newuidmap.real"' "$@"'
	ends "TERM before the ids are mapped" 143 '' 8000
	with_tool 'kill -HUP $PPID; sleep 0.1; exec '"$T/newuidmap.real"' "$@"'
	is "HUP that the caller ignores (nohup) does not end a start" \
		"$(as_user env --ignore-signal=HUP rootless-supervisor --net=slirp -- echo it runs 2>&1)" "it runs"
	umount "$tool"
	with_tool 'exec sleep 1000'
	ends "newuidmap hangs for ever" 125 '*newuidmap*no end within 10 s*' 25000
	with_tool 'sleep 1000 & exec '"$T/newuidmap.real"' "$@"'
	since=$(now_ms)
	rk_run --net=slirp -- echo it runs
	is "newuidmap leaves a process that holds its pipe: it runs" "$RK_STATUS$(cat "$RK_OUT" "$RK_ERR")" "0it runs"
	ok "and at once" test $(($(now_ms) - since)) -le 2000
	umount "$tool"
	ok "and that process is gone" wait_for 1 nothing_left
}

# a start takes some 20 ms: it is ended at each of 40 moments
# sweep SIGNAL parent|child: who gets it
sweep() {
	for i in $(seq 0 40); do
		: >"$RK_OUT"
		: >"$RK_ERR"
		spawn rootless-supervisor --net=slirp --state-dir="$STATE" -- sh -c 'echo it runs; exec sleep 1000' >"$RK_OUT" 2>"$RK_ERR"
		pid=$SPAWNED
		sleep "$(printf 0.%03d "$i")" # the moment of this round
		if [ "$2" = child ]; then
			wait_for 2 pgrep -P "$pid" -x rootless-superv
			victim=$(pgrep -P "$pid" -x rootless-superv | head -n 1)
		else
			victim=$pid
		fi
		[ -z "$victim" ] || kill -s "$1" "$victim"
		if ! wait_for 5 is_gone "$pid"; then
			echo "moment $i: it hangs"
			kill -s KILL "$pid"
		fi
		rc=0
		wait "$pid" || rc=$?
		case $1:$2:$rc in
		TERM:parent:143 | KILL:*:137 | KILL:child:125) ;;
		*) echo "moment $i: status $rc" ;;
		esac
		wait_for 1 nothing_left || { echo "moment $i: left: $(ps -o pid=,ppid=,stat=,comm=,wchan=,args= -u "$RK_UID")"; pkill -KILL -u "$RK_UID"; }
		[ "$(wc -l <"$RK_ERR")" -le 1 ] || sed "s/^/moment $i: /" "$RK_ERR"
		if [ -e "$STATE" ]; then
			# a parent that is killed between its first file and its first process leaves the lock
			[ "$1:$2:$(ls -A "$STATE")" = KILL:parent:lock ] || [ "$1:$2:$(ls -A "$STATE")" = KILL:parent: ] ||
				echo "moment $i: left in the state directory: $(ls -A "$STATE")"
			rm -rf "$STATE"
		fi
	done
}
for how in 'TERM parent' 'KILL parent' 'KILL child'; do
	# shellcheck disable=SC2086 # two words
	is "$how, at 40 moments" "$(sweep $how 2>&1)" ''
done
