# SPDX-License-Identifier: Apache-2.0
# world_is_whole.sh - the test world: names, servers, the way there and back, the user
. "${0%/*}/lib.sh"

is "TCP echo" "$(nsprobe duplex 192.0.2.2 7 1000000 3)" ok
is "TCP sink" "$(nsprobe send 192.0.2.3 9 1000000 3)" ok
is "64 MB from the source, over IPv6" "$(nsprobe recv 2001:db8::2 19 67108864 1)" ok
is "HTTP" "$(curl -s http://web.world.test/)" hello
is "the resolver file is ours" "$(getent ahostsv4 two.world.test | awk 'NR == 1 { print $1 }')" 192.0.2.3
is "names that are not there" "$(nsprobe dns 192.0.2.2 nope.world.test)" NXDOMAIN
is "DNS over TCP" "$(nsprobe dns --tcp 192.0.2.2 big.world.test | wc -l)" 60
like "an address that is not on-link" "$(nsprobe ask 198.51.100.7 1007)" '192.0.2.1 *'
like "UDP shows the peer" "$(nsprobe ask -u 192.0.2.2 1007 x)" '192.0.2.1 *'
is "nobody listens" "$(nsprobe connect 192.0.2.2 4)" ECONNREFUSED
is "nobody is there" "$(nsprobe connect 192.0.2.99 4)" EHOSTUNREACH

nsprobe serve tcp-who,::,8080 >"$T/serve" &
server=$!
wait_for 2 grep -q ready "$T/serve"
is "the world reaches us" "$(in_world nsprobe ask -b 192.0.2.2 -p 5555 192.0.2.1 8080)" "192.0.2.2 5555"
is "from far away too" "$(in_world nsprobe ask -b 198.51.100.7 -p 5556 192.0.2.1 8080)" "198.51.100.7 5556"
kill $server

is "the user is nobody special" "$(as_user id -un)" "$RK_USER"
is "and has no capability" "$(as_user sh -c 'grep CapEff /proc/self/status' | tr -d 'a-zA-Z:\t')" 0000000000000000
# shellcheck disable=SC2016 # expands inside
ok "the user has a home" as_user sh -c 'touch "$HOME/x" "$TMPDIR/x" "$XDG_RUNTIME_DIR/x" && rm "$HOME/x" "$TMPDIR/x" "$XDG_RUNTIME_DIR/x"'
ok "and subordinate ids" grep -q "^$RK_USER:" /etc/subuid
fails "root's files are closed to it" as_user sh -c 'echo x >/etc/resolv.conf'
