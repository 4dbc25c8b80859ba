# SPDX-License-Identifier: Apache-2.0
# fault_sweep.sh - every call of a start and a stop fails with each errno of its class, every process
# is killed and terminated at each of its calls; nothing is left, and one line says what happened
# build: fault
# deadline: 7200
. "${0%/*}/../integration/lib.sh"
. "$RK_SRC/tests/sweep/sweep.sh"
need userns tun tool:python3

sweep none
sweep slirp
