# SPDX-License-Identifier: Apache-2.0
# net_late.sh - connects out that last, on every rung: each is one connection, at the moment when the far
# side has it; who gives up meanwhile leaves nothing; a server whose queue is full; RK_LATE: other ports (not 5005, 5006)
# deadline: 180
. "${0%/*}/lib.sh"
need userns tun tool:python3
cp "$RK_SRC/tests/integration/net_late.py" "$RK_BASE/late.py" # the tree may lie where the user cannot go
py="python3 $RK_BASE/late.py"
ports=${RK_LATE:-5001 5003 5015 5030} # tenths of a second
# shellcheck disable=SC2086 # two words
probe() { in_child $py "$@" 2>>"$T/times"; }
relay_fds() { find "/proc/$relay/fd" -mindepth 1 | wc -l; }
few_fds() { [ "$(relay_fds)" -le $((before + 2)) ]; }

unshare --net sleep 1000 &
far=$!
wait_for 5 sh -c "[ \$(readlink /proc/$far/ns/net) != \$(readlink /proc/self/ns/net) ]"
# shellcheck disable=SC2086 # two words
(exec nsenter --net="/proc/$RK_WORLD_PID/ns/net" -- $py line $FAR $FAR6 $far) >"$T/line" 2>&1 &
line=$!
wait_for 5 grep -q ready "$T/line" || bail "no path: $(cat "$T/line")"
# shellcheck disable=SC2086 # two words
(exec nsenter --net="/proc/$far/ns/net" -- $py serve) >>"$T/server" 2>&1 &
server=$!
wait_for 5 grep -q ready "$T/server"
FAR_PID=$far
wait_for 5 far_answers 2001:db8::2 || bail "no path by IPv6" # see far_start
# seen PORT WHAT: how often the servers saw that
seen() { grep -c "^$1 $2\$" "$T/server"; }
have_seen() { [ "$(seen "$1" "$2")" -ge "$3" ]; }

for RUNG in $RUNGS; do
rk_start --net=slirp -- sleep 1000 || exit
is "the way is open" "$(in_child nsprobe duplex 192.0.2.2 7 1000 3)" ok # what is made at first is there
relay=$(pgrep -x rs-relay)
before=$(relay_fds)
: >"$T/server" # the server appends
: >"$T/times"
# both families at once; the others while these wait
# shellcheck disable=SC2086 # lists of words
probe late $FAR $ports >"$T/late4" &
late4=$!
# shellcheck disable=SC2086 # lists of words
probe late $FAR6 $ports >"$T/late6" &
late6=$!
for a in $FAR $FAR6; do
	is "given up while they wait, $a" "$(probe leave "$a" 5005)" ok
	is "given up, and the port is used again, $a" "$(probe again "$a" 5006)" ok
	is "a queue that is full, $a" "$(probe full "$a")" ok
done
wait $late4 $late6
is "connected when the far side is" "$(cat "$T/late4")" ok
is "and by IPv6" "$(cat "$T/late6")" ok
sed 's/^#/# connected after/' "$T/times"
# shellcheck disable=SC2086 # a list
of_late() { for port in $ports; do grep "^$port " "$T/server"; done; }
is "none of them without its bytes" "$(of_late | grep -v 'said hello')" ""
is "none of them twice" "$(of_late | sort | uniq -d)" ""
is "so was each from the port that was used again" "$(seen 5006 'said again')" 2
is "and to the full one" "$(seen 5099 'said full')" 2
# a SYN that is lost on the way is not sent again for them
ok "who gave up is gone at the far side, too" wait_for 12 have_seen 5005 '.*' 1
ok "descriptors come back" wait_for 12 few_fds
is "by resets and ends" "$(grep '^5005 ' "$T/server" | grep -vE 'reset|said nothing')" ""
rk_stop
done
kill $server $line $far
