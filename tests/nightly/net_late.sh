# SPDX-License-Identifier: Apache-2.0
# net_late.sh - the same at length: connects that last up to 6 s
# deadline: 400
RK_LATE='5001 5003 5008 5010 5012 5020 5025 5035 5050 5060' RK_DEADLINE=400
export RK_LATE RK_DEADLINE
exec sh "${0%/*}/../integration/net_late.sh"
