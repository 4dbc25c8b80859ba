// SPDX-License-Identifier: Apache-2.0
/*
 * udptable.c - flows by their key, by client and by age
 *
 * Entries and clients come from slabs that are kept until the end: there are never more than the
 * most flows at once, and a client lives only while it has flows. When the table is full, flows
 * that were never answered go first, so forged sources do not push out real ones.
 */
#include "lib/relay/udptable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/cleanup.h"

#define BUCKETS_MIN 64
#define LOOKS 64 /* at the oldest, for one of a client with more than its share */
#define SLAB_ENTRIES 32

struct udp_client {
	struct udp_client *next;      /* of its bucket, or of the free list */
	struct list flows[UDP_NAGES]; /* udp_entry.by_client */
	unsigned n, counts[UDP_NAGES];
	uint8_t addr[16];
};

struct udp_slab {
	struct udp_slab *next;
	unsigned first; /* place of its first entry */
	struct udp_client client[SLAB_ENTRIES];
	_Alignas(max_align_t) uint8_t entries[];
};

/* multiply and fold; the seed is secret, so buckets cannot be aimed at */
static unsigned hash_bytes(const struct udp_table *t, const void *data, size_t len)
{
	const uint64_t seed = t->seed;
	const uint8_t *p = data;
	uint64_t h = seed, word;

	for (size_t i = 0; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
		h = (h + seed) * 0xbf58476d1ce4e5b9u;
		h ^= h >> 32;
	}
	return (unsigned)(h & (t->nbuckets - 1));
}

int udptable_init(struct udp_table *t, unsigned max, size_t entry_size)
{
	const size_t align = _Alignof(max_align_t);

	*t = (struct udp_table){ .max = max,
				 .nbuckets = BUCKETS_MIN,
				 .entry_size = (entry_size + align - 1) / align * align };
	list_init(&t->free);
	for (int i = 0; i < UDP_NAGES; i++)
		list_init(&t->ages[i]);
	if (getrandom(&t->seed, sizeof(t->seed), 0) != (ssize_t)sizeof(t->seed))
		return -errno;
	while (t->nbuckets < max)
		t->nbuckets *= 2;
	t->flows = calloc(t->nbuckets, sizeof(struct udp_entry *));
	t->clients = calloc(t->nbuckets, sizeof(struct udp_client *));
	if (!t->flows || !t->clients) {
		udptable_done(t);
		return -ENOMEM;
	}
	return 0;
}

void udptable_done(struct udp_table *t)
{
	free(t->flows);
	free(t->clients);
	while (t->slabs) {
		struct udp_slab *s = t->slabs;

		t->slabs = s->next;
		free(s);
	}
	*t = (struct udp_table){ 0 };
}

static struct udp_entry **bucket_of(const struct udp_table *t, const struct udp_key *key)
{
	return &t->flows[hash_bytes(t, key, sizeof(*key))];
}

struct udp_entry *udptable_find(const struct udp_table *t, const struct udp_key *key)
{
	struct udp_entry *e = *bucket_of(t, key);

	while (e && memcmp(&e->key, key, sizeof(*key)) != 0)
		e = e->next;
	return e;
}

/* where the client is linked, or would be */
static struct udp_client **client_link(const struct udp_table *t, const uint8_t addr[static 16])
{
	struct udp_client **c = &t->clients[hash_bytes(t, addr, 16)];

	while (*c && memcmp((*c)->addr, addr, sizeof((*c)->addr)) != 0)
		c = &(*c)->next;
	return c;
}

struct udp_entry *udptable_alike(const struct udp_table *t, const struct udp_key *key,
				 unsigned many)
{
	const struct udp_client *c = *client_link(t, key->client);
	unsigned looks = 0;

	if (!c || c->n < many)
		return NULL;
	for (const struct list *l = c->flows[UDP_UNANSWERED].prev;
	     l != &c->flows[UDP_UNANSWERED] && looks < many; l = l->prev, looks++) {
		struct udp_entry *e = container_of(l, struct udp_entry, by_client);
		struct udp_key k = *key;

		k.client_port = e->key.client_port;
		if (memcmp(&k, &e->key, sizeof(k)) == 0)
			return e;
	}
	return NULL;
}

/* a quarter: of what there may be, or of what there is when more cannot be had */
static bool has_its_share(const struct udp_table *t, const struct udp_client *c)
{
	return c && c->n * UDP_CLIENT_SHARE >= (t->lends ? t->n : t->max);
}

/* who is asked first, second, ... to go. Those without an answer come first; in a table that lends
   only when they are many, since they may just wait for it */
static const enum udp_age *order_of(const struct udp_table *t, const unsigned counts[UDP_NAGES],
				    unsigned n)
{
	static const enum udp_age many[] = { UDP_UNANSWERED, UDP_BRIEF, UDP_ANSWERED };
	static const enum udp_age few[] = { UDP_BRIEF, UDP_ANSWERED, UDP_UNANSWERED };

	static_assert(ARRAY_SIZE(many) == UDP_NAGES && ARRAY_SIZE(few) == UDP_NAGES, "all ages");
	return t->lends && counts[UDP_UNANSWERED] * UDP_CLIENT_SHARE < n ? few : many;
}

static struct udp_entry *oldest_of_client(const struct udp_table *t, const struct udp_client *c)
{
	const enum udp_age *order = order_of(t, c->counts, c->n);
	struct list *first = NULL;

	for (int i = 0; i < UDP_NAGES && !first; i++)
		first = list_first(&c->flows[order[i]]);
	return first ? container_of(first, struct udp_entry, by_client) : NULL;
}

struct udp_entry *udptable_oldest_of_all(const struct udp_table *t, const uint8_t client[static 16])
{
	const struct udp_client *c = *client_link(t, client);
	const enum udp_age *order = order_of(t, t->counts, t->n);
	struct udp_entry *oldest = NULL;
	unsigned looks = 0;

	if (has_its_share(t, c))
		return oldest_of_client(t, c);
	for (int i = 0; i < UDP_NAGES; i++) {
		const struct list *l;

		list_for_each (l, &t->ages[order[i]]) {
			struct udp_entry *e = container_of(l, struct udp_entry, by_age);

			oldest = oldest ? oldest : e;
			if (!t->lends || looks++ == LOOKS)
				return oldest;
			if (has_its_share(t, e->client))
				return e;
		}
	}
	return oldest;
}

struct udp_entry *udptable_victim(const struct udp_table *t, const uint8_t client[static 16])
{
	if (t->n < t->max && (t->lends || !has_its_share(t, *client_link(t, client))))
		return NULL;
	return udptable_oldest_of_all(t, client);
}

static int slab_add(struct udp_table *t)
{
	struct udp_slab *s = calloc(1, sizeof(*s) + SLAB_ENTRIES * t->entry_size);

	if (!s)
		return -ENOMEM;
	s->next = t->slabs;
	s->first = t->slabs ? t->slabs->first + SLAB_ENTRIES : 0;
	t->slabs = s;
	for (size_t i = 0; i < SLAB_ENTRIES; i++) {
		struct udp_entry *e = (struct udp_entry *)(void *)&s->entries[i * t->entry_size];

		list_append(&t->free, &e->by_age);
		s->client[i].next = t->free_clients;
		t->free_clients = &s->client[i];
	}
	return 0;
}

static struct udp_client *client_get(struct udp_table *t, const uint8_t addr[static 16])
{
	struct udp_client **link = client_link(t, addr), *c = *link;

	if (!c) {
		c = t->free_clients; /* as many as entries */
		t->free_clients = c->next;
		*c = (struct udp_client){ 0 };
		memcpy(c->addr, addr, sizeof(c->addr));
		for (int i = 0; i < UDP_NAGES; i++)
			list_init(&c->flows[i]);
		*link = c;
	}
	return c;
}

static void client_put(struct udp_table *t, struct udp_client *c)
{
	if (--c->n)
		return;
	*client_link(t, c->addr) = c->next;
	c->next = t->free_clients;
	t->free_clients = c;
}

struct udp_entry *udptable_add(struct udp_table *t, const struct udp_key *key, uint64_t now_ms)
{
	struct udp_entry **bucket = bucket_of(t, key), *e;

	if (list_empty(&t->free) && slab_add(t) < 0)
		return NULL;
	e = container_of(t->free.prev, struct udp_entry, by_age); /* used last: it is warm */
	list_remove(&e->by_age);
	memset(e, 0, t->entry_size);
	e->key = *key;
	e->used_ms = now_ms;
	e->began_s = (uint32_t)(now_ms / 1000);
	e->client = client_get(t, key->client);
	e->client->n++;
	e->client->counts[UDP_UNANSWERED]++;
	t->counts[UDP_UNANSWERED]++;
	list_append(&e->client->flows[UDP_UNANSWERED], &e->by_client);
	list_append(&t->ages[UDP_UNANSWERED], &e->by_age);
	e->next = *bucket;
	*bucket = e;
	t->n++;
	return e;
}

void udptable_remove(struct udp_table *t, struct udp_entry *e)
{
	struct udp_entry **link = bucket_of(t, &e->key);

	while (*link != e)
		link = &(*link)->next;
	*link = e->next;
	list_remove(&e->by_client);
	list_remove(&e->by_age);
	list_append(&t->free, &e->by_age);
	e->client->counts[e->age]--;
	t->counts[e->age]--;
	client_put(t, e->client);
	e->client = NULL;
	t->n--;
}

void udptable_touch(struct udp_table *t, struct udp_entry *e, uint64_t now_ms, enum udp_age age)
{
	if (e->used_ms == now_ms && e->age == age)
		return; /* the order within a millisecond does not matter */
	e->used_ms = now_ms;
	e->client->counts[e->age]--;
	e->client->counts[age]++;
	t->counts[e->age]--;
	t->counts[age]++;
	e->age = age;
	list_remove(&e->by_age);
	list_append(&t->ages[age], &e->by_age);
	list_remove(&e->by_client);
	list_append(&e->client->flows[age], &e->by_client);
}

unsigned udptable_visit(const struct udp_table *t, unsigned below, unsigned looks,
			udp_visit_fn *visit, void *arg)
{
	for (const struct udp_slab *s = t->slabs; s; s = s->next) {
		unsigned end = s->first + SLAB_ENTRIES;

		for (end = end < below ? end : below; end > s->first; end--) {
			const uint8_t *at = &s->entries[(end - 1 - s->first) * t->entry_size];
			const struct udp_entry *e = (const struct udp_entry *)(const void *)at;

			if (!looks--)
				return end;
			if (e->client && !visit(e, arg))
				return end - 1;
		}
	}
	return 0;
}

struct udp_entry *udptable_oldest(const struct udp_table *t, enum udp_age age)
{
	struct list *e = list_first(&t->ages[age]);

	return e ? container_of(e, struct udp_entry, by_age) : NULL;
}
