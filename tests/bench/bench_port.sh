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

measure() {
	p=$(port_of "$1")
	url=http://192.0.2.1:$((p + 2))/
	record "iperf3 in, Gbit/s" "$1" "$(iperf in_world 192.0.2.1 -p $((p + 1)))"
	record "iperf3 out (-R), Gbit/s" "$1" "$(iperf in_world 192.0.2.1 -p $((p + 1)) -R)"
	record "iperf3 in, 16 streams, Gbit/s" "$1" "$(iperf in_world 192.0.2.1 -p $((p + 1)) -P 16)"
	record "wrk keep-alive c1, requests/s" "$1" "$(http_load in_world 1 "$url")"
	record "wrk keep-alive c64, requests/s" "$1" "$(http_load in_world 64 "$url")"
	record "wrk close c64, requests/s" "$1" "$(http_load in_world 64 "$url" 'Connection: close')"
}
while more_rounds; do
	measure ours
	measure peer
done
bench_stop
report "through a published port, beside RootlessKit's builtin" builtin
