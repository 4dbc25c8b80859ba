// SPDX-License-Identifier: Apache-2.0
/*
 * udphold.c - datagrams that are kept for a moment
 *
 * A datagram is a chain of chunks of one block of memory, which is got at the first use and is all
 * that is ever used: whoever floods us makes others' old copies go, not ours grow. A copy is worth
 * least when it is old, because refusals come at once.
 */
#include "lib/relay/udphold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"

#define NCHUNKS (UDPHOLD_STORE / UDPHOLD_CHUNK)

struct udphold_chunk {
	struct udphold_chunk *more; /* of the same datagram, or of the free list */
	struct udphold_chunk *next; /* datagram; in its first chunk */
	uint32_t len;               /* of the datagram; in its first chunk */
	uint8_t data[UDPHOLD_CHUNK - 2 * sizeof(void *) - sizeof(uint32_t)];
};
#define CHUNK_DATA sizeof(((struct udphold_chunk *)NULL)->data)
static_assert(sizeof(struct udphold_chunk) == UDPHOLD_CHUNK, "no waste");
static_assert(UDPHOLD_CHUNKS * CHUNK_DATA >= UDPHOLD_BYTES, "the longest datagram fits");

void udphold_store_init(struct udphold_store *s)
{
	*s = (struct udphold_store){ .nfree = NCHUNKS, .unused = NCHUNKS };
	list_init(&s->holders);
}

void udphold_store_done(struct udphold_store *s)
{
	free(s->chunks);
	*s = (struct udphold_store){ 0 };
}

void udphold_init(struct udphold *h)
{
	*h = (struct udphold){ 0 };
	list_init(&h->entry);
}

static unsigned chunks_of(size_t len)
{
	return len ? (unsigned)((len + CHUNK_DATA - 1) / CHUNK_DATA) : 1;
}

static struct udphold_chunk *chunk_take(struct udphold_store *s)
{
	struct udphold_chunk *c = s->free;

	s->nfree--;
	if (c)
		s->free = c->more;
	else
		c = &s->chunks[NCHUNKS - s->unused--];
	c->more = c->next = NULL;
	return c;
}

static void drop_first(struct udphold_store *s, struct udphold *h)
{
	struct udphold_chunk *c = h->first, *more;

	h->first = c->next;
	if (!h->first)
		h->last = NULL;
	h->n--;
	h->bytes -= c->len;
	for (; c; c = more) {
		more = c->more;
		c->more = s->free;
		s->free = c;
		s->nfree++;
	}
	if (!h->n)
		list_remove(&h->entry);
}

void udphold_clear(struct udphold_store *s, struct udphold *h)
{
	while (h->n)
		drop_first(s, h);
}

/* datagrams that gave way */
static int make_room(struct udphold_store *s, struct udphold *h, size_t len)
{
	int dropped = 0;

	while (h->n && (h->n >= UDPHOLD_DATAGRAMS || h->bytes + len > UDPHOLD_BYTES)) {
		drop_first(s, h);
		dropped++;
	}
	while (s->nfree < chunks_of(len)) { /* the store is larger than one holder's share */
		struct list *e = list_first(&s->holders);

		if (e == &h->entry)
			e = e->next;
		drop_first(s, container_of(e, struct udphold, entry));
		dropped++;
	}
	return dropped;
}

int udphold_put(struct udphold_store *s, struct udphold *h, const void *data, size_t len)
{
	struct udphold_chunk *first, *c;
	const uint8_t *from = data;
	size_t left = len;
	int dropped;

	if (!s->chunks)
		s->chunks = malloc(UDPHOLD_STORE);
	if (!s->chunks || len > UDPHOLD_BYTES)
		return -ENOBUFS;
	dropped = make_room(s, h, len);
	first = c = chunk_take(s);
	for (;;) {
		size_t part = left < CHUNK_DATA ? left : CHUNK_DATA;

		memcpy(c->data, from, part);
		from += part;
		left -= part;
		if (!left)
			break;
		c->more = chunk_take(s);
		c = c->more;
	}
	first->len = (uint32_t)len;
	if (h->last)
		h->last->next = first;
	else
		h->first = first;
	h->last = first;
	h->n++;
	h->bytes += len;
	list_remove(&h->entry);
	list_append(&s->holders, &h->entry);
	return dropped;
}

struct udphold_chunk *udphold_next(const struct udphold *h, const struct udphold_chunk *c)
{
	return c ? c->next : h->first;
}

unsigned udphold_iov(struct udphold_chunk *c, struct iovec iov[static UDPHOLD_CHUNKS])
{
	size_t left = c->len;
	unsigned n = 0;

	for (; c; c = c->more) {
		iov[n].iov_base = c->data;
		iov[n].iov_len = left < CHUNK_DATA ? left : CHUNK_DATA;
		left -= iov[n++].iov_len;
	}
	return n;
}
