# SPDX-License-Identifier: Apache-2.0
# port_keepalive.sh - a connection to a published port that lasts is looked after on both of its sides
# deadline: 60
. "${0%/*}/../integration/lib.sh"
need userns tun

rk_start --net=slirp -p 192.0.2.1:7007:10.0.2.100:7/tcp -- nsprobe serve tcp-echo,0.0.0.0,7 || exit
wait_for 5 grep -q ready "$RK_OUT"
(exec nsenter --net="/proc/$RK_WORLD_PID/ns/net" -- python3 -c 'import socket, time
s = socket.create_connection(("192.0.2.1", 7007)); s.send(b"x"); s.recv(1); print("ready", flush=True); time.sleep(60)') >"$T/client" &
client=$!
wait_for 5 grep -q ready "$T/client"
# the column tr: 02 is the timer of keepalive; 1B5F is 7007, 0007 is 7, in the namespace of the process
has_timer() { awk -v at="$2" '$'"$3"' ~ at "$" && $4 == "01" && $6 ~ /^02/ { n++ } END { exit !n }' "/proc/$1/net/tcp"; }
ok "the client's side, at once" has_timer $$ :1B5F 2
# the gateway's namespace is that of one of the agents
gateway_has_timer() { for agent in $(pgrep rs-nsagent); do has_timer "$agent" :0007 3 && return; done; return 1; }
fails "the server's side, not at once" gateway_has_timer
ok "but when it has lasted" wait_for 20 gateway_has_timer
kill $client
rk_stop
