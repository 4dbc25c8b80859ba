# SPDX-License-Identifier: Apache-2.0
# port_drain.sh - a port that is removed with --drain lets its connections end by themselves
# asan: yes
. "${0%/*}/lib.sh"
need userns tun tool:python3

rk_start --net=slirp -p 127.0.0.1:7007:7/tcp -- nsprobe serve tcp-echo,0.0.0.0,7 || exit
wait_for 5 grep -q ready "$RK_OUT"
python3 "$RK_SRC/tests/integration/port_drain.py" "$STATE/api.sock" >"$T/said" 2>&1
is "all was tried" "$(grep -c '^ok\|^not ok' "$T/said")" 13
tap_of "$T/said"
rk_stop
