/* SPDX-License-Identifier: Apache-2.0 */
/* wayback.h - answers to clients whose address a socket of the child netns has come back to it */
#ifndef RK_NSAGENT_WAYBACK_H
#define RK_NSAGENT_WAYBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct netlink;

struct wayback {
	struct netlink *nl; /* NULL: there is none */
	int nft;            /* socket to nf_tables */
	int events;         /* what changes there; -1: none, or given up */
	uint32_t own;       /* whose changes are ours: the port of nft */
	uint64_t since_ms;  /* the minute in which restored counts, from the first on */
	unsigned restored;
	bool restored_said;
};

#define WAYBACK_INIT \
	{ \
		.nft = -1, .events = -1 \
	}

/**
 * wayback_setup() - make the way in the netns we are in
 * @ret:	WAYBACK_INIT; filled on success only
 * Return: 0, or a negative errno with @err filled, and nothing is left of it
 */
int wayback_setup(struct wayback *ret, struct err *err);

/**
 * wayback_mend() - @w->events is readable: what was removed is made again, within reason
 * Return: 0; or a negative errno with @err filled: it is given up, and the way is gone
 */
int wayback_mend(struct wayback *w, struct err *err);

/* wayback_inherit() - who cared for @w until now has died, perhaps in the middle of it.
 * Return: as above */
int wayback_inherit(struct wayback *w, struct err *err);

#endif
