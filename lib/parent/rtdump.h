/* SPDX-License-Identifier: Apache-2.0 */
/* rtdump.h - what rtnetlink says of the routes and links of the netns we are in (parent) */
#ifndef RK_PARENT_RTDUMP_H
#define RK_PARENT_RTDUMP_H

#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>

struct nl_sock;
struct rtnl_route;

struct rtdump {
	uint8_t family;
	uint8_t table; /* RT_TABLE_UNSPEC: all; kernels before Linux 4.20 send all in any case */
	uint32_t most; /* routes: what is beyond is not read. 0: no limit */
	/* is this route worth reading whole? Cheap: some hosts have a million of them */
	bool (*wants)(const struct rtmsg *rt);
	/* 0, 1 for no more of them, or a negative errno. @route is NULL when libnl cannot read it,
	 * as with what is newer than it */
	int (*on_route)(struct rtnl_route *route, void *arg);
	void *arg;
};

/**
 * rtdump_routes() - every route of a family
 * Return: 0, also when the kernel lacks that family or table; -EAGAIN when routes were changed
 * meanwhile, so that some may be missing or twice; or another negative errno
 */
int rtdump_routes(const struct rtdump *d);

/* rtdump_ask() - the same on a socket of the caller's, which is of no use afterwards */
int rtdump_ask(struct nl_sock *sock, const struct rtdump *d);

/* rtdump_mtu() - of an interface, 0 when it has gone; 0 or a negative errno */
int rtdump_mtu(int ifindex, uint32_t *ret);

#endif
