# SPDX-License-Identifier: Apache-2.0
# net_vpnkit.sh - the protocol of vpnkit, spoken with framepeer.py: traffic, ports, its death, refusals
# deadline: 90
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3
chmod 755 "$T"
PEER=$T/vpnkit
cp "${0%/*}/framepeer.py" "$PEER"
chmod 755 "$PEER"
: >"$T/log"
chmod 666 "$T/log"
RK_ENV="VPNKIT_LOG=$T/log"
info() { as_user rootlessctl --socket "$STATE/api.sock" info --json | python3 -c "import json, sys; i = json.load(sys.stdin); print($1)"; }
restarts() { [ "$(info 'i["workers"]["vpnkit"]["restarts"]')" = "$1" ]; }
vpnkit() { pgrep -u "$RK_UID" -f "$PEER --ethernet"; }
echoes() { [ "$(in_child nsprobe ask -t 8000 192.168.65.1 7 hello)" = hello ]; }

rk_start --net=vpnkit --vpnkit-binary="$PEER" -p 127.0.0.1:7007:7/tcp -p 0.0.0.0:7107:2007/tcp -p 0.0.0.0:7107:2007/udp -- \
	nsprobe serve tcp-echo,0.0.0.0,7 tcp-who,0.0.0.0,2007 udp-who,0.0.0.0,2007 || exit
is "its arguments" "$(head -n 1 "$T/log")" "called with --ethernet $STATE/vpnkit-ethernet.sock --mtu 1500 --host-ip 0.0.0.0"
like "an interface is asked for" "$(cat "$T/log")" '*interface 1 ????????-????-4???-a???-???????????? 0.0.0.0*dhcp 1*'
like "the address that vpnkit's DHCP has told" "$(in_child ip -4 -o address show dev tap0)" '*inet 192.168.65.3/24 *'
like "and the hardware address" "$(in_child ip -o link show dev tap0)" '*mtu 1500 *link/ether 02:50:00:00:00:01 *'
is "the gateway" "$(in_child ip route show default | cut -d' ' -f1-5)" "default via 192.168.65.1 dev tap0"
is "the name server" "$(in_child head -n 1 /etc/resolv.conf)" "nameserver 192.168.65.1"
ok "ping" in_child busybox ping -c 1 -W 5 192.168.65.1
ok "TCP" echoes
# less than a window: the peer repeats nothing
is "TCP, 30 kB both ways" "$(in_child nsprobe duplex 192.168.65.1 7 30000 3)" ok
is "UDP" "$(in_child nsprobe ask -u 192.168.65.1 7 hello)" hello
is "a closed port" "$(in_child nsprobe connect 192.168.65.1 8)" ECONNREFUSED
is "a published port" "$(nsprobe duplex 127.0.0.1 7007 1000000 3)" ok
is "a server sees the client" "$(in_world nsprobe ask -t 5000 -b 192.0.2.3 192.0.2.1 7107 | cut -d' ' -f1)" 192.0.2.3
is "UDP: too" "$(in_world nsprobe ask -u -t 5000 -b 192.0.2.3 192.0.2.1 7107 x | cut -d' ' -f1)" 192.0.2.3
is "info" "$(info 'i["networkDriver"]')" "{'driver': 'vpnkit', 'dns': ['192.168.65.1'], 'childIP': '192.168.65.3'}"

kill -s KILL "$(vpnkit)"
ok "killed, it is started again" wait_for 5 restarts 1
like "which is said" "$(cat "$RK_ERR")" "*warning: network: vpnkit was killed by signal 9 (Killed); its connections are lost, it is started again (death 1 of 5 in 60 s)"
like "the same address is asked for" "$(tail -n 1 "$T/log")" 'interface 8 * 192.168.65.3'
ok "again: TCP" echoes
frames=$(pgrep -u "$RK_UID" rs-frames)
is "it has no rights" "$(sed -n 's/^CapEff:.0*$/none/p; s/^NoNewPrivs:.//p' "/proc/$frames/status" | tr '\n' ' ')" "none 1 "
kill -s KILL "$frames"
ok "the process that carries frames, killed, as well" wait_for 5 restarts 2
like "which is said, too" "$(cat "$RK_ERR")" "*the process that carries frames was killed by signal 9; its connections are lost*"
ok "again: TCP" echoes
rk_stop
is "status" "$RK_STATUS" 143

rk_start --net=vpnkit --vpnkit-binary="$PEER" --detach-netns --disable-host-loopback=false --mtu=1400 --ifname=eth7 --on-worker-crash=exit -- sleep 1000 || exit
like "other arguments" "$(cat "$T/log")" "*vpnkit-ethernet.sock --mtu 1400
interface 1 *"
is "detached" "$(as_user nsenter --user --mount --preserve-credentials --target "$(cat "$STATE/child_pid")" nsenter "--net=$STATE/netns" -- nsprobe ask -u 192.168.65.1 7 hello)" hello
kill -s KILL "$(vpnkit)"
rk_wait
is "--on-worker-crash=exit" "$RK_STATUS" 125
one_error_line "its death is the end" "$RK_ERR" "vpnkit was killed by signal 9 (Killed); stopping the command"

refuse() { # WHAT PATTERN ARG...
	what=$1 pattern=$2
	shift 2
	rk_run --net=vpnkit "$@" true
	one_error_line "$what" "$RK_ERR" "$pattern"
	documented "$what is documented" "$RK_ERR"
}
program() { printf '#!/bin/sh\n%s\n' "$1" >"$T/other"; chmod 755 "$T/other"; }
refuse "no such program" 'exec: "vpnkit": executable file not found in $PATH'
program 'echo last words; exit 7'
refuse "one that ends at once" 'vpnkit exited with status 7: last words' --vpnkit-binary="$T/other"
cat >"$T/other" <<'EOT'
#!/usr/bin/python3
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[2])
s.listen()
s.accept()[0].close()  # what was said to it is not read: a reset
os.write(2, b"last words\n")
os._exit(7)
EOT
refuse "one that hangs up and ends" 'vpnkit exited with status 7: last words' --vpnkit-binary="$T/other"
RK_ENV="VPNKIT_REFUSE=no-more-addresses"
refuse "an interface is refused" 'vpnkit refuses an interface: no-more-addresses' --vpnkit-binary="$PEER"
RK_ENV="VPNKIT_VERSION=21"
refuse "another version" 'vpnkit speaks version 21 of its protocol, not 22' --vpnkit-binary="$PEER"
RK_ENV="VPNKIT_VERSION=-1"
refuse "another protocol" "the program of --vpnkit-binary does not speak vpnkit's protocol" --vpnkit-binary="$PEER"
RK_ENV="VPNKIT_SLOW=0.7"
rk_run --net=vpnkit --vpnkit-binary="$PEER" true
is "one that is slow to listen is waited for" "$RK_STATUS" 0
