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

# with all of them in listeners it would serve nobody, and die of the next one
prlimit --nofile=1024:1024 --pid $$
range=127.0.0.1:8000-8255:8000-8255
rk_start --net=slirp -p "$range" -- nsprobe serve tcp-echo,0.0.0.0,8255 || exit
wait_for 5 grep -q ready "$RK_OUT"
is "a quarter of 1024 may be ports: they serve" "$(nsprobe many 127.0.0.1 8255 20)" "20 alive"
rk_stop
is "without a word" "$(cat "$RK_ERR")" ""
rk_run --net=slirp -p "$range" -p 127.0.0.1:7007:7/tcp -- true
is "one more is refused" "$RK_STATUS" 125
documented "with the reason" "$RK_ERR"
