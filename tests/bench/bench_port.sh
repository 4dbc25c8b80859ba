# SPDX-License-Identifier: Apache-2.0
# bench_port.sh - published ports beside others: TCP in and out, requests, UDP
#
# builtin and hostfwd are RootlessKit's port drivers (builtin, slirp4netns), pasta is by itself; direct is the
# servers on the host, without anything between: what it makes more than another bounds us. The client is in the
# world, at the other end of the cable. BENCH_ONLY: columns; BENCH_BEFORE=BUILD adds another build of ours as `before`.
# deadline: 900
BENCH_ROUNDS=${BENCH_ROUNDS:-3} BENCH_BUDGET=${BENCH_BUDGET:-600}
export BENCH_ROUNDS BENCH_BUDGET
. "${0%/*}/lib.sh"
need userns tun tool:iperf3 tool:wrk tool:nginx tool:slirp4netns tool:pasta file:/usr/bin/rootlesskit

bench_columns=${BENCH_ONLY:-direct ours builtin hostfwd pasta}
case " $bench_columns " in
*" before "*) ;;
*) [ -z "${BENCH_BEFORE-}" ] || bench_columns="$bench_columns before" ;;
esac
HOST=192.0.2.1 ms=$((seconds * 1000))

# serve COLUMN SERVE IPERF NGINX NSPROBE: the servers on these ports, each by SERVE PORT COMMAND...
serve() {
	"$2" "$3" iperf3 -s -p "$3"
	"$2" "$4" nginx -p "$T" -c "$(nginx_config "$1" "$4")"
	"$2" "$5" nsprobe loadserve 0.0.0.0 "$5"
}
for c in $bench_columns; do
	p=$(port_of "$c")
	tcp="-p $HOST:$((p + 1)):5201/tcp -p $HOST:$((p + 2)):8080/tcp" udp="-p $HOST:$((p + 3)):5300/udp"
	# shellcheck disable=SC2086 # lists of words
	case $c in
	direct)
		serve direct serve_host $((p + 1)) $((p + 2)) $((p + 3))
		continue
		;;
	pasta) instance "$c-65520" 65520 --tcp-ports "$HOST/$((p + 1)):5201,$((p + 2)):8080" --udp-ports "$HOST/$((p + 3)):5300" ;;
	hostfwd) instance "$c-65520" 65520 --port-driver=slirp4netns $tcp $udp ;;
	*) instance "$c-65520" 65520 $tcp $udp ;;
	esac
	serve "$c" serve_child 5201 8080 5300
done
equal_shares

# of UDP: COLUMN
flood() {
	in_world timeout $((seconds + 20)) nsprobe blast $HOST $(($(port_of "$1") + 3)) "$ms" 1400 >"$T/measured" 2>&1 || return
	cut -d' ' -f1 "$T/measured" >"$T/peak.$1"
	cat "$T/peak.$1"
}
flood_back() {
	in_world timeout $((seconds + 20)) nsprobe pull $HOST $(($(port_of "$1") + 3)) "$ms" 1400 >"$T/measured" 2>&1 &&
		cut -d' ' -f1 "$T/measured"
}
half() {
	in_world timeout $((seconds + 20)) nsprobe blast -r $(($(cat "$T/peak.$1") / 2000)) $HOST $(($(port_of "$1") + 3)) \
		"$ms" 1400 >"$T/measured" 2>&1 && awk '{ printf "%.2f\n", $4 / $3 * 100 }' "$T/measured"
}
while more_rounds; do
	port_rows
	both "UDP in, 1400 bytes, datagrams/s" flood
	both "UDP in, received at half the peak, %" half
	both "UDP out, 1400 bytes, datagrams/s" flood_back
done
bench_stop

# shellcheck disable=SC2086 # a list of words
table "published ports, asked by another machine" $bench_columns
check() { # ROW COMPARISON LIMIT: to builtin; what no relay between would make is said beside
	compare "$1" ours "$1" builtin "$2" "$3"
	compare "$1" direct "$1" builtin
}
check "iperf3 in, Gbit/s" '>=' 1.1
check "iperf3 out (-R), Gbit/s" '>=' 1.1
check "wrk keep-alive c1, requests/s" '>=' 1.2
check "wrk keep-alive c64, requests/s" '>=' 2
check "wrk keep-alive c512, requests/s" '>=' 3
check "wrk close c64, requests/s" '>=' 4
check "wrk close c64, p99 of a request, us" '<=' 0.333
check "UDP in, 1400 bytes, datagrams/s" '>=' 2
check "UDP out, 1400 bytes, datagrams/s" '>=' 2
row="UDP in, received at half the peak, %"
if [ "$(median_of "$row" ours)" ]; then
	printf '%s\t%s\n' "$row" "$(median_of "$row" ours)" >>"$results/ratios"
	goal "$row" '>=' 99
fi
if [ -n "${BENCH_BEFORE-}" ]; then
	while read -r r; do compare "$r" ours "$r" before; done <"$results/rows"
fi
pass "all was measured"
