# SPDX-License-Identifier: Apache-2.0
# fault_slirp.sh - each call of a start with --net=slirp and a published port, and of its stop by TERM,
# meets two of its faults
# build: fault
# deadline: 900
. "${0%/*}/lib.sh"
. "$RK_SRC/tests/sweep/sweep.sh"
need userns tun tool:python3

sweep slirp --kinds 2
