/* SPDX-License-Identifier: Apache-2.0 */
/* dnsudp.h - DNS over UDP: each query is asked of one server after the other */
#ifndef RK_RELAY_DNSUDP_H
#define RK_RELAY_DNSUDP_H

#include "lib/base/list.h"
#include "lib/base/loop.h"
#include "lib/relay/dnsports.h"
#include "lib/relay/dnsservers.h"

#define DNSUDP_SOCKS_MAX 2 /* one a family */
#define DNSUDP_HASH 1024

struct dns_limits {
	unsigned queries; /* by UDP */
	unsigned ports;   /* that they leave from: a descriptor each */
	unsigned conns;   /* by TCP: two each */
};

struct dnsudp_sock {
	struct dnsudp *all;
	struct watch watch;
};

struct dnsudp {
	struct loop *loop;
	struct dns_servers *servers;
	struct dnsudp_sock sock[DNSUDP_SOCKS_MAX];
	unsigned nsocks;
	struct dns_ports ports;
	struct list queries; /* struct dns_query, the oldest first */
	struct list due;     /* the same, the first to lose patience first */
	struct timer timer;  /* due with the first of those, or earlier */
	struct list spare;   /* without a query */
	unsigned n, nspare, max;
	struct dns_query *by_id[DNSUDP_HASH];
	struct dns_batch *batch; /* buffers of one recvmmsg */
	uint16_t ids[128];       /* random, used from the end */
	unsigned nids;
	uint64_t asked, failed; /* queries in all; those that no server had an answer to */
};

void dnsudp_init(struct dnsudp *d, struct loop *l, struct dns_servers *servers,
		 const struct dns_limits *max);
void dnsudp_done(struct dnsudp *d); /* takes a zeroed one */

/* dnsudp_add() - serve a socket, consumed on success; 0, -EPROTO when it is one too many, or
 * another negative errno */
int dnsudp_add(struct dnsudp *d, int fd);

/* dnsudp_ask_again() - there are other servers now: those who wait need not wait for the old ones
 */
void dnsudp_ask_again(struct dnsudp *d);

#endif
