/* SPDX-License-Identifier: Apache-2.0 */
/* dns.h - relays DNS over UDP from the gateway address to the host's servers */
#ifndef RK_RELAY_DNS_H
#define RK_RELAY_DNS_H

#include "lib/base/list.h"
#include "lib/base/loop.h"
#include "lib/ipc/worker.h"

#define DNS_QUERIES_MAX 1024 /* outstanding at once; one client may have a quarter of them */

struct dns {
	struct loop *loop;
	struct watch watch;
	struct worker_dns servers;
	uint32_t good;       /* index of the server that answered last */
	struct list queries; /* struct dns_query, the oldest first */
	unsigned n, max;
	struct dns_batch *batch; /* buffers of one recvmmsg */
	uint16_t ids[64];        /* random, used from the end */
	unsigned nids;
};

/**
 * dns_init() - answers SERVFAIL until dns_set_servers()
 * @fd:		UDP socket bound to the DNS address in the gateway netns; consumed; -1: none, then
 *		nothing is served
 * @max:	queries outstanding at once, a descriptor each
 */
int dns_init(struct dns *d, struct loop *l, int fd, unsigned max, struct err *err);
void dns_done(struct dns *d); /* takes a zeroed one */

/* dns_set_servers() - may come at any time; 0 or -EPROTO when the message is malformed */
int dns_set_servers(struct dns *d, const struct worker_dns *servers);

#endif
