# SPDX-License-Identifier: Apache-2.0
# bench_port.sh - TCP into the child through published ports: iperf3, and wrk to an nginx in the child
# deadline: 180
. "${0%/*}/lib.sh"
need userns tun tool:iperf3 tool:wrk tool:nginx tool:slirp4netns file:/usr/bin/rootlesskit

# base port of the column on the host: +1 is iperf3, +2 is nginx
port_of() { if [ "$1" = ours ]; then echo 6100; else echo 6200; fi; }
for column in ours peer; do
	p=$(port_of $column)
	instance $column 65520 -p "192.0.2.1:$((p + 1)):5201/tcp" -p "192.0.2.1:$((p + 2)):8080/tcp"
	serve_child 5201 iperf3 -s
	serve_child 8080 nginx -p "$T" -c "$(nginx_config $column)"
done

throughput() { # COLUMN ARG...
	p=$(port_of "$1")
	shift
	iperf in_world 192.0.2.1 -p $((p + 1)) "$@"
}
requests() { # COLUMN CONNECTIONS [HEADER]
	http_load in_world "$2" "http://192.0.2.1:$(($(port_of "$1") + 2))/" ${3+"$3"}
}
while more_rounds; do
	both "iperf3 in, Gbit/s" throughput
	both "iperf3 out (-R), Gbit/s" throughput -R
	both "iperf3 in, 16 streams, Gbit/s" throughput -P 16
	both "wrk keep-alive c1, requests/s" requests 1
	both "wrk keep-alive c64, requests/s" requests 64
	both "wrk close c64, requests/s" requests 64 'Connection: close'
done
bench_stop
report "through a published port, beside RootlessKit's builtin" builtin
