# SPDX-License-Identifier: Apache-2.0
# api_stranger.sh - rootlessctl asks a server that lies; what exec of root takes inside, and keys of a terminal
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3
export ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" # see api_seeing.sh
lies=$RK_RUN/lies.sock
spawn python3 "$RK_SRC/tests/integration/api_stranger.py" "$lies" >"$T/asked"
server=$SPAWNED
wait_for 5 test -S "$lies"

rootlessctl --socket "$lies" exec -- id -u >"$RK_OUT" 2>"$RK_ERR"
is "a user's server names a process of root: nothing is executed" "$? $(cat "$RK_OUT")" "1 "
like "which is said" "$(cat "$RK_ERR")" "error: the user namespace of process 1 is of user *, but it is user $RK_UID who serves this socket: nothing is executed"
sed 's/^error: /rootless-supervisor: error: /' "$RK_ERR" >"$T/said"
documented "and documented" "$T/said"
is "answers that come at once and say nothing: no endless run" "$(rootlessctl --socket "$lies" events --follow --after=1; echo $?)" 0
is "four of them take a second" "$(sed -n 's/^took //p' "$T/asked")" "long enough"
is "the number of an event in a line without end" "$(rootlessctl --socket "$lies" events --follow --after=9)$(tail -n 1 "$T/asked")" '{"seq":11}/v1/events?after=11'
kill "$server"
wait "$server"
rm "$lies"

rk_start --net=none --pidns -- sleep 1000 || exit
# shellcheck disable=SC2016 # expands inside
look='for i in 0 1 2 7 8; do [ -e /proc/self/fd/$i ] && echo $i; done'
is "exec: no descriptor but the first three" "$(rootlessctl --socket "$STATE/api.sock" exec -- sh -c "$look" 7</root 8</dev/null | tr '\n' ' ')" "0 1 2 "
on_pty() { as_user ASAN_OPTIONS="$ASAN_OPTIONS" timeout 20 nsprobe pty "$@" rootlessctl --socket "$STATE/api.sock" exec -- nsprobe sigcount -e 5; }
is "^C reaches the command once" "$(on_pty -w ready:^C | grep -o SIGINT | wc -l)" 1
