/* SPDX-License-Identifier: Apache-2.0 */
/* dnsquery.h - queries under way: memory, ids, and who gives way to whom */
#ifndef RK_RELAY_DNSQUERY_H
#define RK_RELAY_DNSQUERY_H

#include "lib/relay/addr.h"
#include "lib/relay/dnsudp.h"

#define DNS_QUERY_ROOM 512 /* bytes; longer ones get memory of their own */

struct dns_query {
	struct dnsudp *dns;
	const struct dnsudp_sock *sock; /* where it came in */
	struct list entry;              /* of all, or of the spare ones */
	struct list due_entry;
	struct dns_query *same_hash;
	struct dns_line line[WORKER_DNS_MAX];
	struct dns_line *asked; /* the last one */
	uint64_t due_ms, deadline_ms;
	uint32_t turn;    /* servers are asked from here on, modulo their number */
	uint32_t refused; /* servers that refused or failed one after the other */
	bool asked_twice; /* each of them: the refusals of the first time do not count */
	uint8_t *failure; /* the first answer that says so; malloc'ed */
	size_t failure_len;
	union sock_addr client;
	socklen_t client_len;
	uint16_t client_id, id;
	uint16_t len;
	uint8_t *msg; /* with our id; room, or malloc'ed */
	uint8_t room[DNS_QUERY_ROOM];
};

/**
 * dnsquery_new() - from now on it is under way, as the youngest; others may have given way to it
 * @msg:	@len bytes with the client's id; copied
 * @from:	the client's address
 * Return: NULL: out of memory
 */
struct dns_query *dnsquery_new(struct dnsudp *d, const uint8_t *msg, size_t len,
			       const struct msghdr *from);

/* dnsquery_end() - no answer is expected, none is given any more */
void dnsquery_end(struct dns_query *q);
void dnsquery_hang_up(struct dns_query *q); /* no answer is expected for now */

/* dnsquery_find() - the one with @id, or NULL */
struct dns_query *dnsquery_find(struct dnsudp *d, uint16_t id);

void dnsquery_free_spare(struct dnsudp *d);

#endif
