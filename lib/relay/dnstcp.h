/* SPDX-License-Identifier: Apache-2.0 */
/* dnstcp.h - DNS over TCP: a connection of the child becomes one to the current server */
#ifndef RK_RELAY_DNSTCP_H
#define RK_RELAY_DNSTCP_H

#include "lib/relay/acceptor.h"
#include "lib/relay/dnsservers.h"
#include "lib/relay/flow.h"

#define DNSTCP_LISTENERS_MAX 2 /* one a family */

struct dnstcp {
	struct loop *loop;
	struct dns_servers *servers;
	struct flows *flows;
	struct acceptor listener[DNSTCP_LISTENERS_MAX];
	unsigned nlisteners;
	struct list conns; /* struct dnstcp_conn, the oldest first */
	unsigned n, max;
};

void dnstcp_init(struct dnstcp *d, struct loop *l, struct dns_servers *servers, struct flows *flows,
		 unsigned max);
void dnstcp_done(struct dnstcp *d); /* resets what is open; takes a zeroed one */

/* dnstcp_add() - serve a listener, consumed on success; 0, -EPROTO when it is one too many, or
 * another negative errno */
int dnstcp_add(struct dnstcp *d, int listener);

#endif
