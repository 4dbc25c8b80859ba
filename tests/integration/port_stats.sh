# SPDX-License-Identifier: Apache-2.0
# port_stats.sh - rootlessctl list-ports --stats: what published ports have seen
# asan: yes
. "${0%/*}/lib.sh"
need userns tun

rk_start --net=slirp -p 127.0.0.1:7007:7/tcp -p 127.0.0.1:7008:8/tcp -p 127.0.0.1:7007:7/udp -- \
	nsprobe serve tcp-echo,0.0.0.0,7 udp-echo,0.0.0.0,7 || exit
wait_for 5 sh -c "[ \$(grep -c ^ready $RK_OUT) = 2 ]"
ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
# stats ID: accepted, active, bytes in and out, refused, last error
stats() { ctl list-ports --stats | awk -v id="$1" '$1 == id { print $6, $7, $8, $9, $10, $11, $12, $13 }' | sed 's/ *$//'; }
is_now() { [ "$(stats "$1")" = "$2" ]; }
# soon DESCRIPTION ID TEXT: the relay hears of an end a moment later than we do
soon() {
	wait_for 5 is_now "$2" "$3"
	is "$1" "$(stats "$2")" "$3"
}

is "nothing yet" "$(stats 1)" "0 0 0 0 0"
is "three connections" "$(for i in 1 2 3; do nsprobe ask 127.0.0.1 7007 hello$i; done | tr -d '\n')" hello1hello2hello3
soon "are counted, with their bytes" 1 "3 0 18 18 0"
is "one whose server is absent" "$(nsprobe ask 127.0.0.1 7008 x 2>/dev/null)" ""
soon "is counted as refused, with the reason" 2 "1 0 0 0 1 connection refused"
is "five at once" "$(nsprobe many 127.0.0.1 7007 5)" "5 alive"
is "64 MB" "$(nsprobe duplex 127.0.0.1 7007 67108864 3)" ok
wait_for 5 sh -c "[ \"\$($(command -v rootlessctl) --socket $STATE/api.sock list-ports --stats | awk '\$1 == 1 { print \$7 }')\" = 0 ]"
is "are counted byte by byte" "$(stats 1)" "9 0 67108902 67108902 0"
is "UDP" "$(nsprobe ask -u 127.0.0.1 7007 datagram)" datagram
soon "is counted" 3 "1 1 8 8 0"
is "the plain list is RootlessKit's" "$(ctl list-ports | head -n 1)" "ID    PROTO    PARENTIP     PARENTPORT    CHILDIP    CHILDPORT    "
like "as JSON" "$(ctl list-ports --stats --json | tail -n 1)" '*"stats":{"accepted":1,"active":1,"bytesIn":8,"bytesOut":8,"refused":0}}'
unlike "only when asked for" "$(ctl list-ports --json)" '*stats*'

relay=$(pgrep -f 'rs-worker relay')
kill -STOP "$relay"
is "a relay that hangs does not hold the list" "$(stats 1)" ""
is "which is all there" "$(ctl list-ports --stats --json | wc -l)" 3
kill -CONT "$relay"
# more than fit in one answer
i=100
while [ $i -lt 195 ]; do
	echo "127.0.0.1:$((8000 + i)):7/tcp"
	i=$((i + 1))
done >"$T/specs"
# shellcheck disable=SC2046 # a list of words
ctl add-ports $(cat "$T/specs") >/dev/null
is "every port has them" "$(ctl list-ports --stats --json | grep -c '"stats":{')" 98
is "one of the last" "$(nsprobe ask 127.0.0.1 8194 last)" last
soon "is counted" 98 "1 0 4 4 0"
rk_stop
