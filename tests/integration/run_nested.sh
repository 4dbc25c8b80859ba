# SPDX-License-Identifier: Apache-2.0
# run_nested.sh - a supervisor in a supervisor: ids, network, ports, signals, the end, and what it needs
. "${0%/*}/lib.sh"
need userns tun

# inner ARG...: the inner one; its ids are all but root of what the outer has
cat >"$T/inner" <<'EOT'
rm -f /etc/subuid /etc/subgid
echo root:1:65535 | tee /etc/subuid >/etc/subgid
exec rootless-supervisor --state-dir="$INNER" "$@"
EOT
RK_ENV="INNER=$RK_TMP/inner"

rk_start -p 127.0.0.1:8081:8080/tcp -p 127.0.0.1:8082:8082/udp -- sh "$T/inner" \
	-p 127.0.0.1:8080:80/tcp -p 127.0.0.1:8082:82/udp -- nsprobe serve tcp-who,0.0.0.0,80 udp-echo,0.0.0.0,82
wait_for 10 test -e "$RK_TMP/inner/api.sock"
nested() { as_user nsenter -U -m -n --preserve-credentials -t "$(cat "$RK_TMP/inner/child_pid")" "$@"; }
is "its ids are those of the outer, one for one" "$(nested cat /proc/self/uid_map | awk '{ print $1, $2, $3 }' | tr '\n' ';')" "0 0 1;1 1 65535;"
is "TCP out, 1 MB both ways" "$(nested nsprobe duplex 192.0.2.3 7 1000000 3)" ok
is "UDP out" "$(nested nsprobe ask -u 192.0.2.2 7 ping)" ping
is "names" "$(nested nsprobe dns 10.0.2.3 web.world.test)" 192.0.2.2
is "a refusal of the world" "$(nested nsprobe connect 192.0.2.2 4)" ECONNREFUSED
isnt "the host's loopback stays closed" "$(nested nsprobe connect -t 1000 10.0.2.2 22)" ok
wait_for 5 sh -c "nsprobe ask 127.0.0.1 8081 | grep -q ."
like "a TCP port through both" "$(nsprobe ask 127.0.0.1 8081)" '*[0-9]*'
is "a UDP port through both" "$(nsprobe ask -u 127.0.0.1 8082 echo)" echo
rk_stop TERM
is "TERM goes through both" "$RK_STATUS" 143
fails "both state directories are gone" test -e "$RK_TMP/inner" -o -e "$STATE"

rk_run -- sh "$T/inner" --net=host -- sh -c 'exit 42'
is "a status comes through both" "$RK_STATUS" 42
# shellcheck disable=SC2016 # expands inside
rk_run --pidns -- sh "$T/inner" --pidns --net=none -- sh -c 'echo $$'
like "PID namespaces in each other" "$RK_STATUS $(cat "$RK_OUT")" '0 [2-6]'
# shellcheck disable=SC2016 # expands inside
rk_run --detach-netns -- sh "$T/inner" --detach-netns -- sh -c 'test -e "$ROOTLESSKIT_STATE_DIR/netns" && echo "$ROOTLESSKIT_STATE_DIR"'
is "detached in detached: variables of the inner one" "$(cat "$RK_OUT")" "$RK_TMP/inner"
RK_NAME=rootlesskit
rk_run --copy-up=/etc --net=slirp4netns --disable-host-loopback -- sh -c 'rm -f /etc/subuid /etc/subgid; echo root:1:65535 | tee /etc/subuid >/etc/subgid
	exec rootlesskit --net=slirp4netns --disable-host-loopback --copy-up=/etc nsprobe connect 192.0.2.2 7'
is "as rootlesskit" "$(cat "$RK_OUT")" ok
RK_NAME=rootless-supervisor

rk_run -- rootless-supervisor -- true
is "no ids for the inner one: status" "$RK_STATUS" 125
one_error_line "no ids for the inner one: words" "$RK_ERR" 'No subuid ranges found for user 0 ("root")'
documented "it is in the documentation" "$RK_ERR"

# SIGKILL of the outer parent: nothing of either is left, but for the inner one's directory
rk_start -- sh "$T/inner" -- sleep 1000
wait_for 10 test -e "$RK_TMP/inner/api.sock"
rk_stop KILL
ok "SIGKILL of the outer one: every process goes" wait_for 5 sh -c "! pgrep -U $RK_UID"
fails "and its state directory" test -e "$STATE"
rm -rf "$RK_TMP/inner"
