# SPDX-License-Identifier: Apache-2.0
# agent_dies.sh - an agent of a network namespace is killed: its spare goes on, and nothing is lost;
# when both are dead the network goes on without them, and everybody who asks is told
# deadline: 120
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3

# agent nsagent|spare child|gateway: its pid
agent() {
	for pid in $(pgrep -x "rs-$1"); do
		if [ "$(readlink "/proc/$pid/ns/net")" = "$(readlink "/proc/$(cat "$STATE/child_pid")/ns/net")" ]; then
			[ "$2" != child ] || echo "$pid"
		else
			[ "$2" != gateway ] || echo "$pid"
		fi
	done
}
ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
# clients TCP UDP LOOPBACK: bursts of them, of each port, at the other end of the cable. Who is left
# without an answer, and which addresses the servers see
clients() {
	in_world /usr/bin/python3 "${0%/*}/agent_dies.py" 192.0.2.1 $((5 * ${RK_BUSY:-1})) \
		"tcp:7107:$1" "udp:7107:$2" "tcp:7108:$3"
}
# serves DESCRIPTION: everything that is asked of an agent, or passes by it
serves() {
	clients 2 2 2 >"$T/clients"
	grep '^#' "$T/clients"
	is "$1: published ports, with the same addresses" "$(grep -v '^#' "$T/clients")" "$(cat "$T/before")"
	is "$1: TCP out" "$(in_child nsprobe ask -t 5000 192.0.2.2 1007 | sed 's/ .*//')" 192.0.2.1
	is "$1: UDP out" "$(in_child nsprobe ask -u -t 5000 192.0.2.2 1007 x | sed 's/ .*//')" 192.0.2.1
	is "$1: DNS" "$(in_child nsprobe dns -t 5000 10.0.2.3 web.world.test)" 192.0.2.2
	id=$(ctl add-ports 192.0.2.1:7109:1008/tcp)
	like "$1: a port is added" "$(in_world nsprobe ask -t 5000 192.0.2.1 7109)" '127.0.0.1 *'
	ok "$1: and removed" ctl remove-ports "$id"
}
# begin: an instance with ports to servers on the child's address and on its loopback
begin() {
	rk_start --net=slirp -p 192.0.2.1:7107:1007/tcp -p 192.0.2.1:7107:1007/udp -p 192.0.2.1:7108:1008/tcp -- \
		nsprobe serve tcp-who,0.0.0.0,1007 udp-who,0.0.0.0,1007 tcp-who,127.0.0.1,1008 || exit
	wait_for 5 sh -c "[ \$(grep -c ^ready $RK_OUT) = 3 ]"
	clients 1 1 1 | grep -v '^#' >"$T/before"
	is "before: each client is answered" "$(grep -c ': 0 missing, [0-9.]*$' "$T/before")" 3
}
said_or_gone() { [ -s "$RK_ERR" ] || is_gone "$1"; }
none_left() { [ -z "$(pgrep 'rs-')" ]; }
# says TEXT: the program has said it
says() { wait_for 5 grep -q "warning: network: $1" "$RK_ERR"; }

for RUNG in $RUNGS; do
	begin
	clients 5 1 5 >"$T/during" &
	during=$!
	kill -s KILL "$(agent nsagent gateway)"
	ok "the gateway's is killed: said" says "the agent of the gateway network namespace died, its spare has taken over"
	kill -s KILL "$(agent nsagent child)"
	ok "the child's is killed: said" says "the agent of the child's network namespace died, its spare has taken over"
	wait "$during"
	is "meanwhile nobody was left without an answer, nor with another address" "$(grep -v '^#' "$T/during")" "$(cat "$T/before")"
	serves "with the spares"
	is "each is said once" "$(grep -c 'warning: network: ' "$RK_ERR")" 2
	rk_stop
	is "it ends as ever" "$RK_STATUS" 143
done
RUNG=

# the start waits for both processes of an agent: a death ends it, or comes too late for that
for which in nsagent spare; do
	for _ in 1 2 3; do
		spawn rootless-supervisor --state-dir="$STATE" --net=slirp -- sleep 1000 2>"$RK_ERR"
		until pid=$(pgrep -o -x "rs-$which") || is_gone "$SPAWNED"; do :; done
		kill -s KILL "$pid"
		wait_for 5 said_or_gone "$SPAWNED" || fail "rs-$which killed in the start: something is said"
		kill -s TERM "$SPAWNED" 2>/dev/null
		RK_STATUS=0
		wait "$SPAWNED" || RK_STATUS=$?
		case $RK_STATUS in
		143) like "rs-$which killed in the start: it goes on" "$(cat "$RK_ERR")" '*warning: network: the *agent of *' ;;
		*)
			is "rs-$which killed in the start: status" "$RK_STATUS" 125
			one_error_line "rs-$which killed in the start: words" "$RK_ERR" "agent"
			documented "rs-$which killed in the start: documented" "$RK_ERR"
			;;
		esac
		ok "and nothing is left" wait_for 2 none_left
	done
done

# spares die: that is said, and nothing else
begin
is "a spare is the child of who serves" "$(ps -o ppid= -p "$(agent spare child)" | tr -d ' ')" "$(agent nsagent child)"
kill -s KILL "$(agent spare gateway)" "$(agent spare child)"
ok "a spare of the gateway is killed: said" says "the spare of the agent of the gateway network namespace died: nobody will take over"
ok "a spare of the child is killed: said" says "the spare of the agent of the child's network namespace died: nobody will take over"
like "rootlessctl info tells it" "$(ctl info --json | tr -d ' \n')" '*"agents":{"child":"alone","gateway":"alone"}*'
unlike "and nothing is degraded" "$(ctl info --json)" '*degraded*'
like "rootlessctl status, too" "$(ctl status)" '*agent      child: alone*agent      gateway: alone*'
serves "without spares"

# then the others, too
mkfifo "$T/go"
chmod 755 "$T"
in_child /usr/bin/python3 -c 'import socket, sys
with socket.create_connection(("192.0.2.2", 7), 5) as s:
    for word in b"before", b"after":
        s.sendall(word)
        print(s.recv(99).decode(), flush=True)
        sys.stdin.readline()' <"$T/go" >"$T/connected" 2>&1 &
connected=$!
exec 4>"$T/go"
ok "a connection is open" wait_for 5 grep -q before "$T/connected"
kill -s KILL "$(agent nsagent gateway)"
gateway="the agents of the gateway network namespace are dead: servers do not see the addresses of new clients any more; what is connected goes on. Start again to mend it"
child="the agents of the child's network namespace are dead: no port can be published, new connections to those there are may be refused; what is connected goes on. Start again to mend it"
ok "no agent of the gateway is left: said" says "$gateway"
ok "a port can be added" ctl add-ports 192.0.2.1:7110:1008/tcp
kill -s KILL "$(agent nsagent child)"
ok "no agent of the child is left: said" says "$child"
status_is "a port is added: status" 1 ctl add-ports 192.0.2.1:7111:1008/tcp
like "a port is added: words" "$(ctl add-ports 192.0.2.1:7111:1008/tcp 2>&1)" "*$child*"
is "rootlessctl info tells what is missing" "$(ctl info | grep '^- Degraded')" "- Degraded: $child
- Degraded: $gateway"
like "rootlessctl status, too" "$(ctl status)" "*agent      child: dead*degraded   $child*"
like "and the API" "$(ctl info --json | tr -d '\n')" "*\"degraded\": [*\"$child\"*"
like "as an event" "$(ctl events)" '*"type":"agent-alone","netns":"gateway"*"type":"agent-dead","netns":"gateway"*"type":"agent-dead","netns":"child"*'
echo go >&4
exec 4>&-
wait "$connected"
is "what was connected goes on" "$(tr '\n' ' ' <"$T/connected")" "before after "
is "new connections go out" "$(in_child nsprobe ask -t 5000 192.0.2.2 1007 | sed 's/ .*//')" 192.0.2.1
is "and DNS" "$(in_child nsprobe dns -t 5000 10.0.2.3 web.world.test)" 192.0.2.2
is "each is said once" "$(grep -c 'warning: network: ' "$RK_ERR")" 4
rk_stop
is "it ends as ever" "$RK_STATUS" 143
