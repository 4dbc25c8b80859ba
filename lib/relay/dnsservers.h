/* SPDX-License-Identifier: Apache-2.0 */
/* dnsservers.h - whom the DNS relay asks, and what it knows of them */
#ifndef RK_RELAY_DNSSERVERS_H
#define RK_RELAY_DNSSERVERS_H

#include <stdbool.h>

#include "lib/ipc/worker.h"

#define DNS_SILENCE_MS 1500 /* until the next server is asked */

enum dns_transport { DNS_UDP, DNS_TCP, DNS_NTRANSPORTS };

struct dns_servers {
	struct worker_dns list;
	uint32_t good[DNS_NTRANSPORTS];            /* index of the one that answered last */
	uint64_t doubted_until_ms[WORKER_DNS_MAX]; /* it refused or was silent a while ago */
};

/* dns_servers_set() - 1, 0 when nothing changes, -EPROTO when the message is malformed */
int dns_servers_set(struct dns_servers *s, const struct worker_dns *list);

/* dns_servers_good() - @server has answered: it is asked first from now on */
void dns_servers_good(struct dns_servers *s, enum dns_transport t, const struct net_addr *server);

/* dns_servers_doubt() - it has not: no second opinion is asked of it for half a minute */
void dns_servers_doubt(struct dns_servers *s, const struct net_addr *server, uint64_t now_ms);
bool dns_servers_doubted(const struct dns_servers *s, uint32_t index, uint64_t now_ms);

#endif
