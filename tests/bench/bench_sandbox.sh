# SPDX-License-Identifier: Apache-2.0
# bench_sandbox.sh - what the confinement of all processes costs: `ours` with it, `off` with --sandbox=off
#
# Two instances side by side, measured in turns, as are the starts; 50 of each by default.
# deadline: 240
BENCH_ROUNDS=${BENCH_ROUNDS:-10}
export BENCH_ROUNDS
. "${0%/*}/lib.sh"
need userns tun tool:iperf3 tool:wrk tool:nginx

mode_of() { if [ "$1" = ours ]; then echo auto; else echo off; fi; }
start() { # COLUMN
	# milliseconds, by a shell with a clock of its own, as the user. The kernel takes namespaces down
	# in the background: the pause keeps that out of the next run
	as_user bash -c 'begin=${EPOCHREALTIME/./}
		"$@" || exit
		us=$((${EPOCHREALTIME/./} - begin))
		printf "%d.%03d\n" $((us / 1000)) $((us % 1000))
		sleep 0.1' bash rootless-supervisor --net=slirp --port-driver=builtin --copy-up=/etc --copy-up=/run \
		--disable-host-loopback --sandbox="$(mode_of "$1")" true 2>>"$T/measured" </dev/null
}
throughput() { # COLUMN ARG...
	select_instance "ours-$(mode_of "$1")"
	shift
	iperf enter 192.0.2.1 "$@"
}
requests() { # COLUMN [HEADER]
	select_instance "ours-$(mode_of "$1")"
	http_load enter 64 http://192.0.2.1:8080/ ${2+"$2"}
}

serve_host 5201 iperf3 -s
serve_host 8080 nginx -p "$T" -c "$(nginx_config host)"
for mode in auto off; do instance "ours-$mode" 65520 --sandbox=$mode; done
for mode in auto off; do # files are in memory from here on
	select_instance "ours-$mode"
	iperf enter 192.0.2.1 >"$T/first"
done
while more_rounds; do
	for _ in 1 2 3 4 5; do both "start and end of true, ms" start; done
	both "iperf3 out, Gbit/s" throughput
	both "wrk keep-alive c64, requests/s" requests
	both "wrk close c64, requests/s" requests "Connection: close"
done
report "the cost of the sandbox: ours confined, the peer with --sandbox=off" off
more=$(awk "BEGIN { printf \"%.3f\", $(median_of "start and end of true, ms" ours) - $(median_of "start and end of true, ms" off) }")
echo "# a start with it takes $more ms more (goal: less than 3)"
for row in "iperf3 out, Gbit/s" "wrk keep-alive c64, requests/s" "wrk close c64, requests/s"; do goal "$row" '>=' 0.98; done
if [ "${BENCH_CHECK-}" = 1 ]; then ok "less than 3 ms of a start" awk "BEGIN { exit !($more < 3) }"; fi
bench_stop
pass "all was measured"
