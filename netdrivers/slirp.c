// SPDX-License-Identifier: Apache-2.0
/* slirp.c - --net=slirp: user-mode network by the gateway namespace, the relay and libslirp */
#include "netdrivers/plan.h"

extern const struct net_driver net_slirp;
const struct net_driver net_slirp = {
	.name = "slirp",
	.flags = NET_F_NETNS | NET_F_GATEWAY | NET_F_RESOLVER | NET_F_ADDRESS,
	.parent_plan = plan_user_mode,
};
