# SPDX-License-Identifier: Apache-2.0
# net_accel.sh - the same at length: by libslirp, too, a port is used again 1000 times
# deadline: 300
RK_AGAIN=1000 RK_DEADLINE=300
export RK_AGAIN RK_DEADLINE
exec sh "${0%/*}/../integration/net_accel.sh"
