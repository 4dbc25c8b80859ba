/* SPDX-License-Identifier: Apache-2.0 */
/* netdriver.h - what a network driver is; each stands whole in one file, table.c lists them */
#ifndef RK_NETDRIVERS_NETDRIVER_H
#define RK_NETDRIVERS_NETDRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/ipc/netplan.h"

enum net_flag {
	NET_F_NETNS = 1,    /* the command gets a network namespace */
	NET_F_GATEWAY = 2,  /* and there is a gateway namespace behind it, with the slirp worker */
	NET_F_RESOLVER = 4, /* /etc/resolv.conf and /etc/hosts are made for the command */
	NET_F_ADDRESS = 8,  /* takes --cidr, --ifname and --mtu */
	NET_F_IPV4 = 128,   /* and has no IPv6 */
};

/* what the user asked for; strings are NULL or "" when not given */
struct net_opts {
	const char *name;   /* as typed: "slirp4netns" is served by slirp but reported as typed */
	const char *cidr;   /* checked already: "10.0.2.0/24" */
	const char *ifname; /* checked already */
	int mtu;            /* 0: the driver's */
	bool disable_host_loopback;
	bool ipv6;
};

struct net_driver {
	const char *name; /* what --net= takes */
	uint32_t flags;   /* enum net_flag */
	/* parent: fill the plan; NULL for a driver without addresses */
	int (*parent_plan)(const struct net_opts *o, struct net_plan *ret, struct err *err);
};

/**
 * net_driver_find() - the driver that serves a value of --net
 * Return: NULL when the value is unknown, or when its driver is not part of this build
 */
const struct net_driver *net_driver_find(const char *name);

/* net_driver_names() - the values that net_driver_find() takes, separated by ", "; static */
const char *net_driver_names(void);

#endif
