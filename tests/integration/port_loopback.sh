# SPDX-License-Identifier: Apache-2.0
# port_loopback.sh - --port-loopback=no: servers on the child's loopback only are not reached by published ports
. "${0%/*}/lib.sh"
need userns tun
SERVERS='tcp-echo,127.0.0.1,7 udp-echo,127.0.0.1,7 tcp-echo,0.0.0.0,8 udp-echo,0.0.0.0,8 tcp-echo,::1,9'
PORTS='-p 127.0.0.1:7007-7009:7-9 -p 127.0.0.1:7007-7008:7-8/udp -p 127.0.0.1:7107:127.0.0.1:7 -p [::1]:7109:9/tcp6'
# the answer, or nothing; silence is waited for where it is meant
answer() { nsprobe ask -t "$limit_ms" "$@" 2>/dev/null; }

for mode in yes no; do
	# shellcheck disable=SC2086 # lists of words
	rk_start --net=slirp --ipv6 --port-loopback=$mode $PORTS -- nsprobe serve $SERVERS || exit
	wait_for 5 sh -c "[ \$(grep -c ^ready $RK_OUT) = 5 ]"
	only='' limit_ms=700
	[ $mode = no ] || only=private limit_ms=5000
	is "$mode: a server on 127.0.0.1" "$(answer 127.0.0.1 7007 private)" "$only"
	is "$mode: of UDP" "$(answer -u 127.0.0.1 7007 private)" "$only"
	is "$mode: when it is asked for" "$(answer 127.0.0.1 7107 private)" "$only"
	is "$mode: a server on ::1" "$(answer ::1 7109 private)" "$only"
	limit_ms=5000
	is "$mode: a server on every address" "$(answer 127.0.0.1 7008 open)" open
	is "$mode: of UDP" "$(answer -u 127.0.0.1 7008 open)" open
	rk_stop
done
