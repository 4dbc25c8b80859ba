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
bench_columns='ours peer'
pids='' # of all that bench_stop ends

# the same congestion control in every network namespace of both columns: new ones take the
# default of the machine, and bbr crawls on a veth
pin_congestion() { # COMMAND...: enters a network namespace
	# cubic where the machine allows it to all, as the program does it
	"$@" sh -c 'cd /proc/sys/net/ipv4 && for cc in cubic reno; do
		if echo $cc >tcp_congestion_control; then break; fi
	done 2>/dev/null; cat tcp_congestion_control'
}
# a client that closes first keeps its port for a minute: after 14,000 connections it looks for a free
# one among all, and that, not what is measured, is the limit
reuse_ports() { # COMMAND...: enters a network namespace
	"$@" sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_tw_reuse'
}
congestion=$(pin_congestion env)
pin_congestion in_world >/dev/null
reuse_ports in_world

# --- instances -----------------------------------------------------------------------------------
# instance NAME MTU ARG...: what the part of NAME before '-' says: ours; before, another build of it;
# slirp4netns and pasta (with ARG...) by themselves, veth by root; else RootlessKit on slirp4netns. In the
# child runs $bench_child, with $bench_env as well (both words)
bench_child='sleep 1000' bench_env=''
instance() {
	STATE=$RK_RUN/$1
	case $1 in
	ours*) bench_program="rootless-supervisor --net=slirp" ;;
	before*) bench_program="$(program_before) --net=slirp" ;;
	slirp4netns* | pasta* | veth*) instance_bare "$@"; return ;;
	*) bench_program="/usr/bin/rootlesskit --net=slirp4netns --slirp4netns-binary=/usr/bin/slirp4netns" ;;
	esac
	bench_log=$T/$1.log bench_mtu=$2
	shift 2
	# shellcheck disable=SC2086 # lists of words
	spawn $bench_env $bench_program --state-dir="$STATE" --mtu="$bench_mtu" --port-driver=builtin \
		--copy-up=/etc --copy-up=/run --disable-host-loopback "$@" $bench_child >"$bench_log" 2>&1
	pids="$SPAWNED $pids"
	bench_pid=$SPAWNED
	wait_for 10 test -S "$STATE/api.sock" || bail "$bench_program does not start: $(cat "$bench_log")"
	echo "$bench_pid" >"$T/${STATE##*/}.pid" # not in the state directory: it is the program's
	is "$bench_program: congestion control in the child" "$(pin_congestion in_child)" "$congestion"
	reuse_ports in_child || bail "$bench_program: net.ipv4.tcp_tw_reuse of the child is not ours to set"
}
program_before() {
	mkdir -p "$RK_BIN/before"
	cp -u "$BENCH_BEFORE/cmd/rootless-supervisor/rootless-supervisor" "$RK_BIN/before"
	echo "$RK_BIN/before/rootless-supervisor"
}
# spawn_other COMMAND...: as another user, for pasta takes what pipe buffer a user may have at its start
spawn_other() {
	(exec setpriv --reuid 65533 --regid 65533 --clear-groups --inh-caps=-all env -i "PATH=$PATH" "$@") &
	SPAWNED=$!
}
# instance_bare NAME MTU ARG...: namespaces that nothing but a sleep holds, and a network program beside it
instance_bare() {
	bench_name=$1 bench_mtu=$2
	shift 2
	case $bench_name in pasta*) [ $# -gt 0 ] || set -- --tcp-ports none --udp-ports none ;; esac
	mkdir -p "$STATE"
	case $bench_name in
	veth*) unshare --net sleep 1000 & SPAWNED=$! ;;
	pasta*) spawn_other unshare --user --map-root-user --net --mount sleep 1000 ;;
	*) spawn unshare --user --map-root-user --net --mount sleep 1000 ;;
	esac
	pids="$SPAWNED $pids"
	echo "$SPAWNED" >"$STATE/child_pid"
	wait_for 5 grep -qx sleep "/proc/$SPAWNED/comm" || bail "unshare does not start"
	bench_log=$T/$bench_name.log
	case $bench_name in
	veth*) make_veth "$bench_mtu" ;;
	slirp4netns*) spawn /usr/bin/slirp4netns --configure --mtu="$bench_mtu" --disable-host-loopback "$SPAWNED" tap0 ;;
	# pasta takes the host's addresses for the namespace unless it is told others
	pasta*) spawn_other pasta --foreground --config-net --ns-ifname tap0 --address 10.0.2.100 --netmask 24 \
		--gateway 10.0.2.2 --dns-forward 10.0.2.3 --mtu "$bench_mtu" --tcp-ns none --udp-ns none --ipv4-only "$@" \
		"$(cat "$STATE/child_pid")" ;;
	esac >"$bench_log" 2>&1
	pids="$SPAWNED $pids"
	echo "$SPAWNED" >"$T/$bench_name.pid"
	wait_for 10 has_route || bail "no route in $bench_name: $(cat "$bench_log")"
	is "$bench_name: congestion control in the child" "$(pin_congestion enter)" "$congestion"
	reuse_ports enter
}
has_route() { enter ip route get 192.0.2.1; }
bench_veths=0
make_veth() { # MTU
	bench_veths=$((bench_veths + 1))
	ip link add "b$bench_veths" mtu "$1" type veth peer name tap0 mtu "$1" netns "$SPAWNED"
	ip address add "10.99.$bench_veths.1/24" dev "b$bench_veths"
	ip link set "b$bench_veths" up
	enter ip link set lo up
	enter ip address add "10.99.$bench_veths.2/24" dev tap0
	enter ip link set tap0 up
	enter ip route add default via "10.99.$bench_veths.1"
}

# select_instance NAME: in_child and enter go there; enter knows the host and root's namespaces, too
select_instance() { STATE=$RK_RUN/$1; }
enter() {
	case $STATE in
	*/loopback-*) as_user "$@" ;;
	*/veth-*) nsenter --net="/proc/$(cat "$STATE/child_pid")/ns/net" -- "$@" ;;
	*/pasta-*) nsenter --user --mount --net --preserve-credentials --target "$(cat "$STATE/child_pid")" -- "$@" ;;
	*) in_child "$@" ;;
	esac
}
# what makes the network of the selected instance: the processes on top
instance_pids() { cat "$T/${STATE##*/}.pid" 2>/dev/null || :; }

# serve_child PORT COMMAND..., serve_world PORT COMMAND...: a server, until it listens
serve_child() {
	rk_port=$1
	shift
	set -- nsenter --user --mount --net --preserve-credentials --target "$(cat "$STATE/child_pid")" -- "$@"
	case $STATE in
	*/pasta-*) "$@" & SPAWNED=$! ;;
	*) spawn "$@" ;;
	esac >>"$T/servers.log" 2>&1
	pids="$SPAWNED $pids"
	wait_for 5 listens enter "$rk_port" || bail "$* does not listen: $(cat "$T/servers.log")"
}
serve_world() {
	rk_port=$1
	shift
	nsenter --net="/proc/$RK_WORLD_PID/ns/net" -- "$@" >>"$T/servers.log" 2>&1 &
	pids="$! $pids"
	wait_for 5 listens in_world "$rk_port" || bail "$* does not listen: $(cat "$T/servers.log")"
}
serve_host() {
	rk_port=$1
	shift
	"$@" >>"$T/servers.log" 2>&1 &
	pids="$! $pids"
	wait_for 5 listens env "$rk_port" || bail "$* does not listen: $(cat "$T/servers.log")"
}
# serve_idle COMMAND...: in the selected instance, until it is ready
serve_idle() {
	spawn nsenter --user --mount --net --preserve-credentials --target "$(cat "$STATE/child_pid")" -- \
		"$@" >"$T/idle" 2>&1
	pids="$SPAWNED $pids"
	wait_for 60 grep -q ^ready "$T/idle" || bail "$*: $(cat "$T/idle")"
}
listens() { "$1" ss -Hltun "sport = :$2" | grep -q .; }

# nginx_config NAME [PORT]: a configuration for one process on that port, or 8080; prints its path
nginx_config() {
	install -d -m 777 "$T/$1"
	cat >"$T/$1/nginx.conf" <<-EOT
		daemon off; master_process off; pid $T/$1/pid; error_log stderr crit;
		worker_rlimit_nofile 20000;
		events { worker_connections 18000; }
		http {
			access_log off; keepalive_requests 100000000; client_header_timeout 3600;
			client_body_temp_path $T/$1/a; proxy_temp_path $T/$1/b; fastcgi_temp_path $T/$1/c;
			uwsgi_temp_path $T/$1/d; scgi_temp_path $T/$1/e;
			server { listen ${2-8080} backlog=4096; location / { return 200 "hello from the bench\n"; } }
		}
	EOT
	echo "$T/$1/nginx.conf"
}

# equal_shares: on a busy machine each session gets a share of its own, and workers have one each: all
# that runs in the world shall be ahead of whatever else runs, and equal
equal_shares() { for rk_proc in /proc/[0-9]*; do echo -20 >"$rk_proc/autogroup"; done 2>/dev/null; }

bench_stop() {
	for rk_pid in $pids; do kill "$rk_pid" 2>/dev/null; done
	for rk_pid in $pids; do
		wait_for 10 is_gone "$rk_pid" || kill -s KILL "$rk_pid"
		wait "$rk_pid" 2>/dev/null
	done
	pids=''
	for rk_dir in "$RK_RUN"/veth-* "$RK_RUN"/slirp4netns-* "$RK_RUN"/pasta-*; do
		[ ! -d "$rk_dir" ] || rm -r "$rk_dir"
	done
	while [ $bench_veths -gt 0 ]; do # they go with their namespaces, if not at once
		ip link del "b$bench_veths" 2>/dev/null
		bench_veths=$((bench_veths - 1))
	done
}

# --- measuring -----------------------------------------------------------------------------------
# keep FILE EXTENSION: beside the build, for tests/bench/docs.py
keep() {
	mkdir -p "$RK_BUILD/bench"
	rk_name=${0##*/}
	cp "$1" "$RK_BUILD/bench/${rk_name%.sh}.$2"
}
# more_rounds: true until all rounds are made or the time is up
bench_round=0 bench_begin=$(date +%s)
more_rounds() {
	[ $bench_round -lt "$rounds" ] || return 1
	if [ $bench_round -gt 0 ] && [ $(($(date +%s) - bench_begin)) -gt "$budget" ]; then
		echo "# the time is up after $bench_round of $rounds rounds"
		return 1
	fi
	bench_round=$((bench_round + 1))
	columns=
	for rk_column in $bench_columns; do # the other way round in every second round
		if [ $((bench_round % 2)) = 1 ]; then columns="$columns $rk_column"; else columns="$rk_column $columns"; fi
	done
}
# both ROW COMMAND ARG...: one value of each column, by COMMAND COLUMN ARG...
both() {
	bench_row=$1 bench_command=$2
	shift 2
	for rk_column in $columns; do
		record "$bench_row" "$rk_column" "$("$bench_command" "$rk_column" "$@")"
	done
}

# record ROW COLUMN VALUE...: a failure of another program is its own; rows are shown in the order of their first appearance
record() {
	grep -qxF "$1" "$results/rows" 2>/dev/null || echo "$1" >>"$results/rows"
	bench_row=$1 bench_column=$2
	shift 2
	for rk_value; do
		case $rk_value in
		*[!0-9.]* | '')
			case $bench_column in
			ours | before) fail "$bench_row, $bench_column: measured" "$(tail -n 20 "$T/measured")" ;;
			*) echo "# $bench_row: $bench_column does not do it: $(tail -n 1 "$T/measured")" ;; # no value
			esac
			;;
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
	"$1" timeout $((seconds + 10)) wrk --latency --threads 1 --connections "$2" --duration "${seconds}s" \
		${4+--header "$4"} "$3" >"$T/measured" 2>&1 || return
	awk '/^Requests\/sec:/ { v = $2 } /Non-2xx|Socket errors: connect [1-9]/ { bad = 1 } END { print (bad || v == 0) ? "bad" : v }' "$T/measured"
}

# of the http_load before
p99_us() {
	awk '$1 == "99%" { print $2 * ($2 ~ /us$/ ? 1 : $2 ~ /ms$/ ? 1000 : 1000000) }' "$T/measured"
}

# --- the table -----------------------------------------------------------------------------------
# report TITLE PEER: medians, their ratio (ours/peer) and the spread; ratios go to results/ratios
report() {
	echo
	echo "# $1; $bench_round rounds, $(nproc) cores, load $(cut -d' ' -f1-3 /proc/loadavg), $congestion"
	sort -t "$(printf '\t')" -k1,2 -k3n "$results/values" | awk -F '\t' -v rows="$results/rows" \
		-v ratios="$results/ratios" -v medians="$results/medians" -v peer="$2" '
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
				printf "%s\tours\t%f\n%s\t%s\t%f\n", row, a, row, peer, b >medians
			}
		}'
	keep "$results/medians" medians
	echo
}
# table TITLE COLUMN...: the median of each column (its least and its greatest value)
table() {
	rk_machine="$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, Linux $(uname -r)"
	echo "Medians (least-greatest) of $bench_round rounds of $seconds s each; $rk_machine, load $(cut -d' ' -f1-3 /proc/loadavg), $congestion everywhere" >"$results/what"
	keep "$results/what" what
	echo
	echo "# $1; medians (min-max) of $bench_round rounds of $seconds s, $(nproc) cores, $(uname -r), load $(cut -d' ' -f1-3 /proc/loadavg), $congestion"
	shift
	sort -t "$(printf '\t')" -k1,2 -k3n "$results/values" | awk -F '\t' -v rows="$results/rows" \
		-v medians="$results/medians" -v columns="$*" '
		{ k = $1 SUBSEP $2; v[k, ++n[k]] = $3 }
		function median(k, m) { m = int((n[k] + 1) / 2); return n[k] % 2 ? v[k, m] : (v[k, m] + v[k, m + 1]) / 2 }
		function short(x) { return x >= 100 ? sprintf("%.0f", x) : x >= 10 ? sprintf("%.1f", x) : sprintf("%.2f", x) }
		END {
			nc = split(columns, c, " ")
			printf "|"; for (i = 1; i <= nc; i++) printf " | %s", c[i]; print " |"
			printf "|---|"; for (i = 1; i <= nc; i++) printf "---|"; print ""
			while ((getline row <rows) > 0) {
				printf "| %s |", row
				for (i = 1; i <= nc; i++) {
					k = row SUBSEP c[i]
					if (!n[k]) { printf " |"; continue }
					m = median(k)
					printf " %s (%s-%s) |", short(m), short(v[k, 1]), short(v[k, n[k]])
					printf "%s\t%s\t%f\n", row, c[i], m >medians
				}
				print ""
			}
		}' >"$results/table"
	cat "$results/table"
	keep "$results/table" md
	keep "$results/medians" medians
	echo
}
median_of() { awk -F '\t' -v r="$1" -v c="$2" '$1 == r && $2 == c { print $3 }' "$results/medians"; }
# compare ROW COLUMN ROW COLUMN [COMPARISON LIMIT]: the ratio of two medians; beside a goal it is checked
compare() {
	rk_a=$(median_of "$1" "$2") rk_b=$(median_of "$3" "$4")
	[ "$rk_a" ] && [ "$rk_b" ] || return 0
	rk_ratio=$(awk "BEGIN { printf \"%.3f\", $rk_b ? $rk_a / $rk_b : 0 }")
	rk_row="$1: $2 / $4"
	[ "$1" = "$3" ] || rk_row="$1, $2 / $3, $4"
	if [ $# -lt 5 ]; then
		echo "# $rk_row = $rk_ratio"
	else
		printf '%s\t%s\n' "$rk_row" "$rk_ratio" >>"$results/ratios"
		goal "$rk_row" "$5" "$6"
	fi
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

# --- published ports; the base port, +1 is iperf3, +2 nginx, +3 nsprobe; asked by the world -------
port_of() {
	case $1 in ours) echo 6100 ;; before) echo 6200 ;; pasta) echo 6300 ;; hostfwd) echo 6400 ;; direct) echo 6500 ;; *) echo 6600 ;; esac
}
port_throughput() { # COLUMN ARG...
	p=$(port_of "$1")
	shift
	iperf in_world 192.0.2.1 -p $((p + 1)) "$@"
}
port_requests() { # COLUMN CONNECTIONS [HEADER]
	http_load in_world "$2" "http://192.0.2.1:$(($(port_of "$1") + 2))/" ${3+"$3"}
}
port_closing() { port_requests "$1" 64 'Connection: close' && p99_us >"$T/p99.$1"; } # COLUMN
port_p99() { cat "$T/p99.$1"; } # COLUMN; of the measurement before
port_rows() { # what is measured of each in a round
	both "iperf3 in, Gbit/s" port_throughput
	both "iperf3 out (-R), Gbit/s" port_throughput -R
	for n in 1 64 512; do both "wrk keep-alive c$n, requests/s" port_requests $n; done
	both "wrk close c64, requests/s" port_closing
	both "wrk close c64, p99 of a request, us" port_p99
}
