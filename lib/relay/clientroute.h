/* SPDX-License-Identifier: Apache-2.0 */
/* clientroute.h - whether the child would answer a client through our gateway */
#ifndef RK_RELAY_CLIENTROUTE_H
#define RK_RELAY_CLIENTROUTE_H

#include <stdbool.h>

#include "lib/base/loop.h"
#include "lib/relay/addr.h"
#include "lib/relay/sockpool.h"

#define CLIENTROUTES_KEPT 256 /* a power of two */

struct clientroute {
	uint8_t addr[16];    /* IPv4 as ::ffff:a.b.c.d */
	uint32_t generation; /* of the table when the answer came; 0: empty */
	bool by_gateway;
	uint64_t until_ms; /* loop time; 0: until routes change */
};

struct clientroutes {
	struct loop *loop;  /* NULL: was never started */
	struct watch watch; /* rtnetlink socket of the child netns; fd -1: none */
	struct sockpool_wait wait;
	struct in_addr gateway;
	struct in6_addr gateway6;
	uint32_t generation; /* answers of others are not valid any more */
	uint32_t seq;        /* of the last question */
	uint64_t seed; /* clients choose their addresses: they shall not choose the place too */
	struct clientroute kept[CLIENTROUTES_KEPT];
};

/**
 * clientroutes_init() - ask @child for the socket; before it is there nobody is by_gateway
 * @plan:	whose gateway counts
 */
void clientroutes_init(struct clientroutes *c, struct loop *l, struct sockpool *child,
		       const struct net_plan *plan);
void clientroutes_done(struct clientroutes *c); /* takes a zeroed one */

/**
 * clientroute_by_gateway() - the child sends what is for @client to the gateway of the plan
 * @client:	never an IPv4 address in IPv6 (addr_unmap())
 * Return: false as well when nobody knows
 */
bool clientroute_by_gateway(struct clientroutes *c, const union sock_addr *client);

/* clientroute_is_silent() - the table says by gateway, and yet nothing comes: believe it later */
void clientroute_is_silent(struct clientroutes *c, const union sock_addr *client);

#endif
