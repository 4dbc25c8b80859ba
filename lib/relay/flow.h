/* SPDX-License-Identifier: Apache-2.0 */
/* flow.h - one connection to a published port, from accept to its end */
#ifndef RK_RELAY_FLOW_H
#define RK_RELAY_FLOW_H

#include <stdbool.h>

#include "lib/base/list.h"
#include "lib/base/loop.h"
#include "lib/ipc/worker.h"
#include "lib/relay/pump.h"
#include "lib/relay/source.h"

struct err;

enum flow_side { FLOW_CLIENT, FLOW_TARGET };

enum flow_state {
	FLOW_FREE,       /* in the free list; flow_start() and flow_start_open() leave it */
	FLOW_WAITING,    /* for a socket of the child or gateway netns, 2 s at most */
	FLOW_CONNECTING, /* to a target, 5 s each; only the target side has an fd that is watched */
	FLOW_OPEN,       /* both sides are watched and pumped */
	FLOW_NSTATES
};

/* what flows know of their port, and tell it */
struct flow_port {
	struct worker_port spec;
	struct list flows;
	struct worker_port_stats stats; /* bytes of flows that have ended; active: unused */
};

struct flow;

/* @f: the flow that has ended, with its last numbers; NULL: it could not begin */
typedef void flow_end_fn(void *owner, const struct flow *f);

struct flow {
	struct flows *all;
	struct list entry;      /* in its port's list, or the free list */
	struct list again;      /* in flows.again when its budget was spent */
	struct flow_port *port; /* lives longer. NULL: was started open */
	enum flow_state state;
	union sock_addr client; /* never an IPv4 address in IPv6 */
	uint8_t target;         /* index of the address that is tried */
	uint8_t tried;          /* addresses that have failed */
	enum source source;     /* with this address */
	int error;              /* positive errno of the last target that failed */
	uint32_t began_s;       /* loop time */
	struct timer timer;
	struct sockpool_wait wait;
	flow_end_fn *on_end; /* NULL: nobody wants to know */
	void *owner;
	struct pump pump;
};
static_assert(sizeof(struct flow) <= 1024, "8000 flows shall fit in 8 MiB");

struct flows {
	struct loop *loop;
	struct sources *sources;
	struct pump_shared shared;
	struct list free;
	struct flow_slab *slabs;  /* kept until the end: no more than the most flows ever at once */
	unsigned n;               /* flows that are not free */
	unsigned held;            /* those to come that have a descriptor already (hold.h) */
	struct list again;        /* flows with more to move */
	struct watch again_watch; /* an eventfd, readable from the first entry to the last */
	bool again_told;
};

int flows_init(struct flows *fs, struct loop *l, struct sources *sources, unsigned pipes,
	       struct err *err);
void flows_done(struct flows *fs); /* all flows must have ended */

/**
 * flow_start() - connect @client to the first target of @port that takes it
 * @port:	its list has the flow until it ends
 * @client:	consumed; reset when the flow cannot be
 * @peer:	its address, as addr_unmap() leaves it
 */
void flow_start(struct flows *fs, struct flow_port *port, int client, const union sock_addr *peer);

/**
 * flow_start_open() - pump between two sockets that are connected already
 * @flows:	list that the flow is in until it ends
 * @client, @target:	consumed; reset when the flow cannot be
 * @on_end:	called once when it has ended, be it before this returns
 */
void flow_start_open(struct flows *fs, struct list *flows, int client, int target,
		     flow_end_fn *on_end, void *owner);

/* flow_close() - end it in order: what was passed on arrives, then both peers see the end */
void flow_close(struct flow *f);

/* flow_reset() - end it so that both peers see a reset */
void flow_reset(struct flow *f);

/**
 * flows_visit() - look at @looks places below @below at most, from the highest on
 * @visit:	a flow that is not free; false: no more of them
 * Return: the place below which the next call goes on; 0: there is nothing more
 */
typedef bool flow_visit_fn(const struct flow *f, void *arg);
unsigned flows_visit(const struct flows *fs, unsigned below, unsigned looks, flow_visit_fn *visit,
		     void *arg);

#endif
