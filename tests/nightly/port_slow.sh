# SPDX-License-Identifier: Apache-2.0
# port_slow.sh - the same with 8,000 clients that are slow
# deadline: 600
RK_CLIENTS=8000 RK_DEADLINE=600
export RK_CLIENTS RK_DEADLINE
exec sh "${0%/*}/../integration/port_slow.sh"
