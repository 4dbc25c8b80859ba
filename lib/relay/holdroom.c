// SPDX-License-Identifier: Apache-2.0
/*
 * holdroom.c - which connection out gives way when there are too many
 *
 * One container that connects to peers which never answer shall not keep out the others, and
 * behind a NAT of the child all have one address. So the oldest goes, once it has waited for longer
 * than a handshake takes; its client does not learn of it and repeats its SYN. When all are
 * younger it is a flood, or a burst that repeats its SYNs all at once: then most newcomers take the
 * place of any other. Any, as always the oldest would let none live for long enough.
 *
 * Where open connections have what there is of descriptors, only the old ones give way: the others
 * are about to become connections themselves.
 */
#include "lib/relay/holdroom.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"

#define GIVE_WAY_MS 500 /* more than a handshake around the world takes */
#define LOOKS_MAX 64    /* at the oldest of all */

static uint32_t random_number(struct holds *h)
{
	h->random = h->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(h->random >> 33);
}

static bool waits(const struct hold *e)
{
	return e->state == HOLD_CONNECTING || e->state == HOLD_RELEASED;
}

static bool is_old(const struct hold *e)
{
	return waits(e) && e->all->loop->now_ms - e->step_ms >= GIVE_WAY_MS;
}

static bool is_from(const struct hold *e, const struct syn_key *k)
{
	return e->syn.key.family == k->family &&
	       memcmp(e->syn.key.src, k->src, sizeof(k->src)) == 0;
}

/* three of four newcomers */
static bool may_take_young(struct holds *h)
{
	return random_number(h) % 4 != 0;
}

static struct hold *nth_of_source(const struct list *source, const struct syn_key *k, unsigned n)
{
	struct list *e;

	list_for_each (e, source) {
		struct hold *o = container_of(e, struct hold, source);

		if (is_from(o, k) && waits(o) && n-- == 0)
			return o;
	}
	return NULL;
}

/* NULL: there is none */
static struct hold *oldest_of_all(const struct holds *h)
{
	unsigned looks = 0;
	struct list *e;

	list_for_each (e, &h->by_age) {
		struct hold *o = container_of(e, struct hold, age);

		if (is_old(o))
			return o;
		if (++looks == LOOKS_MAX)
			break;
	}
	return NULL;
}

static struct hold *victim_of_all(struct holds *h)
{
	struct hold *any = &h->all[random_number(h) % h->made], *old = oldest_of_all(h);

	if (old)
		return old;
	return waits(any) && may_take_young(h) ? any : NULL;
}

int holdroom_find(struct holds *h, const struct list *source, const struct syn_key *k, bool room,
		  struct hold **ret)
{
	const unsigned most = HOLDS_OF_SOURCE(h->max);
	struct hold *oldest = NULL;
	unsigned n = 0, waiting = 0;
	struct list *e;

	list_for_each (e, source) {
		struct hold *o = container_of(e, struct hold, source);

		if (!is_from(o, k))
			continue;
		n++;
		waiting += waits(o);
		if (!oldest && is_old(o))
			oldest = o;
	}
	if (n < (most ? most : 1) && h->n < h->max && room)
		return 0;
	if (n < (most ? most : 1))
		oldest = room ? victim_of_all(h) : oldest_of_all(h);
	else if (!oldest && room && waiting && may_take_young(h))
		oldest = nth_of_source(source, k, random_number(h) % waiting);
	*ret = oldest;
	return oldest ? 1 : -EAGAIN;
}
