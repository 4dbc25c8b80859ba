# SPDX-License-Identifier: Apache-2.0
# net_kill.sh - a supervisor killed at any moment of a start with a network program of others leaves no process
# deadline: 120
. "${0%/*}/lib.sh"
need userns tun tool:python3 file:/usr/bin/slirp4netns file:/usr/bin/pasta
chmod 755 "$T"
cp "${0%/*}/framepeer.py" "$T/peer"
chmod 755 "$T/peer"

nothing_left() { [ -z "$(pgrep -u "$RK_UID")" ]; }
# killed WHAT ARG...: a start takes some 50 ms here
killed() {
	what=$1 left=
	shift
	for moment in 0.01 0.03 0.05 0.07 0.12; do
		spawn rootless-supervisor --state-dir="$STATE" "$@" sleep 1000 2>>"$T/said"
		sleep $moment # any moment will do: none is waited for
		kill -s KILL "$SPAWNED"
		wait_for 10 nothing_left || left="$left $moment: $(ps -u "$RK_UID" -o pid,args)"
	done
	is "$what: nothing is left" "$left" ""
	rk_run --state-dir="$STATE" "$@" true
	is "$what: the next start" "$RK_STATUS" 0
}

killed slirp4netns --net=slirp4netns --slirp4netns-binary=/usr/bin/slirp4netns --port-driver=slirp4netns -p 127.0.0.1:7001:7/tcp
killed "slirp4netns in its sandbox" --net=slirp4netns --slirp4netns-binary=/usr/bin/slirp4netns --slirp4netns-sandbox=true
killed pasta --net=pasta
killed vpnkit --net=vpnkit --vpnkit-binary="$T/peer"
killed gvproxy --net=gvisor-tap-vsock --gvproxy-binary="$T/peer" --disable-host-loopback=false
