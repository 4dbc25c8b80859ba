# SPDX-License-Identifier: Apache-2.0
# fault_none.sh - each call of a start and a stop with --net=none meets three of its faults
# build: fault
# deadline: 600
. "${0%/*}/lib.sh"
. "$RK_SRC/tests/sweep/sweep.sh"
need userns tool:python3

sweep none --kinds 3
