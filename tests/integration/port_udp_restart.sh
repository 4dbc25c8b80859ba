# SPDX-License-Identifier: Apache-2.0
# port_udp_restart.sh - servers of UDP ports that come late, go, come back and move; clients that
# keep their port
# asan: yes
. "${0%/*}/lib.sh"
need userns tun

rk_start --net=slirp -p 0.0.0.0:7007:7/udp -p 0.0.0.0:7008:10.0.2.100:8/udp -- sleep 1000 || exit
ask() { in_world nsprobe ask -u -t 400 -p 5555 192.0.2.1 "$@" 2>&1; }
answers() { [ "$(ask "$1" hello)" = hello ]; }
# by one datagram
at_once() { [ "$(in_world nsprobe ask -u -t 5000 -p 5555 192.0.2.1 "$1" hello)" = hello ]; }
# serve ADDR PORT: in the child, in the background; its pid in SERVER
serve() {
	: >"$T/served"
	in_child nsprobe serve "udp-echo,$1,$2" >"$T/served" &
	SERVER=$!
	wait_for 3 grep -q ready "$T/served"
}
unserve() {
	kill "$(pgrep -f "udp-echo.$1.$2\$")"
	wait "$SERVER" 2>/dev/null
}

for port in 7 8; do
	like "port $port: nobody serves: silence, no refusal" "$(ask "700$port" x)" '*nothing came*'
	serve 0.0.0.0 $port
	ok "port $port: a server that comes late answers the next datagram" at_once "700$port"
	unserve 0.0.0.0 $port
	like "port $port: it is gone" "$(ask "700$port" x)" '*nothing came*'
	like "port $port: it is still gone" "$(ask "700$port" x)" '*nothing came*'
	serve 0.0.0.0 $port
	ok "port $port: it is back, and answers the same client at once" at_once "700$port"
	unserve 0.0.0.0 $port
done
serve 127.0.0.1 7
ok "it may come back on the loopback address" wait_for 2 answers 7007
like "which a port with a child address does not mean" "$(ask 7008 x)" '*nothing came*'
unserve 127.0.0.1 7
serve 10.0.2.100 7
ok "and go back to the child's own" wait_for 2 answers 7007
unserve 10.0.2.100 7
rk_stop
