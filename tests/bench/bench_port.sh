# SPDX-License-Identifier: Apache-2.0
# bench_port.sh - TCP into the child through published ports: iperf3, and wrk to an nginx in the child
# deadline: 180
. "${0%/*}/lib.sh"
need userns tun tool:iperf3 tool:wrk tool:nginx tool:slirp4netns file:/usr/bin/rootlesskit

for column in ours peer; do
	p=$(port_of $column)
	instance $column 65520 -p "192.0.2.1:$((p + 1)):5201/tcp" -p "192.0.2.1:$((p + 2)):8080/tcp"
	serve_child 5201 iperf3 -s
	serve_child 8080 nginx -p "$T" -c "$(nginx_config $column)"
done

while more_rounds; do
	port_rows
	both "iperf3 in, 16 streams, Gbit/s" port_throughput -P 16
done
bench_stop
report "through a published port, beside RootlessKit's builtin" builtin
