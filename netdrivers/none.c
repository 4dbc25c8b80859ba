// SPDX-License-Identifier: Apache-2.0
/* none.c - --net=none: a network namespace with nothing but lo */
#include "netdrivers/netdriver.h"

extern const struct net_driver net_none;
const struct net_driver net_none = { .name = "none", .flags = NET_F_NETNS };
