# SPDX-License-Identifier: Apache-2.0
# worker_wild.sh - a worker that floods its log and its socket to the parent is read at a pace: the parent
# answers others, uses a share of a processor, and writes few lines
# deadline: 60
. "${0%/*}/lib.sh"
need userns tun tool:python3 tool:curl
py="python3 $RK_SRC/tests/integration/worker_wild.py"
seconds=2
version=$(sed -n 's/^#define WORKER_VERSION //p' "$RK_SRC/lib/ipc/worker.h")

# ticks PID: hundredths of a second of processor time
# shellcheck disable=SC2046 # words of one line
ticks() { set -- $(sed 's/.*) //' "/proc/$1/stat") && echo $((${12} + ${13})); }
asked() { as_user curl -sS -m 10 -o /dev/null -w '%{http_code}' --unix-socket "$STATE/api.sock" http://x/v1/info; }

rk_start --net=slirp -p 127.0.0.1:7007:7/tcp -- nsprobe serve tcp-echo,0.0.0.0,7 || exit
wait_for 5 grep -q ^ready "$RK_OUT"
relay=$(pgrep -P "$(pgrep -P "$RK_PID" -x rs-nursery)" -x rs-relay)

# both at once; PORT_REMOVED of a port that there is not is nothing that breaks the protocol
before=$(ticks "$RK_PID")
$py log "$relay" $seconds >"$T/bytes" &
log=$!
$py message "$relay" $seconds 8 "$version" 4 >"$T/messages" &
message=$!
is "meanwhile the API answers" "$(asked)" 200
is "and again" "$(asked)" 200
wait $log $message
used=$(($(ticks "$RK_PID") - before))
bytes=$(cat "$T/bytes") messages=$(cat "$T/messages")
echo "# in $seconds s: $bytes bytes of log, $messages messages, $used hundredths of a second of the parent"
# 64 KiB and 1024 messages each 100 ms, what its buffers hold, and some rounds for a slow machine
ok "bytes of log: 64 KiB each 100 ms" [ "$bytes" -le $(((seconds * 10 + 15) * 65536)) ]
ok "messages: 1024 each 100 ms" [ "$messages" -le $(((seconds * 10 + 15) * 1024)) ]
ok "but they are read" [ "$bytes" -gt 200000 ]
ok "so are the messages" [ "$messages" -gt 3000 ]
# 100 at once, then one a second, each with how many were not written
ok "lines" [ "$(grep -c 'one of a great many' "$RK_ERR")" -le 106 ]
ok "the first are there" [ "$(grep -c 'one of a great many' "$RK_ERR")" -ge 100 ]
ok "how many are not is said" grep -qE 'warning: relay: [0-9]+ more lines were dropped$' "$RK_ERR"
is "it serves as before" "$(nsprobe ask 127.0.0.1 7007 hello)" hello
is "and was not replaced" "$(grep -c 'started again' "$RK_ERR")" 0

# one that answers what nobody asked still breaks no more than its own life
$py message "$relay" 0.2 3 "$version" 0 >"$T/messages" # READY, of another length
ok "a message of a wrong length: another one comes" wait_for 5 grep -q 'worker relay broke the protocol; its connections are lost, it is started again' "$RK_ERR"
is "which serves" "$(nsprobe ask -t 8000 127.0.0.1 7007 hello)" hello
rk_stop
is "status" "$RK_STATUS" 143
