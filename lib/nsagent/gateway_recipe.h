/* SPDX-License-Identifier: Apache-2.0 */
/* gateway_recipe.h - what the gateway netns is made of, as tables; gateway.c carries them out */
#ifndef RK_NSAGENT_GATEWAY_RECIPE_H
#define RK_NSAGENT_GATEWAY_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ipc/netplan.h"
#include "lib/nsagent/netlink.h"

#define GATEWAY_VETH "gw0"   /* towards the child */
#define GATEWAY_TAP "slirp0" /* towards libslirp */

#define GATEWAY_TABLE_SLIRP 202

/* conditions of a row, bits that must all hold; 0: always. Further rungs of the ladder get bits */
enum recipe_when {
	RECIPE_IPV6 = 1,    /* the plan has IPv6 */
	RECIPE_NO_IPV6 = 2, /* it has not */
};

/* addresses of the plan, each in both families */
enum recipe_addr {
	RECIPE_ANY, /* none: the rule looks at no address */
	RECIPE_CHILD,
	RECIPE_GATEWAY,
	RECIPE_DNS,
	RECIPE_NEXT_HOP, /* stands for libslirp on the tap; appears in no packet */
	RECIPE_NADDRS
};

struct recipe_sysctl {
	uint32_t when;
	const char *name, *value;
};

struct recipe_address {
	uint32_t when;
	uint8_t family;
	const char *ifname;
	enum recipe_addr addr;
	bool host; /* /32 or /128 instead of the plan's prefix */
};

struct recipe_route { /* a default route */
	uint32_t when;
	uint8_t family;
	const char *ifname;
	enum recipe_addr via;
	uint32_t table;
	bool slirp; /* via is on-link and has libslirp's hardware address for ever */
};

struct recipe_rule {
	uint32_t when;
	uint8_t family;
	uint32_t pref;
	const char *iif; /* NULL: any */
	enum recipe_addr to;
	uint8_t ipproto; /* 0: any */
	uint16_t dport;  /* 0: any */
	uint32_t table;
};

/* in the order in which they are carried out */
extern const struct recipe_sysctl recipe_sysctls_early[]; /* before there is any interface */
extern const struct recipe_address recipe_addresses[];
extern const struct recipe_sysctl recipe_sysctls_late[]; /* those of the interfaces */
extern const struct recipe_route recipe_routes[];
extern const struct recipe_rule recipe_rules[];
extern const size_t recipe_nsysctls_early, recipe_naddresses, recipe_nsysctls_late, recipe_nroutes,
	recipe_nrules;

/* recipe_holds() - whether a row with these conditions is for this plan */
bool recipe_holds(const struct net_plan *plan, uint32_t when);

/* recipe_ip() - an address of the plan; @host: as /32 or /128 */
struct netlink_ip recipe_ip(const struct net_plan *plan, uint8_t family, enum recipe_addr addr,
			    bool host);

#endif
