# SPDX-License-Identifier: Apache-2.0
# sandbox_state.sh - what the workers have given up, as the kernel tells it, and what they still hold
. "${0%/*}/lib.sh"
need userns tun tool:curl tool:python3

info() { as_user curl -s --unix-socket "$STATE/api.sock" http://x/v1/info; }
status() { sed -n "s/^$2:[[:blank:]]*//p" "/proc/$1/status"; }
# kinds PROCESS: its descriptors, counted; the pools' as "some" when there is a batch or two
kinds() {
	nsprobe holds "$1" | sort | uniq -c | while read -r count kind; do
		[ "$count" -lt 32 ] || [ "$count" -gt 170 ] || count=some
		echo "$count $kind"
	done
}

rk_start --net=slirp --sandbox=require -p 127.0.0.1:7080:80/tcp -p 127.0.0.1:7080:80/udp -- sleep 1000 || exit
relay=$(pgrep rs-relay) slirp=$(pgrep rs-slirp)
all='userns root nocaps bound notrace nonewprivs' last='seccomp limits' # noexec and landlock: not every kernel
like "info tells it" "$(info)" "*\"sandbox\":{\"relay\":\"$all*$last\",\"slirp\":\"$all*$last\"}*"

for name in relay slirp; do
	p=$(pgrep "rs-$name")
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		is "$name: $set" "$(status "$p" $set)" 0000000000000000
	done
	is "$name: no new privileges" "$(status "$p" NoNewPrivs)" 1
	is "$name: a filter of system calls" "$(status "$p" Seccomp)" 2
	is "$name: one thread" "$(status "$p" Threads)" 1
	is "$name: no id is mapped" "$(cat "/proc/$p/uid_map" "/proc/$p/gid_map")" ""
	is "$name: root owns its /proc files" "$(stat -c %u "/proc/$p/environ")" 0
	is "$name: its root is empty" "$(ls -A "/proc/$p/root/")" ""
	is "$name: one mount" "$(wc -l <"/proc/$p/mountinfo")" 1
	like "$name: and that is read-only" "$(cat "/proc/$p/mountinfo")" '* / / ro,nosuid,nodev,noexec,* - tmpfs *'
	is "$name: its directory" "$(readlink "/proc/$p/cwd")" /
	for ns in user mnt ipc uts cgroup; do
		isnt "$name: its own $ns namespace" "$(readlink "/proc/$p/ns/$ns")" "$(readlink "/proc/$RK_PID/ns/$ns")"
	done
	isnt "$name: not the child's user namespace" "$(readlink "/proc/$p/ns/user")" "$(readlink "/proc/$(cat "$STATE/child_pid")/ns/user")"
	is "$name: the host's network" "$(readlink "/proc/$p/ns/net")" "$(readlink "/proc/$RK_PID/ns/net")"
	is "$name: no core, no file, no process, no locked memory" "$(grep -cE '^Max (core file size|file size|processes|locked memory) +0 +0 ' "/proc/$p/limits")" 4
	is "$name: 4 GiB of data" "$(awk '/^Max data size/ { print $4, $5 }' "/proc/$p/limits")" "4294967296 4294967296"
	is "$name: nothing of the user's environment" "$(tr '\0' '\n' <"/proc/$p/environ" | grep -v SAN_OPTIONS=)" ""
done
for p in "$RK_PID" "$(pgrep rs-nursery)" $(pgrep 'rs-(nsagent|spare)'); do
	is "$(cat "/proc/$p/comm"): no new privileges, a filter" "$(status "$p" NoNewPrivs) $(status "$p" Seccomp)" "1 2"
done
is "agents and spares" "$(pgrep -c 'rs-(nsagent|spare)')" 4
for p in $(pgrep 'rs-(nsagent|spare)'); do
	is "$(cat "/proc/$p/comm"): three capabilities" "$(status "$p" CapPrm) $(status "$p" CapEff) $(status "$p" CapBnd)" "0000000000003400 0000000000003400 0000000000003400"
	is "$(cat "/proc/$p/comm"): no core, process, locked memory, little data" "$(grep -cE '^Max (core file size|processes|locked memory) +0 +0 |^Max data size +67108864 +67108864 ' "/proc/$p/limits")" 4
done
is "the child is free of both: programs of set-user-ID work in it" "$(status "$(cat "$STATE/child_pid")" NoNewPrivs) $(status "$(cat "$STATE/child_pid")" Seccomp)" "0 0"
is "relay: goes before the daemon when memory ends" "$(cat "/proc/$relay/oom_score_adj")" 200
is "slirp: goes first" "$(cat "/proc/$slirp/oom_score_adj")" 300

# the two sockets to parent and relay, one to each other
for p in $(pgrep 'rs-(nsagent|spare)'); do
	is "$(cat "/proc/$p/comm") holds" "$(nsprobe holds "$p" | grep -vx "$RK_ERR" | sed 's/ elsewhere$//' | sort | uniq -c | sed 's/^ *//')" "2 /dev/null
3 socket unix seqpacket"
done
# an exact list: what is in it must be known, and what is not in it must not be there
is "slirp holds" "$(kinds "$slirp")" "1 /dev/net/tun
2 /dev/null
1 pipe
1 socket unix seqpacket"
# the pools: TCP and UDP sockets of the child, transparent TCP sockets of the gateway for each family
wait_for 2 sh -c "[ \$(nsprobe holds $relay | grep -c '^socket .* elsewhere\$') -gt 320 ]"
is "relay holds" "$(kinds "$relay")" "1 /dev/net/tun
2 /dev/null
1 anon_inode:[eventfd]
2 anon_inode:[eventpoll]
1 pipe
1 socket inet dgram
some socket inet dgram elsewhere
some socket inet stream elsewhere
1 socket inet stream listens
2 socket inet stream listens elsewhere
some socket inet6 dgram elsewhere
some socket inet6 stream elsewhere
2 socket inet6 stream listens elsewhere
1 socket netlink raw elsewhere
3 socket unix seqpacket"
is "the work is done all the same" "$(in_child nsprobe duplex 192.0.2.2 7 1000000 3)" ok
like "by slirp too" "$(in_child nsprobe ask -u 192.0.2.2 1007)" "192.0.2.1 *"
is "and DNS" "$(in_child nsprobe dns 10.0.2.3 web.world.test)" 192.0.2.2
rk_stop

rk_start --net=slirp --sandbox=off -- sleep 1000 || exit
like "off: info tells it" "$(info)" '*"sandbox":{"relay":"","slirp":""}*'
is "off: the host's root" "$(readlink "/proc/$(pgrep rs-relay)/ns/mnt")" "$(readlink "/proc/$RK_PID/ns/mnt")"
for p in "$RK_PID" "$(pgrep rs-nursery)" "$(pgrep rs-relay)" $(pgrep 'rs-(nsagent|spare)'); do
	is "off, $(cat "/proc/$p/comm"): no filter" "$(status "$p" Seccomp)" 0
done
is "off: no word of it" "$(cat "$RK_ERR")" ""
rk_stop

# what a filter that killed it looks like
rk_start --net=slirp -- sleep 1000 || exit
kill -s SYS "$(pgrep rs-relay)"
wait_for 5 grep -q SIGSYS "$RK_ERR"
like "the culprit is named" "$(cat "$RK_ERR")" "*the relay worker made a system call that it must not make (SIGSYS)*"
rk_stop

# a kernel that has no filters
# shellcheck disable=SC2086 # lists of words
without() {
	/usr/bin/python3 "$RK_SRC/tests/integration/filter.py" seccomp 0 0 38 $rk_user $rk_env \
		rootless-supervisor --net=slirp "$@" -- true >"$RK_OUT" 2>"$RK_ERR"
	RK_STATUS=$?
}
without
is "no filters: auto serves" "$RK_STATUS" 0
is "no filters: it is said of each" "$(sort "$RK_ERR")" "rootless-supervisor: warning: sandbox: the parent lacks seccomp: loading the seccomp filter: Function not implemented; it serves all the same
rootless-supervisor: warning: sandbox: the relay worker lacks seccomp: loading the seccomp filter: Function not implemented; it serves all the same
rootless-supervisor: warning: sandbox: the slirp worker lacks seccomp: loading the seccomp filter: Function not implemented; it serves all the same"
without --sandbox=require
is "no filters: require does not" "$RK_STATUS" 125
one_error_line "no filters: words" "$RK_ERR" "--sandbox=require: the agent of a network namespace lacks seccomp: loading the seccomp filter: Function not implemented"
documented "no filters: it is in the documentation" "$RK_ERR"
without --sandbox=off
is "no filters: off does not mind" "$RK_STATUS$(cat "$RK_ERR")" 0

# other networks have a relay only
rk_start --net=none --port-driver=builtin --sandbox=require -- sleep 1000 || exit
is "none: the relay's root is empty" "$(ls -A "/proc/$(pgrep rs-relay)/root/")" ""
rk_stop

# a program of others: what starts it has no filter, which that would inherit, and nothing else
chmod 755 "$T"
cp "${0%/*}/framepeer.py" "$T/vpnkit"
chmod 755 "$T/vpnkit"
rk_start --net=vpnkit --vpnkit-binary="$T/vpnkit" --sandbox=require -- sleep 1000 || exit
confined() { grep -q '^Seccomp:.2' "/proc/$(pgrep -x rs-frames)/status"; }
wait_for 5 confined # nobody has waited for that: it is on its way meanwhile
for p in "$RK_PID" "$(pgrep rs-frames)"; do
	is "a program, $(cat "/proc/$p/comm"): no new privileges, a filter" "$(status "$p" NoNewPrivs) $(status "$p" Seccomp)" "1 2"
done
for p in "$(pgrep rs-starter)" "$(pgrep -f "$T/vpnkit --ethernet")"; do
	is "a program, $(cat "/proc/$p/comm"): its rights are the user's" "$(status "$p" NoNewPrivs) $(status "$p" Seccomp)" "0 0"
	is "a program, $(cat "/proc/$p/comm"): a child of the parent" "$(status "$p" PPid)" "$RK_PID"
done
is "the starter holds" "$(kinds "$(pgrep rs-starter)")" "3 /dev/null
2 anon_inode:[pidfd]
1 socket unix seqpacket"
is "the process that carries frames holds" "$(kinds "$(pgrep rs-frames)")" "1 /dev/net/tun
1 socket unix stream"
kill -s KILL "$(pgrep rs-starter)"
ok "without its starter the program serves" in_child busybox ping -c 1 -W 5 192.168.65.1
kill -s KILL "$(pgrep -f "$T/vpnkit --ethernet")"
rk_wait
is "but its death is the end" "$RK_STATUS" 125
one_error_line "in one line" "$RK_ERR" "vpnkit keeps dying, 5 times within 60 s; at last: the process that starts programs is gone; stopping the command"
documented "that is documented" "$RK_ERR"

rk_run --sandbox=maybe true
documented "another word" "$RK_ERR"
