# SPDX-License-Identifier: Apache-2.0
# port_dual_stack.sh - which families a published port has, and which ports may stand side by side
. "${0%/*}/lib.sh"
need userns tun

rk_start --net=slirp -- nsprobe serve tcp-echo,0.0.0.0,7 udp-echo,0.0.0.0,7 || exit
wait_for 5 sh -c "[ \$(grep -c ^ready $RK_OUT) = 2 ]"
ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
# reach PROTO ADDRESS PORT: yes or no, from here and from another machine
reach() {
	case $1 in udp*) rk_u=-u ;; *) rk_u= ;; esac
	case $2 in 127.* | ::1) set -- "$1" "$2" "$3" env ;; *) set -- "$1" "$2" "$3" in_world ;; esac
	# shellcheck disable=SC2086 # -u or nothing
	[ "$($4 nsprobe ask $rk_u -t 8000 "$2" "$3" hello 2>/dev/null)" = hello ] && echo yes || echo no
}

# proto, parent address, whether IPv4, whether IPv6
n=0
while read -r proto ip v4 v6; do
	n=$((n + 1))
	[ "$ip" != empty ] || ip=
	is "add $proto '$ip'" "$(ctl add-ports "$ip:7000:7/$proto")" $n
	is "$proto '$ip' here, IPv4" "$(reach "$proto" 127.0.0.1 7000)" "$v4"
	is "$proto '$ip' here, IPv6" "$(reach "$proto" ::1 7000)" "$v6"
	is "$proto '$ip' elsewhere, IPv4" "$(reach "$proto" 192.0.2.1 7000)" "$v4"
	is "$proto '$ip' elsewhere, IPv6" "$(reach "$proto" 2001:db8::1 7000)" "$v6"
	ctl remove-ports $n >/dev/null
done <<-EOT
	tcp empty yes yes
	tcp 0.0.0.0 yes yes
	tcp [::] yes yes
	tcp4 0.0.0.0 yes no
	tcp4 empty yes no
	tcp6 [::] no yes
	tcp6 empty no yes
	udp empty yes yes
	udp 0.0.0.0 yes yes
	udp [::] yes yes
	udp4 0.0.0.0 yes no
	udp4 empty yes no
	udp6 [::] no yes
	udp6 empty no yes
EOT

# dockerd publishes each family by itself
for proto in tcp udp; do
	is "$proto: 0.0.0.0 and :: stand side by side" "$(ctl add-ports "0.0.0.0:7001:7/${proto}4" "[::]:7001:7/${proto}6" | tr '\n' ' ')" "$((n + 1)) $((n + 2)) "
	n=$((n + 2))
	for a in 127.0.0.1 192.0.2.1 ::1 2001:db8::1; do
		is "$proto: and both serve" "$(reach $proto $a 7001)" yes
	done
	fails "$proto: but not a third for both" ctl add-ports ":7001:7/$proto"
	like "$proto: whose address is in use" "$rk_said" "*listen $proto :7001: bind: address already in use*"
done
protos() { as_user rootlessctl --socket "$STATE/api.sock" info --json | tr -d ' \n' | sed 's/.*"protos":\[\([^]]*\).*/\1/'; }
# dockerd, which puts childIP in the place of loopback, would collide with itself at one address
is "with the child's own address, IPv6 is served but not offered" "$(protos)" '"tcp","tcp4","udp","udp4"'
rk_stop
rk_start --net=slirp --source-ip-transparent=false -- sleep 1000 || exit
is "else it is offered too" "$(protos)" '"tcp","tcp4","tcp6","udp","udp4","udp6"'
rk_stop
