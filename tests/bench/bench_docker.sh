# SPDX-License-Identifier: Apache-2.0
# bench_docker.sh - TCP through `docker run -p` into a container on dockerd's bridge: iperf3, and wrk to an nginx
#
# Two of Debian's dockerd at once, one in our child, one in RootlessKit's, with the port driver,
# MTU and copied-up directories of dockerd-rootless.sh; each has its own program as dockerd's proxy.
# The image is an empty root, /usr is the host's. The client is in the world, at the other end of the cable.
# deadline: 360
. "${0%/*}/lib.sh"
need userns tun tool:iperf3 tool:wrk tool:nginx tool:slirp4netns tool:dockerd tool:iptables \
	file:/usr/bin/docker file:/usr/bin/rootlesskit file:/usr/bin/rootlesskit-docker-proxy

bench_columns='ours rootlesskit'

# docker COLUMN COMMAND...
docker() {
	rk_socket=unix://$T/$1.dir/docker.sock
	shift
	as_user HOME="$T" timeout 60 /usr/bin/docker --host "$rk_socket" "$@"
}
dockerd_up() { docker "$1" version; }
dockerd_up_or_gone() { dockerd_up "$1" || is_gone "$bench_pid"; }
start_dockerd() { # COLUMN
	rk_dir=$T/$1.dir
	install -d -m 700 -o "$RK_UID" -g "$RK_GID" "$rk_dir" "$rk_dir/tmp"
	bench_env="XDG_RUNTIME_DIR=$rk_dir HOME=$rk_dir TMPDIR=$rk_dir/tmp"
	[ "$1" = ours ] || bench_env="$bench_env PATH=/usr/bin:/bin:/usr/sbin:/sbin" # its proxy is Debian's
	bench_child="dockerd --data-root=$rk_dir/data"
	instance "$1" 65520
	wait_for 30 dockerd_up_or_gone "$1"
	dockerd_up "$1" >/dev/null 2>&1 || bail "dockerd of $1 does not come up: $(tail -n 30 "$bench_log")"
	tar -C "$T/image" -c . | docker "$1" import - box >/dev/null || bail "$1: docker import"
}
make_image() {
	mkdir -p "$T/image/etc" "$T/image/usr"
	install -d -m 1777 "$T/image/tmp"
	for rk_name in bin sbin lib lib64; do ln -s usr/$rk_name "$T/image/$rk_name"; done
	cp /etc/passwd /etc/group "$T/image/etc"
}

in_container() { nsenter --net="/proc/$container_pid/ns/net" -- "$@"; }
# serve_container COLUMN NAME PORT INNER COMMAND...: published on PORT, until the server listens on INNER
serve_container() {
	rk_column=$1 rk_name=$2 rk_port=$3 rk_inner=$4
	shift 4
	docker "$rk_column" run -d --name "$rk_name" -v /usr:/usr:ro -v "$T/$rk_column:$T/$rk_column" -p "$rk_port:$rk_inner" box "$@" \
		>"$T/servers.log" 2>&1 || bail "$rk_column: docker run: $(cat "$T/servers.log")"
	container_pid=$(docker "$rk_column" inspect -f '{{.State.Pid}}' "$rk_name")
	wait_for 10 listens in_container "$rk_inner" ||
		bail "$rk_column: $* does not listen: $(docker "$rk_column" logs "$rk_name" 2>&1)"
	is "$rk_column: congestion control of $rk_name's container" "$(pin_congestion in_container)" "$congestion"
}
# proxies: the programs that stand on published ports
proxies() {
	for rk_proc in /proc/[0-9]*; do
		case $(cat "$rk_proc/comm" 2>/dev/null) in
		rootlesskit-doc*) readlink "$rk_proc/exe" ;;
		esac
	done | sort -u | tr '\n' ' '
}

make_image
for column in $bench_columns; do
	start_dockerd "$column"
	p=$(port_of "$column") config=$(nginx_config "$column")
	serve_container "$column" iperf $((p + 1)) 5201 iperf3 -s
	serve_container "$column" web $((p + 2)) 8080 nginx -p "$T" -c "$config"
done
is "each has its own proxy" "$(proxies)" \
	"$(printf '%s\n' "$RK_BIN/rootlesskit-docker-proxy" /usr/bin/rootlesskit-docker-proxy | sort | tr '\n' ' ')"

equal_shares

while more_rounds; do
	port_rows
done
for column in $bench_columns; do
	ok "$column: docker rm" docker "$column" rm -f iperf web
done
bench_stop

# shellcheck disable=SC2086 # a list of words
table "through docker run -p, both under Debian's dockerd" $bench_columns
check() { compare "$1" ours "$1" rootlesskit '>=' "$2"; } # ROW LIMIT
check "iperf3 in, Gbit/s" 1.3
check "iperf3 out (-R), Gbit/s" 1.3
check "wrk keep-alive c1, requests/s" 1.5
check "wrk keep-alive c64, requests/s" 2
check "wrk close c64, requests/s" 3
