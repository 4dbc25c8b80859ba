# SPDX-License-Identifier: Apache-2.0
# start_stopped.sh - the time in which the parent is stopped counts for nobody: the start goes on afterwards
# build: fault
# deadline: 120
. "${0%/*}/lib.sh"
need userns tun

is_stopped() { grep -qs '^State:.T' "/proc/$1/status"; }
# 6 s: longer than any limit of a process that waits for a message of the start
for call in 60 90 110; do
	spawn env "FAULT=parent:$call:SIGSTOP" rootless-supervisor --net=slirp -- true
	ok "the parent stops at call $call" wait_for 10 is_stopped "$SPAWNED"
	sleep 6 # as said above
	kill -CONT "$SPAWNED"
	status=0
	wait "$SPAWNED" || status=$?
	is "and the start goes on" "$status" 0
done
