// SPDX-License-Identifier: Apache-2.0
/* host.c - --net=host: the command stays in the host's network namespace */
#include "netdrivers/netdriver.h"

extern const struct net_driver net_host;
const struct net_driver net_host = { .name = "host" };
