/* SPDX-License-Identifier: Apache-2.0 */
/* clientroute.h - whether what the child answers a client comes back to us */
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
	bool comes_back;     /* of a server: it is behind the child */
	uint8_t protocol;    /* 0: all alike */
	uint64_t until_ms;   /* loop time; 0: until routes change */
};

struct clientroutes {
	struct loop *loop;  /* NULL: was never started */
	struct watch watch; /* rtnetlink socket of the child netns; fd -1: none */
	struct sockpool_wait wait;
	bool inside; /* to sockets in the child's netns; else by the gateway */
	struct in_addr gateway, own;
	struct in6_addr gateway6, own6;
	uint32_t generation; /* answers of others are not valid any more */
	uint32_t seq;        /* of the last question */
	bool forwards;       /* that was, what the child does with what comes by its uplink */
	uint32_t uplink; /* the child's interface to the gateway; 0: no client has told it yet */
	uint64_t seed;   /* clients choose their addresses: they shall not choose the place too */
	struct clientroute kept[CLIENTROUTES_KEPT];
};

/**
 * clientroutes_init() - ask @child for the socket; before it is there nothing comes back
 * @inside:	to sockets in the child's netns with NET_SHOW_MARK, not by the gateway
 * @plan:	whose addresses count
 */
void clientroutes_init(struct clientroutes *c, struct loop *l, struct sockpool *child, bool inside,
		       const struct net_plan *plan);
void clientroutes_done(struct clientroutes *c); /* takes a zeroed one */

/**
 * clientroute_is_back() - what a server at the child's own address sends to @client comes to us
 * @client:	never an IPv4 address in IPv6 (addr_unmap())
 * @protocol:	IPPROTO_TCP or IPPROTO_UDP
 * Return: false as well when nobody knows
 */
bool clientroute_is_back(struct clientroutes *c, const union sock_addr *client, int protocol);

/**
 * clientroute_is_behind() - the child forwards to this address of its own networks; by the gateway
 *                           only, and known from the first client that comes back
 */
bool clientroute_is_behind(struct clientroutes *c, const struct net_addr *target);

/* clientroutes_settled() - the socket is there, or there will be none */
bool clientroutes_settled(const struct clientroutes *c);

/* clientroute_is_silent() - the table says so, and yet nothing comes: believe it later */
void clientroute_is_silent(struct clientroutes *c, const union sock_addr *client, int protocol);

#endif
