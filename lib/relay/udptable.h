/* SPDX-License-Identifier: Apache-2.0 */
/* udptable.h - flows by their key, by client and by age; how many there may be */
#ifndef RK_RELAY_UDPTABLE_H
#define RK_RELAY_UDPTABLE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/list.h"

#define UDP_FLOWS_MAX 4096
#define UDP_CLIENT_SHARE 4 /* one client address has at most a quarter of the flows */

/* compared and hashed as bytes; IPv4 addresses are ::ffff:a.b.c.d */
struct udp_key {
	uint8_t client[16], local[16];
	uint32_t scope;
	uint32_t port_id;
	uint32_t client_port;
	uint32_t part; /* of the port's range */
};
static_assert(sizeof(struct udp_key) == 48, "no padding, whole words");

enum udp_age {
	UDP_UNANSWERED,
	UDP_BRIEF, /* answered, and nothing more is expected */
	UDP_ANSWERED,
	UDP_NAGES
};

struct udp_client; /* a client address that has flows */

/* embedded in a flow, its first member */
struct udp_entry {
	struct udp_entry *next;    /* of its bucket */
	struct udp_client *client; /* NULL: not in the table */
	struct list by_age;        /* least recently used first */
	struct list by_client;     /* as well */
	struct udp_key key;
	uint64_t used_ms; /* loop time of the last datagram */
	enum udp_age age;
	uint32_t began_s; /* loop time */
};

struct udp_table {
	struct udp_entry **flows;    /* buckets */
	struct udp_client **clients; /* buckets */
	struct udp_client *free_clients;
	struct list free; /* entries, by by_age */
	struct udp_slab *slabs;
	struct list ages[UDP_NAGES];
	size_t entry_size;
	unsigned n, max, counts[UDP_NAGES];
	unsigned nbuckets; /* a power of two */
	bool lends;        /* one client may have all that nobody else wants */
	uint64_t seed;     /* clients choose their ports: they shall not choose the bucket too */
};

/* udptable_init() - @entry_size: of the struct that begins with a udp_entry; 0 or a negative errno
 */
int udptable_init(struct udp_table *t, unsigned max, size_t entry_size);
void udptable_done(struct udp_table *t); /* frees entries as well; takes a zeroed one */

struct udp_entry *udptable_find(const struct udp_table *t, const struct udp_key *key);

/* udptable_alike() - of a client that has @many flows or more: one without an answer that differs
 * from @key in the client's port only, the one used last of those that were looked at; NULL: none
 */
struct udp_entry *udptable_alike(const struct udp_table *t, const struct udp_key *key,
				 unsigned many);

/**
 * udptable_victim() - who must go before a flow of @client can be added; NULL: nobody
 *
 * One client address has at most a quarter. In a table that lends it may have more, until the table
 * is full: then whoever has more gives way, its own flows first when it is the one that asks.
 */
struct udp_entry *udptable_victim(const struct udp_table *t, const uint8_t client[static 16]);

/* udptable_oldest_of_all() - who goes for a flow of @client when descriptors are short before the
 * table is full; NULL: there is none */
struct udp_entry *udptable_oldest_of_all(const struct udp_table *t,
					 const uint8_t client[static 16]);

/* udptable_add() - a zeroed entry with @key, unanswered; NULL when memory is short. There must be
 * no victim and no such key */
struct udp_entry *udptable_add(struct udp_table *t, const struct udp_key *key, uint64_t now_ms);

/* udptable_remove() - its memory stays valid until the next add */
void udptable_remove(struct udp_table *t, struct udp_entry *e);

/* udptable_touch() - it was used now; @age: what it is from now on */
void udptable_touch(struct udp_table *t, struct udp_entry *e, uint64_t now_ms, enum udp_age age);

/* udptable_visit() - as flows_visit() */
typedef bool udp_visit_fn(const struct udp_entry *e, void *arg);
unsigned udptable_visit(const struct udp_table *t, unsigned below, unsigned looks,
			udp_visit_fn *visit, void *arg);

/* udptable_oldest() - least recently used; NULL: none */
struct udp_entry *udptable_oldest(const struct udp_table *t, enum udp_age age);

#endif
