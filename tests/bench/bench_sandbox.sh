# SPDX-License-Identifier: Apache-2.0
# bench_sandbox.sh - what the confinement of all processes costs: `ours` with it, `off` with --sandbox=off
#
# Instances side by side, measured in turns, as are the starts. Rates of a busy machine say little, so the
# goal is one of the processor time that the processes of an instance take for the same work, as the median of the ratios
# of pairs; its quartiles are shown.
# deadline: 400
BENCH_ROUNDS=${BENCH_ROUNDS:-20} BENCH_BUDGET=${BENCH_BUDGET:-240}
export BENCH_ROUNDS BENCH_BUDGET
. "${0%/*}/lib.sh"
need userns tun tool:iperf3 tool:wrk tool:nginx tool:python3

rows='out keep-alive close libslirp'
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
# load ROW: its rate, by the selected instance
load() {
	case $1 in
	out | libslirp) iperf enter 192.0.2.1 ;;
	keep-alive) http_load enter 64 http://192.0.2.1:8080/ ;;
	close) http_load enter 64 http://192.0.2.1:8080/ "Connection: close" ;;
	esac
}
# work ROW: what the last load was, in bytes or requests
work() {
	case $1 in
	out | libslirp) awk '/receiver/ { split($3, t, "-"); v = $7 * 125000 * (t[2] - t[1]) } END { print v }' "$T/measured" ;;
	*) awk '/ requests in / { print $1 }' "$T/measured" ;;
	esac
}
instance_ns() { python3 "${0%/*}/probe.py" nanoseconds "$(instance_pids)"; }
measure() { # ROW, by both columns
	for rk_column in $columns; do
		rk_net=$(if [ "$1" = libslirp ]; then echo -libslirp; fi)
		select_instance "ours-$(mode_of "$rk_column")$rk_net"
		rk_begin=$(instance_ns)
		rk_rate=$(load "$1")
		rk_ns=$(($(instance_ns) - rk_begin))
		record "rate, $1" "$rk_column" "$rk_rate"
		record "CPU, $1" "$rk_column" "$(awk "BEGIN { w = $(work "$1"); print w ? $rk_ns / w : \"none\" }")"
	done
}
# pairs ROW: median and quartiles of the ratio of a pair
pairs() {
	awk -F '\t' -v row="$1" '$1 == row { if ($2 == "ours") a[++n] = $3; else b[++m] = $3 }
		END { for (i = 1; i <= n && i <= m; i++) print a[i] / b[i] }' "$results/values" | sort -n | awk -v row="$1" '
		{ v[NR] = $1 }
		function at(p) { return v[int((NR - 1) * p + 1.5)] }
		END { printf "%s\t%.4f\t%.4f\t%.4f\t%d\n", row, at(0.5), at(0.25), at(0.75), NR }'
}

serve_host 5201 iperf3 -s
serve_host 8080 nginx -p "$T" -c "$(nginx_config host)"
for mode in auto off; do
	instance "ours-$mode" 65520 --sandbox=$mode
	instance "ours-$mode-libslirp" 65520 --sandbox=$mode --accel=off
done
for name in auto off auto-libslirp off-libslirp; do # files are in memory from here on
	select_instance "ours-$name"
	iperf enter 192.0.2.1 >"$T/first"
done
while more_rounds; do
	for _ in 1 2 3; do both "start and end of true, ms" start; done
	for row in $rows; do measure "$row"; done
done
report "the cost of the sandbox: ours confined, the peer with --sandbox=off; rates are Gbit/s and requests/s, CPU ns/byte and ns/request" off
more=$(awk "BEGIN { printf \"%.3f\", $(median_of "start and end of true, ms" ours) - $(median_of "start and end of true, ms" off) }")
echo "# a start with it takes $more ms more (goal: less than 3)"
for row in $rows; do
	pairs "CPU, $row" >"$T/pairs"
	awk -F '\t' '{ printf "# %s: median ratio %s of %s pairs, quartiles %s to %s\n", $1, $2, $5, $3, $4 }' "$T/pairs"
	cut -f 1,2 "$T/pairs" | sed 's/CPU/CPU of a pair/' >>"$results/ratios"
	goal "CPU of a pair, $row" '<=' 1.02
done
if [ "${BENCH_CHECK-}" = 1 ]; then ok "less than 3 ms of a start" awk "BEGIN { exit !($more < 3) }"; fi
bench_stop
pass "all was measured"
