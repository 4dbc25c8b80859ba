# SPDX-License-Identifier: Apache-2.0
# api_seeing.sh - rootlessctl status, ready, exec, events and metrics; an instance is found without --socket
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3
ctl() { as_user rootlessctl "$@"; }
# the leak checker forks a thread at exit, which would be born in the PID namespace that was entered, and waits for ever
inside() { as_user env ASAN_OPTIONS=detect_leaks=0 rootlessctl --socket "$STATE/api.sock" exec "$@"; }
is "nothing runs: the old words" "$(ctl status 2>&1)" 'error: please specify --socket or set $ROOTLESSKIT_STATE_DIR'
is "nor is it ready" "$(ctl ready --json 2>/dev/null)" '{"ready":false}'
like "and waiting for it ends" "$(ctl ready --wait --timeout=0 2>&1)" 'error: not ready: *'
spawn python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
time.sleep(1000)' "$RK_RUN/silent.sock"
silent=$SPAWNED
wait_for 5 test -S "$RK_RUN/silent.sock"
like "with a server that never answers, too, and before the limit of a call, 10 s" \
	"$(timeout 8 rootlessctl --socket "$RK_RUN/silent.sock" ready --wait --timeout=1 2>&1; echo $?)" 'error: not ready: *
1'
kill "$silent"
{ wait "$silent"; } 2>/dev/null
rm "$RK_RUN/silent.sock"
spawn rootlessctl ready --wait --timeout=30
waiter=$SPAWNED

rk_start --net=slirp --pidns -p 127.0.0.1:7007:7/tcp -- nsprobe serve tcp-echo,0.0.0.0,7 || exit
wait "$waiter"
is "who waits learns that it is up" $? 0
is "by its socket" "$(ctl --socket "$STATE/api.sock" ready --json)" '{"ready":true}'
wait_for 5 grep -q ready "$RK_OUT"
nsprobe duplex 127.0.0.1 7007 100000 3 >/dev/null
wait_for 5 sh -c "rootlessctl --socket '$STATE/api.sock' list-ports --stats --json | grep -q '\"active\":0,\"bytesIn\":[1-9]'"

# what a port has seen is told when the relay answers within a second: FILE WORDS COMMAND...
until_told() {
	rk_file=$1 rk_words=$2
	shift 2
	wait_for 5 told "$@" || fail "the relay tells of its ports" "$(cat "$rk_file")"
}
told() { ctl --socket "$STATE/api.sock" "$@" >"$rk_file" && grep -q "$rk_words" "$rk_file"; }
until_told "$T/status" ' in, ' status
like "status: the instance" "$(cat "$T/status")" "instance   $STATE, version *child $(cat "$STATE/child_pid"), supervisor *up for 0m ??s*"
like "the network" "$(cat "$T/status")" '*network    slirp, 10.0.2.100*MTU 65520*'
like "its rung" "$(cat "$T/status")" '*rung       *'
like "the servers of names" "$(cat "$T/status")" '*names      10.0.2.3*, asked of 192.0.2.2*'
like "the workers" "$(cat "$T/status")" '*worker     relay: up, 0 restarts*worker     slirp: up, 0 restarts*'
like "a port and what it has seen" "$(cat "$T/status")" '*port 1     127.0.0.1:7007 -> 7/tcp: 0 of 1 open, 100.0 kB in, 100.0 kB out*'
is "on one screen" "$([ "$(wc -l <"$T/status")" -le 24 ] && echo yes)" yes
until_told "$T/status" '"stats"' status --json
is "the same as JSON" "$(python3 -c 'import json, sys
j = json.load(open(sys.argv[1]))
print(j["ports"][0]["stats"]["bytesIn"], j["workers"]["relay"]["state"], j["networkDriver"]["extra"]["dnsServers"], j["instance"]["detachedNetns"])' "$T/status")" \
	"100000 up ['192.0.2.2'] False"

# top: 400 kB pass within the second between two looks, or before it, or behind
spawn rootlessctl --socket "$STATE/api.sock" top --count=2 --json >"$T/top"
looker=$SPAWNED
for _ in 1 2 3 4; do
	nsprobe duplex 127.0.0.1 7007 100000 3 >/dev/null
done
wait "$looker"
is "top: as many looks as asked for" "$(wc -l <"$T/top")" 2
is "rates: of one port, none below 0, all together not more than what has passed" "$(python3 -c 'import json, sys
looks = [json.loads(line) for line in open(sys.argv[1])]
rates = [r.get("bytesInPerSecond", 0) for look in looks for r in look["ports"]]
print([len(look["ports"]) for look in looks], all(r >= 0 for r in rates), sum(rates) <= 400000)' "$T/top")" "[1, 1] True True"
until_told "$T/table" '7007/tcp  *0' top --count=1
like "as a table" "$(cat "$T/table")" '0 connections/s, 0 B/s in, 0 B/s out, 0 datagrams/s of UDP out
ID *PORT *OPEN *NEW/S *IN *OUT
1 *127.0.0.1:7007/tcp *0 *0 *0 B/s *0 B/s'
like "wrong use" "$(ctl --socket "$STATE/api.sock" top --interval=0 2>&1)" "error: --interval is 1 to 3600 seconds, --count 0 or more"

# metrics
until_told "$T/metrics" 'port_in_bytes_total{' metrics
is "metrics: bytes of the port" "$(grep 'port_in_bytes_total{' "$T/metrics")" \
	'rootless_supervisor_port_in_bytes_total{id="1",proto="tcp",parent_ip="127.0.0.1",parent_port="7007",child_port="7"} 500000'
is "the workers" "$(grep 'worker_up{' "$T/metrics" | tr '\n' ' ')" 'rootless_supervisor_worker_up{worker="relay"} 1 rootless_supervisor_worker_up{worker="slirp"} 1 '
is "each series has a type and words" "$(python3 - "$T/metrics" <<'EOT'
import re, sys
types, helps, bad, seen = set(), set(), [], set()
for line in open(sys.argv[1]):
    if m := re.match(r"# TYPE (\S+) (counter|gauge)$", line): types.add(m[1])
    elif m := re.match(r"# HELP (\S+) \S", line): helps.add(m[1])
    elif m := re.match(r"([a-z_]+)(\{([a-z_]+=\"[^\"]*\",?)+\})? [0-9]+$", line): seen.add(m[1])
    else: bad.append(line)
print(bad, seen - types, types ^ helps)
EOT
)" "[] set() set()"
other_path() { [ "$(as_user curl -s --unix-socket "$STATE/api.sock" http://x/metrics | sed 's/[0-9]*$//')" = "$(sed 's/[0-9]*$//' "$T/metrics")" ]; }
ok "by the other path" wait_for 5 other_path
as_json() { [ "$(ctl --socket "$STATE/api.sock" metrics --json | grep -c '"series":.*"value":[0-9]*}$')" = "$(grep -vc '^#' "$T/metrics")" ]; }
ok "as JSON" wait_for 5 as_json

# exec
# shellcheck disable=SC2016 # expands inside
{
	is "exec: root of its namespaces" "$(inside -- sh -c 'id -u; cat /proc/net/dev' | grep -oE '^0$|tap0' | tr '\n' ' ')" "0 tap0 "
	is "the PID namespace, too" "$(inside sh -c 'readlink /proc/self/ns/pid')" "$(readlink "/proc/$(cat "$STATE/child_pid")/ns/pid_for_children")"
	is "its status" "$(inside -- sh -c 'exit 7'; echo $?)" 7
	is "killed by a signal" "$(inside -- sh -c 'kill -9 $$'; echo $?)" 137
	is "not found" "$(inside -- /nonexistent 2>&1; echo $?)" "error: executing '/nonexistent': No such file or directory
127"
	is "the directory stays where there is one" "$(cd / && inside pwd)" /
	is "the command finds the API" "$(inside sh -c 'echo $ROOTLESSKIT_STATE_DIR')" "$STATE"
}
is "no command" "$(inside 2>&1)" "error: no command specified"
nsenter_root=$(ASAN_OPTIONS=detect_leaks=0 rootlessctl --socket "$STATE/api.sock" exec -- id -u 2>&1)
is "root of the host becomes root inside" "$nsenter_root" 0
is "and takes no group along" "$(ASAN_OPTIONS=detect_leaks=0 setpriv --groups 0,4242 rootlessctl --socket "$STATE/api.sock" exec -- sed -n 's/^Groups:[[:space:]]*//p' /proc/self/status 2>&1)" ""

# events
events() { ctl --socket "$STATE/api.sock" events "$@" | python3 -c 'import json, sys
print(*(e["type"] + ":" + e.get("worker", e.get("spec", e.get("id", ""))) for e in map(json.loads, sys.stdin)))'; }
id=$(ctl --socket "$STATE/api.sock" add-ports 127.0.0.1:7008:8/tcp)
ctl --socket "$STATE/api.sock" remove-ports "$id" >/dev/null
like "events: what has happened" "$(events)" '*worker-up:*ready:*port-added:127.0.0.1:7008:8/tcp port-removed:2'
last=$(ctl --socket "$STATE/api.sock" events | tail -n 1 | sed 's/{"seq":\([0-9]*\).*/\1/')
is "those behind a number" "$(events --after $((last - 1)))" "port-removed:2"
is "behind a number that was not reached: all" "$(events --after $((last + 1000)))" "$(events)"
first=$(ctl --socket "$STATE/api.sock" events | sed -n '1s/{"seq":\([0-9]*\).*/\1/p')
spawn rootlessctl --socket "$STATE/api.sock" events --follow --after "$last" >"$T/followed"
follower=$SPAWNED
id=$(ctl --socket "$STATE/api.sock" add-ports 127.0.0.1:7009:9/tcp)
wait_for 5 grep -q port-added "$T/followed"
ctl --socket "$STATE/api.sock" remove-ports "$id" >/dev/null
wait_for 5 grep -q port-removed "$T/followed"
is "each once, as it happens" "$(sed 's/.*"type":"\([a-z-]*\)".*/\1/' "$T/followed" | tr '\n' ' ')" "port-added port-removed "
pid=$(pgrep rs-relay)
kill -9 "$pid"
wait_for 10 sh -c "grep -q worker-up '$T/followed'"
is "the death of a worker and the next one" "$(sed -n '3,$s/.*"type":"\([a-z-]*\)".*/\1/p' "$T/followed" | tr '\n' ' ')" "worker-down worker-up "
like "status counts it" "$(ctl --socket "$STATE/api.sock" status)" '*relay: up, 1 restart[!s]*'
rk_stop
wait "$follower"
is "who follows ends with the instance" $? 0

# found without --socket, where state directories are
rk_start --net=none -- sleep 1000 || exit
like "behind numbers of the instance before this one: all" "$(events --after "$first")" 'worker-up:relay* ready:'
is "be it the first or the last" "$(events --after "$last")" "$(events --after "$first")"
here="env XDG_RUNTIME_DIR=${STATE%/*}"
# shellcheck disable=SC2086 # a list of words
{
	like "the one that runs is found" "$(as_user $here rootlessctl status)" "instance   $STATE, *"
	like "by old commands, too" "$(as_user $here rootlessctl info)" "*- State Directory: $STATE*"
	like "once, when both places are the same" "$(as_user env XDG_RUNTIME_DIR="${STATE%/*}" TMPDIR="${STATE%/*}/." rootlessctl status 2>&1)" "instance   $STATE, *"
	is "nothing to see of others" "$(as_user env XDG_RUNTIME_DIR=/nonexistent rootlessctl info 2>&1)" 'error: please specify --socket or set $ROOTLESSKIT_STATE_DIR'
	spawn rootless-supervisor --net=host --state-dir="${STATE%/*}/second" -- sleep 1000
	second=$SPAWNED
	as_user rootlessctl --socket "${STATE%/*}/second/api.sock" ready --wait
	like "of several, each is named" "$(as_user $here rootlessctl status 2>&1 | sort)" "  ${STATE%/*}/second/api.sock
  $STATE/api.sock
error: several instances run, choose one by --socket:"
	like "status without a network" "$(as_user rootlessctl --socket "${STATE%/*}/second/api.sock" status)" "*network    the host's
ports      none can be published"
}
kill "$second"
wait "$second"
rk_stop
