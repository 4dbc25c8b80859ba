# SPDX-License-Identifier: Apache-2.0
# port_churn.sh - ports come and go under load, each transfer is compared, nothing stays behind
# deadline: 100
. "${0%/*}/lib.sh"
need userns tun tool:python3
seed=$(date +%s)

rk_start --net=slirp --port-udp-idle=1 -p 127.0.0.1:7007:7/tcp -p 127.0.0.1:7007:7/udp -- \
	nsprobe serve tcp-echo,0.0.0.0,7 udp-echo,0.0.0.0,7 || exit
wait_for 5 sh -c "[ \$(grep -c ^ready $RK_OUT) = 2 ]"
ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
relay=$(pgrep -f 'rs-worker relay')
descriptors() { find "/proc/$1/fd" -mindepth 1 | wc -l; }
# stocks of sockets are as full as they will be
python3 "$RK_SRC/tests/integration/port_churn.py" "$STATE/api.sock" 0.5 "$seed" >"$T/said" 2>&1
before=$(descriptors "$relay") parent=$(descriptors "$RK_PID")
python3 "$RK_SRC/tests/integration/port_churn.py" "$STATE/api.sock" "${RK_CHURN:-3}" "$seed" >"$T/said" 2>&1
grep '^#' "$T/said"
is "all transfers bring what was sent (seed $seed)" "$(grep -v '^#' "$T/said")" "all right"
is "two ports are left" "$(ctl list-ports | grep -c 127.0.0.1)" 2
few() { [ "$(descriptors "$1")" -le "$(($2 + 100))" ]; } # stocks, clients of UDP that are not forgotten yet
ok "the relay has as many descriptors as before" wait_for 60 few "$relay" "$before"
is "the parent, too" "$(descriptors "$RK_PID")" "$parent"
is "it is the same relay" "$(pgrep -f 'rs-worker relay')" "$relay"
rk_stop
