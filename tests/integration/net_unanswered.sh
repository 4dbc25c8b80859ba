# SPDX-License-Identifier: Apache-2.0
# net_unanswered.sh - a container that connects to peers that never answer, 1500 times at once, does not keep
# others from connecting
. "${0%/*}/lib.sh"
need userns tun tool:python3 tool:nft

another_one() { [ "$(in_child nsprobe ask -t 4000 192.0.2.2 7 alive 2>>"$T/errors")" = alive ]; }
in_world nft 'add table inet silent; add chain inet silent i { type filter hook input priority 0; }; add rule inet silent i tcp dport 4444 drop'
for RUNG in tproxy redirect; do
	rk_start --net=slirp -- sleep 1000 || exit
	mkfifo "$T/end"
	: >"$T/pending" # that of the rung before says so
	in_child python3 -u -c '
import resource, socket, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
held = [socket.socket() for i in range(1500)]
for s in held:
    s.setblocking(False)
    s.connect_ex(("192.0.2.2", 4444))
print("pending")
sys.stdin.read()' <"$T/end" >"$T/pending" &
	flood=$!
	exec 4>"$T/end"
	ok "1500 connections wait" wait_for 20 grep -q pending "$T/pending"
	ok "another one connects" wait_for 30 another_one
	ok "it is said" wait_for 5 grep -q "connections out wait for their peers" "$RK_ERR"
	exec 4>&-
	wait $flood
	rm "$T/end"
	rk_stop
done
RUNG=
