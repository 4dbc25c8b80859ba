# SPDX-License-Identifier: Apache-2.0
# net_gvproxy.sh - the protocol of gvproxy, spoken with framepeer.py: traffic, its death, refusals
# deadline: 60
. "${0%/*}/lib.sh"
need userns tun tool:python3
chmod 755 "$T"
PEER=$T/gvproxy
cp "${0%/*}/framepeer.py" "$PEER"
chmod 755 "$PEER"
: >"$T/log"
chmod 666 "$T/log"
RK_ENV="VPNKIT_LOG=$T/log GVPROXY_HALVES=1"
info() { as_user rootlessctl --socket "$STATE/api.sock" info --json | python3 -c "import json, sys; i = json.load(sys.stdin); print($1)"; }
restarts() { [ "$(info 'i["workers"]["gvproxy"]["restarts"]')" = "$1" ]; }
echoes() { [ "$(in_child nsprobe ask -t 8000 192.168.127.1 7 hello)" = hello ]; }

rk_start --net=gvisor-tap-vsock --gvproxy-binary="$PEER" --disable-host-loopback=false -p 127.0.0.1:7007:7/tcp -p 0.0.0.0:7107:2007/tcp -p 0.0.0.0:7107:2007/udp -- \
	nsprobe serve tcp-echo,0.0.0.0,7 tcp-who,0.0.0.0,2007 udp-who,0.0.0.0,2007 || exit
is "its arguments, and what it is asked" "$(head -n 3 "$T/log")" "called with -listen unix://$STATE/.gvproxy.sock -mtu 1500 -ssh-port -1
POST /connect HTTP/1.1
dhcp 1"
like "the address that its DHCP has told" "$(in_child ip -4 -o address show dev tap0)" '*inet 192.168.127.2/24 *'
like "the hardware address that it knows" "$(in_child ip -o link show dev tap0)" '*mtu 1500 *link/ether 5a:94:ef:e4:0c:ee *'
is "the gateway" "$(in_child ip route show default | cut -d' ' -f1-5)" "default via 192.168.127.1 dev tap0"
is "the name server" "$(in_child head -n 1 /etc/resolv.conf)" "nameserver 192.168.127.1"
ok "TCP" echoes
is "UDP" "$(in_child nsprobe ask -u 192.168.127.1 7 hello)" hello
is "a published port" "$(nsprobe duplex 127.0.0.1 7007 1000000 3)" ok
is "a server sees the client" "$(in_world nsprobe ask -t 5000 -b 192.0.2.3 192.0.2.1 7107 | cut -d' ' -f1)" 192.0.2.3
is "UDP: too" "$(in_world nsprobe ask -u -t 5000 -b 192.0.2.3 192.0.2.1 7107 x | cut -d' ' -f1)" 192.0.2.3
is "info" "$(info 'i["networkDriver"]')" "{'driver': 'gvisor-tap-vsock', 'dns': ['192.168.127.1'], 'childIP': '192.168.127.2'}"
kill -s KILL "$(pgrep -u "$RK_UID" -f "$PEER -listen")"
ok "killed, it is started again" wait_for 5 restarts 1
like "which is said" "$(cat "$RK_ERR")" "*warning: network: gvproxy was killed by signal 9 (Killed); its connections are lost, it is started again (death 1 of 5 in 60 s)"
ok "again: TCP" echoes
rk_stop
is "status" "$RK_STATUS" 143

refuse() { # WHAT PATTERN ARG...
	what=$1 pattern=$2
	shift 2
	rk_run --net=gvisor-tap-vsock "$@" true
	one_error_line "$what" "$RK_ERR" "$pattern"
	documented "$what is documented" "$RK_ERR"
}
refuse "a loopback that should be closed" "gvproxy opens the host's loopback" --gvproxy-binary="$PEER"
refuse "no such program" 'exec: "gvspaghetti": executable file not found in $PATH' --gvproxy-binary=gvspaghetti --disable-host-loopback=false
printf '#!/bin/sh\necho last words; exit 7\n' >"$T/other"
chmod 755 "$T/other"
refuse "one that ends at once" 'gvproxy exited with status 7: last words' --gvproxy-binary="$T/other" --disable-host-loopback=false

# the real one, which Debian has from 13 on. It closes both ways when one ends: no `nsprobe ask` by TCP
[ -x /usr/bin/gvproxy ] || exit 0
fetch() { in_child curl -s -m 5 --noproxy '*' "http://$1/"; }
fetched() { [ "$(fetch 192.0.2.2)" = "$page" ]; }
page=$(curl -s -m 5 --noproxy '*' http://192.0.2.2/)
rk_start --net=gvisor-tap-vsock --gvproxy-binary=/usr/bin/gvproxy --disable-host-loopback=false -p 127.0.0.1:7007:7/tcp -p 0.0.0.0:7107:2007/udp -- \
	nsprobe serve tcp-echo,0.0.0.0,7 udp-who,0.0.0.0,2007 || exit
isnt "the real one: a page" "$page" ""
is "the real one: TCP" "$(fetch 192.0.2.2)" "$page"
is "the real one: UDP" "$(in_child nsprobe ask -u -t 5000 192.0.2.2 7 hello)" hello
is "the real one: DNS" "$(in_child nsprobe dns 192.168.127.1 web.world.test)" 192.0.2.2
is "the real one: a refusal" "$(in_child nsprobe connect 192.0.2.2 4)" ECONNREFUSED
like "the real one: the address that its DHCP has told" "$(in_child ip -4 -o address show dev tap0)" '*inet 192.168.127.2/24 *'
is "the real one: a published port" "$(nsprobe duplex 127.0.0.1 7007 1000000 3)" ok
is "the real one: a server sees the client" "$(in_world nsprobe ask -u -t 5000 -b 192.0.2.3 192.0.2.1 7107 x | cut -d' ' -f1)" 192.0.2.3
kill -s KILL "$(pgrep -u "$RK_UID" -x gvproxy)"
ok "the real one: killed, it is started again" wait_for 5 restarts 1
ok "the real one: again: TCP" wait_for 5 fetched
rk_stop
is "the real one: status" "$RK_STATUS" 143
