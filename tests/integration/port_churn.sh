# SPDX-License-Identifier: Apache-2.0
# port_churn.sh - ports come and go under load, each transfer is compared, nothing stays behind: on each rung, and
# without a network. RK_CHURN: seconds of each
# deadline: 160
. "${0%/*}/lib.sh"
need userns tun tool:python3
seed=$(date +%s)
ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
descriptors() { find "/proc/$1/fd" -mindepth 1 | wc -l; }
few() { [ "$(descriptors "$1")" -le "$(($2 + $3))" ]; }
# with NET: RUNG says how, when it is slirp
with() {
	rk_start --net="$1" --port-udp-idle=1 -p 127.0.0.1:7007:7/tcp -p 127.0.0.1:7007:7/udp -- \
		nsprobe serve tcp-echo,0.0.0.0,7 udp-echo,0.0.0.0,7 || exit
	wait_for 5 sh -c "[ \$(grep -c ^ready $RK_OUT) = 2 ]"
	relay=$(pgrep -x rs-relay)
	# stocks of sockets are as full as they will be
	python3 "$RK_SRC/tests/integration/port_churn.py" "$STATE/api.sock" 0.5 "$seed" >"$T/said" 2>&1
	before=$(descriptors "$relay") parent=$(descriptors "$RK_PID")
	python3 "$RK_SRC/tests/integration/port_churn.py" "$STATE/api.sock" "${RK_CHURN:-2}" "$seed" >"$T/said" 2>&1
	grep '^#' "$T/said"
	is "all transfers bring what was sent (seed $seed)" "$(grep -v '^#' "$T/said")" "all right"
	is "two ports are left" "$(ctl list-ports | grep -c 127.0.0.1)" 2
	ok "the relay has as many descriptors as before" wait_for 60 few "$relay" "$before" 100 # stocks, clients of UDP that are not forgotten yet
	ok "the parent, too" wait_for 20 few "$RK_PID" "$parent" 2 # a watch of files begins when there is time
	is "it is the same relay" "$(pgrep -x rs-relay)" "$relay"
	rk_stop
}

for RUNG in $RUNGS; do with slirp; done
RUNG=
with none
