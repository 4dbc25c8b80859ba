# SPDX-License-Identifier: Apache-2.0
# port_systemd.sh - sockets that systemd passes are published ports when they are named, the others are the command's
. "${0%/*}/lib.sh"
need userns tun tool:python3
HOLDER=$T/holder
install -m 666 /dev/null "$HOLDER"
install -m 755 "$RK_SRC/tests/integration/port_systemd.py" "$T/systemd"
RK_NAME=$T/systemd
passing() { RK_ENV="HOLDER=$HOLDER NAMES=$1"; }
let_go() { kill "$(cat "$HOLDER")"; }
served() { wait_for 5 sh -c "[ \$(grep -c ^ready $RK_OUT) = $1 ]"; }

passing first=unix/web=tcp4,127.0.0.1,7001/web=tcp6,::1,7001/last=tcp4,127.0.0.1,7009/dns=udp4,127.0.0.1,7053/all=both,::,7002
rk_start --net=slirp -p @web:80 -p 127.0.0.1:7003:80,@dns:10.0.2.100:53,@all:81 -- sh -c \
	'echo "has $LISTEN_FDS $LISTEN_FDNAMES $(($LISTEN_PID == $$)) $(readlink /proc/self/fd/4 | cut -d: -f1)"
	exec nsprobe serve tcp-echo,0.0.0.0,80 udp-echo,10.0.2.100,53 tcp-echo,127.0.0.1,81' || exit
served 3
is "the others are the command's, in their order" "$(grep ^has "$RK_OUT")" "has 2 first:last 1 socket"
ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
is "the named ones are ports" "$(ctl list-ports --json | sed 's/,"parentPort":7002/,"parentIP":"every"&/; s/.*"proto":"\([^"]*\)","parentIP":"\([^"]*\)","parentPort":\([0-9]*\).*/\1 \2 \3/' | tr '\n' ,)" \
	"tcp 127.0.0.1 7003,tcp4 127.0.0.1 7001,tcp6 ::1 7001,udp4 127.0.0.1 7053,tcp every 7002,"
is "TCP" "$(nsprobe ask 127.0.0.1 7001 four)" four
is "of the same name, IPv6" "$(nsprobe ask ::1 7001 six)" six
is "UDP" "$(nsprobe ask -u 127.0.0.1 7053 datagram)" datagram
is "of both families" "$(nsprobe ask 127.0.0.1 7002 four)$(in_world nsprobe ask 2001:db8::1 7002 six)" foursix
kill -s KILL "$(pgrep -f 'rs-worker relay')"
is "they outlive a relay" "$(nsprobe ask -t 10000 127.0.0.1 7001 four)" four
is "one can be taken back" "$(ctl remove-ports 2)" 2
is "and systemd still listens" "$(nsprobe connect 127.0.0.1 7001)" ok
rk_stop
is "so it does in the end" "$(nsprobe connect 127.0.0.1 7002)" ok
let_go

passing web=tcp4,127.0.0.1,7001
rk_run --net=slirp -p @web:80 -- sh -c 'echo "${LISTEN_FDS-none} ${LISTEN_FDNAMES-none} ${LISTEN_PID-none} $(ls /proc/self/fd | wc -l)"'
is "nothing is left for the command" "$(cat "$RK_OUT")" "none none none 4"
let_go
# refused NAMES SPEC WORDS
refused() {
	passing "$1"
	rk_run --net=slirp -p "$2" -- true
	like "$2: $RK_STATUS" "$(cat "$RK_ERR")" "*$3*"
	let_go
}
refused 'web=tcp4,127.0.0.1,7001' @other:80 "systemd has not passed a socket 'other' (there are 1 in all): set FileDescriptorName=other"
passing 'web=tcp4,127.0.0.1,7001'
RK_ENV="$RK_ENV PID=1"
rk_run --net=slirp -p @web:80 -- true
like "sockets for another process are not ours" "$(cat "$RK_ERR")" "*(there are 0 in all, LISTEN_PID names another process)*"
documented "which is documented" "$RK_ERR"
let_go
refused 'web=unix' @web:80 "the socket 'web' of systemd is no listening TCP or bound UDP socket"
refused 'web=tcp4,127.0.0.1,7001' @web "a socket of systemd is published by @NAME:"
refused 'web=tcp4,127.0.0.1,7001' @web:80-90 "a socket of systemd is published by @NAME:"
