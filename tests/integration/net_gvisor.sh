# SPDX-License-Identifier: Apache-2.0
# net_gvisor.sh - --net=gvisor-tap-vsock: the built-in network, the gateway is the name server as well
# deadline: 60
. "${0%/*}/lib.sh"
need userns tun
spawn nsprobe serve tcp-reply,127.0.0.1,8080,loopback
wait_for 5 nsprobe connect 127.0.0.1 8080
server=$SPAWNED

for RUNG in $RUNGS; do
rk_start --net=gvisor-tap-vsock --port-driver=gvisor-tap-vsock --disable-host-loopback=false \
	-p 127.0.0.1:7007:7/tcp -- nsprobe serve tcp-echo,0.0.0.0,7 || exit
wait_for 5 grep -q ready "$RK_OUT"
like "the address" "$(in_child ip -4 -o address show dev tap0)" '*inet 10.0.2.100/24 *'
is "the gateway" "$(in_child ip route show default | cut -d' ' -f1-5)" 'default via 10.0.2.1 dev tap0'
is "no IPv6" "$(in_child ip -6 -o address show dev tap0 scope global)" ''
like "the name server" "$(in_child cat /etc/resolv.conf)" 'nameserver 10.0.2.1*'
is "it answers" "$(in_child nsprobe dns 10.0.2.1 web.world.test)" 192.0.2.2
is "the gateway is the host's loopback" "$(in_child nsprobe ask 10.0.2.1 8080)" loopback
is "TCP out" "$(in_child nsprobe duplex 192.0.2.2 7 1000000 3)" ok
is "UDP out" "$(in_child nsprobe ask -u 192.0.2.2 7 hello)" hello
ok "ping the gateway" in_child busybox ping -c 1 -W 5 10.0.2.1
is "a published port" "$(nsprobe duplex 127.0.0.1 7007 1000000 3)" ok
info=$(as_user rootlessctl --socket "$STATE/api.sock" info --json)
like "the names are as asked for: network" "$info" '*"driver": "gvisor-tap-vsock"*"dns": *10.0.2.1*"childIP": "10.0.2.100"*'
like "ports" "$info" '*"portDriver": *"driver": "gvisor-tap-vsock"*"protos"*'
rk_stop
done
RUNG=
rk_start --net=gvisor-tap-vsock --cidr=10.77.0.0/24 -- sleep 1000 || exit
is "another network: the name server" "$(in_child nsprobe dns 10.77.0.1 web.world.test)" 192.0.2.2
is "the host's loopback is closed" "$(in_child nsprobe connect 10.77.0.1 8080)" ENETUNREACH
rk_stop
kill "$server"
wait "$server" || :
