/* SPDX-License-Identifier: Apache-2.0 */
/* dhcpmsg.h - DHCP messages of a client, as whole IPv4 packets (RFC 2131, 2132) */
#ifndef RK_BASE_DHCPMSG_H
#define RK_BASE_DHCPMSG_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define DHCPMSG_MAX 320 /* bytes of what dhcpmsg_build() makes */

enum dhcp_type {
	DHCP_NO_TYPE, /* BOOTP */
	DHCP_DISCOVER,
	DHCP_OFFER,
	DHCP_REQUEST,
	DHCP_DECLINE,
	DHCP_ACK,
	DHCP_NAK,
	DHCP_NTYPES
};

struct dhcp_ask {
	enum dhcp_type type; /* DISCOVER or REQUEST */
	uint32_t xid;        /* comes back */
	uint8_t mac[6];
	struct in_addr address; /* REQUEST: what is wanted */
	struct in_addr server;  /* REQUEST: whose offer that is; 0: a lease that is held */
};

struct dhcp_answer {
	uint32_t type; /* enum dhcp_type, if the server keeps to it */
	struct in_addr address, server, mask, router, dns; /* 0: was not told; the first of each */
	uint32_t lease_s;                                  /* 0: was not told */
};

/* dhcpmsg_build() - to everybody, answers to everybody; the length of the packet */
size_t dhcpmsg_build(const struct dhcp_ask *ask, uint8_t ret[static DHCPMSG_MAX]);

/**
 * dhcpmsg_parse() - an IPv4 packet that somebody sent
 *
 * Checksums are not looked at: those of the host's own kernel are not complete on a veth.
 *
 * Return: 0; -EBADMSG when it is no well-formed answer to that question of that client
 */
int dhcpmsg_parse(const uint8_t *packet, size_t size, uint32_t xid, const uint8_t mac[6],
		  struct dhcp_answer *ret);

#endif
