# SPDX-License-Identifier: Apache-2.0
# net_slirp4netns.sh - the program slirp4netns as network: traffic, ports, its modes, its death, refusals
# deadline: 120
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3 file:/usr/bin/slirp4netns
S4N=/usr/bin/slirp4netns

ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
s4n() { pgrep -u "$RK_UID" -x slirp4netns; }
args() { tr '\0' ' ' <"/proc/$(s4n)/cmdline"; }
info() { ctl info --json | python3 -c "import json, sys; i = json.load(sys.stdin); print($1)"; }
tcp() { [ "$(nsprobe ask -t 8000 127.0.0.1 "$1" hello)" = hello ]; }
# with a closed host loopback slirp4netns answers no UDP client on it
udp() { [ "$(nsprobe ask -u -t 8000 192.0.2.1 "$1" hello)" = hello ]; }
restarts() { [ "$(info 'i["workers"]["slirp4netns"]["restarts"]')" = "$1" ]; }
out() { [ "$(in_child nsprobe ask -t 8000 192.0.2.2 7 hello)" = hello ]; }

rk_start --net=slirp4netns --slirp4netns-binary=$S4N --port-driver=slirp4netns -p 127.0.0.1:7001:7/tcp -p :7002:8/udp -- \
	nsprobe serve tcp-echo,0.0.0.0,7 udp-echo,0.0.0.0,8 || exit
child=$(cat "$STATE/child_pid")
is "its arguments" "$(args)" "$S4N --mtu 65520 -r 3 --disable-host-loopback --api-socket $STATE/.s4nn.sock --enable-ipv6 $child tap0 "
is "TCP out" "$(in_child nsprobe duplex 192.0.2.2 7 1000000 3)" ok
is "UDP out" "$(in_child nsprobe ask -u 192.0.2.2 7 hello)" hello
is "DNS" "$(in_child nsprobe dns 10.0.2.3 web.world.test)" 192.0.2.2
is "the resolver file" "$(in_child head -n 1 /etc/resolv.conf)" "nameserver 10.0.2.3"
ok "a TCP port" tcp 7001
ok "a UDP port" udp 7002
is "one more" "$(ctl add-ports 127.0.0.1:7003:7/tcp)" 3
ok "it is served" tcp 7003
is "and removed" "$(ctl remove-ports 3)" 3
is "it is free" "$(nsprobe connect 127.0.0.1 7003)" ECONNREFUSED
like "tcp6 is refused" "$(ctl add-ports '[::1]:7004:7/tcp6' 2>&1)" '*unsupported protocol "tcp6"*'
like "a time of silence is refused" "$(ctl add-ports --udp-idle=5 127.0.0.1:7004:7/udp 2>&1)" \
	'*slirp4netns has its own time of silence for UDP, and takes no other (udpIdle)'
like "an IPv6 child is refused" "$(ctl add-ports '127.0.0.1:7004:[::1]:7/tcp' 2>&1)" '*unsupported IP (v6?): ::1*'
spawn nsprobe serve tcp-echo,127.0.0.1,7004 >"$T/other"
other=$SPAWNED
wait_for 5 tcp 7004
like "a port that is taken says so" "$(ctl add-ports 127.0.0.1:7004:7/tcp 2>&1)" \
	'*reply.Error: map\[desc:bad request: add_hostfwd: slirp_add_hostfwd failed\]: listen tcp 127.0.0.1:7004: bind: address already in use*'
kill "$other"
is "info" "$(info 'i["networkDriver"]["driver"], i["portDriver"], "extra" in i["networkDriver"]')" \
	"slirp4netns {'driver': 'slirp4netns', 'protos': ['tcp', 'tcp4', 'udp', 'udp4'], 'disallowLoopbackChildIP': True, 'extra': {'specs': 'short'}} False"

# its death
old=$(s4n)
kill -s KILL "$old"
ok "killed, it is started again" wait_for 5 restarts 1
isnt "it is another" "$(s4n)" "$old"
like "which is said" "$(cat "$RK_ERR")" "*warning: network: slirp4netns was killed by signal 9 (Killed); its connections are lost, it is started again (death 1 of 5 in 60 s)"
ok "again: TCP out" out
ok "again: the TCP port" tcp 7001
ok "again: the UDP port" udp 7002
is "again: the removed one is free" "$(nsprobe connect 127.0.0.1 7003)" ECONNREFUSED
is "again: ports can be removed" "$(ctl remove-ports 1)" 1
is "again: it is free" "$(nsprobe connect 127.0.0.1 7001)" ECONNREFUSED

# it is stopped: what it has done with a request nobody knows, so it is ended, and gets what the table has
kill -s STOP "$(s4n)"
ctl add-ports 127.0.0.1:7005:7/tcp >"$T/said" 2>&1
like "stopped, adding a port fails" "$(cat "$T/said")" "*asking slirp4netns at '$STATE/.s4nn.sock': Connection timed out*"
ok "it is started again" wait_for 10 restarts 2
ok "another port can be added" wait_for 5 ctl add-ports 127.0.0.1:7006:7/tcp
ok "and is served" tcp 7006
is "the one that failed is free" "$(nsprobe connect 127.0.0.1 7005)" ECONNREFUSED
kill -s STOP "$(s4n)"
ok "stopped, a port is removed" ctl remove-ports "$(ctl list-ports --json | sed -n 's/.*"id":\([0-9]*\),.*7006.*/\1/p')"
ok "and it is started again" wait_for 10 restarts 3
is "without that port" "$(nsprobe connect 127.0.0.1 7006)" ECONNREFUSED
ok "with the others" wait_for 5 udp 7002
rk_stop
is "status" "$RK_STATUS" 143

# modes; ports of our own in front of it
rk_start --net=slirp4netns --slirp4netns-binary=$S4N --slirp4netns-sandbox=auto --slirp4netns-seccomp=auto --cidr=10.9.8.0/24 --mtu=1500 \
	--ipv6=false --ifname=eth7 --disable-host-loopback=false -p 127.0.0.1:7001:7/tcp -- nsprobe serve tcp-echo,127.0.0.1,7 || exit
is "the arguments of modes" "$(args)" "$S4N --mtu 1500 -r 3 --cidr 10.9.8.0/24 --enable-sandbox --enable-seccomp $(cat "$STATE/child_pid") eth7 "
is "sandboxed: TCP out" "$(in_child nsprobe duplex 192.0.2.2 7 1000000 3)" ok
is "sandboxed: DNS" "$(in_child nsprobe dns 10.9.8.3 web.world.test)" 192.0.2.2
ok "builtin: a port" tcp 7001
is "and nothing that needs a gateway" "$(info '"disallowLoopbackChildIP" in i["portDriver"]')" False
kill -s KILL "$RK_PID" # it has lost the death signal: child or nursery ends it
ok "the sandboxed one does not outlive a killed parent" wait_for 5 sh -c "! pgrep -u $RK_UID -x slirp4netns"
rk_wait
ok "nor does the rest" wait_for 5 sh -c "! pgrep -u $RK_UID ."

rk_start --net=slirp4netns --slirp4netns-binary=$S4N --slirp4netns-sandbox=auto --detach-netns --on-worker-crash=exit --copy-up=/etc --copy-up=/run -- sleep 1000 || exit
child=$(cat "$STATE/child_pid")
is "detached: the arguments" "$(args)" \
	"$S4N --mtu 65520 -r 3 --disable-host-loopback --enable-ipv6 --userns-path=/proc/$child/ns/user --netns-type=path /proc/$child/root$STATE/netns tap0 "
is "detached: TCP out" "$(as_user nsenter --user --mount --preserve-credentials --target "$child" nsenter "--net=$STATE/netns" -- nsprobe duplex 192.0.2.2 7 1000000 3)" ok
kill -s KILL "$(s4n)"
rk_wait
is "--on-worker-crash=exit" "$RK_STATUS" 125
one_error_line "its death is the end" "$RK_ERR" "slirp4netns was killed by signal 9 (Killed); stopping the command"

# what cannot work is said before anything is made
refuse() { # WHAT PATTERN ARG...
	what=$1 pattern=$2
	shift 2
	rk_run --net=slirp4netns "$@" true
	one_error_line "$what" "$RK_ERR" "$pattern"
	documented "$what is documented" "$RK_ERR"
}
program() { printf '#!/bin/sh\n%s\n' "$1" >"$T/s4n"; chmod 755 "$T/s4n"; }
chmod 755 "$T"
refuse "no such program" 'exec: "s5n": executable file not found in $PATH' --slirp4netns-binary=s5n
program 'echo usage; exit 3'
refuse "one that fails" "command \"$T/s4n --help\" failed, make sure slirp4netns v0.4.0+ is installed: \"usage*\": exit status 3" --slirp4netns-binary="$T/s4n"
program 'echo usage'
refuse "an old one" "slirp4netns seems older than v0.4.0" --slirp4netns-binary="$T/s4n"
program 'echo --netns-type'
refuse "one without IPv6" "this version of slirp4netns does not support --enable-ipv6" --slirp4netns-binary="$T/s4n"
refuse "one without a sandbox" "this version of slirp4netns does not support --enable-sandbox" --slirp4netns-binary="$T/s4n" --ipv6=false \
	--disable-host-loopback=false --slirp4netns-sandbox=true
program 'case $1 in --help) echo "--netns-type --enable-ipv6 --disable-host-loopback";; *) echo "last words"; exit 7;; esac'
refuse "one that ends at once" "slirp4netns exited with status 7: last words" --slirp4netns-binary="$T/s4n"
