// SPDX-License-Identifier: Apache-2.0
/*
 * dnsquery.c - queries under way
 *
 * Each has a random id that no other one has, and is found by it. What is kept is bounded: queries
 * in all and of one client; the oldest gives way. The memory of some stays for the next ones.
 */
#include "lib/relay/dnsquery.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/cleanup.h"
#include "lib/relay/dnsmsg.h"

#define SPARE_MAX 128

static uint16_t random_id(struct dnsudp *d)
{
	if (!d->nids) {
		ssize_t n = getrandom(d->ids, sizeof(d->ids), 0);

		d->nids = n > 0 ? (unsigned)n / sizeof(d->ids[0]) : 0;
	}
	return d->nids ? d->ids[--d->nids] : (uint16_t)(d->loop->now_ms + d->asked);
}

static struct dns_query **place_of(struct dnsudp *d, uint16_t id)
{
	struct dns_query **at = &d->by_id[id % ARRAY_SIZE(d->by_id)];

	while (*at && (*at)->id != id)
		at = &(*at)->same_hash;
	return at;
}

/* one that no other query has: there are far more ids than queries */
static void query_set_id(struct dns_query *q)
{
	struct dns_query **at;
	uint16_t id = random_id(q->dns);

	while (*(at = place_of(q->dns, id)))
		id = q->dns->nids ? random_id(q->dns) : (uint16_t)(id + 1);
	q->id = id;
	dnsmsg_set_id(q->msg, id);
	*at = q;
}

static void query_forget_id(struct dns_query *q)
{
	*place_of(q->dns, q->id) = q->same_hash;
}

static void query_free(struct dns_query *q)
{
	struct dnsudp *d = q->dns;

	free(q->failure);
	if (q->msg != q->room)
		free(q->msg);
	if (d->nspare == SPARE_MAX) {
		free(q);
		return;
	}
	list_append(&d->spare, &q->entry);
	d->nspare++;
}

/* with room for a message of @len bytes; NULL: out of memory */
static struct dns_query *query_new(struct dnsudp *d, size_t len)
{
	struct list *e = list_first(&d->spare);
	struct dns_query *q = e ? container_of(e, struct dns_query, entry) : malloc(sizeof(*q));
	uint8_t *msg;

	if (e) {
		list_remove(e);
		d->nspare--;
	}
	if (!q)
		return NULL;
	memset(q, 0, offsetof(struct dns_query, room));
	q->dns = d;
	list_init(&q->due_entry);
	for (size_t i = 0; i < ARRAY_SIZE(q->line); i++)
		q->line[i].owner = q;
	msg = len <= sizeof(q->room) ? q->room : malloc(len);
	q->msg = msg ? msg : q->room;
	if (msg)
		return q;
	query_free(q);
	return NULL;
}

void dnsquery_hang_up(struct dns_query *q)
{
	for (size_t i = 0; i < ARRAY_SIZE(q->line); i++)
		dnsline_leave(&q->line[i]);
}

void dnsquery_end(struct dns_query *q)
{
	dnsquery_hang_up(q);
	query_forget_id(q);
	list_remove(&q->due_entry);
	list_remove(&q->entry);
	q->dns->n--;
	query_free(q);
}

/* a place for one more query of @client: the oldest gives way, silently, as it is late anyway */
static void make_room(struct dnsudp *d, const union sock_addr *client)
{
	struct dns_query *oldest = NULL;
	unsigned n = 0;
	struct list *e;

	if (d->n < d->max / 4)
		return;
	list_for_each (e, &d->queries) {
		struct dns_query *q = container_of(e, struct dns_query, entry);

		if (!addr_same_host(&q->client, client))
			continue;
		n++;
		if (!oldest)
			oldest = q;
	}
	if (oldest && n >= d->max / 4)
		dnsquery_end(oldest);
	else if (d->n >= d->max)
		dnsquery_end(container_of(d->queries.next, struct dns_query, entry));
}

struct dns_query *dnsquery_new(struct dnsudp *d, const uint8_t *msg, size_t len,
			       const struct msghdr *from)
{
	struct dns_query *q;

	make_room(d, from->msg_name);
	q = query_new(d, len);
	if (!q)
		return NULL;
	q->client_len = from->msg_namelen;
	memcpy(&q->client, from->msg_name, sizeof(q->client));
	q->client_id = dnsmsg_id(msg);
	q->len = (uint16_t)len;
	memcpy(q->msg, msg, len);
	query_set_id(q);
	list_append(&d->queries, &q->entry);
	d->n++;
	return q;
}

struct dns_query *dnsquery_find(struct dnsudp *d, uint16_t id)
{
	return *place_of(d, id);
}

void dnsquery_free_spare(struct dnsudp *d)
{
	struct list *e;

	while ((e = list_first(&d->spare))) {
		list_remove(e);
		free(container_of(e, struct dns_query, entry));
	}
	d->nspare = 0;
}
