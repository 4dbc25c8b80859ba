/* SPDX-License-Identifier: Apache-2.0 */
/* udphold.h - datagrams that are kept for a moment, in a store of fixed size */
#ifndef RK_RELAY_UDPHOLD_H
#define RK_RELAY_UDPHOLD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "lib/base/list.h"

#define UDPHOLD_STORE (4 * 1024 * 1024) /* bytes of all that is kept */
#define UDPHOLD_CHUNK 2048
#define UDPHOLD_DATAGRAMS 8 /* in one queue */
#define UDPHOLD_BYTES 65536 /* in one queue */
#define UDPHOLD_CHUNKS 33   /* of the longest datagram */

struct udphold_chunk;

/* the last datagrams of one flow, oldest first; udphold_init() before use */
struct udphold {
	struct list entry;                  /* in the store's list while it holds something */
	struct udphold_chunk *first, *last; /* datagrams: their first chunks */
	unsigned n;
	size_t bytes;
};

struct udphold_store {
	struct udphold_chunk *chunks; /* NULL until the first use */
	struct udphold_chunk *free;
	unsigned unused;     /* chunks that were never used, at the end */
	unsigned nfree;      /* in the free list or unused */
	struct list holders; /* struct udphold, the oldest first */
};

void udphold_store_init(struct udphold_store *s);
void udphold_store_done(struct udphold_store *s);

void udphold_init(struct udphold *h);

/**
 * udphold_put() - keep a copy, last; when a limit is reached, the oldest of @h give way, when the
 *                 store is full, those of the oldest other holders
 * Return: datagrams that gave way, of anybody; -ENOBUFS: it is not kept (no memory, too long)
 */
int udphold_put(struct udphold_store *s, struct udphold *h, const void *data, size_t len);

/* udphold_clear() - forget them; takes an empty one */
void udphold_clear(struct udphold_store *s, struct udphold *h);

/* udphold_next() - the datagram after @c, the first for NULL; NULL at the end */
struct udphold_chunk *udphold_next(const struct udphold *h, const struct udphold_chunk *c);

/* udphold_iov() - where its bytes lie; entries used, one at least */
unsigned udphold_iov(struct udphold_chunk *c, struct iovec iov[static UDPHOLD_CHUNKS]);

#endif
