# SPDX-License-Identifier: Apache-2.0
# bench_udp.sh - UDP out of the child beside others: floods either way, bundles, requests, DNS
#
# All servers are on the host (192.0.2.1), as in bench_net.sh; both ends are nsprobe, which sends and
# receives many datagrams a call (tests/nsprobe/load.c): what is counted is what the receiver had, by
# its own clock. BENCH_ONLY: columns; BENCH_BEFORE=BUILD adds another build of ours as `before`.
# deadline: 1200
BENCH_ROUNDS=${BENCH_ROUNDS:-3} BENCH_BUDGET=${BENCH_BUDGET:-600}
export BENCH_ROUNDS BENCH_BUDGET
. "${0%/*}/lib.sh"
need userns tun tool:slirp4netns tool:pasta tool:python3

bench_columns=${BENCH_ONLY:-veth ours slirp4netns pasta}
case " $bench_columns " in
*" before "*) ;;
*) [ -z "${BENCH_BEFORE-}" ] || bench_columns="$bench_columns before" ;;
esac
times=$RK_SRC/tests/bench/probe.py
HOST=192.0.2.1 ms=$((seconds * 1000))
echo "nameserver $HOST" >/etc/resolv.conf
# anew for each round: slirp4netns keeps flows for minutes, and some hundreds of them make it three to six times as slow
start_all() {
	: >"$T/loadserve"
	nsprobe loadserve $HOST 5300 gro:5301 dns:53 >>"$T/loadserve" 2>&1 &
	pids="$! $pids"
	wait_for 5 grep -q ^ready "$T/loadserve" || bail "nsprobe loadserve: $(cat "$T/loadserve")"
	for c in $bench_columns; do instance "$c-65520" 65520; done
	equal_shares
}

# run COLUMN COMMAND...: nsprobe in the child prints numbers, the last is how many datagrams or answers there
# were; the first is the value, the others and the CPU time of each are kept for number and cost
run() {
	select_instance "$1-65520"
	rk_kept=$T/kept.$1
	shift
	rk_pids=$(instance_pids)
	# shellcheck disable=SC2086 # a list of numbers
	rk_before=$(python3 "$times" nanoseconds $rk_pids) &&
		enter timeout $((seconds + 20)) nsprobe "$@" >"$T/measured" 2>&1 &&
		rk_after=$(python3 "$times" nanoseconds $rk_pids) || return
	echo "$(cat "$T/measured") $((rk_after - rk_before))" >"$rk_kept"
	cut -d' ' -f1 "$rk_kept"
}
number() { cut -d' ' -f"$2" "$T/kept.$1"; } # COLUMN INDEX
# COLUMN: of the datagrams before, in us; those that nobody received were carried as well
cost() { awk '{ printf "%.2f\n", $NF / $(NF - 1) / 1000 }' "$T/kept.$1"; }
bundles() { run "$1" blast -g $HOST 5301 "$ms" 1400 >/dev/null && number "$1" 2; }
requests() { run "$1" rounds $HOST 5300 "$ms" 100; }
dns() { # on a veth nothing is between: the server itself is asked
	case $1 in veth) run "$1" rounds -d $HOST 53 "$ms" 20 ;; *) run "$1" rounds -d 10.0.2.3 53 "$ms" 20 ;; esac
}
# out COLUMN SIZE, in_ COLUMN SIZE
out() { run "$1" blast $HOST 5300 "$ms" "$2"; }
in_() { run "$1" pull $HOST 5300 "$ms" "$2"; }
rounds_of() { # ROW COMMAND
	both "$1, answers/s" "$2"
	both "$1, median, us" number 2
	both "$1, p99, us" number 3
	both "$1, CPU us an answer, those between" cost
}

while more_rounds; do
	start_all
	for length in 1400 64; do
		both "out, $length bytes, datagrams/s" out $length
		both "out, $length bytes, CPU us a datagram, those between" cost
		both "in, $length bytes, datagrams/s" in_ $length
		both "in, $length bytes, CPU us a datagram, those between" cost
	done
	both "out, bundles of 1400 bytes, Gbit/s" bundles
	both "out, bundles of 1400 bytes, CPU us a datagram, those between" cost
	rounds_of "DNS, 20 sockets" dns
	rounds_of "requests of 100 sockets" requests # last: its flows would slow slirp4netns at the others
	bench_stop
done
printf 'nameserver 192.0.2.2\nsearch world.test\n' >/etc/resolv.conf

# shellcheck disable=SC2086 # a list of words
table "UDP out of the child, all servers on the host" $bench_columns
for way in out in; do
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
compare "DNS, 20 sockets, p99, us" ours "DNS, 20 sockets, median, us" slirp4netns '<' 1
if [ -n "${BENCH_BEFORE-}" ]; then
	while read -r r; do compare "$r" ours "$r" before; done <"$results/rows"
fi
pass "all was measured"
