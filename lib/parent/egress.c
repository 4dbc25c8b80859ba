// SPDX-License-Identifier: Apache-2.0
/*
 * egress.c - the MTU of the way out of the host, and its changes
 *
 * Runs in the parent. Looked at are the default routes of all tables, so that those of a VPN count,
 * and the halves of the address space by which some VPNs override them. The smallest of all is
 * taken: whatever is chosen for a packet, it fits. While the host has no default route the last one
 * holds, as most come back.
 *
 * What an event says does not matter. The first one of a burst stops the reading of more and starts
 * the clock of a look, DEBOUNCE_MS later and LOOK_MS after the look before: a link that flaps, or a
 * router with a changing table, costs two looks a second. Events that are lost meanwhile do no
 * harm, since the socket is emptied before each look.
 */
#include "lib/parent/egress.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/parent/rtdump.h"

#define DEBOUNCE_MS 100
#define LOOK_MS 500
#define ROUTES_MAX 100000 /* more are not read. Default routes come first in their table */
#define TRIES 5           /* of a reading that a change has disturbed */
#define WAYS_MAX 64       /* interfaces that default routes lead to */
#define EVENT_READS_MAX 1024
#define VPN_BITS4 1 /* 0.0.0.0/1 and 128.0.0.0/1 */
#define VPN_BITS6 3 /* 2000::/3 */

struct way {
	int ifindex;
	uint32_t mtu; /* the route's own; 0: none */
};

struct look {
	struct way way[WAYS_MAX];
	size_t nways;
	uint32_t mtu; /* of the route that is being read; 0: it has none */
};

struct egress {
	struct egress_env env;
	int events_fd;
	struct event *events, *timer;
	uint64_t looked_ms;
	uint32_t now;
	bool told;         /* on_change() has taken what is in now */
	bool refusal_said; /* and that it, or the kernel, did not */
};

/* --- what the kernel says ----------------------------------------------------------------- */

static void add_way(struct look *l, int ifindex)
{
	if (ifindex > 0 && l->nways < WAYS_MAX)
		l->way[l->nways++] = (struct way){ .ifindex = ifindex, .mtu = l->mtu };
}

static bool is_way_out(const struct rtmsg *rt)
{
	const unsigned most = rt->rtm_family == AF_INET6 ? VPN_BITS6 : VPN_BITS4;

	return (rt->rtm_family == AF_INET || rt->rtm_family == AF_INET6) &&
	       rt->rtm_type == RTN_UNICAST && rt->rtm_dst_len <= most &&
	       !(rt->rtm_flags & (RTM_F_CLONED | RTNH_F_DEAD));
}

static void take_hop(struct rtnl_nexthop *hop, void *arg)
{
	struct look *l = arg;

	if (!(rtnl_route_nh_get_flags(hop) & RTNH_F_DEAD))
		add_way(l, rtnl_route_nh_get_ifindex(hop));
}

static int take_route(struct rtnl_route *route, void *arg)
{
	struct look *l = arg;

	if (!route) /* the others tell enough: no start is refused for it */
		return 0;
	if (rtnl_route_get_metric(route, RTAX_MTU, &l->mtu) < 0)
		l->mtu = 0;
	rtnl_route_foreach_nexthop(route, take_hop, l);
	return l->nways == WAYS_MAX;
}

/* what is asked again because a change came in between counts twice, which does no harm. Routes
 * that never hold still are taken as they were read: each change is an event, and has a look of its
 * own
 */
static int look_at(struct look *l, uint8_t family)
{
	const struct rtdump d = { .family = family,
				  .most = ROUTES_MAX,
				  .wants = is_way_out,
				  .on_route = take_route,
				  .arg = l };
	int r = -EAGAIN;

	for (int i = 0; r == -EAGAIN && i < TRIES; i++)
		r = rtdump_routes(&d);
	return r == -EAGAIN ? 0 : r;
}

int egress_mtu(uint32_t *ret, struct err *err)
{
	struct look l = { 0 };
	uint32_t least = 0;
	int r = look_at(&l, AF_INET);

	if (r == 0)
		r = look_at(&l, AF_INET6);
	for (size_t i = 0; i < l.nways && r == 0; i++) {
		uint32_t own = l.way[i].mtu, mtu;

		r = rtdump_mtu(l.way[i].ifindex, &mtu);
		if (own && (own < mtu || !mtu))
			mtu = own;
		if (mtu && (mtu < least || !least))
			least = mtu;
	}
	if (r < 0)
		return err_set(err, -r, "asking for the MTU of the host's default routes");
	if (least && least < EGRESS_MTU_MIN)
		least = EGRESS_MTU_MIN;
	*ret = least < EGRESS_MTU_MAX ? least : EGRESS_MTU_MAX;
	return 0;
}

/* --- changes ------------------------------------------------------------------------------ */

static void set_timer(const struct egress *e, uint64_t ms)
{
	const struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
				    .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(e->timer, &tv);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	const struct egress *e = arg;
	uint64_t since = clock_ms() - e->looked_ms;

	(void)fd;
	(void)what;
	event_del(e->events); /* the next look empties it */
	set_timer(e, since + DEBOUNCE_MS < LOOK_MS ? LOOK_MS - since : DEBOUNCE_MS);
}

/* what they say does not matter, and neither does an overrun: we look */
static void forget_events(const struct egress *e)
{
	char byte;
	ssize_t n = 1;

	for (int i = 0; i < EVENT_READS_MAX && (n >= 0 || errno == ENOBUFS || errno == EINTR); i++)
		n = recv(e->events_fd, &byte, sizeof(byte), MSG_TRUNC | MSG_DONTWAIT);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct egress *e = arg;
	struct err err = { 0 };
	uint32_t mtu = 0;
	int r;

	(void)fd;
	(void)what;
	forget_events(e);
	event_add(e->events, NULL);
	e->looked_ms = clock_ms();
	r = egress_mtu(&mtu, &err);
	if (r == 0 && mtu && mtu != e->now) {
		e->now = mtu;
		e->told = e->refusal_said = false;
	}
	if (r == 0 && !e->told) {
		r = e->env.on_change(e->now, e->env.arg, &err);
		e->told = r >= 0;
	}
	if (r >= 0)
		return;
	if (!e->refusal_said)
		log_warning("network", "%s, trying again", err.msg);
	e->refusal_said = true;
	set_timer(e, LOOK_MS);
}

uint32_t egress_now(const struct egress *e)
{
	return e->now;
}

int egress_new(const struct egress_env *env, struct egress **ret, struct err *err)
{
	const struct sockaddr_nl groups = { .nl_family = AF_NETLINK,
					    .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_ROUTE |
							 RTMGRP_IPV6_ROUTE };
	AUTO(egress_freep) struct egress *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return err_set(err, ENOMEM, "watching the host's default routes");
	e->env = *env;
	e->told = true;
	e->events_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (e->events_fd < 0 ||
	    bind(e->events_fd, (const struct sockaddr *)&groups, sizeof(groups)) < 0)
		return err_set(err, errno, "watching the host's default routes");
	r = egress_mtu(&e->now, err);
	if (r < 0)
		return r;
	*ret = take_ptr(e);
	return 0;
}

int egress_watch(struct egress *e, struct err *err)
{
	e->events = event_new(e->env.base, e->events_fd, EV_READ | EV_PERSIST, on_event, e);
	e->timer = evtimer_new(e->env.base, on_timer, e);
	if (!e->events || !e->timer || event_add(e->events, NULL) < 0)
		return err_set(err, ENOMEM, "watching the host's default routes");
	return 0;
}

struct egress *egress_free(struct egress *e)
{
	if (!e)
		return NULL;
	if (e->events)
		event_free(e->events);
	if (e->timer)
		event_free(e->timer);
	cleanup_closep(&e->events_fd);
	free(e);
	return NULL;
}
