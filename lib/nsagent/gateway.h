/* SPDX-License-Identifier: Apache-2.0 */
/* gateway.h - set up the netns between the child's and the host's */
#ifndef RK_NSAGENT_GATEWAY_H
#define RK_NSAGENT_GATEWAY_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/ipc/netplan.h"

/**
 * gateway_setup() - make the netns we are in the gateway of the child's
 * @child_netns:	where the other end of the veth goes, as plan->ifname
 * @ret_tap:		the caller's: tap of slirp0, non-blocking, one frame a read
 * @ret_dns:		the caller's: UDP socket bound to plan->dns, non-blocking
 * @ret_mac:		hardware address of slirp0, behind which the guests are
 * Return: 0, or a negative errno with @err filled
 */
int gateway_setup(const struct net_plan *plan, int child_netns, int *ret_tap, int *ret_dns,
		  uint8_t ret_mac[6], struct err *err);

#endif
