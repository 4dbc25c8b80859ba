# SPDX-License-Identifier: Apache-2.0
# port_tcp.sh - published TCP ports: at start and by the API, transfers, many at once, removal
# deadline: 120
# asan: yes
. "${0%/*}/lib.sh"
need userns tun
MB64=67108864

rk_start --net=slirp -p 127.0.0.1:7007:7/tcp -p 0.0.0.0:7009:9/tcp -p :7019:19/tcp -- \
	nsprobe serve tcp-echo,0.0.0.0,7 tcp-sink,127.0.0.1,9 tcp-source,10.0.2.100,19,$MB64:1 tcp-who,::,1007 || exit
wait_for 5 sh -c "[ \$(grep -c ^ready $RK_OUT) = 4 ]"
ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }

is "64 MB in, to a server on the child's loopback" "$(nsprobe send 127.0.0.1 7009 $MB64 5)" ok
is "64 MB out, from one on the child's address" "$(nsprobe recv 127.0.0.1 7019 $MB64 1)" ok
is "64 MB both ways at once" "$(nsprobe duplex 127.0.0.1 7007 $MB64 7)" ok
is "500 connections at once" "$(nsprobe many 127.0.0.1 7007 500)" "500 alive"
is "from another machine" "$(in_world nsprobe send 192.0.2.1 7009 1000000 5)" ok
is "an empty parent address is both families" "$(in_world nsprobe recv 2001:db8::1 7019 $MB64 1)" ok
is "127.0.0.1 is only 127.0.0.1" "$(in_world nsprobe connect 192.0.2.1 7007)" ECONNREFUSED

is "add" "$(ctl add-ports 0.0.0.0:7107:1007/tcp4)" 4
like "it answers" "$(in_world nsprobe ask 192.0.2.1 7107)" '* *'
is "list" "$(ctl list-ports --json | sed 's/.*"id":\([0-9]*\).*"parentPort":\([0-9]*\).*/\1 \2/' | tr '\n' ,)" "1 7007,2 7009,3 7019,4 7107,"
is "remove" "$(ctl remove-ports 4)" 4
is "it is closed at once" "$(in_world nsprobe connect 192.0.2.1 7107)" ECONNREFUSED
is "and can be added again, under a new id" "$(ctl add-ports 0.0.0.0:7107:1007/tcp4)" 5
fails "the same again" ctl add-ports 0.0.0.0:7107:1007/tcp4
like "conflicts" "$rk_said" '*conflict with ID 5*'

nsprobe serve tcp-who,0.0.0.0,7200 >"$T/taken" &
taken=$!
wait_for 2 grep -q ready "$T/taken"
fails "a port that the host uses" ctl add-ports 0.0.0.0:7200:1007/tcp
like "says so in Go's words" "$rk_said" '*bind: address already in use*'
kill $taken
fails "a privileged port" ctl add-ports 0.0.0.0:81:1007/tcp
like "says how to mend it" "$rk_said" '*cannot expose privileged port 81*ip_unprivileged_port_start=81*'

is "nobody in the child listens: a reset, not silence" "$(ctl add-ports 127.0.0.1:7300:4444/tcp)" 6
like "it ends at once" "$(nsprobe ask -t 8000 127.0.0.1 7300 x 2>&1)" '*'
rk_stop
is "the end" "$RK_STATUS" 143
is "the ports are free" "$(nsprobe connect 127.0.0.1 7007)" ECONNREFUSED
