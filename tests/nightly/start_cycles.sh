# SPDX-License-Identifier: Apache-2.0
# start_cycles.sh - start_loop.sh at length: 10,000 starts one after the other, 1,000 eight at a time
# deadline: 3000
RK_STARTS=10000 RK_ROUNDS=125 RK_DEADLINE=3000
export RK_STARTS RK_ROUNDS RK_DEADLINE
exec sh "${0%/*}/../integration/start_loop.sh"
