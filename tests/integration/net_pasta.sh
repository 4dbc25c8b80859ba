# SPDX-License-Identifier: Apache-2.0
# net_pasta.sh - the program pasta as network: traffic, what it publishes by itself, its death, refusals
# deadline: 90
. "${0%/*}/lib.sh"
need userns tun tool:python3 file:/usr/bin/pasta
pasta() { pgrep -u "$RK_UID" 'pass?ta|passt'; } # it calls itself passt.avx2
args() { tr '\0' ' ' <"/proc/$(pasta)/cmdline"; }
info() { as_user rootlessctl --socket "$STATE/api.sock" info --json | python3 -c "import json, sys; i = json.load(sys.stdin); print($1)"; }
restarts() { [ "$(info 'i["workers"]["pasta"]["restarts"]')" = "$1" ]; }
# TCP of Debian 12's pasta does not notice an end and repeats data: no more than the first bytes count
answers() { "$@" 2>/dev/null | grep -q '^hello'; }
out() { answers in_child nsprobe ask -t 8000 192.0.2.2 7 hello; }
tcp() { answers nsprobe ask -t 8000 192.0.2.1 "$1" hello; }

rk_start --net=pasta --port-driver=implicit --ipv6=false -- nsprobe serve tcp-echo,0.0.0.0,7007 udp-echo,0.0.0.0,7008 || exit
like "its arguments are upstream's" "$(args)" "/usr/bin/pasta --foreground --pid=$STATE/.pasta.pid --stderr --ns-ifname=tap0 --mtu=65520 --config-net \
--address=10.0.2.100 --netmask=24 --gateway=10.0.2.2 --dns-forward=10.0.2.3 --no-map-gw --ipv4-only --tcp-ports=auto --udp-ports=auto *$(cat "$STATE/child_pid") "
like "the address" "$(in_child ip -4 -o address show dev tap0)" '*inet 10.0.2.100/24 *'
ok "TCP out" out
is "UDP out" "$(in_child nsprobe ask -u 192.0.2.2 7 hello)" hello
is "the resolver file" "$(in_child head -n 1 /etc/resolv.conf)" "nameserver 10.0.2.3"
is "DNS" "$(in_child nsprobe dns 10.0.2.3 web.world.test)" 192.0.2.2
ok "what listens inside is published" wait_for 5 tcp 7007
is "info" "$(info 'i["networkDriver"], i.get("portDriver")')" "{'driver': 'pasta', 'dns': ['10.0.2.3'], 'childIP': '10.0.2.100'} None"
like "nobody else publishes" "$(as_user rootlessctl --socket "$STATE/api.sock" list-ports 2>&1)" '*no PortDriver is available*'

case $(/usr/bin/pasta --version) in
*"unknown version"*) # Debian 12's
	like "the version is judged" "$(cat "$RK_ERR")" "*warning: network: pasta unknown version: --net=pasta needs 2023_06_25 or newer*"
	;;
*) is "the version is judged" "$(cat "$RK_ERR")" "" ;;
esac

old=$(pasta)
kill -s KILL "$old"
ok "killed, it is started again" wait_for 5 restarts 1
isnt "it is another" "$(pasta)" "$old"
like "which is said" "$(cat "$RK_ERR")" "*warning: network: pasta was killed by signal 9 (Killed); its connections are lost, it is started again (death 1 of 5 in 60 s)"
ok "again: TCP out" out
ok "again: published" wait_for 5 tcp 7007
rk_stop
is "status" "$RK_STATUS" 143

rk_start --net=pasta --disable-host-loopback=false --cidr=10.9.8.0/24 --mtu=1500 --ifname=eth7 -- sleep 1000 || exit
like "other arguments" "$(args)" "* --ns-ifname=eth7 --mtu=1500 *--address=10.9.8.100 *--dns-forward=10.9.8.3 --tcp-ports=none --udp-ports=none *"
like "IPv6 has the host's addresses" "$(in_child ip -6 -o address show dev eth7 scope global)" '*inet6 2001:db8::1*'
kill -s KILL "$RK_PID"
ok "it does not outlive a killed parent" wait_for 5 sh -c "! pgrep -u $RK_UID passt"
rk_wait
ok "nor does the rest" wait_for 5 sh -c "! pgrep -u $RK_UID ."

rk_start --net=pasta --detach-netns --on-worker-crash=exit --copy-up=/etc --copy-up=/run -- sleep 1000 || exit
child=$(cat "$STATE/child_pid")
like "detached: the arguments" "$(args)" "*--userns=/proc/$child/ns/user --netns=/proc/$child/root$STATE/netns "
is "detached: UDP out" "$(as_user nsenter --user --mount --preserve-credentials --target "$child" nsenter "--net=$STATE/netns" -- nsprobe ask -u 192.0.2.2 7 hello)" hello
kill -s KILL "$(pasta)"
rk_wait
is "--on-worker-crash=exit" "$RK_STATUS" 125
one_error_line "its death is the end" "$RK_ERR" "pasta was killed by signal 9 (Killed); stopping the command"

refuse() { # WHAT PATTERN ARG...
	what=$1 pattern=$2
	shift 2
	rk_run --net=pasta "$@" true
	one_error_line "$what" "$RK_ERR" "$pattern"
	documented "$what is documented" "$RK_ERR"
}
program() { printf '#!/bin/sh\n%s\n' "$1" >"$T/pasta"; chmod 755 "$T/pasta"; }
chmod 755 "$T"
refuse "no such program" 'exec: "spaghetti": executable file not found in $PATH' --pasta-binary=spaghetti
refuse "no such path" 'exec: "/no/pasta": stat /no/pasta: no such file or directory' --pasta-binary=/no/pasta
program 'echo usage; exit 3'
refuse "one that fails" "command \"$T/pasta --version\" failed, make sure pasta is installed: \"usage*\": exit status 3" --pasta-binary="$T/pasta"
wrapper() { program "case \$1 in --version) $1 ;; *) exec /usr/bin/pasta \"\$@\" ;; esac"; }
judged() {
	rk_run --net=pasta --pasta-binary="$T/pasta" true
	is "$1" "$RK_STATUS $(cat "$RK_ERR")" "0 $2"
}
wrapper 'echo pasta 2023_06_24.0af928e'
judged "an old version is warned of" "rootless-supervisor: warning: network: pasta 2023_06_24.0af928e: --net=pasta needs 2023_06_25 or newer, older ones lose TCP"
wrapper 'echo pasta 0.0~git20230627.289301b-1'
judged "a newer one is not" ""
wrapper true
judged "nor one that says nothing" ""
# shellcheck disable=SC2016 # for the program
program 'case "$1$2" in *--version) ;; *) echo "unrecognized option --config-net"; exit 1 ;; esac'
refuse "one that is too old" "pasta exited with status 1: unrecognized option --config-net" --pasta-binary="$T/pasta"
