/* SPDX-License-Identifier: Apache-2.0 */
/* flows.h - ask the workers which flows they carry (parent only) */
#ifndef RK_PARENT_FLOWS_H
#define RK_PARENT_FLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/ipc/flows.h"
#include "lib/ipc/role.h"

#define FLOWS_ANSWER_MAX 500 /* handed out at once, or a few less; the rest by another call */
#define FLOWS_ROUNDS_MAX 64  /* questions to workers for that */
#define FLOWS_CALLS_MAX 32   /* calls under way; one more gets nothing */
#define FLOWS_MS 1000        /* how long a call waits for workers */

#define FLOWS_START UINT32_MAX /* where the first call begins */
#define FLOWS_PLACE_MAX ((uint64_t)FLOWS_NSECTIONS << 32 | UINT32_MAX) /* no call goes beyond */

struct event_base;
struct flow_calls; /* opaque: the calls under way */

struct flows_found {
	const struct worker_flow
		*flow;          /* as workers told them, so untrusted; until @done returns */
	const uint8_t *section; /* of each: enum flow_section */
	size_t n;
	uint64_t next; /* where another call goes on; 0: these were the last */
	bool complete; /* every worker that was asked has answered */
};

typedef void flows_fn(void *arg, const struct flows_found *found);

/**
 * flow_calls_new() - NULL when memory is short; @base and @owner are borrowed until _free()
 * @ask:	send @req to that worker; NULL: only have it tell its counters. -ENOENT: this run
 *		has no such worker now, another negative errno: it takes nothing
 */
struct flow_calls *flow_calls_new(struct event_base *base,
				  int (*ask)(void *owner, enum role role,
					     const struct worker_flows_req *req),
				  void *owner);
struct flow_calls *flow_calls_free(struct flow_calls *c); /* ends those under way; takes NULL */

/**
 * flows_ask() - flows from the place @from on
 * @from:	FLOWS_START, or what an earlier call told as next
 * @done:	called once, within FLOWS_MS, perhaps before this returns. The counters of the
 *		workers are fresh then
 */
void flows_ask(struct flow_calls *c, uint64_t from, flows_fn *done, void *arg);

/* flows_told() - a worker's answer; what does not fit is ignored */
void flows_told(struct flow_calls *c, enum role role, const struct worker_flows *told);

#endif
