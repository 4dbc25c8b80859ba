# SPDX-License-Identifier: Apache-2.0
# port_udp_shared.sh - UDP of a port that is published and talks to the outside by itself, and what gets lost
. "${0%/*}/lib.sh"
need userns tun tool:python3

rk_start --net=slirp --accel=tproxy -p 192.0.2.1:7002-7004:10.0.2.100:7002-7004/udp -- sleep 1000 || exit
python3 "$RK_SRC/tests/integration/port_udp_shared.py" "$(cat "$STATE/child_pid")" "$RK_WORLD_PID" >"$T/said" 2>&1
is "it comes to its end" $? 0
tap_of "$T/said"
rk_stop
