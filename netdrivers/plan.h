/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - the address plan of user-mode networks */
#ifndef RK_NETDRIVERS_PLAN_H
#define RK_NETDRIVERS_PLAN_H

#include "netdrivers/netdriver.h"

/* plan_user_mode() - gateway +2, DNS +3, child +100 in --cidr, fd00::/64; fits parent_plan */
int plan_user_mode(const struct net_opts *o, struct net_plan *ret, struct err *err);

/* what is added to the network's address; gateway and dns may be the same */
struct plan_places {
	uint32_t gateway, dns, child;
};

/* plan_user_mode_at() - the same with other places of the IPv4 addresses */
int plan_user_mode_at(const struct net_opts *o, const struct plan_places *at, struct net_plan *ret,
		      struct err *err);

/* plan_interface() - no more than name (@ifname unless --ifname says so) and --mtu: the addresses
 * are told by somebody else. @mtu 0: as the interface comes */
int plan_interface(const struct net_opts *o, const char *ifname, uint32_t mtu, struct net_plan *ret,
		   struct err *err);

#endif
