# SPDX-License-Identifier: Apache-2.0
# port_slow.sh - clients that say nothing, a byte now and then, or read no answer leave others of their port and of
# the next alone, cost little memory, leave nothing behind, and end with their port. RK_CLIENTS: how many
# deadline: 100
. "${0%/*}/lib.sh"
need userns tun tool:python3 tool:ss
clients=${RK_CLIENTS:-300} here=192.0.2.1
cp "$RK_SRC/tests/integration/port_slow.py" "$RK_BASE/port_slow.py" # the tree may lie where the user cannot go
ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
# a function would be a process more, which kill would hit
client="nsenter --net=/proc/$RK_WORLD_PID/ns/net -- python3 $RK_BASE/port_slow.py"
descriptors() { find "/proc/$1/fd" -mindepth 1 | wc -l; }
memory() { awk '$1 == "Anonymous:" { print $2 }' "/proc/$relay/smaps_rollup"; }
# connections of the host's side, and of the child's
sockets() { ss -tnH state connected exclude time-wait '( sport = 7007 or sport = 7019 )'; in_child ss -tnH state connected exclude time-wait; }
all_there() { [ "$(sockets | wc -l)" -ge $((2 * clients)) ]; }
no_sockets() { [ "$(sockets | wc -l)" = 0 ]; }
# slow_start: as many as there shall be, held in $slow; a line for it goes to descriptor 4
slow_start() {
	rm -f "$T/end"
	mkfifo "$T/end"
	: >"$T/slow" # that of those before says ready
	$client slow $here 7007 7019 "$clients" <"$T/end" >"$T/slow" 2>&1 &
	slow=$!
	exec 4>"$T/end"
	wait_for 60 sh -c "grep -q ready $T/slow || ! kill -0 $slow"
	is "$clients slow clients are there" "$(cat "$T/slow")" ready
	ok "each has two connections" wait_for 20 all_there
}
# healthy_clients WHICH: their ms into $T/WHICH, what they were answered into the checks
healthy_clients() {
	for port in 7007 7008; do $client healthy $here $port 200; done >"$T/$1" 2>&1
	is "$1: whole streams both ways, same port and other port" "$(for port in 7007 7008; do in_world nsprobe duplex $here $port 8000000 $port; done 2>&1)" "ok
ok"
	is "$1: a whole stream of the port whose streams others do not read" "$(in_world nsprobe recv $here 7020 8000000 5 2>&1)" ok
}
# sooner FIELD TIMES MS: what that field of beside is, against alone; MS of an idle machine
sooner() {
	paste "$T/alone" "$T/beside" | awk -v f="$1" -v times="$2" -v ms=$(($3 * ${RK_BUSY:-1})) '
		NF != 6 || ($(f + 3) > times * $f && $(f + 3) > ms) { bad = 1 } END { exit bad || NR != 2 }'
}
# few PID COUNT: no more descriptors than that, but for stocks
few() { [ "$(descriptors "$1")" -le "$(($2 + 100))" ]; }
watches_files() { find "/proc/$RK_PID/fd" -mindepth 1 -printf '%l\n' | grep -q inotify; } # which begins when there is time
fewer() { [ "$(descriptors "$1")" -le "$2" ]; }
all_gone() { # WHEN
	ok "$1: no connection is left" wait_for 20 no_sockets
	ok "$1: the relay has as many descriptors as before" wait_for 20 few "$relay" "$fds"
	ok "$1: and the parent" wait_for 20 fewer "$RK_PID" "$parent_fds"
}

# small_buffers: of the kernel, which all of the machine shares: what is not read gets stuck in the relay
small_buffers() {
	echo '4096 16384 65536' >/proc/sys/net/ipv4/tcp_wmem
	echo '4096 65536 131072' >/proc/sys/net/ipv4/tcp_rmem
}

soon_enough() { [ "$1" -lt $((2000 * ${RK_BUSY:-1})) ] && [ "$2" -lt $((1000 * ${RK_BUSY:-1})) ]; }

small_buffers
for RUNG in $RUNGS; do
	rk_start --net=slirp -p $here:7007:7 -p $here:7008:8 -p $here:7019:19 -p $here:7020:20 -- \
		sh -c 'ulimit -Sn "$(ulimit -Hn)"; exec nsprobe serve tcp-echo,0.0.0.0,7 tcp-echo,0.0.0.0,8 tcp-source,0.0.0.0,19,1000000000000:1 \
			tcp-source,0.0.0.0,20,8000000:5' || exit
	wait_for 5 sh -c "[ \$(grep -c ^ready $RK_OUT) = 4 ]"
	for agent in $(pgrep -x rs-nsagent); do # the child's netns, the gateway's
		nsenter --net="/proc/$agent/ns/net" -- sh -c "$(sed -n '/^small_buffers() {/,/^}/p' "$0"); small_buffers"
	done
	relay=$(pgrep -x rs-relay)
	is "it serves" "$(in_world nsprobe many $here 7007 50)" "50 alive" # stocks are filled
	healthy_clients alone
	wait_for 10 watches_files
	fds=$(descriptors "$relay") parent_fds=$(descriptors "$RK_PID") kb=$(memory)

	slow_start
	healthy_clients beside
	more=$(($(memory) - kb))
	echo "# ms until the echo of a new connection, median, p99, longest, same port and other port: $(tr '\n' ';' <"$T/alone") beside: $(tr '\n' ';' <"$T/beside")"
	echo "# the relay's memory: $more kB more; TCP of the kernel: $(awk '/^TCP:/ { print 4 * $NF }' /proc/net/sockstat) kB"
	ok "half of the new connections are served in four times the time, or 20 ms" sooner 1 4 20
	ok "and the last in two seconds, or eight times" sooner 3 8 2000
	ok "memory of the relay: 4 MB, and 1.5 kB for each" [ $more -le $((4096 + clients * 3 / 2)) ]
	is "the slow ones are as they were" "$(cat "$T/slow")" ready
	kill $slow
	wait $slow 2>/dev/null
	all_gone "they left"

	slow_start
	rm -f "$T/stop"
	mkfifo "$T/stop"
	: >"$T/kept"
	$client kept $here 7008 <"$T/stop" >"$T/kept" 2>&1 &
	kept=$!
	exec 5>"$T/stop"
	wait_for 10 grep -q ready "$T/kept"
	ids=$(ctl list-ports | awk '/70(07|19)/ { print $1 }')
	since=$(date +%s%N)
	# shellcheck disable=SC2086 # ids
	ok "their ports are removed" ctl remove-ports $ids
	ms=$((($(date +%s%N) - since) / 1000000))
	is "nothing listens there" "$(in_world nsprobe connect $here 7007 2>&1)" ECONNREFUSED
	exec 4>&-
	wait $slow
	is "all of them see the end" "$(sed 1d "$T/slow")" ended
	exec 5>&-
	wait $kept
	longest=$(tail -n 1 "$T/kept")
	echo "# removal: $ms ms; meanwhile answers at the other port, and ms of the longest: $longest"
	ok "in less than two seconds, while the other port answers within one" soon_enough $ms "${longest#* }"
	all_gone "removed"
	ok "the port can be published again" ctl add-ports $here:7007:7
	is "and serves" "$(in_world nsprobe duplex $here 7007 8000000 1 2>&1)" ok
	is "without a word" "$(cat "$RK_ERR")" ""
	rk_stop
done
