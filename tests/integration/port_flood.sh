# SPDX-License-Identifier: Apache-2.0
# port_flood.sh - a port that is flooded with SYNs still serves, and so does the one beside it
. "${0%/*}/lib.sh"
need userns tun tool:python3

echo 64 >/proc/sys/net/core/somaxconn # of this netns: a flood is soon one
cookies() { awk '/^TcpExt:/ && $2 ~ /[0-9]/ { print $2 }' /proc/net/netstat; }
rk_start --net=slirp -p 192.0.2.1:7007-7008:7-8 -- nsprobe serve tcp-echo,0.0.0.0,7 tcp-echo,0.0.0.0,8 || exit
wait_for 5 sh -c "[ \$(grep -c ^ready $RK_OUT) = 2 ]"
before=$(cookies)
nsenter --net="/proc/$RK_WORLD_PID/ns/net" -- python3 "$RK_SRC/tests/integration/port_flood.py" 192.0.2.1 7007 >"$T/flood" 2>&1 &
flood=$!
wait_for 20 grep -q ready "$T/flood"
ask_many() { for i in 1 2 3 4 5 6 7 8 9 10; do in_world nsprobe ask -t 20000 192.0.2.1 "$1" "$i"; done 2>&1; }
is "the port beside it" "$(ask_many 7008)" 12345678910
is "the flooded port itself" "$(ask_many 7007)" 12345678910
kill -s KILL "$flood"
wait "$flood" 2>/dev/null
ok "it was a flood: the kernel answered it with cookies" [ "$(cookies)" -gt $((before + 1000)) ]
stats() { as_user rootlessctl --socket "$STATE/api.sock" list-ports --stats --json; }
# a segment that comes late is a cookie's answer once more, and one that was lost comes again much later
counted() { stats | grep -qE '"accepted":2[0-9],"active":0,'; }
ok "nothing of it is connections: $(stats | grep -oE '"accepted":[0-9]+,"active":[0-9]+')" wait_for 60 counted
rk_stop
