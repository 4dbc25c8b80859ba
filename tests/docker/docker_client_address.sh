# SPDX-License-Identifier: Apache-2.0
# docker_client_address.sh - whom a server in a container sees, with dockerd's userland proxy and without
# deadline: 120
. "${0%/*}/lib.sh"
need file:/usr/bin/rootlesskit-docker-proxy file:/usr/bin/slirp4netns

addr() { echo "${1% *}"; }
who() { in_world nsprobe ask -t 8000 ${3:+-b "$3"} ${4:+-p "$4"} "$1" "$2" 2>&1; }
uwho() { in_world nsprobe ask -u -t 8000 -b "$3" -p "$4" "$1" "$2" x 2>&1; }
who_soon() { wait_for 5 in_world nsprobe ask -t 1000 192.0.2.1 "$1"; }

add_ports() { as_user rootlessctl --socket="$STATE/api.sock" add-ports "$@"; }
# Docker before 28 asks for a published port by its proxy only: without one the test asks, as Docker 28 does
publish() { # SPEC...
	[ $proxy = true ] || ok "$p: $*" add_ports "$@"
}
run() { ok "$p: docker run --name $1" docker run -d --init --name "$@"; } # NAME ARG...
answers() { [ "$("$@" 2>/dev/null)" ]; }

# one number of port on several addresses, each with its own container
one_address() {
	run one -p 192.0.2.1:8083:80 -p 192.0.2.1:8083:80/udp -p 127.0.0.1:8084:80 -p 127.0.0.1:8084:80/udp box \
		nsprobe serve tcp-who,0.0.0.0,80 udp-who,0.0.0.0,80
	run two -p 192.0.2.9:8083:80 -p 192.0.2.9:8083:80/udp box nsprobe serve tcp-reply,0.0.0.0,80,two udp-reply,0.0.0.0,80,two
	is "one address: not on another" "$(nsprobe connect 127.0.0.1 8083)" ECONNREFUSED
	run three -p 127.0.0.1:8083:80 -p 127.0.0.1:8083:80/udp box nsprobe serve tcp-reply,0.0.0.0,80,three udp-reply,0.0.0.0,80,three
	run six -p '[2001:db8::1]:8083:80' -p '[2001:db8::1]:8083:80/udp' box nsprobe serve tcp-reply,0.0.0.0,80,six udp-reply,0.0.0.0,80,six
	ok "one address: it answers" who_soon 8083
	is "one address: a client elsewhere, and its port" "$(who 192.0.2.1 8083 198.51.100.7 5501)" "198.51.100.7 5501"
	is "one address: this machine" "$(addr "$(nsprobe ask 192.0.2.1 8083)")" 192.0.2.1
	is "one address: UDP, a client elsewhere, and its port" "$(uwho 192.0.2.1 8083 198.51.100.7 5501)" "198.51.100.7 5501"
	is "one address: a client that the bridge has too" "$(addr "$(who 192.0.2.1 8083 172.17.0.77)")" 172.17.0.1
	is "loopback only: this machine" "$(addr "$(nsprobe ask 127.0.0.1 8084)")" 172.17.0.1
	is "loopback only: UDP" "$(addr "$(nsprobe ask -u 127.0.0.1 8084 x)")" 172.17.0.1
	for a in 192.0.2.9=two 127.0.0.1=three 2001:db8::1=six; do
		wait_for 5 answers nsprobe ask -t 1000 "${a%=*}" 8083
		is "the same number on ${a%=*}" "$(nsprobe ask "${a%=*}" 8083) $(nsprobe ask -u "${a%=*}" 8083 x)" "${a#*=} ${a#*=}"
	done
	is "from within" "$(in_child nsprobe ask 192.0.2.9 8083) $(in_child nsprobe ask 127.0.0.1 8083)" "two three"
	fails "taken is taken" docker run --rm -p 192.0.2.9:8083:80 box true
	ok "docker rm two" docker rm -f two
	is "its address only is closed" "$(in_world nsprobe connect 192.0.2.9 8083) $(in_world nsprobe connect 192.0.2.1 8083)" "ECONNREFUSED ok"
	run fast -p 192.0.2.9:8083:7 box nsprobe serve tcp-echo,0.0.0.0,7
	ok "another container has it" wait_for 5 in_world nsprobe duplex 192.0.2.9 8083 10 1
	is "one address: 16 MB both ways" "$(in_world nsprobe duplex -b 198.51.100.7 192.0.2.9 8083 16777216 7 2>&1)" ok
	ok "docker rm" docker rm -f one three six fast
	is "one address: closed" "$(in_world nsprobe connect 192.0.2.1 8083)" ECONNREFUSED
}

# a container with an address of IPv6, and one without; addresses of IPv6 take 2 s to be there
start_v6() {
	ok "docker network create --ipv6" docker network create --ipv6 --subnet fd12::/64 lan6
	run v6 --network lan6 -p '[2001:db8::1]:8087:80' -p '[2001:db8::1]:8087:80/udp' -p '[::1]:8087:80' -p 8088:80 -p 8088:80/udp box \
		nsprobe serve tcp-who,::,80 udp-who,::,80
}
ipv6() {
	ok "IPv6: it answers" wait_for 5 answers in_world nsprobe ask -t 1000 2001:db8::1 8087
	for port in 8087 8088; do
		is "IPv6, $port: a client elsewhere, and its port" "$(who 2001:db8::1 $port 2001:db8:ffff::7 5$port)" "2001:db8:ffff::7 5$port"
		is "IPv6, $port: UDP" "$(uwho 2001:db8::1 $port 2001:db8:ffff::7 5$port)" "2001:db8:ffff::7 5$port"
	done
	is "IPv6: this machine" "$(addr "$(nsprobe ask 2001:db8::1 8087)")" 2001:db8::1
	is "IPv6: this machine by loopback" "$(addr "$(nsprobe ask ::1 8087)")" fd12::1
	is "its IPv4" "$(who 192.0.2.1 8088 198.51.100.7 5504)" "198.51.100.7 5504"
	is "a container of IPv4 only: clients of IPv6" "$(addr "$(who 2001:db8::1 8080 2001:db8:ffff::7)")" 172.17.0.1
	is "UDP" "$(addr "$(uwho 2001:db8::1 8080 2001:db8:ffff::7 5503)")" 172.17.0.1
	ok "docker rm" docker rm -f v6
	is "IPv6: closed" "$(in_world nsprobe connect 2001:db8::1 8087) $(in_world nsprobe connect 2001:db8::1 8088)" "ECONNREFUSED ECONNREFUSED"
}
# nobody asks for ports of these
host_network() {
	run hosts --net=host box nsprobe serve tcp-who,0.0.0.0,8090 udp-who,0.0.0.0,8090
	ok "add-ports" add_ports 8090:8090 8090:8090/udp
	ok "--net=host: it answers" who_soon 8090
	is "--net=host: a client elsewhere, and its port" "$(who 192.0.2.1 8090 198.51.100.7 5505)" "198.51.100.7 5505"
	is "--net=host: UDP" "$(uwho 192.0.2.1 8090 198.51.100.7 5505)" "198.51.100.7 5505"
	ok "docker rm" docker rm -f hosts
}

# without our gateway: several addresses beside each other; only what NAT takes shows its client
other_network() { # WHOM AT ALL ADDRESSES, ARG...
	rk_shown=$1
	shift
	rk_start "$@" -- dockerd --data-root="$DATA" || exit 1
	wait_dockerd
	run one -p 192.0.2.1:8080:80 -p 192.0.2.1:8080:80/udp -p 8081:80 -p 8081:80/udp box nsprobe serve tcp-who,0.0.0.0,80 udp-who,0.0.0.0,80
	run two -p 127.0.0.1:8080:80 -p '[2001:db8::1]:8080:80' -p '[2001:db8::1]:8080:80/udp' box \
		nsprobe serve tcp-who,0.0.0.0,80 udp-who,0.0.0.0,80
	ok "$p: it answers" who_soon 8080
	ok "$p: and the other" wait_for 5 answers nsprobe ask -t 1000 127.0.0.1 8080
	is "$p: one address" "$(addr "$(who 192.0.2.1 8080 198.51.100.7)")" 172.17.0.1
	is "$p: one address, UDP" "$(addr "$(uwho 192.0.2.1 8080 198.51.100.7 5506)")" 172.17.0.1
	is "$p: loopback" "$(addr "$(nsprobe ask 127.0.0.1 8080)")" 172.17.0.1
	is "$p: IPv6" "$(addr "$(who 2001:db8::1 8080)")" 172.17.0.1
	is "$p: IPv6, UDP" "$(addr "$(uwho 2001:db8::1 8080 2001:db8:ffff::7 5506)")" 172.17.0.1
	is "$p: all addresses" "$(addr "$(who 192.0.2.1 8081 198.51.100.7)")" "$rk_shown"
	is "$p: all addresses, UDP" "$(addr "$(uwho 192.0.2.1 8081 198.51.100.7 5507)")" "$rk_shown"
	ok "$p: docker rm" docker rm -f one two
	stop_dockerd
}

in_world ip address add 172.17.0.77/32 dev lo # one that the bridge in the child has as well
ip route add 172.17.0.77 via 192.0.2.2
ip address add 192.0.2.9/24 dev h0

make_data
for proxy in true false; do
	rk_start --net=slirp -- dockerd --data-root="$DATA" --userland-proxy=$proxy || exit 1
	wait_dockerd
	docker image inspect box >/dev/null 2>&1 || import_box
	p="userland-proxy=$proxy"
	run who -p 8080:80 -p 8080:80/udp box nsprobe serve tcp-who,0.0.0.0,80 udp-who,0.0.0.0,80
	[ $proxy = true ] || is "$p: nobody has asked" "$(nsprobe connect 127.0.0.1 8080)" ECONNREFUSED
	publish 0.0.0.0:8080:10.0.2.100:8080/tcp4 0.0.0.0:8080:10.0.2.100:8080/udp4 \
		192.0.2.1:8083:10.0.2.100:8080/tcp4 192.0.2.1:8083:10.0.2.100:8080/udp4
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
	run echo --network "net-$proxy" -p 8082:7 box nsprobe serve tcp-echo,0.0.0.0,7
	publish 0.0.0.0:8082:10.0.2.100:8082/tcp4
	ok "$p: it answers" wait_for 5 in_world nsprobe duplex 192.0.2.1 8082 10 1
	is "$p: 16 MB both ways" "$(in_world nsprobe duplex -b 198.51.100.7 192.0.2.1 8082 16777216 7 2>&1)" ok
	is "$p: 300 at once" "$(in_world nsprobe many 192.0.2.1 8082 300)" "300 alive"
	if [ $proxy = true ]; then
		is "what is asked for" "$(list_ports | awk '$4 == 8080 { print $2, $3, $5 }' | sort | tr '\n' ' ')" \
			"tcp4 0.0.0.0 10.0.2.100 tcp6 :: 172.17.0.2 udp4 0.0.0.0 10.0.2.100 udp6 :: 172.17.0.2 "
		is "from within, on the child's loopback" "$(addr "$(in_child nsprobe ask 127.0.0.1 8080)")" 172.17.0.1
		is "UDP" "$(addr "$(in_child nsprobe ask -u 127.0.0.1 8080 x)")" 172.17.0.1
		start_v6
		one_address
		ipv6
		host_network
	else
		is "$p: one address, a client elsewhere, and its port" "$(who 192.0.2.1 8083 198.51.100.7 5501)" "198.51.100.7 5501"
		is "$p: one address, UDP" "$(uwho 192.0.2.1 8083 198.51.100.7 5501)" "198.51.100.7 5501"
		for spec in 192.0.2.1:8085:80 192.0.2.1:8085:80/udp; do
			like "$p: dockerd has no such address: $spec" "$(docker run --rm -p "$spec" box true 2>&1)" '*192.0.2.1:8085: bind: cannot assign requested address*'
		done
	fi
	ok "$p: docker rm" docker rm -f who echo
	[ $proxy = false ] || is "$p: closed" "$(in_world nsprobe connect 192.0.2.1 8080)" ECONNREFUSED
	stop_dockerd
done
p=none
other_network 172.17.0.1 --net=none
p=slirp4netns
other_network 198.51.100.7 --net=slirp4netns --slirp4netns-binary=/usr/bin/slirp4netns
