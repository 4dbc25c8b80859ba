# SPDX-License-Identifier: Apache-2.0
# worker_ports.sh - ports are added, removed and waited for while the relay is stopped, dies and is away
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3 tool:prlimit

ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
state() { ctl info --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["workers"]["relay"]["state"])'; }
relay() { pgrep -u "$RK_UID" -x rs-relay; }
is_up() { [ "$(state)" = up ]; }
tcp() { [ "$(nsprobe ask -t 8000 127.0.0.1 "$1" hello)" = hello ]; }
udp() { [ "$(nsprobe ask -u -t 8000 127.0.0.1 "$1" hello)" = hello ]; }
listens() { ss -Hlntu "sport = :$1" | grep -q .; }
listed() { ctl list-ports --json | python3 -c 'import json, sys
print(*(json.loads(line)["spec"]["parentPort"] for line in sys.stdin))'; }
deaths=0
die() {
	old=$(relay)
	kill -s KILL "$old"
	deaths=$((deaths + 1))
}

rk_start --net=slirp -p 127.0.0.1:7001:7/tcp -p 127.0.0.1:7002:8/udp -- \
	nsprobe serve tcp-echo,0.0.0.0,7 udp-echo,0.0.0.0,8 || exit
is "two ports" "$(ctl add-ports 127.0.0.1:7003:7/tcp 127.0.0.1:7004:8/udp | tr '\n' ' ')" "3 4 "

# a stopped relay: what it is told waits in its socket. A removal waits for its word, and when it dies
# there is nothing left to wait for
kill -s STOP "$(relay)"
is "stopped: a port is added" "$(ctl add-ports 127.0.0.1:7005:7/tcp)" 5
ok "stopped: it listens" listens 7005
begin=$(date +%s%N)
ctl remove-ports 4 >"$T/removed" 2>&1 &
remover=$!
sleep 0.3 # the request is under way
is "stopped: a removal waits" "$(cat "$T/removed")" ""
die
wait $remover
is "it is answered when the relay dies" "$? $(cat "$T/removed")" "0 4"
took=$((($(date +%s%N) - begin) / 1000000))
ok "which is before the 2 s that it has ($took ms)" [ $took -lt 1900 ]
fails "and the port is free" listens 7004
wait_for 5 is_up
ok "up again" is_up
for port in 7001 7003 7005; do ok "port $port is served" tcp $port; done
ok "port 7002 is served" udp 7002
is "what is listed" "$(listed)" "7001 7002 7003 7005"

# away: it cannot be forked, for as long as this test likes
nursery=$(pgrep -u "$RK_UID" -x rs-nursery)
as_user prlimit --pid "$nursery" --nproc=1:
die
ok "away" wait_for 5 grep -q 'trying again' "$RK_ERR"
like "away: info says so" "$(state)" '[ds]*' # down, or starting for a moment at each try
is "away: a port is added" "$(ctl add-ports 127.0.0.1:7006:7/tcp)" 6
is "away: and one of datagrams" "$(ctl add-ports 127.0.0.1:7007:8/udp)" 7
is "away: and removed" "$(ctl remove-ports 7 3 | tr '\n' ' ')" "7 3 "
fails "away: it is free" listens 7003
like "away: one that is taken is refused as ever" "$(ctl add-ports 127.0.0.1:7001:7/tcp 2>&1)" "*conflict with ID 1*"
is "away: nobody was told" "$(relay)" ''
spawn nsprobe ask -t 8000 127.0.0.1 7006 hello >"$T/early"
as_user prlimit --pid "$nursery" --nproc=1000:
wait $SPAWNED
is "a client that came meanwhile is served" "$(cat "$T/early")" hello
wait_for 5 is_up
for port in 7001 7005 7006; do ok "port $port is served" tcp $port; done
ok "port 7002 is served" udp 7002
is "what is listed" "$(listed)" "7001 7002 7005 7006"
is "ids go on" "$(ctl add-ports 127.0.0.1:7003:7/tcp)" 8
ok "a number may come again" tcp 7003
is "a warning a death" "$(grep -c 'started again' "$RK_ERR")" $deaths
rk_stop
is "nothing else was said" "$(grep -vcE 'started again|trying again' "$RK_ERR")" 0
