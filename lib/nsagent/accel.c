// SPDX-License-Identifier: Apache-2.0
/*
 * accel.c - the part of the gateway netns that carries TCP and UDP out by the kernel
 *
 * Nothing that is made here touches a packet before the rows of RECIPE_SWITCH stand: nf_tables
 * first, the routing rules last. When one of them is refused they are taken back and the next rung
 * is tried; after the last TCP goes to libslirp as before. The device, its routes and rules on
 * marks are the same for each rung, stay, and do nothing by themselves.
 */
#include "lib/nsagent/accel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/nsagent/gateway_recipe.h"
#include "lib/nsagent/netlink.h"
#include "lib/nsagent/nft.h"
#include "lib/nsagent/recipe_run.h"

#define TUN_DEVICE "/dev/net/tun"
#define SYNS_QUEUED 4096 /* in bounce0, before the kernel drops some: what a burst needs */
#define LISTEN_BACKLOG 4096

static int open_bounce(struct netlink *nl, const struct net_plan *plan, int *ret, struct err *err)
{
	autoclose int fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int r;

	if (fd < 0)
		return err_set(err, errno, "opening " TUN_DEVICE);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", GATEWAY_BOUNCE);
	/* persistent: it goes with the netns, in the background */
	if (ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETPERSIST, 1) < 0)
		return err_set(err, errno, "making the tun '%s'", GATEWAY_BOUNCE);
	r = netlink_link_queue(nl, GATEWAY_BOUNCE, SYNS_QUEUED, err);
	if (r == 0)
		r = netlink_link_up(nl, GATEWAY_BOUNCE, plan->mtu, err);
	if (r == 0)
		*ret = take_fd(&fd);
	return r;
}

/* connections that it accepts have the address that the child meant as their own; the UDP socket
   gets what no socket is connected for */
static int open_listener(int family, int type, int *ret, struct err *err)
{
	const struct sockaddr_in sa = { .sin_family = AF_INET,
					.sin_port = htons(GATEWAY_LISTEN_PORT) };
	const struct sockaddr_in6 sa6 = { .sin6_family = AF_INET6,
					  .sin6_port = htons(GATEWAY_LISTEN_PORT) };
	bool v6 = family == AF_INET6;
	autoclose int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0)
		return err_set(err, errno, "making a transparent listener");
	if ((v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT,
		       &on, sizeof(on)) < 0)
		return err_set(err, errno, "making a listener transparent");
	if (bind(fd, v6 ? (const struct sockaddr *)&sa6 : (const struct sockaddr *)&sa,
		 v6 ? sizeof(sa6) : sizeof(sa)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, LISTEN_BACKLOG) < 0))
		return err_set(err, errno, "opening a transparent listener");
	*ret = take_fd(&fd);
	return 0;
}

static int prepare(struct netlink *nl, const struct net_plan *plan, int *fds, struct err *err)
{
	int r = open_bounce(nl, plan, &fds[NET_ACCEL_TUN], err);

	if (r == 0)
		r = recipe_set_sysctls(plan, RECIPE_PREPARE, recipe_sysctls_late,
				       recipe_nsysctls_late, err);
	if (r == 0)
		r = recipe_add_routes(nl, plan, RECIPE_PREPARE, err);
	if (r == 0)
		r = open_listener(AF_INET, SOCK_STREAM, &fds[NET_ACCEL_TCP4], err);
	if (r == 0)
		r = open_listener(AF_INET, SOCK_DGRAM, &fds[NET_ACCEL_UDP4], err);
	if (r == 0 && plan->ipv6)
		r = open_listener(AF_INET6, SOCK_STREAM, &fds[NET_ACCEL_TCP6], err);
	if (r == 0 && plan->ipv6)
		r = open_listener(AF_INET6, SOCK_DGRAM, &fds[NET_ACCEL_UDP6], err);
	if (r == 0)
		r = recipe_add_rules(nl, plan, RECIPE_PREPARE, err);
	return r;
}

/* the table stands: it brings the modules, and these the settings */
static int switch_on(struct netlink *nl, const struct net_plan *plan, uint32_t now, struct err *err)
{
	int r = nft_check(plan, now, err);

	if (r == 0)
		r = recipe_set_sysctls(plan, now, recipe_sysctls_late, recipe_nsysctls_late, err);
	return r < 0 ? r : recipe_add_rules(nl, plan, now, err);
}

static int switch_off(struct netlink *nl, const struct net_plan *plan, uint32_t now,
		      struct err *err)
{
	int r = recipe_del_rules(nl, plan, now, err);

	return r < 0 ? r : nft_unload(err);
}

/* in the order in which they are tried */
static const struct rung {
	enum net_accel rung;
	uint32_t now; /* its rows of the recipe */
} rungs[] = {
	{ NET_ACCEL_TPROXY, RECIPE_SWITCH | RECIPE_TPROXY },
	{ NET_ACCEL_REDIRECT, RECIPE_SWITCH | RECIPE_REDIRECT },
};

static void add_reason(struct err *all, const struct err *why)
{
	struct err before = *all;

	*all = *why;
	if (before.code)
		err_wrap(all, -why->code, "%s; then", before.msg);
}

/* 0, or a negative errno as accel_setup() */
static int try_rungs(struct netlink *nl, const struct net_plan *plan, struct accel *ret,
		     struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(rungs) && ret->rung == NET_ACCEL_OFF; i++) {
		const uint32_t now = rungs[i].now;
		struct err why = { 0 };
		int r;

		if (!(ret->tries & 1u << rungs[i].rung))
			continue;
		r = nft_load(plan, now, &why);
		if (r == 0) {
			r = switch_on(nl, plan, now, &why);
			if (r < 0 && switch_off(nl, plan, now, err) < 0)
				return err_wrap(err, -err->code, "%s; and then", why.msg);
		}
		if (r == 0)
			ret->rung = rungs[i].rung;
		else
			add_reason(&ret->why, &why);
	}
	return 0;
}

int accel_setup(struct netlink *nl, const struct net_plan *plan, struct accel *ret, struct err *err)
{
	int r = prepare(nl, plan, ret->fds, &ret->why);

	ret->rung = NET_ACCEL_OFF;
	if (r == 0 && try_rungs(nl, plan, ret, err) < 0)
		return -err->code;
	for (size_t i = 0; ret->rung == NET_ACCEL_OFF && i < NET_ACCEL_FDS_MAX; i++) {
		cleanup_closep(&ret->fds[i]);
		ret->fds[i] = -1;
	}
	return 0;
}
