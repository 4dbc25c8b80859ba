# SPDX-License-Identifier: Apache-2.0
# net_torture.sh - the same at length: 8,000 slow readers, all ports, more transfers
# deadline: 3000
RK_READERS=${RK_READERS:-8000} RK_PORTS=${RK_PORTS:-65535} RK_TRANSFERS=${RK_TRANSFERS:-100} RK_DEADLINE=3000
export RK_READERS RK_PORTS RK_TRANSFERS RK_DEADLINE
exec sh "${0%/*}/../integration/net_torture.sh"
