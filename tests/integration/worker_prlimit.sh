# SPDX-License-Identifier: Apache-2.0
# worker_prlimit.sh - root of the child has the user's id and may lower limits of our processes: what is open
# goes on, what is new waits or is refused, nobody spins or dies, and the next relay has limits of its own
# deadline: 60
. "${0%/*}/lib.sh"
need userns tun tool:prlimit tool:python3 tool:curl

# ticks PID: hundredths of a second of processor time
# shellcheck disable=SC2046 # words of one line
ticks() { set -- $(sed 's/.*) //' "/proc/$1/stat") && echo $((${12} + ${13})); }
asked() { as_user curl -s -m "$1" -o /dev/null -w '%{http_code}' --unix-socket "$STATE/api.sock" http://x/v1/info; }
relay() { pgrep -P "$(pgrep -P "$RK_PID" -x rs-nursery)" -x rs-relay; }
is_new() { new=$(relay) && [ "$new" != "$old" ]; }
serves() { [ "$(nsprobe ask -t 8000 127.0.0.1 7007 hello)" = hello ]; }

rk_start --net=slirp -p 127.0.0.1:7007:7/tcp -- nsprobe serve tcp-echo,0.0.0.0,7 || exit
wait_for 5 grep -q ^ready "$RK_OUT"
old=$(relay)
# one connection that stays, and says on each line of its input whether it is alive
mkfifo "$T/hold"
python3 -u -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", 7007)); s.settimeout(5)
for line in sys.stdin:
    s.sendall(line.encode()); print(s.recv(99).decode(), end="")' <"$T/hold" >"$T/held" 2>&1 &
hold=$!
exec 4>"$T/hold"
echo one >&4
ok "a connection" wait_for 5 grep -q one "$T/held"

ok "root of the child may lower the relay's limit" in_child prlimit --pid "$old" --nofile=8:8
echo two >&4
ok "relay: the open connection goes on" wait_for 5 grep -q two "$T/held"
before=$(ticks "$old")
fails "relay: a new one has no place" nsprobe ask -t 1000 127.0.0.1 7007 hello
used=$(($(ticks "$old") - before))
ok "relay: it does not spin ($used hundredths of a second)" [ "$used" -lt 50 ]
is "relay: it lives" "$(relay)" "$old"
kill -s KILL "$old"
ok "the next relay" wait_for 5 is_new
ok "the next relay has room" serves
exec 4>&-
wait $hold

ok "root of the child may lower the parent's limit" in_child prlimit --pid "$RK_PID" --nofile=8:
ok "parent: connections go on" serves
before=$(ticks "$RK_PID")
is "parent: the API does not answer" "$(asked 1)" 000
used=$(($(ticks "$RK_PID") - before))
ok "parent: it does not spin ($used hundredths of a second)" [ "$used" -lt 50 ]
ok "and takes it back" in_child prlimit --pid "$RK_PID" --nofile=1000:
is "parent: the API answers" "$(asked 5)" 200

ok "root of the child may lower memory and time" in_child prlimit --pid "$(relay)" --data=0:0 --cpu=0:0
ok "limits of memory and time: it serves, by this relay or the next" wait_for 10 serves
rk_stop
is "status" "$RK_STATUS" 143
