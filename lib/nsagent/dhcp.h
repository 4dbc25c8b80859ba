/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp.h - a DHCP client for one interface of the netns we are in */
#ifndef RK_NSAGENT_DHCP_H
#define RK_NSAGENT_DHCP_H

#include <netinet/in.h>
#include <stdint.h>

#include "lib/base/err.h"

struct dhcp_lease {
	char ifname[16]; /* terminated */
	struct in_addr address, router, dns, server;
	uint8_t prefix;
	uint32_t lease_s;    /* from the server's word on */
	uint64_t asked_ms;   /* clock_ms(): when it was asked for */
	uint64_t renew_ms;   /* when to ask again */
	uint64_t expires_ms; /* when the address is not ours any more */
};

/**
 * dhcp_get() - from DISCOVER to ACK, 20 s at most. The interface is up
 * @ret:	set on success only: address, router and name server are there
 */
int dhcp_get(const char *ifname, struct dhcp_lease *ret, struct err *err);

/**
 * dhcp_renew() - ask for the same once more, 3 s at most
 * Return: 0, and @l has new times, also when nobody answered and there is time left; a negative
 *	   errno: it is lost, for the reason in @err
 */
int dhcp_renew(struct dhcp_lease *l, struct err *err);

/* dhcp_inherit() - another process has renewed it since @l was copied, each time when half of its
 * time was left, and has died: it is due now */
void dhcp_inherit(struct dhcp_lease *l);

#endif
