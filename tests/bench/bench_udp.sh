# SPDX-License-Identifier: Apache-2.0
# bench_udp.sh - UDP out of the child beside others: received datagrams of iperf3, bundles, requests, DNS
#
# All servers are on the host (192.0.2.1), as in bench_net.sh. BENCH_ONLY: columns; BENCH_BEFORE=BUILD adds
# another build of ours as `before`. iperf3's own ends take most of the time: a limit is the column veth.
# deadline: 1200
BENCH_ROUNDS=${BENCH_ROUNDS:-3} BENCH_BUDGET=${BENCH_BUDGET:-600}
export BENCH_ROUNDS BENCH_BUDGET
. "${0%/*}/lib.sh"
need userns tun tool:iperf3 tool:slirp4netns tool:pasta tool:python3

bench_columns=${BENCH_ONLY:-veth ours slirp4netns pasta}
case " $bench_columns " in
*" before "*) ;;
*) [ -z "${BENCH_BEFORE-}" ] || bench_columns="$bench_columns before" ;;
esac
cp "$RK_SRC/tests/bench/udpprobe.py" "$RK_BASE/udpprobe.py" # the tree may lie where the user cannot go
probe=$RK_BASE/udpprobe.py ticks=$RK_SRC/tests/bench/probe.py
HOST=192.0.2.1
serve_host 5201 iperf3 -s -B 192.0.2.1
python3 "$probe" serve $HOST 5300 >"$T/probe" 2>&1 &
pids="$! $pids"
wait_for 5 grep -q ^ready "$T/probe" || bail "udpprobe.py: $(cat "$T/probe")"
for c in $bench_columns; do instance "$c-65520" 65520; done
equal_shares

datagrams() { # COLUMN LENGTH [-R]
	select_instance "$1-65520"
	rk_length=$2
	shift 2
	rk_pids=$(instance_pids)
	# shellcheck disable=SC2086 # a list of numbers
	rk_before=$(python3 "$ticks" ticks $rk_pids) &&
		enter timeout $((seconds + 10)) iperf3 -J -t "$seconds" -u -b 0 -l "$rk_length" -c $HOST "$@" \
			>"$T/measured" 2>&1 && rk_after=$(python3 "$ticks" ticks $rk_pids) || return
	python3 "$probe" rate "$T/measured" $((rk_after - rk_before)) >"$T/rate" || return
	cut -d' ' -f2 "$T/rate" >"$T/second.${STATE##*/}"
	cut -d' ' -f1 "$T/rate"
}
cost() { # COLUMN: of the datagrams before; those that nobody received were carried as well
	cat "$T/second.$1-65520"
}
bundles() { # COLUMN
	select_instance "$1-65520"
	enter timeout $((seconds + 10)) python3 "$probe" bundles $HOST 5300 "$seconds" 1400 2>"$T/measured"
}
paired() { # COLUMN COMMAND...: the second number is kept for second()
	select_instance "$1-65520"
	rk_column=$1
	shift
	enter timeout $((seconds + 10)) python3 "$probe" "$@" >"$T/measured" 2>&1 || return
	cut -d' ' -f2 "$T/measured" >"$T/second.$rk_column"
	cut -d' ' -f1 "$T/measured"
}
requests() { paired "$1" requests $HOST 5300 "$seconds" 100; }
dns() { # pasta forwards no name server unless it is told, veth has none
	case $1 in ours* | slirp4netns* | before*) paired "$1" dns 10.0.2.3 "$seconds" 20 ;; *) return 1 ;; esac
}
second() { cat "$T/second.$1"; }

while more_rounds; do
	for length in 1400 64; do
		both "out, $length bytes, datagrams/s" datagrams $length
		both "out, $length bytes, CPU us a datagram, those between" cost
		both "in (-R), $length bytes, datagrams/s" datagrams $length -R
		both "in (-R), $length bytes, CPU us a datagram, those between" cost
	done
	both "out, bundles of 1400 bytes, Gbit/s" bundles
	both "requests of 100 sockets, answers/s" requests
	both "requests of 100 sockets, p99, us" second
	rk_columns=$columns columns=''
	for c in $rk_columns; do
		case $c in ours | slirp4netns | before) columns="$columns $c" ;; esac
	done
	both "DNS, 20 sockets, answers/s" dns
	both "DNS, 20 sockets, p99, us" second
	columns=$rk_columns
done
bench_stop

# shellcheck disable=SC2086 # a list of words
table "UDP out of the child, all servers on the host" $bench_columns
for way in out 'in (-R)'; do
	r="$way, 1400 bytes, datagrams/s"
	compare "$r" ours "$r" slirp4netns '>=' 2
	compare "$r" ours "$r" pasta '>=' 1.5
	r="$way, 64 bytes, datagrams/s"
	compare "$r" ours "$r" slirp4netns '>=' 1.5
done
r="out, bundles of 1400 bytes, Gbit/s"
compare "$r" ours "$r" slirp4netns '>=' 5
r="DNS, 20 sockets, answers/s"
compare "$r" ours "$r" slirp4netns '>=' 3
if [ -n "${BENCH_BEFORE-}" ]; then
	while read -r r; do compare "$r" ours "$r" before; done <"$results/rows"
fi
pass "all was measured"
