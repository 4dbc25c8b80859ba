/* SPDX-License-Identifier: Apache-2.0 */
/* accel.h - the part of the gateway netns that carries TCP and UDP out by the kernel */
#ifndef RK_NSAGENT_ACCEL_H
#define RK_NSAGENT_ACCEL_H

#include "lib/base/err.h"
#include "lib/ipc/netplan.h"

struct netlink;

struct accel {
	uint32_t tries;             /* given: bits 1 << enum net_accel, those that may be tried */
	enum net_accel rung;        /* what came of it */
	int fds[NET_ACCEL_FDS_MAX]; /* by enum net_accel_fd; the caller's; -1 before, and for none
				     */
	struct err why;             /* of each rung that was tried before in vain: the reason */
};

/**
 * accel_setup() - try to put TCP and UDP on a faster rung; all else of the gateway must stand
 * @ret:	filled; that the kernel lacks something is no failure
 * Return: 0; a negative errno with @err filled when a half-made rung could not be taken down
 */
int accel_setup(struct netlink *nl, const struct net_plan *plan, struct accel *ret,
		struct err *err);

#endif
