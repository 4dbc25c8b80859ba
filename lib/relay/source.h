/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - which address a server in the child sees as its client's */
#ifndef RK_RELAY_SOURCE_H
#define RK_RELAY_SOURCE_H

#include <stdbool.h>

#include "lib/ipc/worker.h"
#include "lib/relay/addr.h"
#include "lib/relay/clientroute.h"
#include "lib/relay/sockpool.h"

struct err;

/* in the order in which they are tried */
enum source {
	SOURCE_CLIENT,  /* its own, by a transparent socket of the gateway netns or the child's */
	SOURCE_GATEWAY, /* 10.0.2.2 or fd00::2, by such a socket too */
	SOURCE_CHILD,   /* whatever the child's netns gives: loopback, or the child's own address */
	NSOURCES
};

struct sources {
	struct sockpool *child, *gateway;
	bool child_shows; /* the child's netns has transparent sockets; there is no gateway */
	struct clientroutes routes;
	struct net_plan plan;
};

/* sources_init() - @child, @gateway: borrowed */
void sources_init(struct sources *s, struct loop *l, struct sockpool *child,
		  struct sockpool *gateway, bool child_shows, const struct net_plan *plan);
void sources_done(struct sources *s); /* takes a zeroed one */

/* source_spec_valid() - is it a port of that protocol whose targets are addresses? */
bool source_spec_valid(const struct worker_port *spec, uint16_t protocol);

/* sources_warm() - sockets of @type for this port will be wanted */
void sources_warm(struct sources *s, const struct worker_port *spec, int type);

/**
 * source_first() - the best for this client and target
 * @client:	as addr_unmap() leaves it
 */
enum source source_first(struct sources *s, const struct worker_port *spec,
			 const union sock_addr *client, const struct net_addr *target);

/* source_next() - what is tried after @source, which is not SOURCE_CHILD */
enum source source_next(const struct sources *s, const struct worker_port *spec,
			const struct net_addr *target, enum source source);

/* source_target() - the index of the target that is tried first; the others follow in a ring */
unsigned source_target(struct sources *s, const struct worker_port *spec,
		       const union sock_addr *client);

/* source_take() - an unbound socket for source_bind(); as sockpool_take() */
int source_take(struct sources *s, enum source source, int family, int type,
		struct sockpool_wait *w);

/**
 * source_bind() - give an unbound socket of source_take() its address
 * @family:	of the socket, which is the target's
 * Return: 0 or a negative errno: the next source may do
 */
int source_bind(const struct sources *s, enum source source, int fd, int family,
		const union sock_addr *client);

#endif
