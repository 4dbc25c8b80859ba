/* SPDX-License-Identifier: Apache-2.0 */
/* bounce.h - TCP out of the child by the kernel: bounce0 and the transparent listeners; tunnels */
#ifndef RK_RELAY_BOUNCE_H
#define RK_RELAY_BOUNCE_H

#include "lib/relay/acceptor.h"
#include "lib/relay/forward.h"
#include "lib/relay/hold.h"

struct bounce {
	struct net_plan plan;
	struct forward *forward;
	struct holds holds;
	struct watch tun;
	struct acceptor listener[2];
	bool pause_said;
};

/**
 * bounce_init()
 * @rung:	not NET_ACCEL_OFF
 * @fds:	by enum net_accel_fd, -1: none; the tun and the listeners are consumed, also on
 *		failure
 * @holds:	connections that may wait for their peer at once
 */
int bounce_init(struct bounce *b, struct loop *l, const struct net_plan *plan, enum net_accel rung,
		const int *fds, struct forward *f, unsigned holds, struct err *err);
void bounce_done(struct bounce *b); /* before forward_done(); takes a zeroed one */

#endif
