# SPDX-License-Identifier: Apache-2.0
# worker_limits.sh - a worker that keeps dying ends the run, one that cannot be forked is tried again,
# a nursery that is silent is noticed, and an upgrade of the package is none of their business
# asan: yes
# deadline: 120
. "${0%/*}/lib.sh"
need userns tun tool:prlimit

polite='trap "echo term; exit 3" TERM; echo on; while :; do sleep 0.02; done'
# worker relay|slirp|nursery
worker() { pgrep -u "$RK_UID" -x "rs-$1"; }
is_new() { new=$(worker "$1") && [ "$new" != "$2" ]; }
no_worker() { [ -z "$(worker "$1")" ]; }
serves() { [ "$(nsprobe ask -t 8000 127.0.0.1 7007 hello)" = hello ]; }
said() { grep -q "$1" "$RK_ERR"; }
# dies ROLE: and another one comes
dies() {
	old=$(worker "$1")
	kill -s KILL "$old"
	wait_for 5 is_new "$1" "$old"
}

for name in rootless-supervisor:125 rootlesskit:1; do
	RK_NAME=${name%:*}
	for role in relay slirp; do
		what="$RK_NAME, $role"
		rk_start --net=slirp --copy-up=/etc --disable-host-loopback --port-driver=builtin -- sh -c "$polite" || continue
		wait_for 5 grep -q on "$RK_OUT"
		begin=$(date +%s%N)
		for n in 1 2 3 4; do ok "$what: death $n is survived" dies "$role"; done
		kill -s KILL "$(worker "$role")"
		rk_wait
		took=$((($(date +%s%N) - begin) / 1000000))
		is "$what: the fifth is not" "$RK_STATUS" "${name#*:}"
		one_error_line "$what: words" "$RK_ERR" "the $role worker keeps dying, 5 times within 60 s; at last: the $role worker was killed by signal 9 (Killed)"
		documented "$what: it is in the documentation" "$RK_ERR"
		is "$what: a line for each death before" "$(grep -c 'started again (death [1-4] of 5 in 60 s)' "$RK_ERR")" 4
		is "$what: TERM for the command, once" "$(grep -c term "$RK_OUT")" 1
		ok "$what: 100, 200 and 400 ms lie between ($took ms in all)" [ "$took" -ge 700 ]
	done
done
RK_NAME=rootless-supervisor

# the others do not count
rk_start --net=slirp -- sh -c "$polite" || exit
for n in 1 2 3; do
	ok "deaths of both, $n" dies relay
	ok "deaths of both, $n" dies slirp
done
rk_stop
is "six deaths, of two workers" "$RK_STATUS" 3

# no more processes for this user: tried again until there may be
rk_start --net=slirp -p 127.0.0.1:7007:7/tcp -- nsprobe serve tcp-echo,0.0.0.0,7 || exit
nursery=$(worker nursery)
as_user prlimit --pid "$nursery" --nproc=1:
kill -s KILL "$(worker relay)"
ok "no fork: a warning" wait_for 5 said 'warning: workers: starting the relay worker: Resource temporarily unavailable; trying again until it works'
sleep 1 # a few tries
is "no fork: said once" "$(grep -c 'trying again' "$RK_ERR")" 1
ok "no fork: there is none" no_worker relay
as_user prlimit --pid "$nursery" --nproc=1000:
ok "it may fork: the port is served" serves
is "that was one death" "$(grep -c 'started again' "$RK_ERR")" 1
rk_stop

# a nursery that was stopped: what was asked of it waits, not for ever
rk_start --net=slirp -p 127.0.0.1:7007:7/tcp -- nsprobe serve tcp-echo,0.0.0.0,7 || exit
kill -s STOP "$(worker nursery)"
kill -s KILL "$(worker relay)"
sleep 0.5 # a moment, not a failure
kill -s CONT "$(worker nursery)"
ok "a nursery that was stopped for a moment" serves
kill -s STOP "$(worker nursery)"
kill -s KILL "$(worker slirp)"
rk_wait
is "a nursery that is stopped: status" "$RK_STATUS" 125
one_error_line "a nursery that is stopped: words" "$RK_ERR" 'the nursery of the workers does not answer'
documented "it is in the documentation" "$RK_ERR"

# the program's file is replaced while it runs
mkdir "$T/bin" && cp "$RK_BIN/rootless-supervisor" "$T/bin/" && chmod -R a+rX "$T"
RK_NAME=$T/bin/rootless-supervisor
rk_start --net=slirp -p 127.0.0.1:7007:7/tcp -- nsprobe serve tcp-echo,0.0.0.0,7 || exit
cp /bin/false "$T/bin/new" && mv "$T/bin/new" "$T/bin/rootless-supervisor"
ok "after an upgrade: another relay" dies relay
ok "after an upgrade: it is of the old build" serves
rk_stop
