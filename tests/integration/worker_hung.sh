# SPDX-License-Identifier: Apache-2.0
# worker_hung.sh - a worker that does not answer is replaced, an agent by its spare; one that was stopped
# with everything or for a while is not; and nobody wakes up for it more than once in five seconds
# deadline: 120
. "${0%/*}/lib.sh"
need userns tun

nursery() { pgrep -P "$1" -x rs-nursery; }
# worker PARENT relay|slirp
worker() { pgrep -P "$(nursery "$1")" -x "rs-$2"; }
# begin NAME PORT: an instance of its own; its pid in RK_PID
begin() {
	RK_OUT=$T/out.$1 RK_ERR=$T/err.$1 STATE=$RK_RUN/$1
	rk_start --net=slirp -p "127.0.0.1:$2:7/tcp" -p "127.0.0.1:$2:8/udp" -- \
		nsprobe serve tcp-echo,0.0.0.0,7 udp-echo,0.0.0.0,8 || exit
}
serves() { [ "$(nsprobe ask -t 8000 127.0.0.1 "$1" hello)" = hello ]; }
changed() { now=$(worker "$1" "$2") && [ "$now" != "$3" ]; }
replaced() { grep -q "warning: workers: the $2 worker did not answer for 15 s; its connections are lost, it is started again" "$T/err.$1"; }
taken_over() {
	[ "$(grep -c 'warning: network: the agent of .* did not answer for 15 s: it is killed' "$T/err.agent")" = 2 ] &&
		[ "$(grep -c 'warning: network: the agent of .* died, its spare has taken over' "$T/err.agent")" = 2 ]
}
switches() { sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' "/proc/$1/status"; }

begin relay 7001; relay_parent=$RK_PID
begin slirp 7002; slirp_parent=$RK_PID
begin all 7003; all_parent=$RK_PID
begin while 7004; while_parent=$RK_PID
begin idle 7005; idle_parent=$RK_PID
begin agent 7006; agent_parent=$RK_PID
agents=$(pgrep -P "$(cat "$STATE/child_pid")" -x rs-nsagent)

relay=$(worker "$relay_parent" relay) slirp=$(worker "$slirp_parent" slirp) short=$(worker "$while_parent" relay)
all="$all_parent $(nursery "$all_parent") $(worker "$all_parent" relay) $(worker "$all_parent" slirp)"
idle="$(worker "$idle_parent" relay) $(worker "$idle_parent" slirp) $(nursery "$idle_parent")"
kill -s STOP "$relay" "$slirp" "$short"
# shellcheck disable=SC2086 # a list
kill -s STOP $agents
# shellcheck disable=SC2086 # a list
kill -s STOP $all
for pid in $idle; do before="${before-} $(switches "$pid")"; done
begin_s=$(date +%s)
sleep 9 # not long enough for anybody
kill -s CONT "$short"
ok "one that was stopped for 9 s serves again" serves 7004
sleep 9 # all are out of time
# shellcheck disable=SC2086 # a list: the parent first, the workers have not answered yet
for pid in $all; do kill -s CONT "$pid"; sleep 0.1; done
ok "a stopped relay is replaced" wait_for 12 replaced relay relay
ok "a stopped slirp is replaced" wait_for 12 replaced slirp slirp
ok "stopped agents are replaced" wait_for 12 taken_over
took=$(($(date +%s) - begin_s))
echo "# after $took s"
ok "15 s is not 30" [ "$took" -lt 30 ]
ok "the relay is another one" changed "$relay_parent" relay "$relay"
ok "the slirp is another one" changed "$slirp_parent" slirp "$slirp"
ok "it serves" serves 7001
ok "with spares of its agents, too" serves 7006
now=
for pid in $idle; do now="$now $(switches "$pid")"; done
# shellcheck disable=SC2086 # lists of numbers
woken() { set -- $before $now; echo "$(($4 - $1)) $(($5 - $2)) $(($6 - $3))"; }
echo "# idle for $took s: relay, slirp and nursery were woken $(woken) times"
# shellcheck disable=SC2046 # three numbers
few() { set -- $(woken); [ "$1" -le $((took / 2)) ] && [ "$2" -le $took ] && [ "$3" -le 1 ]; }
ok "an idle relay is woken once in 5 s, slirp by the child's IPv6 as well" few
sleep 6 # a tick more of those that were stopped
for name in all:7003 while:7004 idle:7005; do
	ok "${name%:*}: serves" serves "${name#*:}"
	is "${name%:*}: nobody was killed" "$(cat "$T/err.${name%:*}")" ''
done
for RK_PID in $relay_parent $slirp_parent $all_parent $while_parent $idle_parent $agent_parent; do
	rk_stop
	is "it ends as ever" "$RK_STATUS" 143
done
