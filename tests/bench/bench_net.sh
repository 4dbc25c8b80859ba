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
throughput() { # COLUMN MTU ARG...
	select_instance "$1-$2"
	shift 2
	iperf in_child 192.0.2.2 "$@"
}
requests() { # COLUMN CONNECTIONS [HEADER]
	select_instance "$1-65520"
	http_load in_child "$2" $URL ${3+"$3"}
}
while more_rounds; do
	for mtu in 65520 1500; do
		both "iperf3 out, MTU $mtu, Gbit/s" throughput $mtu
		both "iperf3 in (-R), MTU $mtu, Gbit/s" throughput $mtu -R
		both "iperf3 out, 16 streams, MTU $mtu, Gbit/s" throughput $mtu -P 16
	done
	both "wrk keep-alive c1, requests/s" requests 1
	both "wrk keep-alive c64, requests/s" requests 64
	both "wrk close c64, requests/s" requests 64 'Connection: close'
done
bench_stop
report "out of the child, --net=slirp beside slirp4netns" slirp4netns
