# SPDX-License-Identifier: Apache-2.0
# worker_restart.sh - the same at length: 100 deaths of the relay under load on each rung
# deadline: 900
RK_RESTART_RUNS=25 RK_DEADLINE=900
export RK_RESTART_RUNS RK_DEADLINE
exec sh "${0%/*}/../integration/worker_restart.sh"
