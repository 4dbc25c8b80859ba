/* SPDX-License-Identifier: Apache-2.0 */
/* gateway.h - set up the netns between the child's and the host's */
#ifndef RK_NSAGENT_GATEWAY_H
#define RK_NSAGENT_GATEWAY_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/ipc/netplan.h"
#include "lib/nsagent/accel.h"

/**
 * gateway_setup() - make the netns we are in the gateway of the child's
 * @child_netns:	where the other end of the veth goes, as plan->ifname
 * @ret_tap:		the caller's: tap of slirp0, non-blocking, one frame a read
 * @ret_dns:		UDP socket and TCP listener at port 53 of plan->dns, then of plan->dns6,
 *			non-blocking; all -1 before. The caller's, also what is there on failure
 * @ret_mac:		hardware address of slirp0, behind which the guests are
 * @accel:	NULL: TCP goes to libslirp; else as accel_setup() fills it, its descriptors are
 *		the caller's, also on failure
 * Return: 0, or a negative errno with @err filled
 */
int gateway_setup(const struct net_plan *plan, int child_netns, int *ret_tap,
		  int ret_dns[NET_DNS_SOCKS_MAX], uint8_t ret_mac[6], struct accel *accel,
		  struct err *err);

#endif
