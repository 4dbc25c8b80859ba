# SPDX-License-Identifier: Apache-2.0
# sandbox_calls.sh - the system calls of the processes at work are those of lib/sandbox/rules.c: none is
# missing there, none that is said to be needed is not made, and none that is denied is tried
# deadline: 120
. "${0%/*}/lib.sh"
need userns tun tool:strace tool:python3 tool:socat
rules=$RK_BUILD/lib/sandbox/make_filters
py="python3 $RK_SRC/tests/integration/net_accel.py"

# 16 datagrams at once (UDP_SEGMENT): from two on a socket asks for bundles
bundle='import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect(("192.0.2.2", 1007))
s.setsockopt(socket.IPPROTO_UDP, 103, 10)
s.send(b"0123456789" * 16)
print("ok" if s.recv(100) else "")'

# work RUNG: every kind of traffic, both ways, ends of all kinds
# shellcheck disable=SC2086 # two words
work() {
	for a in 192.0.2.2 2001:db8::2; do
		is "$1: TCP out, $a" "$(in_child nsprobe duplex $a 7 16777216 7)" ok
		is "$1: nobody listens, $a" "$(in_child nsprobe connect $a 999)" ECONNREFUSED
		like "$1: UDP out, $a" "$(in_child nsprobe ask -u $a 1007)" "* *"
		is "$1: DNS by TCP, $a" "$(in_child nsprobe dns --tcp 10.0.2.3 web.world.test)" 192.0.2.2
		is "$1: DNS by UDP, $a" "$(in_child nsprobe dns fd00::3 web.world.test)" 192.0.2.2
	done
	is "$1: many datagrams at once" "$(in_child python3 -c "$bundle")" ok
	like "$1: bulk" "$(in_child nsprobe recv 192.0.2.2 19 67108864 1)" "*ok*"
	is "$1: half-close" "$(in_child $py half 192.0.2.2)" 1000000
	is "$1: many" "$(in_child nsprobe many 192.0.2.2 7 200)" "200 alive"
	is "$1: a reset" "$(in_child $py resets 192.0.2.2)" ok
	is "$1: TCP in" "$(nsprobe duplex 127.0.0.1 7007 16777216 3)" ok
	is "$1: TCP in, not from loopback" "$(nsprobe duplex 192.0.2.1 7007 1000000 3)" ok
	is "$1: many in, more than a pool holds" "$(nsprobe many 127.0.0.1 7007 100)" "100 alive"
	like "$1: UDP in" "$(nsprobe ask -u 127.0.0.1 7008)" "* *"
	in_child ping -c1 -W1 192.0.2.2 >/dev/null 2>&1
	in_child ping -6 -c1 -W1 2001:db8::2 >/dev/null 2>&1
}
# api: what the parent does while the command runs
api() {
	id=$(as_user rootlessctl --socket "$STATE/api.sock" add-ports 127.0.0.1:7009:7/tcp) &&
		as_user rootlessctl --socket "$STATE/api.sock" list-ports >/dev/null &&
		as_user rootlessctl --socket "$STATE/api.sock" info >/dev/null &&
		as_user rootlessctl --socket "$STATE/api.sock" remove-ports "$id" >/dev/null &&
		echo 'nameserver 192.0.2.3' >>/etc/resolv.conf && cat "$T/resolv.conf" >/etc/resolv.conf
}
# follow ROLE PID: its calls go to $T/ROLE.trace until it ends. Each is two switches: on a busy machine
# both must not wait behind all others
follow() {
	renice -n -10 -p "$2" >"$T/renice" 2>&1
	nice -n -10 strace -qq -e raw=setsockopt -A -o "$T/$1.trace" -p "$2" 2>"$T/$1.strace" &
	tracers="$tracers $!"
	wait_for 5 sh -c "grep -q '^TracerPid:.[1-9]' /proc/$2/status"
}
# calls_of ROLE: those of the trace, each time
calls_of() {
	sed -nE 's/^(setsockopt)\([^,]*, ([^,]*), ([^,]*),.*/\1=\2=\3(/
		s/^([a-z0-9_=]+)\(.*/\1/p' "$T/$1.trace"
}

# shellcheck disable=SC2086 # two words
(exec nsenter --net="/proc/$RK_WORLD_PID/ns/net" -- $py serve 192.0.2.2) >"$T/world" 2>&1 &
server=$!
cp /etc/resolv.conf "$T/resolv.conf"
wait_for 5 sh -c "[ \$(grep -c ^ready $T/world) = 4 ]"
echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range
for rung in tproxy redirect off; do
	tracers=
	rk_start --net=slirp --accel=$rung --sandbox=require -p 0.0.0.0:7007:7/tcp -p 127.0.0.1:7008:1007/udp -- \
		nsprobe serve tcp-echo,0.0.0.0,7 udp-who,0.0.0.0,1007 || exit
	wait_for 5 sh -c "[ \$(grep -c ^ready $RK_OUT) = 2 ]"
	for role in relay slirp nursery; do follow $role "$(pgrep "rs-$role")"; done
	for pid in $(pgrep rs-nsagent); do follow nsagent "$pid"; done
	follow parent "$RK_PID"
	work $rung
	ok "$rung: ports come and go" api
	rk_stop
	is "$rung: no complaint" "$(cat "$RK_ERR")" ""
	# shellcheck disable=SC2086 # a list: each ends with its process, when all is written
	wait $tracers
	for role in relay slirp parent nursery; do
		# 143: of the command; 32: the parent went first
		grep -qE 'exit_group\((0|32|143)\)' "$T/$role.trace" || fail "$rung: $role ends well" "$(tail -n 5 "$T/$role.trace")"
	done
	for role in relay slirp nsagent nursery parent; do calls_of $role >>"$T/$role.calls"; done
	rm "$T"/*.trace
done

# a program of others carries the network, and dies once
chmod 755 "$T"
cp "${0%/*}/framepeer.py" "$T/vpnkit"
chmod 755 "$T/vpnkit"
again() { as_user rootlessctl --socket "$STATE/api.sock" info --json | tr -d ' \n' | grep -q '"vpnkit":{"state":"up","restarts":1'; }
rk_start --net=vpnkit --vpnkit-binary="$T/vpnkit" --sandbox=require -- sleep 1000 || exit
tracers=
follow parent "$RK_PID"
# what it does before its filter is there is not looked at
confined() { grep -q '^Seccomp:.2' "/proc/$(pgrep -x rs-frames)/status"; }
wait_for 5 confined
follow frames "$(pgrep rs-frames)"
is "vpnkit: TCP" "$(in_child nsprobe duplex 192.168.65.1 7 30000 3)" ok
kill -s KILL "$(pgrep -f "$T/vpnkit --ethernet")"
ok "vpnkit: a next life" wait_for 10 again
wait_for 5 confined
follow frames "$(pgrep rs-frames)"
is "vpnkit: TCP again" "$(in_child nsprobe duplex 192.168.65.1 7 30000 3)" ok
rk_stop
# shellcheck disable=SC2086 # a list
wait $tracers
for role in parent frames; do calls_of $role >>"$T/$role.calls"; done

# slirp4netns on its own: out, the resolver's file, ports that come and go, its end
mkdir "$T/ours"
ln -s "$RK_BIN/rootless-supervisor" "$T/ours/slirp4netns"
# shellcheck disable=SC2086,SC2154 # lists of words of lib.sh
(exec $rk_user $rk_env unshare --user --map-root-user --net nsprobe serve tcp-echo,0.0.0.0,80 udp-echo,0.0.0.0,81 >"$T/served") &
target=$!
inside() { as_user nsenter --user --net --preserve-credentials --target "$target" -- "$@"; }
wait_for 5 sh -c "[ \$(grep -c ^ready $T/served) = 2 ]"
mkfifo -m 666 "$T/exit"
: >"$T/ready"
# shellcheck disable=SC2086 # lists of words
(exec $rk_user $rk_env "$T/ours/slirp4netns" -c -r 7 -e 8 -a "$RK_RUN/s4n.sock" --enable-sandbox --enable-seccomp "$target" tap0 \
	7>"$T/ready" 8<"$T/exit" >"$T/s4n" 2>&1 </dev/null) &
s4n=$!
exec 5>"$T/exit"
wait_for 10 grep -q 1 "$T/ready"
tracers=
follow slirp4netns $s4n 5>&- # whose end it is
ask() { printf '{"execute":"%s"}' "$1" | as_user socat -t 5 - "UNIX-CONNECT:$RK_RUN/s4n.sock"; }
add() { ask "add_hostfwd\",\"arguments\":{\"proto\":\"$1\",\"host_port\":$2,\"guest_port\":$3},\"x\":\""; }
is "slirp4netns: a port" "$(add tcp 7001 80)" '{"return":{"id":1}}'
is "slirp4netns: another" "$(add udp 7002 81)" '{"return":{"id":2}}'
is "slirp4netns: TCP in" "$(nsprobe duplex 192.0.2.1 7001 300000 3)" ok
is "slirp4netns: UDP in" "$(nsprobe ask -u -t 3000 192.0.2.1 7002 hello)" hello
is "slirp4netns: TCP out" "$(inside nsprobe duplex 192.0.2.2 7 1000000 3)" ok
like "slirp4netns: UDP out" "$(inside nsprobe ask -u 192.0.2.2 1007)" "* *"
is "slirp4netns: DNS" "$(inside nsprobe dns 10.0.2.3 web.world.test)" 192.0.2.2
is "slirp4netns: nobody listens" "$(inside nsprobe connect 192.0.2.2 999)" ECONNREFUSED
echo "options edns0" >>/etc/resolv.conf
is "slirp4netns: DNS by another file" "$(inside nsprobe dns 10.0.2.3 web.world.test)" 192.0.2.2
cat "$T/resolv.conf" >/etc/resolv.conf
is "slirp4netns: a port goes" "$(ask 'remove_hostfwd","arguments":{"id":1},"x":"')" '{"return":{}}'
inside ping -c1 -W1 192.0.2.2 >/dev/null 2>&1
exec 5>&-
wait $s4n
is "slirp4netns: it ends well" "$?" 0
# shellcheck disable=SC2086 # a list
wait $tracers
calls_of slirp4netns >"$T/slirp4netns.calls"
rm "$RK_RUN/s4n.sock" # it stays, as the original's
kill $target $server
"$rules" list >"$T/rules"
for role in relay slirp nsagent frames slirp4netns; do
	sort -u "$T/$role.calls" >"$T/$role.used"
	awk -v r=$role '$1 == r && $2 != "errno" { print $3 }' "$T/rules" | sort -u >"$T/$role.listed"
	awk -v r=$role '$1 == r && $2 == "allow" { print $3 }' "$T/rules" | sort -u >"$T/$role.needed"
	is "$role: used, not listed" "$(comm -23 "$T/$role.used" "$T/$role.listed")" ""
	is "$role: listed as needed, not used" "$(comm -13 "$T/$role.used" "$T/$role.needed")" ""
done
# nursery and parent: a call that fails would be a part that does not work
for role in nursery parent; do
	sort -u "$T/$role.calls" >"$T/$role.used"
	awk -v r=$role '$1 == r { print $3 }' "$T/rules" | sort -u >"$T/$role.denied"
	ok "$role: they were seen" grep -q . "$T/$role.used"
	is "$role: denied, but tried" "$(comm -12 "$T/$role.used" "$T/$role.denied" | grep -vxE 'mmap|mprotect')" ""
done
