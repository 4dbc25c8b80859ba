// SPDX-License-Identifier: Apache-2.0
/*
 * gvisor.c - --net=gvisor-tap-vsock: the built-in network with the addresses of that driver
 *
 * Upstream's driver is a library in its own process, no program: wrapper scripts take it where no
 * helper is installed. What they see of it are addresses and the name: gateway and name server are
 * network+1, the child is network+100, and there is no IPv6.
 */
#include "netdrivers/plan.h"

static int gvisor_parent_plan(const struct net_opts *o, struct net_plan *ret, struct err *err)
{
	static const struct plan_places at = { .gateway = 1, .dns = 1, .child = 100 };

	return plan_user_mode_at(o, &at, ret, err);
}

extern const struct net_driver net_gvisor;
const struct net_driver net_gvisor = {
	.name = "gvisor-tap-vsock",
	.flags = NET_F_NETNS | NET_F_GATEWAY | NET_F_RESOLVER | NET_F_ADDRESS | NET_F_IPV4,
	.parent_plan = gvisor_parent_plan,
};
