# SPDX-License-Identifier: Apache-2.0
# net_counters.sh - counters and budgets of the workers move with the traffic, and what was used comes back
. "${0%/*}/lib.sh"
need userns tun tool:python3
ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
# seen EXPRESSION: true of what relay (r) and slirp (s) use of their budgets, have seen in total (R, S), and have (limit)
seen() {
	ctl info --json | python3 -c 'import json, sys
w = json.load(sys.stdin)["workers"]
r, s = ({k: v["used"] for k, v in w[n]["budgets"].items()} for n in ("relay", "slirp"))
limit = {k: v["max"] for k, v in w["relay"]["budgets"].items()}
R, S = w["relay"]["totals"], w["slirp"]["totals"]
sys.exit(not eval(sys.argv[1]))' "$1"
}

rk_start --net=slirp --accel=tproxy -- sleep 1000 || exit
# they come a moment after the start, then every 5 s
ok "there are numbers at once" wait_for 4 seen 'r["tcpOut"] == R["tcpOutOpened"] == R["udpOutSent"] == R["dnsAsked"] == S["refused"] == 0'
ok "and limits" seen 'all(limit.values()) and limit["connections"] == limit["tcpOut"]'

is "TCP" "$(in_child nsprobe ask 192.0.2.2 7 x)" x
is "UDP" "$(in_child nsprobe ask -u 192.0.2.2 7 x)" x
is "DNS" "$(in_child nsprobe dns 10.0.2.3 web.world.test | head -n 1)" 192.0.2.2
is "a connection that nobody takes" "$(in_child nsprobe connect -t 8000 192.0.2.2 4)" ECONNREFUSED
like "UDP that the policy refuses" "$(in_child nsprobe ask -u -t 1000 240.0.0.1 9 x 2>&1)" '*EHOSTUNREACH'
# a ping that it refuses, by hand; then a connection that stays until it is told to end
cat >"$T/open.py" <<'EOT'
import socket, sys
ping = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
ping.sendto(bytes((8, 0, 0xf7, 0xff, 0, 0, 0, 0)), ("240.0.0.1", 0))
s = socket.create_connection(("192.0.2.2", 7))
sys.stdin.read()
EOT
mkfifo "$T/end"
in_child python3 "$T/open.py" <"$T/end" &
opener=$!
exec 3>"$T/end"
ok "a connection is open, and one was before" wait_for 12 seen 'r["tcpOut"] == r["connections"] == 1 and R["tcpOutOpened"] == 2'
ok "one has failed" seen 'R["tcpOutFailed"] >= 1'
ok "it takes its two descriptors" seen 'r["descriptors"] >= 2'
ok "a port of UDP, out and in, and what was refused" \
	seen 'r["udpOut"] >= 1 and min(R[k] for k in ("udpOutSent", "udpOutReceived", "udpOutRefused")) >= 1'
ok "a question" seen 'R["dnsAsked"] >= 1 and R["dnsFailed"] == 0'
ok "a frame that was refused" seen 'S["refused"] >= 1'
like "status has them" "$(ctl status)" '*budgets    relay: connections 1/*
totals     relay: tcpOutOpened 2, tcpOutFailed *
budgets    slirp: tcp 0/*totals     slirp: refused *'
is "metrics, too" "$(ctl metrics | sed -n 's/^rootless_supervisor_budget_used{worker="relay",of="tcpOut"} //p')" 1
unlike "info in words is as it was" "$(ctl info)" '*budgets*'
exec 3>&-
wait $opener
ok "what was used comes back" wait_for 12 seen 'r["tcpOut"] == r["connections"] == 0 and R["tcpOutOpened"] == 2'
rk_stop
