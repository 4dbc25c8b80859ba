# SPDX-License-Identifier: Apache-2.0
# bench_net.sh - TCP out of the child: throughput by iperf3, requests by wrk to an nginx in the world
# deadline: 180
. "${0%/*}/lib.sh"
need userns tun tool:iperf3 tool:wrk tool:nginx tool:slirp4netns file:/usr/bin/rootlesskit

serve_world 5201 iperf3 -s
serve_world 8080 nginx -p "$T" -c "$(nginx_config world)"
for mtu in 65520 1500; do
	instance ours-$mtu $mtu
	instance peer-$mtu $mtu
done

URL=http://192.0.2.2:8080/
# measure COLUMN: one round of all rows
measure() {
	for mtu in 65520 1500; do
		select_instance "$1-$mtu"
		record "iperf3 out, MTU $mtu, Gbit/s" "$1" "$(iperf in_child 192.0.2.2)"
		record "iperf3 in (-R), MTU $mtu, Gbit/s" "$1" "$(iperf in_child 192.0.2.2 -R)"
		record "iperf3 out, 16 streams, MTU $mtu, Gbit/s" "$1" "$(iperf in_child 192.0.2.2 -P 16)"
	done
	select_instance "$1-65520"
	record "wrk keep-alive c1, requests/s" "$1" "$(http_load in_child 1 $URL)"
	record "wrk keep-alive c64, requests/s" "$1" "$(http_load in_child 64 $URL)"
	record "wrk close c64, requests/s" "$1" "$(http_load in_child 64 $URL 'Connection: close')"
}
while more_rounds; do
	measure ours
	measure peer
done
bench_stop
report "out of the child, --net=slirp beside slirp4netns" slirp4netns
