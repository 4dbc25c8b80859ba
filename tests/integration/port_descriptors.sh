# SPDX-License-Identifier: Apache-2.0
# port_descriptors.sh - a relay that runs out of descriptors pauses and recovers; nothing is lost for good
. "${0%/*}/lib.sh"
need userns tun tool:prlimit

rk_start --net=slirp -p 127.0.0.1:7007:7/tcp -- nsprobe serve tcp-echo,0.0.0.0,7 || exit
wait_for 5 grep -q ready "$RK_OUT"
relay=$(pgrep -f 'rs-worker relay')
is "it works before" "$(nsprobe many 127.0.0.1 7007 20)" "20 alive"
as_user prlimit --pid "$relay" --nofile=$(($(find "/proc/$relay/fd" -mindepth 1 | wc -l) + 40)):
nsprobe many 127.0.0.1 7007 200 >"$T/many" 2>&1 &
many=$!
sleep 0.5 # the storm's time, not a wait
cpu() { awk '{ print $14 + $15 }' "/proc/$relay/stat"; }
before=$(cpu)
sleep 1
is "it does not spin meanwhile" "$(($(cpu) - before > 30))" 0
kill $many 2>/dev/null
wait $many 2>/dev/null
as_user prlimit --pid "$relay" --nofile=4096:
ok "and serves again" wait_for 5 sh -c '[ "$(nsprobe many 127.0.0.1 7007 20)" = "20 alive" ]'
rk_stop
