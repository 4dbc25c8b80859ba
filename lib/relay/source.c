// SPDX-License-Identifier: Apache-2.0
/*
 * source.c - which address a server in the child sees as its client's
 *
 * The client's own address is shown where the server's answers come back to us: to a target at the
 * child's own address, of the client's family, when the child's routing table leads to the client
 * by our gateway. Clients whose address is on-link in the child, on a bridge there, or loopback,
 * have the gateway's. Servers on the child's loopback can be reached from within only.
 *
 * So it is for servers behind the child, in a container on a bridge there, when the child forwards
 * to them. Whom that does not show is served from within: a route that is not the child's own
 * address may be closed in ways that the table does not tell.
 *
 * On networks without our gateway the child's netns has transparent sockets itself, and leads back
 * what is answered to them (lib/nsagent/wayback.c): wherever the client is, and from its loopback
 * as well. What UDP answers, though, first finds a route, and an address by that: see
 * clientroute.c. Clients that cannot be shown have whatever the child's netns gives.
 */
#include "lib/relay/source.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"

void sources_init(struct sources *s, struct loop *l, struct sockpool *child,
		  struct sockpool *gateway, bool child_shows, const struct net_plan *plan)
{
	*s = (struct sources){
		.child = child, .gateway = gateway, .child_shows = child_shows, .plan = *plan
	};
	if (gateway->agent >= 0 || child_shows)
		clientroutes_init(&s->routes, l, child, child_shows, plan);
}

void sources_done(struct sources *s)
{
	clientroutes_done(&s->routes);
}

static bool is_childs_own(const struct net_plan *p, const struct net_addr *a)
{
	if (a->family == AF_INET)
		return p->address.s_addr && memcmp(a->addr, &p->address, sizeof(p->address)) == 0;
	return p->ipv6 && memcmp(a->addr, &p->address6, sizeof(p->address6)) == 0;
}

bool source_spec_valid(const struct worker_port *spec, uint16_t protocol)
{
	if (spec->protocol != protocol || !spec->ntargets || spec->ntargets > WORKER_TARGETS_MAX ||
	    spec->show_client > 1)
		return false;
	for (size_t i = 0; i < spec->ntargets; i++) {
		if (!addr_valid(&spec->target[i]))
			return false;
	}
	return true;
}

/* by the gateway's netns; what is behind the child's address is the child's to route */
static bool is_outside(const struct sources *s, const struct worker_port *spec,
		       const struct net_addr *target)
{
	return spec->show_client && s->gateway->agent >= 0 && is_childs_own(&s->plan, target);
}

/* the gateway's netns has it for itself, or not behind the child */
static bool is_of_gateway(const struct net_plan *p, const struct net_addr *a)
{
	struct net_range r = { .family = (uint8_t)a->family };

	if (a->family == AF_INET6 && !p->ipv6)
		return true;
	r.prefix = a->family == AF_INET6 ? p->prefix6 : p->prefix;
	if (a->family == AF_INET6)
		memcpy(r.addr, &p->network6, sizeof(p->network6));
	else
		memcpy(r.addr, &p->network, sizeof(p->network));
	return net_range_has(&r, a->family, a->addr);
}

/* by the gateway's netns and the child's forwarding */
static bool is_behind(struct sources *s, const struct worker_port *spec,
		      const union sock_addr *client, const struct net_addr *target)
{
	return spec->show_client && s->gateway->agent >= 0 &&
	       client->sa.sa_family == target->family && !is_of_gateway(&s->plan, target) &&
	       clientroute_is_back(&s->routes, client, spec->protocol) &&
	       clientroute_is_behind(&s->routes, target);
}

static bool is_loopback(const struct net_addr *a)
{
	return a->family == AF_INET
		       ? a->addr[0] == 127
		       : memcmp(a->addr, &in6addr_loopback, sizeof(in6addr_loopback)) == 0;
}

/* by a transparent socket of the child's netns */
static bool is_shown_inside(const struct sources *s, const struct worker_port *spec,
			    const struct net_addr *target)
{
	return s->child_shows && spec->show_client &&
	       (is_childs_own(&s->plan, target) ||
		(spec->protocol == IPPROTO_TCP && is_loopback(target)));
}

enum source source_first(struct sources *s, const struct worker_port *spec,
			 const union sock_addr *client, const struct net_addr *target)
{
	if (is_shown_inside(s, spec, target))
		return client->sa.sa_family == target->family &&
				       clientroute_is_back(&s->routes, client, spec->protocol)
			       ? SOURCE_CLIENT
			       : SOURCE_CHILD;
	if (!is_outside(s, spec, target))
		return is_behind(s, spec, client, target) ? SOURCE_CLIENT : SOURCE_CHILD;
	if (client->sa.sa_family == target->family &&
	    clientroute_is_back(&s->routes, client, spec->protocol))
		return SOURCE_CLIENT;
	return SOURCE_GATEWAY;
}

enum source source_next(const struct sources *s, const struct worker_port *spec,
			const struct net_addr *target, enum source source)
{
	return source == SOURCE_CLIENT && is_outside(s, spec, target) ? SOURCE_GATEWAY
								      : SOURCE_CHILD;
}

unsigned source_target(struct sources *s, const struct worker_port *spec,
		       const union sock_addr *client)
{
	const struct net_addr *first = &spec->target[0];

	/* the child's IPv6 address stands first for those whom it can show, and is last for all
	 * others */
	if (spec->ntargets > 1 && first->family == AF_INET6 && is_childs_own(&s->plan, first) &&
	    source_first(s, spec, client, first) != SOURCE_CLIENT)
		return 1;
	return 0;
}

int source_take(struct sources *s, enum source source, int family, int type,
		struct sockpool_wait *w)
{
	if (source == SOURCE_CLIENT && s->child_shows)
		return sockpool_take(s->child, family, type | SOCKPOOL_TRANSPARENT, w);
	return sockpool_take(source == SOURCE_CHILD ? s->child : s->gateway, family, type, w);
}

void sources_warm(struct sources *s, const struct worker_port *spec, int type)
{
	for (size_t i = 0; i < spec->ntargets; i++) {
		const struct net_addr *t = &spec->target[i];

		sockpool_warm(is_outside(s, spec, t) ? s->gateway : s->child, t->family, type);
		if (is_shown_inside(s, spec, t))
			sockpool_warm(s->child, t->family, type | SOCKPOOL_TRANSPARENT);
	}
}

/* the port is chosen by connect(), which knows which are free for that target; that of UDP must be
 * no other socket's */
static int bind_gateway(const struct net_plan *p, int fd, int family)
{
	struct net_addr a = { .family = (uint16_t)family };
	union sock_addr addr;
	const int on = 1, off = 0;
	socklen_t len;

	if (family == AF_INET6)
		memcpy(a.addr, &p->gateway6, sizeof(p->gateway6));
	else
		memcpy(a.addr, &p->gateway, sizeof(p->gateway));
	len = addr_to_sock(&a, &addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return bind(fd, &addr.sa, len) < 0 ? -errno : 0;
}

int source_bind(const struct sources *s, enum source source, int fd, int family,
		const union sock_addr *client)
{
	socklen_t len = family == AF_INET6 ? sizeof(client->in6) : sizeof(client->in);

	if (source == SOURCE_GATEWAY)
		return bind_gateway(&s->plan, fd, family);
	return source == SOURCE_CLIENT && bind(fd, &client->sa, len) < 0 ? -errno : 0;
}
