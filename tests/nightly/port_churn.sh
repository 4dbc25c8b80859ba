# SPDX-License-Identifier: Apache-2.0
# port_churn.sh - the same at length: ten minutes of ports that come and go, a quarter for each network
# deadline: 900
RK_CHURN=150 RK_DEADLINE=900
export RK_CHURN RK_DEADLINE
exec sh "${0%/*}/../integration/port_churn.sh"
