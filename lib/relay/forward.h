/* SPDX-License-Identifier: Apache-2.0 */
/* forward.h - published TCP ports: listeners and their connections */
#ifndef RK_RELAY_FORWARD_H
#define RK_RELAY_FORWARD_H

#include "lib/relay/flow.h"

struct forward {
	struct loop *loop;
	struct flows flows;
	struct list ports;    /* in the order of their ids and parts */
	struct list draining; /* removed, with connections that may go on */
	unsigned nports;      /* listeners */
	unsigned fds_max;     /* for flows (two each) and listeners */
	unsigned flows_max;
	unsigned lent; /* descriptors of fds_max that others use (udpout.h) */
	bool full_said;
};

/**
 * forward_init()
 * @fds_max:	descriptors that flows and listeners may use together
 * @flows_max:	flows at once, 0: as many as @fds_max allows
 * @pipes:	for splice
 */
int forward_init(struct forward *f, struct loop *l, struct sources *sources, unsigned fds_max,
		 unsigned flows_max, unsigned pipes, struct err *err);
void forward_done(struct forward *f); /* resets what is open; takes a zeroed one */

/**
 * forward_add() - accept connections of a published port
 * @listener:	listening stream socket; consumed, also on failure
 * Return: 0; -EPROTO when the message or its descriptor is not what it must be
 */
int forward_add(struct forward *f, const struct worker_port *spec, int listener, struct err *err);

/* forward_has_room() - for one more flow, of whatever origin */
bool forward_has_room(const struct forward *f);

/* forward_lends() - one more descriptor, when @back of those that are lent have come back */
bool forward_lends(const struct forward *f, unsigned back);

/* forward_descriptors() - those of fds_max that are in use */
unsigned forward_descriptors(const struct forward *f);

/* forward_nflows() - connections to published ports; walks them */
unsigned forward_nflows(const struct forward *f);

/* forward_stats() - of ports whose id is above @after, up to @max, in the order they were added;
 * the parts of one id are one; their number */
unsigned forward_stats(const struct forward *f, uint32_t after, struct worker_port_stats *ret,
		       unsigned max);

/* forward_remove() - close the listeners, and reset the connections after @drain_ms; an unknown id
 * is ignored */
void forward_remove(struct forward *f, uint32_t id, uint32_t drain_ms);

#endif
