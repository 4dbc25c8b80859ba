// SPDX-License-Identifier: Apache-2.0
/* deaths.c - how often something has died of late, and how long to wait before its next life */
#include "lib/parent/deaths.h"

unsigned deaths_note(struct deaths *d, uint64_t now_ms)
{
	unsigned n = 0;

	d->ms[d->all++ % DEATHS_MAX] = now_ms;
	for (unsigned i = 0; i < d->all && i < DEATHS_MAX; i++)
		n += now_ms - d->ms[i] < DEATHS_MS;
	return n;
}

uint64_t deaths_since_ms(const struct deaths *d, uint64_t now_ms)
{
	return d->all ? now_ms - d->ms[(d->all - 1) % DEATHS_MAX] : 0;
}

unsigned deaths_wait_ms(unsigned recent)
{
	return recent > 1 ? DEATHS_BACKOFF_MS << (recent - 2) : 0;
}
