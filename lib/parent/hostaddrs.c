// SPDX-License-Identifier: Apache-2.0
/*
 * hostaddrs.c - the host's own addresses, followed as they change (parent only)
 *
 * What the host takes for itself is what its routing table "local" says: addresses of interfaces,
 * ranges that an administrator has made local, broadcast and anycast addresses. The table is read
 * whole, at the start and after each event of rtnetlink that may concern it; a reading that fails
 * leaves the list as it was and is tried again each second.
 *
 * Loopback, link-local and multicast addresses are refused by the policy in any case and are left
 * out, so that containers of the host, whose interfaces come and go with such addresses only, mean
 * no message to the workers.
 */
#include "lib/parent/hostaddrs.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/route/route.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/ipc/worker.h"
#include "lib/parent/rtdump.h"

#define AGAIN_MS 1000
#define RECORD_MAX 32768
#define READS_A_TURN 64
#define TRIES 5        /* of a reading that a change has disturbed */
#define READ_MAX 65536 /* entries of the table: what is beyond is not counted any more */

struct list_of {
	struct net_range *range;
	size_t n, room;
};

struct hostaddrs {
	struct hostaddrs_env env;
	int sock; /* hears of changes */
	struct event *events, *timer;
	struct net_range now[WORKER_HOSTS_MAX];
	size_t n;
	bool told, failure_said, full_said;
	union {
		struct nlmsghdr align;
		uint8_t bytes[RECORD_MAX];
	} buf;
};

/* --- one entry of the table --------------------------------------------------------------------
 */

static bool is_refused_anyway(const struct net_range *r)
{
	static const struct net_range always[] = {
		{ .family = AF_INET, .prefix = 8, .addr = { 127 } },
		{ .family = AF_INET, .prefix = 3, .addr = { 0xe0 } },
		{ .family = AF_INET6, .prefix = 128, .addr = { [15] = 1 } },
		{ .family = AF_INET6, .prefix = 10, .addr = { 0xfe, 0x80 } },
		{ .family = AF_INET6, .prefix = 8, .addr = { 0xff } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(always); i++) {
		if (net_range_covers(&always[i], r))
			return true;
	}
	return false;
}

/* does it lead to the host itself? Kernels before Linux 4.20 send routes of other tables, too */
static bool is_ours(const struct rtmsg *rt)
{
	return rt->rtm_table == RT_TABLE_LOCAL &&
	       (rt->rtm_family == AF_INET || rt->rtm_family == AF_INET6) &&
	       (rt->rtm_type == RTN_LOCAL || rt->rtm_type == RTN_BROADCAST ||
		rt->rtm_type == RTN_ANYCAST);
}

static int append(struct list_of *l, const struct net_range *r)
{
	if (l->n == READ_MAX)
		return 0;
	if (l->n == l->room) {
		const size_t room = l->room ? 2 * l->room : 64;
		struct net_range *more = reallocarray(l->range, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->range = more;
		l->room = room;
	}
	l->range[l->n++] = *r;
	return 0;
}

/* --- the table ---------------------------------------------------------------------------------
 */

static int take_route(struct rtnl_route *route, void *arg)
{
	struct nl_addr *dst = route ? rtnl_route_get_dst(route) : NULL;
	struct net_range range = { .family = route ? rtnl_route_get_family(route) : 0 };
	const unsigned size = range.family == AF_INET6 ? 16 : 4;
	const unsigned len = dst ? nl_addr_get_len(dst) : 0;

	/* a default route has no address */
	if (!dst || (len != size && (len || nl_addr_get_prefixlen(dst))) ||
	    nl_addr_get_prefixlen(dst) > 8 * size)
		return -EBADMSG;
	range.prefix = (uint8_t)nl_addr_get_prefixlen(dst);
	memcpy(range.addr, nl_addr_get_binary_addr(dst), len);
	return is_refused_anyway(&range) ? 0 : append(arg, &range);
}

static int read_family(uint8_t family, struct list_of *l)
{
	const struct rtdump d = { .family = family,
				  .table = RT_TABLE_LOCAL,
				  .wants = is_ours,
				  .on_route = take_route,
				  .arg = l };

	return rtdump_routes(&d);
}

static int compare(const void *a, const void *b)
{
	const struct net_range *x = a, *y = b;
	int r = x->family - y->family;

	r = r ? r : memcmp(x->addr, y->addr, sizeof(x->addr));
	return r ? r : x->prefix - y->prefix;
}

/* sorted, and without what others of it cover */
static void tidy(struct list_of *l)
{
	size_t n = 0;

	if (l->n)
		qsort(l->range, l->n, sizeof(*l->range), compare);
	for (size_t i = 0; i < l->n; i++) {
		if (!n || !net_range_covers(&l->range[n - 1], &l->range[i]))
			l->range[n++] = l->range[i];
	}
	l->n = n;
}

/* Return: 1 when it is another list than before, 0, or a negative errno */
static int look(struct hostaddrs *h)
{
	static const struct net_range all[] = { { .family = AF_INET }, { .family = AF_INET6 } };
	struct list_of l = { 0 };
	const struct net_range *now;
	bool same;
	int r = -EAGAIN;

	for (int i = 0; r == -EAGAIN && i < TRIES; i++) {
		l.n = 0;
		r = read_family(AF_INET, &l);
		if (r == 0)
			r = read_family(AF_INET6, &l);
	}
	if (r < 0) {
		free(l.range);
		return r;
	}
	tidy(&l);
	now = l.range;
	if (l.n > WORKER_HOSTS_MAX) {
		if (!h->full_said)
			log_warning("network",
				    "the host has more than %d addresses of its own: with "
				    "--deny-host-addrs everything outside is refused",
				    WORKER_HOSTS_MAX);
		h->full_said = true;
		now = all;
		l.n = ARRAY_SIZE(all);
	}
	same = l.n == h->n && (!l.n || memcmp(now, h->now, l.n * sizeof(*now)) == 0);
	if (l.n)
		memcpy(h->now, now, l.n * sizeof(*now));
	h->n = l.n;
	free(l.range);
	return !same;
}

/* --- changes -----------------------------------------------------------------------------------
 */

static void look_again(struct hostaddrs *h, int ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_add(h->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct hostaddrs *h = arg;
	struct err err = { 0 };
	int r = look(h);

	(void)fd;
	(void)what;
	if (r < 0)
		err_set(&err, -r, "reading the host's addresses");
	if (r > 0)
		h->told = false;
	if (r >= 0 && !h->told)
		r = h->env.on_change(h->env.arg, &err);
	h->told |= r >= 0;
	if (r < 0 && !h->failure_said)
		log_warning("network", "%s; --deny-host-addrs goes by what was known, trying again",
			    err.msg);
	h->failure_said = r < 0;
	if (r < 0)
		look_again(h, AGAIN_MS);
}

/* routes of other tables come and go by the thousand on some hosts */
static bool concerns_us(const struct hostaddrs *h, size_t n)
{
	const struct nlmsghdr *m = &h->buf.align;
	int left = (int)n;

	for (; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
		const struct rtmsg *rt = NLMSG_DATA(m);

		if ((m->nlmsg_type != RTM_NEWROUTE && m->nlmsg_type != RTM_DELROUTE) ||
		    m->nlmsg_len < NLMSG_LENGTH(sizeof(*rt)) || rt->rtm_table == RT_TABLE_LOCAL)
			return true;
	}
	return false;
}

static void on_events(evutil_socket_t fd, short what, void *arg)
{
	struct hostaddrs *h = arg;
	bool changed = false;

	(void)what;
	for (int i = 0; i < READS_A_TURN; i++) {
		ssize_t n = recv(fd, &h->buf, sizeof(h->buf), MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			break;
		/* ENOBUFS: some were lost */
		changed |= n < 0 || concerns_us(h, (size_t)n);
	}
	if (changed)
		on_timer(-1, 0, h);
}

/* --- all ---------------------------------------------------------------------------------------
 */

const struct net_range *hostaddrs_now(const struct hostaddrs *h, size_t *ret_n)
{
	*ret_n = h->n;
	return h->now;
}

int hostaddrs_new(const struct hostaddrs_env *env, struct hostaddrs **ret, struct err *err)
{
	const struct sockaddr_nl groups = { .nl_family = AF_NETLINK,
					    .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
							 RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE };
	AUTO(hostaddrs_freep) struct hostaddrs *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return err_set(err, ENOMEM, "watching the host's addresses");
	h->env = *env;
	h->told = true;
	h->sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	/* before they are read: what changes afterwards is told */
	if (h->sock < 0 || bind(h->sock, (const struct sockaddr *)&groups, sizeof(groups)) < 0)
		return err_set(err, errno, "watching the host's addresses for --deny-host-addrs");
	r = look(h);
	if (r < 0)
		return err_set(err, -r, "reading the host's addresses for --deny-host-addrs");
	h->timer = evtimer_new(env->base, on_timer, h);
	h->events = event_new(env->base, h->sock, EV_READ | EV_PERSIST, on_events, h);
	if (!h->timer || !h->events || event_add(h->events, NULL) < 0)
		return err_set(err, ENOMEM, "watching the host's addresses");
	*ret = take_ptr(h);
	return 0;
}

struct hostaddrs *hostaddrs_free(struct hostaddrs *h)
{
	if (!h)
		return NULL;
	if (h->events)
		event_free(h->events);
	if (h->timer)
		event_free(h->timer);
	cleanup_closep(&h->sock);
	free(h);
	return NULL;
}
