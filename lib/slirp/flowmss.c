// SPDX-License-Identifier: Apache-2.0
/*
 * flowmss.c - the largest segment that a guest takes, by TCP connection (slirp only)
 *
 * A table of sets: a connection's hash names a set, in it the eight entries are compared. It has
 * room for four times the connections that libslirp may hold, so that nothing needs to be told when
 * one ends: entries of dead ones grow old and are overwritten. An entry that is lost all the same
 * costs speed, as the caller then takes the size that every host must take.
 */
#include "lib/slirp/flowmss.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

int flowmss_init(struct flowmss *t)
{
	*t = (struct flowmss){ 0 };
	if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) < 0)
		t->seed = (uint32_t)(uintptr_t)t; /* as random as the layout of the process */
	t->entries = calloc((size_t)FLOWMSS_SETS * FLOWMSS_WAYS, sizeof(*t->entries));
	return t->entries ? 0 : -ENOMEM;
}

void flowmss_done(struct flowmss *t)
{
	free(t->entries);
	*t = (struct flowmss){ 0 };
}

static struct flowmss_entry *set_of(const struct flowmss *t, const struct flowmss_key *key)
{
	const uint8_t *bytes = (const uint8_t *)key;
	uint32_t h = t->seed;

	for (size_t i = 0; i < sizeof(*key); i += 2) {
		uint16_t word;

		memcpy(&word, bytes + i, sizeof(word));
		h = (h ^ word) * 0x9e3779b1u;
		h ^= h >> 15;
	}
	return t->entries + (size_t)(h % FLOWMSS_SETS) * FLOWMSS_WAYS;
}

static struct flowmss_entry *find(struct flowmss *t, const struct flowmss_key *key,
				  struct flowmss_entry **ret_oldest)
{
	struct flowmss_entry *set = set_of(t, key);

	t->clock++;
	*ret_oldest = set;
	for (struct flowmss_entry *e = set; e < set + FLOWMSS_WAYS; e++) {
		if (e->mss && memcmp(&e->key, key, sizeof(*key)) == 0) {
			e->used = t->clock;
			return e;
		}
		/* the clock may pass its end: ages are differences */
		if (!e->mss ||
		    ((*ret_oldest)->mss && t->clock - e->used > t->clock - (*ret_oldest)->used))
			*ret_oldest = e;
	}
	return NULL;
}

void flowmss_put(struct flowmss *t, const struct flowmss_key *key, uint16_t mss)
{
	struct flowmss_entry *oldest, *e = find(t, key, &oldest);

	if (!e)
		e = oldest;
	*e = (struct flowmss_entry){ .key = *key, .mss = mss, .used = t->clock };
}

uint16_t flowmss_get(struct flowmss *t, const struct flowmss_key *key)
{
	struct flowmss_entry *oldest;
	const struct flowmss_entry *e = find(t, key, &oldest);

	return e ? e->mss : 0;
}
