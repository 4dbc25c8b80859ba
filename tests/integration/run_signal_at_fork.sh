# SPDX-License-Identifier: Apache-2.0
# run_signal_at_fork.sh - a signal that comes while the command is being started reaches it, once: the child
# is stopped at each of its calls around the fork, the signal is sent, the child goes on
# build: fault
# deadline: 120
. "${0%/*}/lib.sh"
need userns tool:python3

as_user python3 "$RK_SRC/tests/integration/run_signal_at_fork.py" "$RK_BIN/rootless-supervisor" --net=host -- >"$T/seen" 2>&1 || echo "not ok - the script ends with $?" >>"$T/seen"
tap_of "$T/seen"
