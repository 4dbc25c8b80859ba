# SPDX-License-Identifier: Apache-2.0
# docker_client_address.sh - whom a server in a container sees, with dockerd's userland proxy and without
# deadline: 120
. "${0%/*}/lib.sh"
need file:/usr/bin/rootlesskit-docker-proxy

addr() { echo "${1% *}"; }
who() { in_world nsprobe ask -t 8000 ${3:+-b "$3"} ${4:+-p "$4"} "$1" "$2" 2>&1; }
uwho() { in_world nsprobe ask -u -t 8000 -b "$3" -p "$4" "$1" "$2" x 2>&1; }
who_soon() { wait_for 5 in_world nsprobe ask -t 1000 192.0.2.1 "$1"; }

# Docker before 28 asks for a published port by its proxy only: without one the test asks, as Docker 28 does
publish() { # SPEC...
	[ $proxy = true ] || ok "$p: $*" as_user rootlessctl --socket="$STATE/api.sock" add-ports "$@"
}

in_world ip address add 172.17.0.77/32 dev lo # one that the bridge in the child has as well
ip route add 172.17.0.77 via 192.0.2.2

make_data
for proxy in true false; do
	rk_start --net=slirp -- dockerd --data-root="$DATA" --userland-proxy=$proxy || exit 1
	wait_dockerd
	docker image inspect box >/dev/null 2>&1 || import_box
	p="userland-proxy=$proxy"
	ok "$p: docker run" docker run -d --init --name who -p 8080:80 -p 8080:80/udp box \
		nsprobe serve tcp-who,0.0.0.0,80 udp-who,0.0.0.0,80
	publish 0.0.0.0:8080:10.0.2.100:8080/tcp4 0.0.0.0:8080:10.0.2.100:8080/udp4
	ok "$p: it answers" who_soon 8080
	is "$p: a client elsewhere, and its port" "$(who 192.0.2.1 8080 198.51.100.7 5500)" "198.51.100.7 5500"
	is "$p: one of the LAN" "$(addr "$(who 192.0.2.1 8080 192.0.2.3)")" 192.0.2.3
	is "$p: this machine" "$(addr "$(nsprobe ask 192.0.2.1 8080)")" 192.0.2.1
	is "$p: this machine by loopback" "$(addr "$(nsprobe ask 127.0.0.1 8080)")" 10.0.2.2
	is "$p: UDP, a client elsewhere, and its port" "$(uwho 192.0.2.1 8080 198.51.100.7 5500)" "198.51.100.7 5500"
	is "$p: UDP, the same again" "$(uwho 192.0.2.1 8080 198.51.100.7 5500)" "198.51.100.7 5500"
	is "$p: UDP, this machine" "$(addr "$(nsprobe ask -u 192.0.2.1 8080 x)")" 192.0.2.1
	is "$p: UDP, this machine by loopback" "$(addr "$(nsprobe ask -u 127.0.0.1 8080 x)")" 10.0.2.2
	is "$p: an address that the bridge has too" "$(addr "$(who 192.0.2.1 8080 172.17.0.77)")" 10.0.2.2
	ok "$p: docker run, a network of its own" docker network create "net-$proxy"
	ok "$p: docker run there" docker run -d --init --name echo --network "net-$proxy" -p 8082:7 box \
		nsprobe serve tcp-echo,0.0.0.0,7
	publish 0.0.0.0:8082:10.0.2.100:8082/tcp4
	ok "$p: it answers" wait_for 5 in_world nsprobe duplex 192.0.2.1 8082 10 1
	is "$p: 16 MB both ways" "$(in_world nsprobe duplex -b 198.51.100.7 192.0.2.1 8082 16777216 7 2>&1)" ok
	is "$p: 300 at once" "$(in_world nsprobe many 192.0.2.1 8082 300)" "300 alive"
	if [ $proxy = true ]; then
		ok "docker run, a port of one address" docker run -d --init --name one -p 192.0.2.1:8083:80 -p 192.0.2.1:8083:80/udp \
			-p 127.0.0.1:8084:80 box nsprobe serve tcp-who,0.0.0.0,80 udp-who,0.0.0.0,80
		ok "one address: it answers" who_soon 8083
		is "one address: a client elsewhere, and its port" "$(who 192.0.2.1 8083 198.51.100.7 5501)" "198.51.100.7 5501"
		is "one address: this machine" "$(addr "$(nsprobe ask 192.0.2.1 8083)")" 192.0.2.1
		is "one address: UDP, a client elsewhere, and its port" "$(uwho 192.0.2.1 8083 198.51.100.7 5501)" "198.51.100.7 5501"
		is "one address: a client that the bridge has too" "$(addr "$(who 192.0.2.1 8083 172.17.0.77)")" 172.17.0.1
		is "loopback only: this machine" "$(addr "$(nsprobe ask 127.0.0.1 8084)")" 172.17.0.1
		is "one address: others are closed" "$(nsprobe connect 127.0.0.1 8083)" ECONNREFUSED
		ok "docker run again, a port of one address that answers fast" docker run -d --init --name fast -p 192.0.2.1:8085:7 box \
			nsprobe serve tcp-echo,0.0.0.0,7
		ok "it answers" wait_for 5 in_world nsprobe duplex 192.0.2.1 8085 10 1
		is "one address: 16 MB both ways" "$(in_world nsprobe duplex -b 198.51.100.7 192.0.2.1 8085 16777216 7 2>&1)" ok
		ok "docker rm" docker rm -f one fast
		is "one address: closed" "$(in_world nsprobe connect 192.0.2.1 8083)" ECONNREFUSED
	fi
	ok "$p: docker rm" docker rm -f who echo
	[ $proxy = false ] || is "$p: closed" "$(in_world nsprobe connect 192.0.2.1 8080)" ECONNREFUSED
	stop_dockerd
done
