/* SPDX-License-Identifier: Apache-2.0 */
/* dns.h - relays DNS from the gateway's addresses to the host's servers */
#ifndef RK_RELAY_DNS_H
#define RK_RELAY_DNS_H

#include "lib/relay/dnstcp.h"
#include "lib/relay/dnsudp.h"

#define DNS_QUERIES_MAX 1024 /* by UDP, at once; one client may have a quarter of them */
#define DNS_PORTS_MAX 256    /* sockets that they leave from */
#define DNS_CONNS_MAX 256    /* by TCP, the same */

struct dns {
	struct dns_servers servers;
	struct dnsudp udp;
	struct dnstcp tcp;
};

/**
 * dns_init() - nothing is answered but SERVFAIL until dns_set_servers()
 * @socks:	UDP sockets and TCP listeners bound in the gateway netns, at most one of a family
 *and type; checked. All consumed, also on failure
 * @flows:	for TCP; may be filled in later, lives longer
 */
int dns_init(struct dns *d, struct loop *l, const int *socks, size_t nsocks, struct flows *flows,
	     const struct dns_limits *max, struct err *err);
void dns_done(struct dns *d); /* takes a zeroed one */

/* dns_set_servers() - may come at any time; 0 or -EPROTO when the message is malformed */
int dns_set_servers(struct dns *d, const struct worker_dns *servers);

#endif
