# SPDX-License-Identifier: Apache-2.0
# port_udp.sh - published UDP ports: who is answered, from which address, sizes, removal, errors
# asan: yes
. "${0%/*}/lib.sh"
need userns tun

ip address add 192.0.2.9/24 dev h0 # the host has more than one address
ip address add 2001:db8::9/64 dev h0 nodad
rk_start --net=slirp -p 0.0.0.0:7007:7/udp -p 127.0.0.1:7008:8/udp -p '[2001:db8::9]:7009:7/udp6' -- \
	nsprobe serve udp-echo,0.0.0.0,7 udp-echo,127.0.0.1,8 udp-echo,::,1007 udp-who,0.0.0.0,9 || exit
wait_for 5 sh -c "[ \$(grep -c ^ready $RK_OUT) = 4 ]"
ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
ask() { nsprobe ask -u -t 8000 "$@" 2>&1; }
world_ask() { in_world nsprobe ask -u -t 8000 "$@" 2>&1; }

# nsprobe connects its socket: an answer from another address than the one asked is not seen
for a in 127.0.0.1 127.0.0.5 192.0.2.1 192.0.2.9 ::1 2001:db8::1 2001:db8::9; do
	is "the answer of $a comes from there, on this machine" "$(ask $a 7007 "via $a")" "via $a"
done
for a in 192.0.2.1 192.0.2.9 2001:db8::1 2001:db8::9; do
	is "and elsewhere" "$(world_ask $a 7007 "via $a")" "via $a"
done
is "a server on the child's loopback only" "$(ask 127.0.0.1 7008 loop)" loop
is "a port of one address" "$(world_ask 2001:db8::9 7009 six)" six
like "is not on another" "$(world_ask 2001:db8::1 7009 six)" '*ECONNREFUSED*'
like "127.0.0.1 is only 127.0.0.1" "$(world_ask 192.0.2.1 7008 x)" '*ECONNREFUSED*'

big=$(head -c 65507 /dev/zero | tr '\0' x)
ok "an empty datagram, from here" nsprobe ask -u -t 8000 127.0.0.1 7007 ''
ok "an empty datagram, from elsewhere" in_world nsprobe ask -u -t 8000 192.0.2.9 7007 ''
is "65507 bytes, from here" "$(ask 127.0.0.1 7007 "$big")" "$big"
is "65507 bytes, from elsewhere" "$(world_ask 192.0.2.9 7007 "$big")" "$big"
is "65507 bytes over IPv6" "$(world_ask 2001:db8::1 7007 "$big")" "$big"
is "as the first of a client, to the second target" "$(ask 127.0.0.1 7008 "$big")" "$big"

is "add" "$(ctl add-ports 0.0.0.0:7100:9/udp4)" 4
answer=$(ask -p 5555 127.0.0.1 7100 x)
like "the child sees the gateway" "$answer" '10.0.2.2 *'
is "a client keeps its port there" "$(ask -p 5555 127.0.0.1 7100 x)" "$answer"
isnt "which no other client has" "$(ask -p 5556 127.0.0.1 7100 x)" "$answer"
is "remove" "$(ctl remove-ports 4)" 4
like "it is closed" "$(ask 127.0.0.1 7100 x)" '*ECONNREFUSED*'
is "and can be added again" "$(ctl add-ports 0.0.0.0:7100:9/udp4)" 5
like "and answers again" "$(ask -p 5555 127.0.0.1 7100 x)" '10.0.2.2 *'

fails "a time of silence of a TCP port" ctl add-ports --udp-idle=1 0.0.0.0:7101:9/tcp4
like "is refused" "$rk_said" '*invalid UDPIdle: tcp4 has none*'
fails "more than a day" ctl add-ports --udp-idle=86401 0.0.0.0:7101:9/udp4
like "is refused too" "$rk_said" '*--udp-idle is 0 to 86400 seconds*'
is "a port with a time of its own" "$(ctl add-ports --udp-idle=2 0.0.0.0:7101:9/udp4)" 6
stats() { ctl list-ports --json --stats | grep "\"id\":$1,"; }
like "it is listed" "$(stats 6)" '*"udpIdle":2*'
like "it answers" "$(ask -p 5557 127.0.0.1 7101 x)" '10.0.2.2 *'
like "and did for one client" "$(stats 6)" '*"accepted":1,*'
has_forgotten() { stats 6 | grep -q '"active":0,'; }
ok "who is forgotten soon" wait_for 10 has_forgotten
like "while others are not" "$(stats 5)" '*"active":1,*'

nsprobe serve udp-echo,0.0.0.0,7200 >"$T/taken" &
taken=$!
wait_for 2 grep -q ready "$T/taken"
fails "a port that the host uses" ctl add-ports 0.0.0.0:7200:7/udp4
like "says so in Go's words" "$rk_said" '*listen udp4 0.0.0.0:7200: bind: address already in use*'
kill $taken
fails "a privileged port" ctl add-ports 127.0.0.1:81:7/udp
like "says how to mend it" "$rk_said" \
	'*cannot expose privileged port 81*ip_unprivileged_port_start=81*: listen udp 127.0.0.1:81: bind: permission denied*'
fails "an address of the other family" ctl add-ports '[::1]:7201:7/udp4'
like "is not suitable" "$rk_said" '*address ::1: no suitable address found*'
fails "the same again" ctl add-ports 0.0.0.0:7100:9/udp4
like "conflicts" "$rk_said" '*conflict with ID 5*'

relay=$(pgrep -f 'rs-worker relay')
cpu() { awk '{ print $14 + $15 }' "/proc/$relay/stat"; }
before=$(cpu)
sleep 1
ok "open clients cost nothing while they are silent" [ $(($(cpu) - before)) -le 5 ]
rk_stop
is "the end" "$RK_STATUS" 143
like "the ports are free" "$(ask 127.0.0.1 7007 x)" '*ECONNREFUSED*'
