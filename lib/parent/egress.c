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
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"

#define DEBOUNCE_MS 100
#define LOOK_MS 500
#define READS_MAX 256 /* of PART_BYTES: more of a table is not read. Default routes come first */
#define PART_BYTES 32768
#define WAYS_MAX 64 /* interfaces that default routes lead to */
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
	uint32_t mtu; /* of the link that was asked for; 0: not told */
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

static void add_way(struct look *l, int ifindex, uint32_t mtu)
{
	if (ifindex > 0 && l->nways < WAYS_MAX)
		l->way[l->nways++] = (struct way){ .ifindex = ifindex, .mtu = mtu };
}

static uint32_t read_u32(const struct rtattr *a)
{
	uint32_t v = 0;

	if (RTA_PAYLOAD(a) >= sizeof(v))
		memcpy(&v, RTA_DATA(a), sizeof(v));
	return v;
}

static uint32_t mtu_of_metrics(const struct rtattr *metrics)
{
	int len = (int)RTA_PAYLOAD(metrics);

	for (const struct rtattr *a = RTA_DATA(metrics); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		if (a->rta_type == RTAX_MTU)
			return read_u32(a);
	}
	return 0;
}

static void add_hops(struct look *l, const struct rtattr *hops, uint32_t mtu)
{
	int len = (int)RTA_PAYLOAD(hops);

	for (const struct rtnexthop *h = RTA_DATA(hops); RTNH_OK(h, len);) {
		int size = (int)RTNH_ALIGN(h->rtnh_len);

		if (!(h->rtnh_flags & RTNH_F_DEAD))
			add_way(l, h->rtnh_ifindex, mtu);
		len -= size;
		h = (const void *)((const char *)h + size);
	}
}

static bool is_way_out(const struct rtmsg *rt)
{
	const unsigned most = rt->rtm_family == AF_INET6 ? VPN_BITS6 : VPN_BITS4;

	return (rt->rtm_family == AF_INET || rt->rtm_family == AF_INET6) &&
	       rt->rtm_type == RTN_UNICAST && rt->rtm_dst_len <= most &&
	       !(rt->rtm_flags & (RTM_F_CLONED | RTNH_F_DEAD));
}

static void take_route(struct look *l, const struct nlmsghdr *h)
{
	const struct rtmsg *rt = NLMSG_DATA(h);
	const struct rtattr *hops = NULL;
	int len = (int)RTM_PAYLOAD(h), ifindex = 0;
	uint32_t mtu = 0;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*rt)) || !is_way_out(rt))
		return;
	for (const struct rtattr *a = RTM_RTA(rt); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		if (a->rta_type == RTA_OIF)
			ifindex = (int)read_u32(a);
		else if (a->rta_type == RTA_METRICS)
			mtu = mtu_of_metrics(a);
		else if (a->rta_type == RTA_MULTIPATH)
			hops = a;
	}
	if (hops)
		add_hops(l, hops, mtu);
	else
		add_way(l, ifindex, mtu);
}

static void take_link(struct look *l, const struct nlmsghdr *h)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(h);
	int len = (int)IFLA_PAYLOAD(h);

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*ifi)))
		return;
	for (const struct rtattr *a = IFLA_RTA(ifi); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		if (a->rta_type == IFLA_MTU)
			l->mtu = read_u32(a);
	}
}

/* 1: there may be more; 0: that was all; else a negative errno */
static int take_part(struct look *l, const char *part, ssize_t n, bool is_dump)
{
	int len = (int)n;

	for (const struct nlmsghdr *h = (const void *)part; NLMSG_OK(h, len);
	     h = NLMSG_NEXT(h, len)) {
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR &&
		    h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr)))
			return ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
		if (h->nlmsg_type == RTM_NEWROUTE)
			take_route(l, h);
		else if (h->nlmsg_type == RTM_NEWLINK)
			take_link(l, h);
	}
	return is_dump;
}

/* the kernel answers inside of the call that asks: nothing waits */
static int ask(int fd, const struct nlmsghdr *question, struct look *l)
{
	const bool is_dump = (question->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	autofree char *part = malloc(PART_BYTES);
	int r = 1;

	if (!part)
		return -ENOMEM;
	if (send(fd, question, question->nlmsg_len, 0) < 0)
		return -errno;
	for (int i = 0; r > 0 && i < READS_MAX; i++) {
		ssize_t n = recv(fd, part, PART_BYTES, MSG_DONTWAIT);

		r = n < 0 ? -errno : take_part(l, part, n, is_dump);
	}
	return r < 0 ? r : 0;
}

static int open_netlink(uint32_t groups)
{
	const struct sockaddr_nl sa = { .nl_family = AF_NETLINK, .nl_groups = groups };
	autoclose int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	return take_fd(&fd);
}

/* a socket each: what is not read of one answer is no part of the next */
static int ask_routes(uint8_t family, struct look *l)
{
	const struct {
		struct nlmsghdr hdr;
		struct rtmsg rt;
	} question = { .hdr = { .nlmsg_len = sizeof(question),
				.nlmsg_type = RTM_GETROUTE,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		       .rt = { .rtm_family = family } };
	autoclose int fd = open_netlink(0);
	int r = fd < 0 ? fd : ask(fd, &question.hdr, l);

	return r == -EAFNOSUPPORT || r == -EOPNOTSUPP ? 0 : r; /* a kernel without that family */
}

/* the MTU of an interface; 0: it has gone meanwhile */
static int ask_link(int ifindex, struct look *l)
{
	const struct {
		struct nlmsghdr hdr;
		struct ifinfomsg ifi;
	} question = { .hdr = { .nlmsg_len = sizeof(question),
				.nlmsg_type = RTM_GETLINK,
				.nlmsg_flags = NLM_F_REQUEST },
		       .ifi = { .ifi_index = ifindex } };
	autoclose int fd = open_netlink(0);
	int r = fd < 0 ? fd : ask(fd, &question.hdr, l);

	return r == -ENODEV ? 0 : r;
}

int egress_mtu(uint32_t *ret, struct err *err)
{
	struct look l = { 0 };
	uint32_t least = 0;
	int r = ask_routes(AF_INET, &l);

	if (r == 0)
		r = ask_routes(AF_INET6, &l);
	for (size_t i = 0; i < l.nways && r == 0; i++) {
		uint32_t own = l.way[i].mtu;

		l.mtu = 0;
		r = ask_link(l.way[i].ifindex, &l);
		if (own && (own < l.mtu || !l.mtu))
			l.mtu = own;
		if (l.mtu && (l.mtu < least || !least))
			least = l.mtu;
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
	AUTO(egress_freep) struct egress *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return err_set(err, ENOMEM, "watching the host's default routes");
	e->env = *env;
	e->told = true;
	e->events_fd = open_netlink(RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
	if (e->events_fd < 0)
		return err_set(err, -e->events_fd, "watching the host's default routes");
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
