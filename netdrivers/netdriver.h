/* SPDX-License-Identifier: Apache-2.0 */
/* netdriver.h - what a network driver is; each stands whole in one file, table.c lists them */
#ifndef RK_NETDRIVERS_NETDRIVER_H
#define RK_NETDRIVERS_NETDRIVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/ipc/netplan.h"

enum net_flag {
	NET_F_NETNS = 1,    /* the command gets a network namespace */
	NET_F_GATEWAY = 2,  /* and there is a gateway namespace behind it, with the slirp worker */
	NET_F_RESOLVER = 4, /* /etc/resolv.conf and /etc/hosts are made for the command */
	NET_F_ADDRESS = 8,  /* takes --cidr, --ifname and --mtu */
	NET_F_PROGRAM =
		16, /* an external program serves it: parent_start() and its like are there */
	NET_F_RESTART = 32, /* which may be started again while the command runs */
	NET_F_TAP = 64,     /* the agent of the child netns makes the tap, with its addresses; the
			       program opens it by its name */
	NET_F_IPV4 = 128,   /* and has no IPv6 */
	NET_F_DHCP = 256,   /* parent_attach() puts an interface there, whose addresses a DHCP
			       server has */
	NET_F_LEARNS = 512, /* with NET_F_TAP: the program is started before the tap is made, and
			       says which addresses it shall have; parent_tap() gets it */
};

struct event_base;
struct options;
struct starter;

/* what the user asked for; strings are NULL or "" when not given */
struct net_opts {
	const char *name;   /* as typed: "slirp4netns" is served by slirp but reported as typed */
	const char *cidr;   /* checked already: "10.0.2.0/24" */
	const char *ifname; /* checked already */
	int mtu;            /* 0: the driver's */
	bool disable_host_loopback;
	bool ipv6;
};

/* what the program of a driver is started with; borrowed until parent_stop() */
struct net_env {
	struct event_base *base;
	struct starter *starter; /* of all lives of the program; NULL without NET_F_PROGRAM */
	const struct options *options;
	const struct net_plan *plan;
	uint32_t features;     /* as parent_probe() found them */
	pid_t child;           /* it lives in the namespaces: /proc/PID/ns/ */
	const char *netns;     /* where the detached one is bound; NULL: the child's own */
	const char *state_dir; /* absolute */
	int tap;               /* with NET_F_LEARNS: the child's; -1 before parent_tap() */
	uint8_t mac[6];        /* and what on_plan() said it should have */
	/* with NET_F_LEARNS, in the first life: this is the plan */
	void (*on_plan)(void *arg, const struct net_plan *plan, const uint8_t mac[6]);
	/* each is called at most once in a life, never from within parent_start(). Ready: packets
	   pass, the program's own sockets answer. Ended: it is dead and reaped */
	void (*on_ready)(void *arg);
	void (*on_ended)(void *arg, const struct err *why);
	void *arg;
};

struct net_run; /* a driver's own: one life of its program */

struct net_driver {
	const char *name; /* what --net= takes */
	uint32_t flags;   /* enum net_flag */
	/* parent: fill the plan; NULL for a driver without addresses */
	int (*parent_plan)(const struct net_opts *o, struct net_plan *ret, struct err *err);

	/* the rest for networks by programs of others (lib/parent/netrun.c calls them,
	   netdrivers/helper.h does most of the work); NULL without NET_F_PROGRAM, but: */

	/* before anything is made: is the program there, and what can it do? The bits come back in
	   net_env.features */
	int (*parent_probe)(const struct options *o, uint32_t *ret_features, struct err *err);
	/* with NET_F_DHCP. The child's network namespace is there: run what makes the interface */
	int (*parent_attach)(const struct net_env *env, struct err *err);
	/* the namespaces are there: start the program. Again after on_ended(), parent_stop() comes
	   in between */
	int (*parent_start)(const struct net_env *env, struct net_run **ret, struct err *err);
	/* with NET_F_LEARNS, after on_plan(): env->tap is there */
	void (*parent_tap)(struct net_run *run);
	/* child @pid of the parent was reaped; false: it is not the program */
	bool (*parent_reaped)(struct net_run *run, pid_t pid, int status);
	void (*parent_stop)(struct net_run *run); /* end it, if it lives; takes NULL */
};

/**
 * net_driver_find() - the driver that serves a value of --net
 * @external:	--slirp4netns-binary or --gvproxy-binary was given: "slirp4netns" or
 *		"gvisor-tap-vsock" is that program, not our own stack
 * Return: NULL when the value is unknown, or when its driver is not part of this build
 */
const struct net_driver *net_driver_find(const char *name, bool external);

/* net_driver_names() - the values that net_driver_find() takes, separated by ", "; static */
const char *net_driver_names(void);

#endif
