/* SPDX-License-Identifier: Apache-2.0 */
/* hold_impl.h - what the files of hold share */
#ifndef RK_RELAY_HOLD_IMPL_H
#define RK_RELAY_HOLD_IMPL_H

#include "lib/relay/hold.h"

struct hold {
	struct holds *all;
	struct list entry;  /* in the free list, or that of its key */
	struct list source; /* of its source address, in the order of age */
	struct list age;    /* of all */
	enum hold_state state;
	struct watch watch; /* the host's socket; fd -1: none */
	struct timer timer;
	uint64_t since_ms;
	uint64_t step_ms; /* when it became what it is */
	struct net_addr to;
	struct syn syn; /* the newest: a port that is used again has a new number */
};

#endif
