# SPDX-License-Identifier: Apache-2.0
# port_specs.sh - Docker's short forms, ranges and any free port; under rootlesskit's name upstream's rules alone
. "${0%/*}/lib.sh"
need userns tun tool:python3

ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
# the spec of a port as JSON
spec() { ctl list-ports --json | sed -n "s/^{\"id\":$1,\"spec\":\(.*\)}\$/\1/p"; }
parent_port() { spec "$1" | sed 's/.*"parentPort":\([0-9]*\).*/\1/'; }

rk_start --net=slirp -p 7007:7 -p 8000-8099:80-179 -p 127.0.0.1::7/udp,7 -p 8000-8099:80-179/udp -- \
	nsprobe serve tcp-echo,0.0.0.0,7 udp-echo,0.0.0.0,7 tcp-echo,0.0.0.0,80 tcp-echo,127.0.0.1,179 udp-echo,0.0.0.0,80 \
	udp-echo,0.0.0.0,179 || exit
wait_for 5 sh -c "[ \$(grep -c ^ready $RK_OUT) = 6 ]"
is "PORT:PORT is tcp on every address" "$(spec 1) $(nsprobe ask 127.0.0.1 7007 short)" '{"proto":"tcp","parentPort":7007,"childPort":7} short'
is "a range is one object" "$(spec 2)" '{"proto":"tcp","parentPort":8000,"childPort":80,"count":100}'
is "its first port" "$(nsprobe ask 127.0.0.1 8000 first)" first
is "its last port" "$(nsprobe ask 127.0.0.1 8099 last)" last
is "no more" "$(nsprobe connect 127.0.0.1 8100)" ECONNREFUSED
is "any free port of UDP" "$(nsprobe ask -u 127.0.0.1 "$(parent_port 3)" found)" found
is "any free port of TCP" "$(in_world nsprobe ask 192.0.2.1 "$(parent_port 4)" found)" found
# what tells the flows of one client apart is the port of the range
is "a range of UDP, from one socket" "$(python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
for port in 8000, 8099, 8000:
    s.sendto(b"to %d" % port, ("127.0.0.1", port))
    print(s.recvfrom(99), end=";")')" "(b'to 8000', ('127.0.0.1', 8000));(b'to 8099', ('127.0.0.1', 8099));(b'to 8000', ('127.0.0.1', 8000));"
like "list-ports shows it" "$(ctl list-ports)" '*
2     tcp                   8000-8099                80-179 *'
is "what it has seen is one sum" "$(ctl list-ports --stats --json | sed -n 's/^{"id":2,.*"accepted":\([0-9]*\),.*/\1/p')" 2

is "rootlessctl reads them" "$(ctl add-ports 7008:7 9000-9001:7-8 127.0.0.1:0:7/tcp4 | tr '\n' ' ')" "6 7 8 "
is "as they are" "$(spec 7)" '{"proto":"tcp","parentPort":9000,"childPort":7,"count":2}'
is "its answer has the free port" "$(ctl add-ports --json 7 | sed 's/"parentPort":[1-9][0-9]*/"parentPort":N/')" \
	'{"id":9,"spec":{"proto":"tcp","parentPort":N,"childPort":7}}'
is "and serves" "$(nsprobe ask 127.0.0.1 "$(parent_port 8)" found)" found
is "the first of some that is free" "$(ctl add-ports --json 8050-9010:7)" '{"id":10,"spec":{"proto":"tcp","parentPort":8100,"childPort":7}}'
is "leads to the one port" "$(nsprobe ask 127.0.0.1 8100 any)" any
is "or UDP's" "$(ctl add-ports --json 127.0.0.1:8098-8100:7/udp4 | sed 's/.*parentPort":\([0-9]*\).*/\1/')" 8100
fails "none of them is free" ctl add-ports 8000-8050:7
like "says which was the last" "$rk_said" '*listen tcp :8050: bind: address already in use*'
fails "ranges that overlap" ctl add-ports 8099:7
like "conflict" "$rk_said" '*conflict with ID 2*'
fails "a range of which one is taken" ctl add-ports 7006-7008:6-8/tcp4
like "says which" "$rk_said" '*listen tcp4 :7007: bind: address already in use*'
is "and takes none" "$(nsprobe connect 127.0.0.1 7006)" ECONNREFUSED
fails "more than there is room for" ctl add-ports 10000-20000:10000-20000
like "is said" "$rk_said" '*no room for so many ports: at most 4096*'
is "a range goes whole" "$(ctl remove-ports 2)$(nsprobe connect 127.0.0.1 8000)$(nsprobe connect 127.0.0.1 8050)" 2ECONNREFUSEDECONNREFUSED
is "and can come again" "$(ctl add-ports 8000-8099:80-179)$(nsprobe ask 127.0.0.1 8099 again)" 12again
fails "what is no spec" ctl add-ports 80:x
rk_stop

RK_NAME=rootlesskit
rk_start --net=slirp4netns --port-driver=builtin -p 127.0.0.1:7007:7/tcp -- nsprobe serve tcp-echo,0.0.0.0,7 || exit
fails "rootlesskit: a short form" ctl add-ports 8080
like "upstream's words" "$rk_said" 'error: missing proto in PortSpec string: "8080"'
rk_run --net=slirp4netns --port-driver=builtin -p 8080:80/tcp -- true
like "and at the start" "$(cat "$RK_ERR")" '*unexpected ParentIP in PortSpec string: "8080:80/tcp"*'
rk_stop
