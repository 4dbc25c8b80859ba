# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# lib.sh - what a benchmark sources first: the test world, two instances side by side, the table
#
# A benchmark is `sh tests/bench/bench_x.sh`, as root, or `./dev bench`: it runs in the world of the
# integration tests (hosts and cable: tests/integration/world.sh), ours and the peer as the same
# unprivileged user. Machines are noisy: each row is measured of one and at once of the other, the
# first changes from round to round, and the table has medians. Only the ratio means something elsewhere.
#
# Environment: RK_BUILD (default build-release/ of the tree), BENCH_ROUNDS (5), BENCH_SECONDS (1, of
# one measurement), BENCH_CHECK=1: a missed goal fails. A benchmark starts no round after
# BENCH_BUDGET (120) seconds, and then says how many it made.
if [ "${RK_STAGE-}" != inside ]; then
	RK_BUILD=${RK_BUILD:-$(cd "${0%/*}/../.." && pwd)/build-release}
	export RK_BUILD
fi
. "${0%/*}/../integration/lib.sh"

rounds=${BENCH_ROUNDS:-5} seconds=${BENCH_SECONDS:-1} budget=${BENCH_BUDGET:-120}
results=$T/results
mkdir "$results"
pids='' # of all that bench_stop ends

# the same congestion control in every network namespace of both columns: new ones take the
# default of the machine, and bbr crawls on a veth
pin_congestion() { # COMMAND...: enters a network namespace
	# cubic where the machine allows it to all, as the program does it
	"$@" sh -c 'cd /proc/sys/net/ipv4 && for cc in cubic reno; do
		if echo $cc >tcp_congestion_control; then break; fi
	done 2>/dev/null; cat tcp_congestion_control'
}
congestion=$(pin_congestion env)
pin_congestion in_world >/dev/null

# --- instances -----------------------------------------------------------------------------------
# instance NAME MTU ARG...: ours when NAME begins with ours, else RootlessKit on slirp4netns
instance() {
	STATE=$RK_RUN/$1
	case $1 in
	ours*) bench_program="rootless-supervisor --net=slirp" ;;
	*) bench_program="/usr/bin/rootlesskit --net=slirp4netns --slirp4netns-binary=/usr/bin/slirp4netns" ;;
	esac
	bench_log=$T/$1.log bench_mtu=$2
	shift 2
	# shellcheck disable=SC2086 # a list of words
	spawn $bench_program --state-dir="$STATE" --mtu="$bench_mtu" --port-driver=builtin \
		--copy-up=/etc --copy-up=/run --disable-host-loopback "$@" sleep 1000 >"$bench_log" 2>&1
	pids="$SPAWNED $pids"
	wait_for 10 test -S "$STATE/api.sock" || bail "$bench_program does not start: $(cat "$bench_log")"
	is "$bench_program: congestion control in the child" "$(pin_congestion in_child)" "$congestion"
}
# select_instance NAME: in_child goes there
select_instance() { STATE=$RK_RUN/$1; }

# serve_child PORT COMMAND..., serve_world PORT COMMAND...: a server, until it listens
serve_child() {
	rk_port=$1
	shift
	spawn nsenter --user --mount --net --preserve-credentials --target "$(cat "$STATE/child_pid")" -- \
		"$@" >>"$T/servers.log" 2>&1
	pids="$SPAWNED $pids"
	wait_for 5 listens in_child "$rk_port" || bail "$* does not listen: $(cat "$T/servers.log")"
}
serve_world() {
	rk_port=$1
	shift
	nsenter --net="/proc/$RK_WORLD_PID/ns/net" -- "$@" >>"$T/servers.log" 2>&1 &
	pids="$! $pids"
	wait_for 5 listens in_world "$rk_port" || bail "$* does not listen: $(cat "$T/servers.log")"
}
listens() { "$1" ss -Hltn "sport = :$2" | grep -q .; }

# nginx_config NAME: a configuration for one process on port 8080; prints its path
nginx_config() {
	install -d -m 777 "$T/$1"
	cat >"$T/$1/nginx.conf" <<-EOT
		daemon off; master_process off; pid $T/$1/pid; error_log stderr crit;
		events { worker_connections 4096; }
		http {
			access_log off; keepalive_requests 100000000;
			client_body_temp_path $T/$1/a; proxy_temp_path $T/$1/b; fastcgi_temp_path $T/$1/c;
			uwsgi_temp_path $T/$1/d; scgi_temp_path $T/$1/e;
			server { listen 8080 backlog=4096; location / { return 200 "hello from the bench\n"; } }
		}
	EOT
	echo "$T/$1/nginx.conf"
}

bench_stop() {
	for rk_pid in $pids; do kill "$rk_pid" 2>/dev/null; done
	for rk_pid in $pids; do
		wait_for 10 is_gone "$rk_pid" || kill -s KILL "$rk_pid"
		wait "$rk_pid" 2>/dev/null
	done
	pids=''
}

# --- measuring -----------------------------------------------------------------------------------
# more_rounds: true until all rounds are made or the time is up
bench_round=0 bench_begin=$(date +%s)
more_rounds() {
	[ $bench_round -lt "$rounds" ] || return 1
	if [ $bench_round -gt 0 ] && [ $(($(date +%s) - bench_begin)) -gt "$budget" ]; then
		echo "# the time is up after $bench_round of $rounds rounds"
		return 1
	fi
	bench_round=$((bench_round + 1))
	if [ $((bench_round % 2)) = 1 ]; then columns='ours peer'; else columns='peer ours'; fi
}
# both ROW COMMAND ARG...: one value of each column, by COMMAND COLUMN ARG...
both() {
	bench_row=$1 bench_command=$2
	shift 2
	for rk_column in $columns; do
		record "$bench_row" "$rk_column" "$("$bench_command" "$rk_column" "$@")"
	done
}

# record ROW COLUMN VALUE...: rows are shown in the order of their first appearance
record() {
	grep -qxF "$1" "$results/rows" 2>/dev/null || echo "$1" >>"$results/rows"
	bench_row=$1 bench_column=$2
	shift 2
	for rk_value; do
		case $rk_value in
		*[!0-9.]* | '') fail "$bench_row, $bench_column: measured" "$(tail -n 20 "$T/measured")" ;;
		*) printf '%s\t%s\t%s\n' "$bench_row" "$bench_column" "$rk_value" >>"$results/values" ;;
		esac
	done
}

# Gbit/s that the receiver saw; the last line is the sum when there are many streams
iperf() { # ENTER ARG...
	rk_enter=$1
	shift
	"$rk_enter" timeout $((seconds + 10)) iperf3 --format m --time "$seconds" -c "$@" \
		>"$T/measured" 2>&1 || return
	awk '/receiver/ { for (i = 2; i <= NF; i++) if ($i == "Mbits/sec") v = $(i - 1) / 1000 } END { print v }' "$T/measured"
}
# requests/s
http_load() { # ENTER CONNECTIONS URL [HEADER]
	"$1" timeout $((seconds + 10)) wrk --threads 1 --connections "$2" --duration "${seconds}s" \
		${4+--header "$4"} "$3" >"$T/measured" 2>&1 || return
	awk '/^Requests\/sec:/ { v = $2 } /Non-2xx|Socket errors: connect [1-9]/ { bad = 1 } END { print (bad || v == 0) ? "bad" : v }' "$T/measured"
}

# --- the table -----------------------------------------------------------------------------------
# report TITLE PEER: medians, their ratio (ours/peer) and the spread; ratios go to results/ratios
report() {
	echo
	echo "# $1; $bench_round rounds, $(nproc) cores, load $(cut -d' ' -f1-3 /proc/loadavg), $congestion"
	sort -t "$(printf '\t')" -k1,2 -k3n "$results/values" | awk -F '\t' -v rows="$results/rows" \
		-v ratios="$results/ratios" -v peer="$2" '
		{ k = $1 SUBSEP $2; v[k, ++n[k]] = $3 }
		function median(k, m) { m = int((n[k] + 1) / 2); return n[k] % 2 ? v[k, m] : (v[k, m] + v[k, m + 1]) / 2 }
		function short(x) { return x >= 1000 ? sprintf("%.0f", x) : x >= 100 ? sprintf("%.1f", x) : sprintf("%.2f", x) }
		function span(k) { return short(v[k, 1]) "-" short(v[k, n[k]]) }
		END {
			printf "%-44s %9s %9s %6s   %-17s %s\n", "", "ours", peer, "ratio", "ours min-max", peer " min-max"
			while ((getline row <rows) > 0) {
				o = row SUBSEP "ours"; p = row SUBSEP "peer"
				if (!n[o] || !n[p]) continue
				a = median(o); b = median(p)
				printf "%-44s %9s %9s %6.2f   %-17s %s\n", row, short(a), short(b), a / b, span(o), span(p)
				printf "%s\t%f\n", row, a / b >ratios
			}
		}'
	echo
}
# goal ROW COMPARISON LIMIT: of the ratio, as awk writes it; checked when BENCH_CHECK=1
goal() {
	rk_ratio=$(awk -F '\t' -v row="$1" '$1 == row { print $2 }' "$results/ratios")
	if awk "BEGIN { exit !(${rk_ratio:-0} > 0 && ${rk_ratio:-0} $2 $3) }"; then
		echo "# goal reached: $1: ratio $rk_ratio $2 $3"
	elif [ "${BENCH_CHECK-}" = 1 ]; then
		fail "goal: $1: ratio $2 $3" "the ratio is $rk_ratio"
	else
		echo "# goal missed: $1: ratio $rk_ratio, not $2 $3"
	fi
}
