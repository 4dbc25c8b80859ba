/* SPDX-License-Identifier: Apache-2.0 */
/* syn.h - the first packet of a TCP connection: read it, and the answers to it */
#ifndef RK_RELAY_SYN_H
#define RK_RELAY_SYN_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ipc/netplan.h"

#define SYN_MAX 100       /* an IPv6 header and a TCP header with all options */
#define SYN_REPLY_MAX 256 /* the longest answer: headers, and the packet that it is about */

/* who talks to whom, as the child sees it; no padding: it is compared and hashed as bytes */
struct syn_key {
	uint16_t family;       /* AF_INET or AF_INET6 */
	uint16_t sport, dport; /* host order */
	uint16_t zero;
	uint8_t src[16], dst[16]; /* AF_INET uses the first four, the rest is zero */
};
static_assert(sizeof(struct syn_key) == 40, "no padding");

struct syn {
	struct syn_key key;
	uint32_t isn;
	uint16_t len;
	uint8_t hops;           /* that are left to it behind the gateway */
	uint8_t bytes[SYN_MAX]; /* headers alone: data of a SYN is sent again by the client */
};

/**
 * syn_parse() - take a packet that is a SYN and nothing else
 * Return: 0; -EBADMSG: not one (fragments, a wrong checksum and IP options and extension headers
 * included)
 */
int syn_parse(const uint8_t *pkt, size_t n, struct syn *ret);

/* syn_refuse() - the reset that a closed port answers; its length, at most SYN_REPLY_MAX */
size_t syn_refuse(const struct syn *s, uint8_t *ret);

enum syn_error { /* as both families know them */
		 SYN_NO_ROUTE,
		 SYN_NO_HOST,
		 SYN_PROHIBITED,
		 SYN_NO_PROTOCOL,
		 SYN_NERRORS
};

/* syn_unreachable() - an ICMP error of the gateway about it; its length, at most SYN_REPLY_MAX */
size_t syn_unreachable(const struct syn *s, const struct net_plan *plan, enum syn_error error,
		       uint8_t *ret);

/* syn_expired() - its lifetime ended at the router @from, an address of its family; as above */
size_t syn_expired(const struct syn *s, const void *from, uint8_t *ret);

#endif
