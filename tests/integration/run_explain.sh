# SPDX-License-Identifier: Apache-2.0
# run_explain.sh - --explain tells what a start then does, and does nothing itself
# asan: yes
. "${0%/*}/lib.sh"
need userns tun
ARGS='--net=slirp --accel=tproxy --pidns --copy-up=/etc --copy-up=/run -p 127.0.0.1:7007:7/tcp'

# shellcheck disable=SC2086 # lists of words
rk_run --explain $ARGS --state-dir="$RK_TMP/none" -- sleep 100
cp "$RK_OUT" "$T/plan"
is "it succeeds" "$RK_STATUS" 0
is "nothing is said on the other side" "$(cat "$RK_ERR")" ""
is "no state directory is made" "$([ -e "$RK_TMP/none" ] || echo none)" none
is "the parts" "$(sed -n 's/^\([a-z]*\).*/\1/p' "$T/plan" | grep . | tr '\n' ' ')" "ids namespaces mounts links rules ports processes "
like "the command" "$(tail -n 1 "$T/plan")" "  command  sleep 100"
like "the port" "$(cat "$T/plan")" "*  publish  127.0.0.1:7007:7/tcp*"

# the same is there when it runs
# shellcheck disable=SC2086
rk_start $ARGS -- sleep 100 || exit
pid=$(cat "$STATE/child_pid")
is "ids as told" "$(sed -n 's/^  uids *\(.*\); by newuidmap$/\1/p' "$T/plan")" "$(awk '{ printf "%s%s %s %s", s, $1, $2, $3; s = ", " }' "/proc/$pid/uid_map")"
wanted=$(sed -n 's/^  command  \(user.*\)/\1/p' "$T/plan" | tr -d ',')
got=$(for kind in user mount:mnt network:net pid:pid_for_children cgroup uts ipc; do
	[ "$(readlink "/proc/$pid/ns/${kind#*:}")" = "$(readlink "/proc/self/ns/${kind#*:}")" ] || printf '%s ' "${kind%:*}"
done)
is "namespaces as told" "$wanted " "$got"
for dir in /proc /etc /run /sys; do
	ok "told and mounted: $dir" sh -c "grep -q '^  $dir ' '$T/plan' && grep -q ' $dir [a-z]' '/proc/$pid/mounts'"
done
in_child ip -o address show dev tap0 >"$T/address"
like "addresses as told" "$(grep '^  child ' "$T/plan")" "*tap0*MTU 65520, $(grep -o '10.0.2.100/24' "$T/address"), $(grep -o 'fd00::100/64' "$T/address"), *"
gateway=
for agent in $(pgrep rs-nsagent); do
	if nsenter "--net=/proc/$agent/ns/net" ip link show gw0 >"$T/link" 2>&1; then gateway=$agent; fi
done
for family in 4 6; do
	is "rules of IPv$family as told" "$(sed -n "s/^  gateway  rule *\\([0-9]*\\) IPv$family.*/\\1/p" "$T/plan" | sort -n | tr '\n' ' ')" \
		"$(nsenter "--net=/proc/$gateway/ns/net" ip -$family rule | sed -n 's/^\([0-9]\{1,3\}\):.*/\1/p' | sort -n | tr '\n' ' ')"
done
is "settings as told" "$(sed -n 's/^  gateway  sysctl \(.*\) = \(.*\)/\1 \2/p' "$T/plan" | while read -r name value; do
	got=$(nsenter "--net=/proc/$gateway/ns/net" cat "/proc/sys/$name" | tr '\t' ' ')
	[ "$got" = "$value" ] || echo "$name: $got, not $value"
done)" ""
is "processes as told" "$(sed -n '/^processes/,$s/^  \(nursery\|relay\|slirp\) .*/rs-\1/p' "$T/plan" | sort | tr '\n' ' ')" \
	"$(pgrep -l 'rs-(nursery|relay|slirp)' | cut -d ' ' -f 2 | sort | tr '\n' ' ')"
rk_stop

rk_run --explain --net=host --copy-up= -- true
is "without a network: no agent, no worker" "$(sed -n '/^processes/,$s/^  \([a-z]*\) .*/\1/p' "$RK_OUT" | tr '\n' ' ')" "parent child command "
rk_run --explain --net=none --detach-netns -- true
like "a detached one" "$(cat "$RK_OUT")" "*  command  user, mount
  STATE/netns  network, which the command is not in*"
sed -i.old "/^$RK_USER:/d" /etc/subuid
rk_run --explain --net=none -- true
mv /etc/subuid.old /etc/subuid
is "what fails before the start fails here" "$RK_STATUS" 125
documented "with the same words" "$RK_ERR"
