# SPDX-License-Identifier: Apache-2.0
# bench_net.sh - TCP out of the child beside others, with a veth and the host's loopback as limits
#
# All servers are on the host (192.0.2.1), so that nothing but the way there differs. Environment, beside
# that of lib.sh: BENCH_ONLY (columns; BENCH_BEFORE=BUILD adds another build of ours as `before`), BENCH_ROWS
# (of iperf requests latency cpu idle memory), BENCH_IDLE (8000 connections), BENCH_PAIRS (10).
# deadline: 2400
BENCH_ROUNDS=${BENCH_ROUNDS:-3} BENCH_BUDGET=${BENCH_BUDGET:-1500}
export BENCH_ROUNDS BENCH_BUDGET
. "${0%/*}/lib.sh"
need userns tun tool:iperf3 tool:wrk tool:nginx tool:slirp4netns tool:pasta tool:python3 file:/usr/bin/rootlesskit

bench_columns=${BENCH_ONLY:-loopback veth ours slirp4netns pasta rootlesskit}
case " $bench_columns " in
*" before "*) ;;
*) [ -z "${BENCH_BEFORE-}" ] || bench_columns="$bench_columns before" ;;
esac
rows=" ${BENCH_ROWS:-iperf requests latency cpu idle memory} "
nidle=${BENCH_IDLE:-8000} pairs=${BENCH_PAIRS:-10}
probe="$RK_SRC/tests/bench/probe.py"
has_row() { case $rows in *" $1 "*) return 0 ;; *) return 1 ;; esac; }
has_column() { case " $bench_columns " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

cp "$probe" "$RK_BASE/probe.py" # the tree may lie where the user cannot go
probe=$RK_BASE/probe.py
serve_host 5201 iperf3 -s
serve_host 8080 nginx -p "$T" -c "$(nginx_config host)"
for c in $bench_columns; do
	for mtu in 65520 1500; do
		[ "$c" = loopback ] || instance "$c-$mtu" $mtu
	done
done

HOST=192.0.2.1
throughput() { # COLUMN MTU ARG...
	select_instance "$1-$2"
	shift 2
	iperf enter $HOST "$@"
}
requests() { # COLUMN CONNECTIONS [HEADER]
	select_instance "$1-65520"
	http_load enter "$2" http://$HOST:8080/ ${3+"$3"}
}
closing() { # COLUMN
	requests "$1" 64 'Connection: close' && p99_us >"$T/second.$1"
}
connects() { # COLUMN
	select_instance "$1-65520"
	enter python3 "$probe" latency $HOST 8080 500 >"$T/measured" 2>&1 || return
	cut -d' ' -f2 "$T/measured" >"$T/second.$1"
	cut -d' ' -f1 "$T/measured"
}
cpu() { # COLUMN ARG...
	select_instance "$1-65520"
	rk_column=$1
	shift
	rk_pids=$(instance_pids)
	# shellcheck disable=SC2086 # a list of numbers
	rk_before=$(python3 "$probe" ticks $rk_pids) && enter iperf3 -J -t "$seconds" -c $HOST "$@" >"$T/measured" &&
		rk_after=$(python3 "$probe" ticks $rk_pids) &&
		python3 "$probe" cpu "$rk_before" "$rk_after" "$T/measured" >"$T/cpu" || return
	cut -d' ' -f1 "$T/cpu" >"$T/second.$rk_column"
	cut -d' ' -f2 "$T/cpu"
}
second() { cat "$T/second.$1"; } # value of the measurement before
memory_of() { # INSTANCE
	select_instance "$1"
	# shellcheck disable=SC2046 # a list of numbers
	python3 "$probe" pss --but sleep $(instance_pids)
}
memory() { memory_of "$1-65520"; }

if has_row memory; then
	for columns in $bench_columns; do
		case $columns in loopback | veth) ;; *) both "idle memory (PSS), KB" memory ;; esac
	done
fi
while more_rounds; do
	if has_row iperf; then
		for mtu in 1500 65520; do
			for streams in 1 8 64; do
				both "iperf3 out, $streams, MTU $mtu, Gbit/s" throughput $mtu -P $streams
				both "iperf3 in (-R), $streams, MTU $mtu, Gbit/s" throughput $mtu -P $streams -R
			done
		done
	fi
	if has_row requests; then
		for n in 1 64 512; do both "wrk keep-alive c$n, requests/s" requests $n; done
		both "wrk close c64, requests/s" closing
		both "wrk close c64, p99 of a request, us" second
	fi
	if has_row latency; then
		both "connect, p50, us" connects
		both "connect, p99, us" second
	fi
	if has_row cpu; then
		both "CPU s/GB out, all processes" cpu
		both "CPU s/GB out, those between" second
		both "CPU s/GB in (-R), all processes" cpu -R
		both "CPU s/GB in (-R), those between" second
	fi
done

# beside COLUMN: pairs of the same measurement, in two instances of which one holds idle connections
beside() {
	instance "$1-idle" 65520
	rk_idle_before=$(memory_of "$1-idle")
	serve_idle python3 "$probe" idle $HOST 8080 "$nidle"
	record "memory of an idle connection, bytes" "$1" $((($(memory_of "$1-idle") - rk_idle_before) * 1024 / nidle))
	rk_pair=0
	while [ $rk_pair -lt "$pairs" ]; do
		if [ $((rk_pair % 2)) = 0 ]; then rk_order='65520 idle'; else rk_order='idle 65520'; fi
		for rk_which in $rk_order; do
			rk_row=alone
			[ "$rk_which" = 65520 ] || rk_row="beside $nidle idle"
			select_instance "$1-$rk_which"
			record "wrk keep-alive c1, $rk_row" "$1" "$(http_load enter 1 http://$HOST:8080/)"
			record "iperf3 out, 1, $rk_row" "$1" "$(iperf enter $HOST)"
		done
		rk_pair=$((rk_pair + 1))
	done
}
if has_row idle; then
	for c in ours before; do if has_column $c; then beside $c; fi; done
fi
bench_stop

# shellcheck disable=SC2086 # a list of words
table "TCP out of the child, all servers on the host" $bench_columns
for mtu in 1500 65520; do
	o="iperf3 out, 1, MTU $mtu, Gbit/s" i="iperf3 in (-R), 1, MTU $mtu, Gbit/s"
	o64="iperf3 out, 64, MTU $mtu, Gbit/s"
	if [ $mtu = 1500 ]; then least=15; else least=3; fi
	compare "$o" ours "$o" slirp4netns '>=' $least
	compare "$o" ours "$o" veth '>=' 0.65
	compare "$i" ours "$i" veth '>=' 0.65
	compare "$i" ours "$i" pasta '>=' 1.5
	compare "$o64" ours "$o" ours
	compare "$o64" veth "$o" veth
done
for pair in 'keep-alive c1:1' 'keep-alive c64:1.2' 'keep-alive c512:5' 'close c64:2'; do
	r="wrk ${pair%:*}, requests/s"
	compare "$r" ours "$r" slirp4netns '>=' "${pair#*:}"
done
r="wrk close c64, p99 of a request, us"
compare "$r" ours "$r" loopback '<=' 3
for r in "wrk keep-alive c1" "iperf3 out, 1"; do
	compare "$r, beside $nidle idle" ours "$r, alone" ours '>=' 0.95
done
if has_column before; then
	while read -r r; do compare "$r" ours "$r" before; done <"$results/rows"
fi
pass "all was measured"
