/* SPDX-License-Identifier: Apache-2.0 */
/* netlink.h - verbs on the links, addresses, routes and rules of the netns we are in */
#ifndef RK_NSAGENT_NETLINK_H
#define RK_NSAGENT_NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"

struct netlink; /* opaque: one rtnetlink socket; it stays in the netns where it was opened */

struct netlink_ip {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t prefix; /* bits */
	uint8_t addr[16];
};

struct netlink_veth {
	const char *name;      /* here */
	const char *peer_name; /* over there */
	int ifindex;           /* here; must differ from the one over there */
	int peer_netns;        /* descriptor of the other netns */
	uint32_t mtu;          /* of both, bytes */
};

struct netlink_route {
	struct netlink_ip via; /* the destination is the default route of its family */
	bool direct;           /* no via: only its family counts */
	bool local;            /* packets end here, whatever their destination; direct too */
	unsigned ifindex;
	uint32_t table;
	bool onlink; /* via lies behind the interface though no address there says so */
};

struct netlink_rule {
	uint32_t pref;
	const char *iif;             /* NULL: any */
	const struct netlink_ip *to; /* NULL: any */
	uint32_t mark;               /* 0: any */
	uint16_t dport;              /* host order; 0: any */
	uint8_t family;
	uint8_t ipproto; /* 0: any */
	uint32_t table;
};

/* every verb returns 0, or a negative errno with @err filled */
int netlink_new(struct netlink **ret, struct err *err);
struct netlink *netlink_free(struct netlink *nl); /* takes NULL, returns NULL */
DEFINE_FREEP(struct netlink *, netlink_free)

/**
 * netlink_veth_add() - make a veth pair, each end under its final name in its netns; ours is up
 *
 * Once the other end is up as well, the kernel's linkwatch starts the queue of the end that was
 * first: netlink_link_wait() before packets are to pass. It does so at once for a pair whose ends
 * have different indexes; else, as for any plain interface, it may take a second.
 */
int netlink_veth_add(struct netlink *nl, const struct netlink_veth *v, struct err *err);

/* netlink_link_up() - @mtu 0: as it is */
int netlink_link_up(struct netlink *nl, const char *name, uint32_t mtu, struct err *err);

/* netlink_link_queue() - packets that wait in the interface before some are dropped */
int netlink_link_queue(struct netlink *nl, const char *name, uint32_t packets, struct err *err);

/**
 * netlink_link_bursts() - how much TCP by IPv4 may pass to the interface at once
 * @bytes:	more than 64 KiB; a kernel that does not know it (before 6.3) keeps to 64 KiB
 */
void netlink_link_bursts(struct netlink *nl, const char *name, uint32_t bytes);
int netlink_link_index(const char *name, unsigned *ret, struct err *err);

/* netlink_addr_add() - IPv6 addresses go without duplicate address detection */
int netlink_addr_add(struct netlink *nl, const char *ifname, const struct netlink_ip *ip,
		     struct err *err);
int netlink_route_add(struct netlink *nl, const struct netlink_route *rt, struct err *err);

/* netlink_neigh_add() - a permanent neighbour */
int netlink_neigh_add(struct netlink *nl, const char *ifname, const struct netlink_ip *ip,
		      const uint8_t mac[6], struct err *err);
int netlink_rule_add(struct netlink *nl, const struct netlink_rule *rule, struct err *err);

/* netlink_rule_del() - removes the rule of that preference that leads to @table */
int netlink_rule_del(struct netlink *nl, uint8_t family, uint32_t pref, uint32_t table,
		     struct err *err);

/* netlink_rule_del_first() - removes the first rule of the list that leads to @table */
int netlink_rule_del_first(struct netlink *nl, uint8_t family, uint32_t table, struct err *err);

/* netlink_watch_links() - a descriptor that is readable after links changed; the caller's */
int netlink_watch_links(struct err *err);

enum netlink_link_state {
	NETLINK_LINK_THERE,   /* the interface exists */
	NETLINK_LINK_CARRIES, /* up, with carrier, and its queue takes packets */
};

/**
 * netlink_link_wait() - until an interface is in a state
 * @events:		from netlink_watch_links(), opened before what is waited for was started
 * @deadline_ms:	clock_ms() at which -ETIMEDOUT is returned
 */
int netlink_link_wait(struct netlink *nl, int events, const char *name,
		      enum netlink_link_state state, uint64_t deadline_ms, struct err *err);

#endif
