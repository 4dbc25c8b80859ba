# SPDX-License-Identifier: Apache-2.0
# worker_restart.sh - relay and slirp are killed under load: ports, connections out and names are
# served again at once, nothing hangs, nothing is lost but what went through the dead
# asan: yes
# deadline: 300
. "${0%/*}/lib.sh"
need userns tun tool:python3
RUNS=${RK_RESTART_RUNS:-5} # of 4 deaths of relay and one of slirp, on each rung: the fifth would be the end
LIMIT_MS=2000              # the median; the goal is 500, on a machine of its own; else it is not served at all
py="python3 $RK_SRC/tests/integration/worker_restart.py"

worker() { pgrep -u "$RK_UID" -x "rs-$1"; }
fds() { find "/proc/$1/fd" -mindepth 1 | wc -l; }
rss_kb() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"; }
connections() { ss -Htan | grep -cvE '^(LISTEN|TIME-WAIT)'; }
none_left() { [ "$(connections)$(in_child ss -Htan | grep -cvE '^(LISTEN|TIME-WAIT)')$(in_world ss -Htan | grep -cvE '^(LISTEN|TIME-WAIT)')" = 000 ]; }
watches() { find "/proc/$RK_PID/fd" -lname '*inotify*' | grep -q .; }
is_new() { new=$(worker "$1") && [ "$new" != "$2" ]; }
# state WHAT: what info says of a worker
state() { as_user rootlessctl --socket "$STATE/api.sock" info --json | python3 -c 'import json, sys
w = json.load(sys.stdin)["workers"][sys.argv[1]]
print(w["state"], w["restarts"])' "$1"; }
told() { grep -qE '^(end|reset)$' "$T/idle_$1"; }
# death ROLE: kill it; what was measured goes to $T/times
death() {
	old=$(worker "$1")
	: >"$T/follow" # that of the last death says ready
	# shellcheck disable=SC2086 # two words
	in_child $py follow "$old" 192.0.2.2 7 10.0.2.3 >"$T/follow" 2>&1 &
	follower=$!
	wait_for 5 grep -q ready "$T/follow"
	# shellcheck disable=SC2086 # two words
	as_user $py kill "$old" 7007 7008 >"$T/kill" 2>&1
	wait $follower
	echo "$1 $(cat "$T/kill") $(sed -n '$p' "$T/follow")" >>"$T/times"
	wait_for 2 is_new "$1" "$old"
	sleep 0.1 # the loads are in full swing again
}

: >"$T/times"
for way in "auto:$RUNS" "redirect:${RK_RESTART_RUNS:-1}" "off:$RUNS"; do
	accel=${way%:*} run=0
	while [ $run -lt "${way#*:}" ]; do
		run=$((run + 1)) what="--accel=$accel, run $run"
		rk_start --net=slirp --accel="$accel" -p 127.0.0.1:7007:7/tcp -p 127.0.0.1:7008:8/udp -- \
			nsprobe serve tcp-echo,0.0.0.0,7 udp-echo,0.0.0.0,8 || exit
		wait_for 5 sh -c "[ \$(grep -c ready $RK_OUT) = 2 ]"
		# shellcheck disable=SC2086 # two words
		spawn $py load 127.0.0.1 7007 8 >"$T/in"
		load_in=$SPAWNED
		# shellcheck disable=SC2086 # two words
		spawn nsenter --user --mount --net --preserve-credentials --target "$(cat "$STATE/child_pid")" -- \
			$py load 192.0.2.2 7 8 >"$T/out"
		load_out=$SPAWNED
		wait_for 5 grep -q ready "$T/in" && wait_for 5 grep -q ready "$T/out"
		wait_for 3 watches # the host's resolver file: one descriptor more from then on
		# shellcheck disable=SC2086 # two words
		spawn $py idle 127.0.0.1 7007 >"$T/idle_in"
		idle_in=$SPAWNED
		# shellcheck disable=SC2086 # two words
		spawn nsenter --user --mount --net --preserve-credentials --target "$(cat "$STATE/child_pid")" -- \
			$py idle 192.0.2.2 7 >"$T/idle_out"
		idle_out=$SPAWNED
		for n in in out; do wait_for 5 grep -q ready "$T/idle_$n"; done
		parent_fds=$(fds "$RK_PID") parent_kb=$(rss_kb "$RK_PID") nursery_fds=$(fds "$(worker nursery)")
		death relay
		ok "$what: who waits for bytes of a published port is told at once" wait_for 2 told in
		if [ "$accel" = off ]; then # it does not go through the relay
			fails "$what: who waits for bytes of the world is not disturbed" told out
			kill -s KILL "$idle_out"
			wait "$idle_out" 2>/dev/null
		else
			ok "$what: who waits for bytes of the world is told at once" wait_for 2 told out
			wait "$idle_out"
		fi
		wait "$idle_in"
		for role in relay slirp relay relay; do death $role; done
		is "$what: info counts the relays" "$(state relay)" "up 4"
		is "$what: and the slirps" "$(state slirp)" "up 1"
		kill "$load_in" "$load_out"
		wait "$load_in" "$load_out"
		like "$what: connections in are lost, nothing else" "$(sed -n '$p' "$T/in")" 'lost [1-9]* hung 0 refused 0 wrong 0'
		like "$what: connections out are lost, nothing else" "$(sed -n '$p' "$T/out")" 'lost [0-9]* hung 0 refused 0 wrong 0'
		ok "$what: no connection is half open" wait_for 10 none_left
		is "$what: the parent's descriptors" "$(fds "$RK_PID")" "$parent_fds"
		is "$what: the nursery's descriptors" "$(fds "$(worker nursery)")" "$nursery_fds"
		# sanitizers keep what is freed for a while, and look for leaks themselves
		ok "$what: the parent has not grown" [ $(($(rss_kb "$RK_PID") - parent_kb)) -lt $((2048 * ${RK_SLOW:-1})) ]
		is "$what: a warning a death" "$(grep -c 'worker was killed by signal 9 (Killed); its connections are lost, it is started again' "$RK_ERR")" 5
		rk_stop
		is "$what: the end is as ever" "$RK_STATUS $(grep -c 'error' "$RK_ERR")" "143 0"
	done
done
python3 - "$LIMIT_MS" "$T/times" >"$T/tap" <<'EOT'
import sys

limit, times = int(sys.argv[1]), {}
for line in open(sys.argv[2], encoding="ascii"):
    role, *words = line.split()
    for what, ms in zip(words[::2], words[1::2]):
        times.setdefault((role, what), []).append(int(ms))
for (role, what), ms in times.items():
    ms.sort()
    good = ms[0] >= 0 and ms[len(ms) // 2] < limit
    print(f"{'' if good else 'not '}ok 1 - {role} killed: {what} is served within {limit} ms")
    print(f"# {len(ms)} times: median {ms[len(ms) // 2]} ms, longest {ms[-1]} ms")
EOT
tap_of "$T/tap"
