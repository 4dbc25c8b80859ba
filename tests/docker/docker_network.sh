# SPDX-License-Identifier: Apache-2.0
# docker_network.sh - containers: the way out, UDP ports, restart, names of each other and of the world, IPv6, --net=host
# deadline: 60
. "${0%/*}/lib.sh"
need tool:ip6tables

start_dockerd() { # PROGRAM'S OPTION... -- DOCKERD'S OPTION...: until it answers
	rk_flags=
	while [ "$1" != -- ]; do
		rk_flags="$rk_flags $1"
		shift
	done
	shift
	# shellcheck disable=SC2086 # a list of words
	rk_start --net=slirp $rk_flags -- dockerd --data-root="$DATA" "$@" || exit 1
	wait_dockerd
}
run() { ok "docker run --name $1" docker run -d --init --name "$@"; } # NAME ARG...
ask() { nsprobe ask -t 8000 "$@" 2>&1; }
ask_world() { in_world nsprobe ask -t 8000 "$@" 2>&1; }
says() { # TEXT COMMAND...
	rk_text=$1
	shift
	[ "$("$@")" = "$rk_text" ]
}
# soon WHAT TEXT COMMAND...: the command says it within 5 s; a server in a container takes a while
soon() {
	rk_about=$1 rk_soon=$2
	shift 2
	wait_for 5 says "$rk_soon" "$@"
	is "$rk_about" "$("$@")" "$rk_soon"
}
entries() { list_ports | awk -v port="$1" '$4 == port { print $2 }' | sort | tr '\n' ' '; } # PORT: its protocols
address_of() { docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"; }
address6_of() { docker inspect -f '{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}}{{end}}' "$1"; }

# --- one number, two protocols; restart ----------------------------------------------------------
udp_and_tcp() {
	run both -p 5353:53/udp -p 5353:53/tcp -p 127.0.0.1:5354:53/udp box nsprobe serve udp-echo,0.0.0.0,53 tcp-reply,0.0.0.0,53,tcp
	soon "UDP on loopback" hello ask -u 127.0.0.1 5353 hello
	is "UDP on the host's address" "$(ask -u 192.0.2.1 5353 there)" there
	is "UDP from another machine" "$(ask_world -u 192.0.2.1 5353 far)" far
	big=$(head -c 60000 /dev/zero | tr '\0' x)
	is "60000 bytes in one datagram" "$(ask_world -u 192.0.2.1 5353 "$big")" "$big"
	soon "TCP of the same number" tcp ask 127.0.0.1 5353
	is "TCP from another machine" "$(ask_world 192.0.2.1 5353)" tcp
	is "UDP on one address" "$(ask -u 127.0.0.1 5354 one)" one
	like "is on no other" "$(ask_world -u 192.0.2.1 5354 x)" '*ECONNREFUSED*'
	is "an entry a protocol and family" "$(entries 5353)" "tcp4 tcp6 udp4 udp6 "
}
restart() {
	ok "docker restart" docker restart -t 5 both
	soon "after it: UDP" again ask -u -p 5555 127.0.0.1 5353 again
	soon "TCP" tcp ask 127.0.0.1 5353
	is "from another machine" "$(ask_world -u 192.0.2.1 5353 far)" far
	is "the same entries" "$(entries 5353)" "tcp4 tcp6 udp4 udp6 "
	is "docker exec, in it" "$(docker exec both nsprobe ask -u 127.0.0.1 53 inside)" inside
	ok "docker stop" docker stop -t 5 both
	like "UDP is closed" "$(ask -u 127.0.0.1 5353 x)" '*ECONNREFUSED*'
	like "TCP is closed" "$(ask 127.0.0.1 5353)" '*ECONNREFUSED*'
	is "no entry" "$(entries 5353)" ""
	ok "docker rm" docker rm both
}
# the next container has the port as soon as docker rm is back; the same client asks each of them
reuse() {
	for n in 1 2 3; do
		run "take$n" -p 5353:53/udp -p 5353:53/tcp box nsprobe serve "udp-reply,0.0.0.0,53,udp$n" "tcp-reply,0.0.0.0,53,tcp$n"
		soon "container $n has the port: UDP" "udp$n" ask -u -p 5556 127.0.0.1 5353 x
		soon "TCP" "tcp$n" ask 127.0.0.1 5353
		ok "docker rm -f take$n" docker rm -f "take$n"
	done
	is "the last has gone" "$(entries 5353)" ""
}

# --- networks ------------------------------------------------------------------------------------
names() {
	ok "docker network create" docker network create lan
	run one --network lan box nsprobe serve tcp-reply,0.0.0.0,80,one udp-reply,0.0.0.0,80,one
	run two --network lan box nsprobe serve tcp-reply,0.0.0.0,80,two udp-reply,0.0.0.0,80,two
	for pair in "one two" "two one"; do
		from=${pair% *} to=${pair#* }
		is "$from knows $to by name" "$(docker exec "$from" nsprobe dns 127.0.0.11 "$to")" "$(address_of "$to")"
		soon "$from reaches $to: TCP" "$to" docker exec "$from" nsprobe ask "$(address_of "$to")" 80
		is "UDP" "$(docker exec "$from" nsprobe ask -u "$(address_of "$to")" 80 x)" "$to"
		container_network "$from"
	done
	is "a name that is not there" "$(docker exec one nsprobe dns 127.0.0.11 nope.world.test)" NXDOMAIN
	ok "docker rm -f one two" docker rm -f one two
}
host_network() {
	is "--net=host is the daemon's namespace" "$(docker run --rm --net=host box nsprobe netns)" "$(in_child nsprobe netns)"
	is "which reaches the world" "$(docker run --rm --net=host box nsprobe duplex 192.0.2.2 7 1000000 3)" ok
	is "by name" "$(docker run --rm --net=host box nsprobe dns 10.0.2.3 web.world.test)" 192.0.2.2
	is "and not the host's loopback" "$(docker run --rm --net=host box nsprobe connect 10.0.2.2 4)" ENETUNREACH
}
outbound6() { # CONTAINER
	is "$1: IPv6, TCP, 1 MB both ways" "$(docker exec "$1" nsprobe duplex 2001:db8::2 7 1000000 3)" ok
	is "$1: IPv6, not on-link" "$(docker exec "$1" nsprobe duplex 2001:db8:ffff::7 7 1000 3)" ok
	is "$1: IPv6, UDP" "$(docker exec "$1" nsprobe ask -u 2001:db8::2 7 six)" six
	is "$1: IPv6, a refusal is seen" "$(docker exec "$1" nsprobe connect 2001:db8::2 4)" ECONNREFUSED
	is "$1: IPv6, the host's loopback is closed" "$(docker exec "$1" nsprobe connect fd00::2 4)" ENETUNREACH
	is "$1: the server of IPv6 knows names" "$(docker exec "$1" nsprobe dns fd00::3 web.world.test)" 192.0.2.2
}
ipv6() {
	docker run -d --init --name bridged -p 5353:53/udp -p 5353:53/tcp box \
		nsprobe serve udp-echo,::,53 tcp-reply,::,53,tcp >/dev/null
	outbound6 bridged
	ok "docker network create --ipv6" docker network create --ipv6 --subnet fd12::/64 lan6
	run in-lan6 --network lan6 -p 192.0.2.1:5355:80 box nsprobe serve tcp-who,0.0.0.0,80
	like "in-lan6: has an address of it" "$(address6_of in-lan6)" 'fd12::*'
	outbound6 in-lan6
	is "in-lan6: dockerd's resolver knows names" "$(docker exec in-lan6 nsprobe dns 127.0.0.11 web.world.test)" 192.0.2.2
	is "in-lan6: IPv4 as well" "$(docker exec in-lan6 nsprobe duplex 192.0.2.2 7 1000000 3)" ok
	is "an entry a protocol and family" "$(entries 5353)" "tcp4 tcp6 udp4 udp6 "
	ok "one address: it answers" wait_for 5 in_world nsprobe ask -t 1000 192.0.2.1 5355
	like "a server does not see its client, as that was not wanted" "$(ask_world 192.0.2.1 5355)" '172.*.0.1 *'
	for a in 127.0.0.1 ::1; do
		soon "published on $a: TCP" tcp ask $a 5353
		soon "UDP" hello ask -u $a 5353 hello
	done
	for a in 192.0.2.1 2001:db8::1; do
		is "published, asked at $a by another machine: TCP" "$(ask_world $a 5353)" tcp
		is "UDP" "$(ask_world -u $a 5353 far)" far
	done
	ok "docker rm -f" docker rm -f bridged in-lan6
	like "IPv6 is closed" "$(ask ::1 5353)" '*ECONNREFUSED*'
}

# --- the way out of a container is the kernel's, behind the child's own firewall -------------------
slirp0_bytes() {
	for rk_agent in $(pgrep -P "$(cat "$STATE/child_pid")" rs-nsagent); do
		nsenter --net="/proc/$rk_agent/ns/net" awk '$1 == "slirp0:" { print $2 + $10 }' /proc/net/dev
	done
}
way_out() {
	like "TCP goes out by the kernel" "$(curl -s --unix-socket "$STATE/api.sock" http://x/v1/info)" '*"accel":"tproxy"*'
	run out box sleep 1000
	before=$(slirp0_bytes)
	is "a container sends 64 MB" "$(docker exec out nsprobe send 192.0.2.2 9 67108864 5)" ok
	is "and receives as much" "$(docker exec out nsprobe recv 192.0.2.2 19 67108864 1)" ok
	ok "libslirp's interface saw none of it" test $(($(slirp0_bytes) - before)) -lt 100000
	is "UDP" "$(docker exec out nsprobe ask -u 192.0.2.2 7 there)" there
	like "UDP, nobody listens: that is seen" "$(docker exec out nsprobe ask -u -t 8000 192.0.2.2 4 x 2>&1)" '*ECONNREFUSED'
	ok "ping" docker exec out ping -c 1 -W 3 192.0.2.2
	in_child iptables -I DOCKER-USER -d 192.0.2.3 -p tcp -j DROP
	is "a drop in DOCKER-USER holds" "$(docker exec out nsprobe connect -t 1500 192.0.2.3 7)" ETIMEDOUT
	is "for nobody else" "$(docker exec out nsprobe connect -t 8000 192.0.2.2 7)" ok
	in_child iptables -D DOCKER-USER -d 192.0.2.3 -p tcp -j DROP
	is "and not longer than it is there" "$(docker exec out nsprobe connect -t 8000 192.0.2.3 7)" ok
	ok "docker rm -f" docker rm -f out
}

make_data
echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range
start_dockerd --
import_box
way_out
udp_and_tcp
restart
reuse
names
host_network
stop_dockerd

# dockerd 20.10 masquerades IPv6 only so; docker_client_address.sh has IPv6 beside --source-ip-transparent
start_dockerd --source-ip-transparent=false -- --experimental --ip6tables --ipv6 --fixed-cidr-v6=fd12:1::/64
ipv6
stop_dockerd
