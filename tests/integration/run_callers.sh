# SPDX-License-Identifier: Apache-2.0
# run_callers.sh - what odd callers leave to us: children, closed descriptors, ignored signals, a reader
# of stderr that has stopped, a group signal while the parent is stopped, a file with capabilities
# shellcheck disable=SC2016,SC2086 # expands inside; lists of words
. "${0%/*}/lib.sh"
need userns tun tool:setcap

is "children from before our exec live on" \
	"$(as_user sh -c 'sleep 3 & echo $! >"$TMPDIR/pid"; exec rootless-supervisor --net=none -- true'; as_user sh -c 'kill -0 "$(cat "$TMPDIR/pid")" && echo alive; kill "$(cat "$TMPDIR/pid")"; rm "$TMPDIR/pid"')" alive

rk_run --net=none --ready-fd=9 -- true
is "--ready-fd that is not open: the status" "$RK_STATUS" 125
one_error_line "--ready-fd that is not open: the reason" "$RK_ERR" '--ready-fd=9: Bad file descriptor'
documented "it is in the documentation" "$RK_ERR"
is "--ready-fd=1 leaves stdout to the command" "$(as_user rootless-supervisor --net=none --ready-fd=1 -- echo out | tr '\n' ' ')" "READY=1 out "

# 600 descriptors of the same user in flight elsewhere
spawn python3 -c '
import array, socket, time
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
for i in range(3):
    a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * 200))])
print("flying", flush=True)
time.sleep(20)' >"$T/flying"
flying=$SPAWNED
ok "descriptors of the user are in flight" wait_for 5 grep -q flying "$T/flying"
rk_run --net=slirp -- nsprobe connect 192.0.2.2 7
is "and a start works" "$(cat "$RK_OUT")" ok
kill $flying
wait $flying 2>/dev/null

rk_start --net=none -- nsprobe sigcount || exit
wait_for 5 test -s "$RK_OUT" || true
kill -s STOP "$RK_PID"
child=$(cat "$STATE/child_pid")
command=$(pgrep -P "$child" -x nsprobe)
# the group of the whole test is ours too: each member gets it from one sender
as_user python3 -c '
import os, signal, sys
for pid in sys.argv[1:]:
    os.kill(int(pid), signal.SIGUSR1)' "$RK_PID" "$child" "$command"
sleep 0.2 # longer than the child waits for the word of its parent
kill -s CONT "$RK_PID"
sleep 0.3
is "a group signal of a stopped parent: twice at most" "$(($(grep -c USR1 "$RK_OUT") <= 2))" 1
rk_stop

# the reader of stderr has stopped and its pipe is full: TERM works all the same
mkfifo "$T/pipe"
chmod 666 "$T/pipe"
sleep 30 <>"$T/pipe" &
holder=$!
(exec $rk_user $rk_env sh -c 'yes | dd bs=65536 count=1 iflag=fullblock 2>/dev/null
	exec rootless-supervisor --debug --net=none --state-dir="$1" -- sleep 60' sh "$STATE" >"$T/pipe" 2>&1 </dev/null) &
RK_PID=$!
ok "a full pipe for stderr: it starts" wait_for 8 test -S "$STATE/api.sock"
rk_stop
is "and ends by TERM" "$RK_STATUS" 143
kill $holder

setcap cap_net_bind_service=ep "$RK_BIN/rootless-supervisor"
rk_start --net=slirp -p 0.0.0.0:82:7/tcp -- nsprobe serve tcp-echo,0.0.0.0,7 || exit
is "with setcap a low port is published" "$(nsprobe duplex 127.0.0.1 82 10000 1)" ok
for pid in $(pgrep 'rs-(nursery|relay|slirp)'); do
	is "$(cat "/proc/$pid/comm") has no capability" "$(awk '/^CapEff/ { print $2 }' "/proc/$pid/status")" 0000000000000000
done
ok "nsenter still works" in_child true
rk_stop
