# SPDX-License-Identifier: Apache-2.0
# dns_answers.sh - large answers by TCP and EDNS, many at once, idle connections end
# deadline: 60
. "${0%/*}/lib.sh"
need userns tun

rk_start --net=slirp -- sleep 1000 || exit
ask_dns() { in_child nsprobe dns "$@" 2>&1; }
count() { ask_dns "$@" | grep -c '^192\.0\.2\.'; }
is "500 addresses by TCP" "$(count --tcp 10.0.2.3 huge.world.test)" 500
is "UDP says that they do not fit" "$(ask_dns 10.0.2.3 huge.world.test | head -n 1)" truncated
is "and passes what EDNS allows" "$(count --edns 4096 10.0.2.3 wide.world.test)" 240
is "up to its size" "$(ask_dns --edns 1232 10.0.2.3 wide.world.test | head -n 1)" truncated
is "8 kB by UDP" "$(count --edns 16384 10.0.2.3 huge.world.test)" 500
like "a stub in the child follows the truncated answer by TCP" \
	"$(in_child getent ahostsv4 big.world.test | awk '{ print $1 }' | sort -u | wc -l)" 60

# shellcheck disable=SC2016 # expands there
got=$(in_child sh -c 'for i in $(seq 100); do nsprobe dns -t 5000 $(test $((i % 2)) = 1 && echo --tcp) 10.0.2.3 web.world.test & done; wait' |
	grep -c '^192\.0\.2\.2$')
is "100 at once" "$got" 100

begin=$(date +%s)
in_child timeout 60 nsprobe ask 10.0.2.3 53 '' >/dev/null 2>&1
took=$(($(date +%s) - begin))
ok "a connection without a byte is closed by us, after $took s of 10" [ $took -le 40 ]
rk_stop
