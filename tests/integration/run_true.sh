# SPDX-License-Identifier: Apache-2.0
# run_true.sh - the shortest life: namespaces, one command, its exit status, nothing left
# asan: yes
. "${0%/*}/lib.sh"
need userns

rk_run --net=none -- true
is "true" "$RK_STATUS" 0
is "says nothing" "$(cat "$RK_OUT" "$RK_ERR")" ""
rk_run --net=none -- sh -c 'exit 42'
is "the command's status is ours" "$RK_STATUS" 42
rk_run --net=none -- sh -c 'kill -TERM $$'
is "128 and the signal" "$RK_STATUS" 143
rk_run --net=none -- /nonexistent
is "no such command" "$RK_STATUS" 127
one_error_line "and one line says so" "$RK_ERR" /nonexistent
documented "it is in the documentation" "$RK_ERR"
rk_run --net=none -- id -u
is "root inside" "$(cat "$RK_OUT")" 0
rk_run --net=none -- sh -c 'cat /proc/self/uid_map | wc -l; ip -o link | grep -c .'
is "the subordinate ids are mapped, and only lo is there" "$(tr '\n' ' ' <"$RK_OUT")" "2 1 "

rk_start --net=none -- sleep 1000
ok "it runs with a state directory" test -f "$STATE/child_pid"
is "in its own network namespace" "$(in_child sh -c 'ls /sys/class/net >/dev/null; ip -o link | grep -c .')" 1
rk_stop
is "TERM reaches the command" "$RK_STATUS" 143
fails "the state directory is gone" test -e "$STATE"
