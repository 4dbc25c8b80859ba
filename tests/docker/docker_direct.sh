# SPDX-License-Identifier: Apache-2.0
# docker_direct.sh - `rootless-supervisor --net=slirp -- dockerd`: containers, their network, ports
# deadline: 150
. "${0%/*}/lib.sh"

# one run of dockerd
one_life() {
	rk_start --net=slirp -- dockerd --data-root="$DATA" || exit 1
	wait_dockerd
	docker image inspect box >/dev/null 2>&1 || import_box
	published_port "$@"
	port_goes "$1"
}

make_data
need file:/usr/bin/rootlesskit-docker-proxy
one_life ours "$RK_BIN/rootlesskit-docker-proxy"
docker info >"$T/info" 2>&1
like "overlay2" "$(cat "$T/info")" "*Storage Driver: overlay2*"
like "rootless" "$(cat "$T/info")" "*rootless*"
is "root in a container" "$(docker run --rm box id -u)" 0
docker run -d --init --name bridged box sleep 1000 >/dev/null
container_network bridged
docker network create lan >/dev/null
docker run -d --init --name in-lan --network lan box sleep 1000 >/dev/null
container_network in-lan
is "containers of a network know each other" "$(docker exec in-lan nsprobe dns 127.0.0.11 in-lan)" \
	"$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' in-lan)"
docker run -d --init --name stays -p 8081:80 box httpd -f -p 80 -h /w >/dev/null
is "a container that is still there at the end" "$(get_soon http://127.0.0.1:8081/)" "hello from a container"
stop_dockerd
is "its port is closed" "$(nsprobe connect 127.0.0.1 8081)" ECONNREFUSED

rm "$RK_BIN/rootlesskit-docker-proxy"
one_life "Debian's" /usr/bin/rootlesskit-docker-proxy
stop_dockerd
