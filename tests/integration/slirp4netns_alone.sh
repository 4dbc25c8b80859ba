# SPDX-License-Identifier: Apache-2.0
# slirp4netns_alone.sh - the name slirp4netns on its own: the same use of Debian's program and of ours has the
# same outcome, and a RootlessKit of Debian works with ours
# deadline: 90
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3 tool:strace tool:prlimit file:/usr/bin/slirp4netns file:/usr/bin/rootlesskit
mkdir "$T/ours"
ln -s "$RK_BIN/rootless-supervisor" "$T/ours/slirp4netns"
chmod 755 "$T" "$T/ours"
REAL=/usr/bin/slirp4netns OURS=$T/ours/slirp4netns
api=$RK_RUN/s4n.sock

# target: a sleeping process in new namespaces of the user, TARGET
# shellcheck disable=SC2086,SC2154 # lists of words of lib.sh
target() {
	(exec $rk_user $rk_env unshare --user --map-root-user --net sleep 1000) &
	TARGET=$!
	wait_for 5 sh -c "grep -q . /proc/$TARGET/uid_map && grep -qx sleep /proc/$TARGET/comm"
}
inside() { as_user nsenter --user --net --preserve-credentials --target "$TARGET" -- "$@"; }
# s4n PROGRAM ARG...: in the background until unplug; ready when this returns
# shellcheck disable=SC2086 # lists of words
s4n() {
	rm -f "$T/exit"; mkfifo -m 666 "$T/exit"
	sleep 1000 >"$T/exit" &
	PLUG=$!
	: >"$T/s4nready"
	(exec $rk_user $rk_env "$@" 7>"$T/s4nready" 8<"$T/exit" >"$T/s4nout" 2>"$T/s4nerr" </dev/null) &
	S4N=$!
	wait_for 10 sh -c "grep -qs 1 $T/s4nready || ! kill -0 $S4N"
}
unplug() {
	kill "$PLUG"
	wait "$PLUG" 2>/dev/null
	wait_for 10 is_gone "$S4N" || kill -s KILL "$S4N"
	wait "$S4N"
	echo "status $?"
}
once() { awk '!/^WARNING/ || !seen[$0]++'; }
# the words, without numbers that are the run's and what only the one or the other says
words() {
	# its fork prints once more what is in the buffer of stdout
	sed -E "s/tapfd=[0-9]+/tapfd=N/; s|$1|PROGRAM|g
		/^apifd event|^seccomp: The following|^api_handler: too large|^api_handler: rc=/d" "$T/s4nout" "$T/s4nerr" | once
}
cat >"$T/api.py" <<'EOF'
import socket, sys
for request in sys.argv[2:]:
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.sendall(request.encode())
    s.shutdown(socket.SHUT_WR)
    print(s.makefile().read())
EOF
cat >"$T/dhcp.py" <<'EOF'
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"tap9")
s.bind(("0.0.0.0", 68))
s.settimeout(5)
s.sendto(struct.pack("!BBBBIHH16x16s192x", 1, 1, 6, 0, 7, 0, 0x8000, bytes.fromhex("02005e005302"))
         + bytes([99, 130, 83, 99, 53, 1, 1, 255]) + bytes(60), ("255.255.255.255", 67))
b = s.recv(2000)
print("offered", socket.inet_ntoa(b[16:20]), "by", socket.inet_ntoa(b[20:24]))
EOF
ask() { as_user python3 "$T/api.py" "$api" "$@"; }
add() { echo "{\"execute\":\"add_hostfwd\",\"arguments\":{$1}}"; }
tcp() { [ "$(nsprobe ask -t 8000 192.0.2.1 7001 hello)" = hello ]; }

# use PROGRAM: all that is asked of both, said on stdout
use() {
	program=$1
	target
	s4n "$program" -c -r 7 -e 8 -m 1400 -a "$api" --disable-host-loopback \
		--macaddress=02:00:5e:00:53:01 --enable-sandbox --enable-seccomp "$TARGET" tap0
	echo "ready $(cat "$T/s4nready")"
	inside ip -oneline -4 address show tap0 | sed 's/ *valid_lft.*//'
	inside ip route
	inside ip -oneline link show tap0 | grep -oE 'mtu [0-9]+|ether [0-9a-f:]+'
	echo "TCP $(inside nsprobe duplex 192.0.2.2 7 300000 3)"
	echo "UDP $(inside nsprobe ask -u 192.0.2.2 7 hello)"
	echo "DNS $(inside nsprobe dns 10.0.2.3 web.world.test)"
	echo "DNS by TCP $(inside nsprobe dns --tcp 10.0.2.3 web.world.test)"
	echo "refused $(inside nsprobe connect 192.0.2.2 999)"
	echo "loopback $(inside nsprobe connect 10.0.2.2 7009 | sed 's/ENETUNREACH\|ECONNREFUSED/closed/')"
	: >"$T/served" # that of the other program says ready
	# shellcheck disable=SC2086 # lists of words
	(exec $rk_user $rk_env nsenter --user --net --preserve-credentials --target "$TARGET" -- nsprobe serve tcp-echo,0.0.0.0,80 udp-echo,0.0.0.0,81 >"$T/served") &
	served=$!
	wait_for 5 sh -c "[ \$(grep -c ^ready $T/served) = 2 ]"
	ask "$(add '"proto":"tcp","host_addr":"192.0.2.1","host_port":7001,"guest_port":80')" \
		"$(add '"proto":"udp","host_addr":"","host_port":7002,"guest_addr":"10.0.2.100","guest_port":81')" \
		"$(add '"proto":"tcp","host_addr":"192.0.2.1","host_port":7001,"guest_port":80')" '{"execute":"list_hostfwd"}' \
		"$(add '"proto":"sctp","host_port":1,"guest_port":1')" "$(add '"proto":"tcp","host_addr":"x","host_port":7003,"guest_port":1')" \
		"$(add '"proto":"tcp","host_port":"x","guest_port":1')" "$(add '"proto":"tcp","host_port":7003,"guest_addr":"x","guest_port":1')" \
		"$(add '"proto":"tcp","host_port":7003')" '{"execute":"x"}' '{"x":1}' '[]' '{' 'x' '' '{"execute":"remove_hostfwd","arguments":{"id":"x"}}'
	echo "forwarded TCP $(nsprobe duplex 192.0.2.1 7001 300000 3)"
	ask "$(add '"proto":"tcp","host_addr":"127.0.0.1","host_port":7005,"guest_port":80')"
	echo "forwarded TCP of the loopback $(nsprobe duplex 127.0.0.1 7005 300000 3)"
	echo "forwarded UDP $(nsprobe ask -u -t 8000 192.0.2.1 7002 hello)"
	ask '{"execute":"remove_hostfwd","arguments":{"id":1}}' '{"execute":"remove_hostfwd","arguments":{"id":1}}' '{"execute":"list_hostfwd"}'
	echo "removed $(nsprobe connect 192.0.2.1 7001)"
	unplug
	[ -S "$api" ] && echo "the socket stays"
	words "$program"
	kill "$served" "$TARGET"
	wait "$served" "$TARGET" 2>/dev/null
}
# six PROGRAM: IPv6 by router advertisements, an own network, the host's loopback, paths of namespaces, its modes
six() {
	program=$1
	target
	s4n "$program" --configure --ready-fd=7 --exit-fd=8 --enable-ipv6 --cidr=10.9.8.0/24 \
		--netns-type=path "--userns-path=/proc/$TARGET/ns/user" "/proc/$TARGET/ns/net" tap7
	inside ip -oneline -4 address show tap7 | sed 's/ *valid_lft.*//'
	wait_for 10 sh -c "nsenter --net=/proc/$TARGET/ns/net ip -6 address show tap7 | grep 'fd00:.*dynamic' | grep -vq tentative" || echo 'no address by advertisement'
	echo "by advertisement: $(inside ip -6 route show default | sed 's/expires.*//')"
	echo "TCP $(inside nsprobe duplex 2001:db8::2 7 300000 3)"
	echo "DNS $(inside nsprobe dns 10.9.8.3 web.world.test)"
	echo "loopback $(inside nsprobe ask -t 8000 10.9.8.2 7009 hello)"
	echo nameserver 192.0.2.1 >/etc/resolv.conf
	echo "options edns0" >>/etc/resolv.conf
	cp "$T/resolv.conf" /etc/resolv.conf.new
	mv /etc/resolv.conf.new /etc/resolv.conf
	echo "DNS by another file $(inside nsprobe dns 10.9.8.3 web.world.test)"
	unplug
	words "$program"
	kill "$TARGET"
	wait "$TARGET" 2>/dev/null
}
# bare PROGRAM: the guest configures the tap by DHCP
bare() {
	program=$1
	target
	s4n "$program" -r 7 -e 8 --outbound-addr=192.0.2.1 "$TARGET" tap9
	inside ip -oneline link show tap9 | grep -o 'state [A-Z]*'
	inside ip link set tap9 up
	inside ip route add 255.255.255.255 dev tap9
	inside python3 "$T/dhcp.py"
	inside ip address add 10.0.2.15/24 dev tap9
	inside ip route add default via 10.0.2.2
	echo "TCP $(inside nsprobe duplex 192.0.2.2 7 300000 3)"
	echo "who $(inside nsprobe ask 192.0.2.2 1007 | sed 's/ .*//')"
	unplug
	words "$program"
	kill "$TARGET"
	wait "$TARGET" 2>/dev/null
}
# given PROGRAM: a tap that the caller has made
cat >"$T/given.py" <<'EOF'
import ctypes, fcntl, os, socket, struct, sys
pid, flags, command = sys.argv[1], int(sys.argv[2], 0), sys.argv[3:]
ours, theirs = socket.socketpair()
if os.fork() == 0:
    spaces = [os.open("/proc/%s/ns/%s" % (pid, kind), os.O_RDONLY) for kind in ("user", "net")]
    if any(ctypes.CDLL(None).setns(s, 0) for s in spaces):
        os._exit(1)
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, 0x400454CA, struct.pack("16sH22x", b"tap5", flags))
    socket.send_fds(theirs, [b"x"], [tap])
    os._exit(0)
theirs.close()
tap = socket.recv_fds(ours, 1, 1)[1][0]
os.wait()
os.dup2(tap, 9)
os.execv(command[0], command)
EOF
given() {
	program=$1
	target
	s4n python3 "$T/given.py" "$TARGET" 0x1002 "$program" --netns-type=tapfd --disable-host-loopback -r 7 -e 8 9
	echo "ready $(cat "$T/s4nready")"
	inside ip address add 10.0.2.100/24 dev tap5
	inside ip link set tap5 up
	inside ip route add default via 10.0.2.2
	echo "TCP $(inside nsprobe duplex 192.0.2.2 7 300000 3)"
	echo "UDP $(inside nsprobe ask -u 192.0.2.2 7 hello)"
	echo "DNS $(inside nsprobe dns 10.0.2.3 web.world.test)"
	unplug
	words "$program"
	kill "$TARGET"
	wait "$TARGET" 2>/dev/null
}
cp /etc/resolv.conf "$T/resolv.conf"
spawn nsprobe serve tcp-echo,127.0.0.1,7009 >"$T/loopback"
loopback=$SPAWNED
wait_for 5 grep -q ^ready "$T/loopback"
for what in use six bare; do
	$what $REAL >"$T/$what.real" 2>&1
	$what "$OURS" >"$T/$what.ours" 2>&1
	like "$what: Debian's works here" "$(cat "$T/$what.real")" "*TCP ok*status 0*"
	is "$what: ours does the same" "$(cat "$T/$what.ours")" "$(cat "$T/$what.real")"
done
given "$OURS" >"$T/given.ours" 2>&1
if $REAL --help | grep -q tapfd; then # from 1.2.1 on
	given $REAL >"$T/given.real" 2>&1
	is "given: ours does the same" "$(cat "$T/given.ours")" "$(cat "$T/given.real")"
else
	like "given: it is used" "$(cat "$T/given.ours")" "ready 1
TCP ok
UDP hello
DNS 192.0.2.2
status 0
*exitfd event*"
fi

# what cannot work: the same words, without the help, which tells of differences
target
# shellcheck disable=SC2086 # lists of words
while read -r args; do
	for program in $REAL "$OURS"; do
		status=0
		as_user "$program" $args >"$T/s4nout" 2>"$T/s4nerr" </dev/null || status=$?
		{ sed -n '/^Usage/q; p' "$T/s4nout"; grep -o '^Usage.*' "$T/s4nout"; cat "$T/s4nerr"; } | once |
			sed "s|$program|PROGRAM|g; s/PID|PATH \[/PID|PATH|FD [/" >"$T/said" # 1.2.0 takes no FD
		if [ "$program" = $REAL ]; then real="$status $(cat "$T/said")"; fi
	done
	is "refused: $args" "$status $(cat "$T/said")" "$real"
done <<EOF

1
--nope 1 tap0
--mtu
-m abc $TARGET tap0
-m 65522 $TARGET tap0
-m 0 $TARGET tap0
-r -1 $TARGET tap0
-e 3x $TARGET tap0
abc tap0
0 tap0
999999 tap0
999999 tap0 more
--no-host-loopback --create-sandbox --enable-seccomp -6 999999 tap0
--cidr=x $TARGET tap0
--cidr=10.0.2.0/26 $TARGET tap0
--cidr=10.0.2.9/24 $TARGET tap0
--cidr=300.0.2.0/24 $TARGET tap0
--macaddress=02:00:5e:00:53:01 $TARGET tap0
--target-type=x $TARGET tap0
--userns-path=/nope $TARGET tap0
--netns-type=path /nope tap0
--netns-type=path /etc/passwd tap0
--netns-type=path /proc/self/ns/net tap0
-a /nope/s $TARGET tap0
EOF
kill "$TARGET" "$loopback"
# tapfd PATTERN COMMAND...: refused in our own words; the original serves what is not there
tapfd() {
	rk_pattern=$1
	shift
	like "a tap that is none: $rk_pattern" "$(as_user timeout $((5 * ${RK_BUSY:-1})) "$@" 2>&1; echo "status $?")" "*$rk_pattern*status 1"
}
target
tapfd "TAPFD must a file descriptor" "$OURS" --netns-type=tapfd x
tapfd "tapfd 99 is no tap: ioctl(TUNGETIFF): Bad file descriptor" "$OURS" --netns-type=tapfd 99
tapfd "tapfd 0 is no tap: ioctl(TUNGETIFF): Inappropriate ioctl" "$OURS" --netns-type=tapfd 0 </dev/null
tapfd "tapfd 9: made with other flags" python3 "$T/given.py" "$TARGET" 0x5002 "$OURS" --netns-type=tapfd 9
kill "$TARGET"
like "BESS is told to be missing" "$(as_user "$OURS" --target-type=bess "$T/bess" 2>&1)" "*--target-type=bess is not supported*"

# our own words: what the program may still do
target
s4n "$OURS" -c -r 7 -e 8 -a "$api" --disable-dns "$TARGET" tap0
like "a peer that is gone is no end" "$(grep SigIgn: "/proc/$S4N/status")" "*[13579bdf]???"
like "confined" "$(grep -E '^(CapPrm|NoNewPrivs|Seccomp):' "/proc/$S4N/status" | tr -s '\t\n' ' ')" "CapPrm: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 *"
is "--disable-dns" "$(inside nsprobe connect 10.0.2.3 53)" ENETUNREACH
is "a request in pieces" "$(as_user python3 -c 'import socket, sys, time
idle = socket.socket(socket.AF_UNIX); idle.connect(sys.argv[1])
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
s.sendall(b"{\"execute\":"); time.sleep(0.1); s.sendall(b"\"list_hostfwd\"}"); print(s.makefile().read())
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
s.sendall(b" " * 5000); print(s.recv(99))' "$api")" '{"entries":[]}
b'"'"'{"error":{"desc":"bad request: too large message"}}'"'"
is "a port without arguments" "$(ask '{"execute":"add_hostfwd"}')" '{"error":{"desc":"bad request: add_hostfwd: bad arguments.proto"}}'
unplug >"$T/said"
is "it ends" "$(cat "$T/said")" "status 0"
kill "$TARGET"

# descriptors are short: the next client of the API waits
target
s4n "$OURS" -c -r 7 -e 8 -a "$api" "$TARGET" tap0
free=3
while [ -e "/proc/$S4N/fd/$free" ]; do free=$((free + 1)); done
ok "no descriptor is left" as_user prlimit --pid "$S4N" --nofile=$free:
as_user python3 "$T/api.py" "$api" '{"execute":"list_hostfwd"}' >"$T/said" 2>&1 &
asks=$!
strace -qq -e trace=accept4 -o "$T/accepts" -p "$S4N" 2>"$T/strace" &
tracer=$!
ok "it is tried again" wait_for 5 sh -c "[ \$(grep -c EMFILE $T/accepts) -ge 5 ]"
fails "a client waits" grep -q . "$T/said"
kill "$tracer"
wait "$tracer" 2>/dev/null
# each is 0.1 s after the one before
accepts=$(grep -c EMFILE "$T/accepts")
ok "nobody spins ($accepts tries)" [ "$accepts" -lt 100 ]
as_user prlimit --pid "$S4N" --nofile=1000:
wait $asks
like "it is served when there are some" "$(cat "$T/said")" '{"entries":*'
is "as is the next" "$(ask '{"execute":"list_hostfwd"}')" '{"entries":[]}'
unplug >"$T/said"
kill "$TARGET"

# the fork that makes the tap, held in the target's namespaces by a stderr that takes nothing
cat >"$T/held.py" <<'PY'
import fcntl, os, subprocess, sys
r, w = os.pipe()
fcntl.fcntl(w, fcntl.F_SETFL, os.O_NONBLOCK)
try:
    while True:
        os.write(w, bytes(4096))
except BlockingIOError:
    pass
fcntl.fcntl(w, fcntl.F_SETFL, 0)
p = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=w)
os.close(w)
print(p.pid, flush=True)
sys.stdin.readline()
while os.read(r, 65536):
    pass
print("status", p.wait(), flush=True)
PY
target
mkfifo "$T/letgo"
# shellcheck disable=SC2086 # lists of words
(exec $rk_user $rk_env python3 "$T/held.py" "$OURS" -c --disable-host-loopback --exit-fd=0 "$TARGET" tap0 >"$T/held" <"$T/letgo") &
held=$!
exec 5>"$T/letgo"
wait_for 10 grep -q . "$T/held"
S4N=$(cat "$T/held")
theirs=$(readlink "/proc/$TARGET/ns/user")
joined() { fork=$(pgrep -P "$S4N") && [ "$(readlink "/proc/$fork/ns/user")" = "$theirs" ]; }
ok "the fork is in the target's namespaces" wait_for 10 joined
is "and root there can do nothing to it" "$(inside nsprobe trace "$(pgrep -P "$S4N")")" \
	'seize=EPERM mem=EACCES getfd=EPERM fds=EACCES exe=EACCES environ=EACCES setns=EACCES readv=EPERM'
is "though to what is its own" "$(inside nsprobe trace "$TARGET" | grep -o 'seize=[^ ]*')" seize=ok
exec 5>&-
wait "$held"
is "let go, it ends well" "$(tail -n 1 "$T/held")" "status 0"
kill "$TARGET"

# by root, in a namespace of its own: low ports are all that it keeps
unshare --net sleep 1000 &
TARGET=$!
wait_for 5 grep -qx sleep "/proc/$TARGET/comm"
mkfifo "$T/end"
sleep 1000 >"$T/end" &
PLUG=$!
: >"$T/s4nready" # what the last one wrote
"$OURS" -c -r 7 -e 8 -a "$T/root.sock" "$TARGET" tap0 7>"$T/s4nready" 8<"$T/end" >"$T/s4nout" 2>"$T/s4nerr" &
S4N=$!
wait_for 10 grep -q 1 "$T/s4nready"
like "root: confined" "$(grep -E '^(CapPrm|CapEff|Seccomp):' "/proc/$S4N/status" | tr -s '\t\n' ' ')" \
	"CapPrm: 0000000000000400 CapEff: 0000000000000400 Seccomp: 2 *"
is "root: TCP" "$(nsenter "--net=/proc/$TARGET/ns/net" nsprobe duplex 192.0.2.2 7 300000 3)" ok
is "root: a low port" "$(python3 "$T/api.py" "$T/root.sock" "$(add '"proto":"tcp","host_port":80,"guest_port":80')")" '{"return":{"id":1}}'
unplug >"$T/said"
is "root: it ends" "$(cat "$T/said")" "status 0"
kill "$TARGET"
wait "$TARGET" 2>/dev/null

# Debian's RootlessKit with ours
# shellcheck disable=SC2086 # lists of words
(exec $rk_user $rk_env /usr/bin/rootlesskit --net=slirp4netns "--slirp4netns-binary=$OURS" --port-driver=slirp4netns --disable-host-loopback \
	--slirp4netns-sandbox=true --slirp4netns-seccomp=true --copy-up=/etc "--state-dir=$STATE" -p 192.0.2.1:7001:80/tcp \
	nsprobe serve tcp-echo,0.0.0.0,80 >"$RK_OUT" 2>"$RK_ERR" </dev/null) &
kit=$!
ok "RootlessKit: a port" wait_for 10 tcp
is "RootlessKit: TCP out" "$(in_child nsprobe duplex 192.0.2.2 7 300000 3)" ok
is "RootlessKit: DNS" "$(in_child nsprobe dns 10.0.2.3 web.world.test)" 192.0.2.2
kill "$kit"
wait "$kit"
ok "RootlessKit: ours ends with it" wait_for 10 sh -c "! pgrep -u $RK_UID -x slirp4netns"
rm -rf "$STATE" "$api"

# ours with ours
rk_start --net=slirp4netns "--slirp4netns-binary=$OURS" --port-driver=slirp4netns -p 192.0.2.1:7001:80/tcp -- nsprobe serve tcp-echo,0.0.0.0,80 || exit
ok "the supervisor: a port" wait_for 10 tcp
is "the supervisor: TCP out" "$(in_child nsprobe duplex 192.0.2.2 7 300000 3)" ok
rk_stop
