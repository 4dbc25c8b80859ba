# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# lib.sh - what a docker test sources first: the test world, and dockerd as the user in it
#
# On top of tests/integration/lib.sh. DATA is dockerd's data root (in the world's own tmpfs, so it
# goes with the world), the image `box` holds busybox and nsprobe-static and nothing else.
. "${0%/*}/../integration/lib.sh"

DATA=$T/docker
DOCKERD_LOG=$RK_ERR
rk_env="$rk_env DOCKER_HOST=unix://$RK_RUN/docker.sock" # words, see lib.sh

need userns tun tool:dockerd file:/usr/bin/docker tool:iptables tool:curl file:/bin/busybox

# docker COMMAND...: the client, as the user, on the host
docker() { as_user timeout 60 /usr/bin/docker "$@"; }

make_data() { install -d -m 711 -o "$RK_UID" -g "$RK_GID" "$DATA"; }

dockerd_up() { docker version; }
dockerd_up_or_gone() { dockerd_up || is_gone "$RK_PID"; }
# wait_dockerd: until dockerd answers, or the test is over
wait_dockerd() {
	wait_for 30 dockerd_up_or_gone
	dockerd_up >/dev/null 2>&1 || bail "dockerd does not come up:
$(tail -n 30 "$DOCKERD_LOG" | sed 's/^/# /')"
}

# import_box: the image, once for each data root
import_box() {
	mkdir -p "$T/image/bin" "$T/image/w"
	cp /bin/busybox "$RK_BIN/nsprobe-static" "$T/image/bin/"
	mv "$T/image/bin/nsprobe-static" "$T/image/bin/nsprobe"
	for applet in cat echo hostname httpd id ip ping sh sleep true; do ln -s busybox "$T/image/bin/$applet"; done
	echo "hello from a container" >"$T/image/w/index.html"
	tar -C "$T/image" -c . | docker import - box >/dev/null || bail "docker import"
	rm -rf "$T/image"
}

# get URL: the body, or curl's status
get() { curl --silent --show-error --max-time 5 --noproxy '*' "$1"; }
# get_soon URL: while the server in the container starts
get_soon() {
	wait_for 5 get "$1"
	get "$1"
}

# proxy_exe: the program that stands on the published ports of dockerd
proxy_exe() {
	for rk_proc in /proc/[0-9]*; do
		case $(cat "$rk_proc/comm" 2>/dev/null) in
		rootlesskit-doc*) readlink "$rk_proc/exe" && return ;;
		esac
	done
	return 1
}

# end_dockerd: TERM to the program, its status in RK_STATUS; dockerd's own files go as well, they are not ours
end_dockerd() {
	RK_GRACE=30 rk_stop TERM
	# containerd's stacks: dockerd asks it for them when it is slow to answer
	for rk_left in "$RK_RUN/docker" "$RK_RUN/docker.pid" "$RK_RUN/docker.sock" "$RK_RUN/runc" "$RK_HOME/.config" "$RK_TMP"/containerd.*.stacks.log; do
		rm -rf "${rk_left:?}"
	done
}

# stop_dockerd: end_dockerd as a test
stop_dockerd() {
	end_dockerd
	is "TERM: dockerd ends with status 0" "$RK_STATUS" 0
	fails "the state directory is gone" test -e "$STATE"
}

list_ports() { as_user rootlessctl --socket="$STATE/api.sock" list-ports; }

# container_network NAME: the container asks the world
container_network() {
	is "$1: resolves a name of the world" "$(docker exec "$1" sh -c '
		while read -r key value; do [ "$key" != nameserver ] || nsprobe dns "$value" web.world.test; done </etc/resolv.conf')" 192.0.2.2
	is "$1: reaches a TCP server, 1 MB both ways" "$(docker exec "$1" nsprobe duplex 192.0.2.3 7 1000000 3)" ok
	is "$1: reaches a TCP server that is not on-link" "$(docker exec "$1" nsprobe connect 198.51.100.7 80)" ok
	is "$1: sees a refusal" "$(docker exec "$1" nsprobe connect 192.0.2.2 4)" ECONNREFUSED
	is "$1: reaches a UDP server" "$(docker exec "$1" nsprobe ask -u 192.0.2.2 7 ping)" ping
}

# published_port WHOSE PROXY: a container's port comes
published_port() {
	ok "$1: docker run -d -p" docker run -d --name web -p 8080:80 box httpd -f -p 80 -h /w
	is "$1: the port answers on loopback" "$(get_soon http://127.0.0.1:8080/)" "hello from a container"
	is "$1: on the host's address" "$(get http://192.0.2.1:8080/)" "hello from a container"
	is "$1: on the host's address, asked by the world" \
		"$(in_world curl -s --max-time 5 --noproxy '*' http://192.0.2.1:8080/)" "hello from a container"
	like "$1: the API lists it" "$(list_ports)" "*8080*"
	is "$1: this program stands there" "$(proxy_exe)" "$2"
	fails "$1: the port is taken" docker run --rm -p 8080:80 box true
	is "$1: docker exec" "$(docker exec web hostname)" "$(docker ps -q)"
	status_is "$1: the status of docker exec" 42 docker exec web sh -c 'exit 42'
}

# port_goes WHOSE: and goes
port_goes() {
	ok "$1: docker rm -f" docker rm -f web
	is "$1: the port is closed" "$(nsprobe connect 127.0.0.1 8080)" ECONNREFUSED
	unlike "$1: the API lists it no more" "$(list_ports)" "*8080*"
	ok "$1: it can be published again" docker run -d --name again -p 8080:80 box httpd -f -p 80 -h /w
	is "$1: and answers again" "$(get_soon http://127.0.0.1:8080/)" "hello from a container"
	ok "$1: docker rm -f again" docker rm -f again
}
