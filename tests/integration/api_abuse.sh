# SPDX-License-Identifier: Apache-2.0
# api_abuse.sh - slow, greedy and senseless clients of the REST API, and other users of the machine
# deadline: 150
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:curl tool:python3 tool:pgrep

# --- clients of the same user ----------------------------------------------------------------------
rk_start --net=slirp -- nsprobe serve tcp-reply,0.0.0.0,80,pong || exit
descriptors() { find "/proc/$RK_PID/fd" -mindepth 1 | wc -l; }
descriptors_are() { [ "$(descriptors)" = "$1" ]; }
rss_kb=1024
! grep -q __asan_init "$RK_BIN/rootless-supervisor" || rss_kb=0 # it never gives memory back
# the parent opens its last one half a second after the start
watches() { find "/proc/$RK_PID/fd" -lname 'anon_inode:inotify' | grep -q .; }
wait_for 5 watches
before=$(descriptors)
as_user python3 - "$STATE/api.sock" "$RK_PID" $rss_kb <"$RK_SRC/tests/integration/api_abuse.py" >"$T/tap" 2>&1
rc=$?
tap_of "$T/tap"
is "the clients come to their end" $rc 0
wait_for 2 descriptors_are "$before"
is "no descriptor is kept" "$(descriptors)" "$before"
is "nothing of it is logged" "$(cat "$RK_ERR")" ""

# a port that is taken back before the relay has looked at it: frozen, it finds both orders waiting
user_asks() { as_user curl --silent --max-time 5 --unix-socket "$STATE/api.sock" "$@"; }
relay=$(pgrep -f '^rs-worker relay')
kill -s STOP "$relay"
like "a port is added while the relay sleeps" \
	"$(user_asks http://x/v1/ports -d '{"proto":"tcp","parentIP":"127.0.0.1","parentPort":8080,"childPort":80}')" '{"id":*'
id=$(user_asks http://x/v1/ports | sed 's/.*"id":\([0-9]*\).*/\1/')
is "and taken back" "$(user_asks -o /dev/null -w '%{http_code}' -X DELETE "http://x/v1/ports/$id")" 200
kill -s CONT "$relay"
like "the next one is served" \
	"$(user_asks http://x/v1/ports -d '{"proto":"tcp","parentIP":"127.0.0.1","parentPort":8080,"childPort":80}')" '{"id":*'
is "and leads to the child" "$(nsprobe ask 127.0.0.1 8080)" pong
ok "by the same relay" kill -s 0 "$relay"
rk_stop
is "it ends as ever" "$RK_STATUS" 143

# --- another user ----------------------------------------------------------------------------------
# the state directory is named by a path that everyone can walk; as rootlesskit it has mode 0755
as_other() { setpriv --reuid 60001 --regid 60001 --clear-groups --inh-caps=-all --bounding-set=-all env -i PATH=/usr/bin:/bin "$@"; }
other_asks() { as_other curl --silent --show-error --max-time 5 --unix-socket "$STATE/api.sock" "$@" 2>&1; }
install -d -m 755 -o "$RK_UID" "$T/open"
chmod 755 "$T"
STATE=$T/open/state
rk_start --net=slirp -- sleep 1000 || exit
fails "another user lists the state directory" as_other ls "$STATE"
fails "and reads child_pid" as_other cat "$STATE/child_pid"
fails "and connects" other_asks http://x/v1/info
rk_stop

RK_NAME=rootlesskit
rk_start --net=slirp -- sleep 1000 || exit
is "named rootlesskit, the directory is open as upstream's" "$(stat -c %a "$STATE")" 755
is "the socket is not" "$(stat -c '%a %U' "$STATE/api.sock")" "600 $RK_USER"
like "another user cannot connect" "$(other_asks http://x/v1/ports)" "*7*onnect*"
# somebody's chmod opens it: the server still looks who comes
chmod 755 "$STATE"
chmod 666 "$STATE/api.sock"
refused() { is "403 for another user: $*" "$(other_asks -w ' %{http_code}' "$@" | tr -d '\n')" "$FORBIDDEN"; }
FORBIDDEN='{"message":"only the user who runs this program may ask"} 403'
refused http://x/v1/info
refused http://x/v1/ports
refused -X DELETE http://x/v1/ports/1
refused -d '{"proto":"tcp","parentIP":"127.0.0.1","parentPort":8080,"childPort":80}' http://x/v1/ports
refused http://x/other
like "root may ask" "$(curl --silent --unix-socket "$STATE/api.sock" http://x/v1/info)" '{"apiVersion":*'
rk_stop
