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

#define GATEWAY_BOUNCE "bounce0" /* to the relay and back: SYNs that it holds */

#define GATEWAY_TABLE_SLIRP 202
#define GATEWAY_TABLE_BOUNCE 203 /* into bounce0 */
#define GATEWAY_TABLE_LOCAL 204  /* to our own sockets, whatever the destination */

/* marks of packets between the table of nf_tables and the routing rules */
#define GATEWAY_MARK_ERROR 7  /* ICMP errors: may be for sockets of ours with foreign addresses */
#define GATEWAY_MARK_BACK 8   /* a SYN that the relay has released */
#define GATEWAY_MARK_BOUNCE 9 /* a SYN of the child */

#define GATEWAY_LISTEN_PORT 7 /* of the transparent sockets, TCP and UDP of both families */

/* when a row is carried out; 0: always, with the rest of the gateway */
enum recipe_when {
	/* conditions, all of which must hold */
	RECIPE_IPV6 = 1,     /* the plan has IPv6 */
	RECIPE_NO_IPV6 = 2,  /* it has not */
	RECIPE_TPROXY = 4,   /* for the rung of that name */
	RECIPE_REDIRECT = 8, /* likewise */
	/* one of the phases of carrying traffic by the kernel, tried when all else stands */
	RECIPE_PREPARE = 16, /* what every rung needs; it moves no traffic yet */
	RECIPE_SWITCH = 32,  /* leads traffic onto the rung that is tried: undone when it fails */
	RECIPE_PHASES = RECIPE_PREPARE | RECIPE_SWITCH,
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

enum recipe_route_kind {
	RECIPE_VIA,       /* a neighbour */
	RECIPE_VIA_SLIRP, /* on-link, with libslirp's hardware address for ever */
	RECIPE_DIRECT,    /* everything is behind the interface */
	RECIPE_LOCAL,     /* everything is ours */
};

struct recipe_route { /* a default route */
	uint32_t when;
	uint8_t family;
	const char *ifname;
	enum recipe_addr via;
	uint32_t table;
	enum recipe_route_kind kind;
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
	uint32_t mark; /* 0: any */
};

/* chains of nf_tables */
enum recipe_chain {
	RECIPE_RAW,    /* before connections are tracked */
	RECIPE_MANGLE, /* before routing decides */
	RECIPE_NAT,    /* likewise; only first packets of connections that are tracked */
	RECIPE_OUTPUT, /* what the gateway sends itself, before connections are tracked */
	RECIPE_NCHAINS
};

enum recipe_deed {
	RECIPE_ACCEPT,
	RECIPE_NOTRACK,     /* no connection is made of it */
	RECIPE_TO_LISTENER, /* tproxy to GATEWAY_LISTEN_PORT */
	RECIPE_TO_PORT,     /* NAT to GATEWAY_LISTEN_PORT, the address stays */
	RECIPE_NDEEDS
};

/* a rule of nf_tables: packets of @iif with @ipproto whose byte at @offset behind the IP header is
   @value under @mask, and which go to @to and @dport, get the mark and are accepted after the deed
 */
struct recipe_nft {
	uint32_t when;
	const char *what; /* for an error message */
	enum recipe_chain chain;
	const char *iif;                      /* NULL: any */
	uint8_t ipproto, offset, mask, value; /* ipproto, mask 0: any */
	uint32_t mark;                        /* 0: none */
	enum recipe_deed deed;
	uint8_t family;      /* of @to */
	enum recipe_addr to; /* RECIPE_ANY: all, of both families */
	uint16_t dport;      /* 0: any */
	bool unsummed;       /* only datagrams without a checksum */
};

/* in the order in which they are carried out */
extern const struct recipe_sysctl recipe_sysctls_early[]; /* before there is any interface */
extern const struct recipe_address recipe_addresses[];
extern const struct recipe_sysctl recipe_sysctls_late[]; /* those of the interfaces */
extern const struct recipe_route recipe_routes[];
extern const struct recipe_rule recipe_rules[];
extern const struct recipe_nft recipe_nft[];
extern const size_t recipe_nsysctls_early, recipe_naddresses, recipe_nsysctls_late, recipe_nroutes,
	recipe_nrules, recipe_nnft;

/**
 * recipe_holds() - whether a row with these conditions is to be carried out
 * @now:	the phase, or 0: exactly its rows; with RECIPE_TPROXY or _REDIRECT also that rung's
 */
bool recipe_holds(const struct net_plan *plan, uint32_t now, uint32_t when);

/* recipe_ip() - an address of the plan, RECIPE_ANY: all of the family; @host: as /32 or /128 */
struct netlink_ip recipe_ip(const struct net_plan *plan, uint8_t family, enum recipe_addr addr,
			    bool host);

#endif
