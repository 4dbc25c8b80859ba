// SPDX-License-Identifier: Apache-2.0
/*
 * privclock.c - libslirp's own time, which survives the end of its 32-bit counter (slirp only)
 *
 * libslirp counts milliseconds in 32 bits, and a UDP flow ends when the counter is at or past
 * "last use + 240 s". With a clock that starts with the process the counter wraps after 49.7 days.
 * In the 240 s before, that sum is small again: every UDP flow ends at once, nothing comes back.
 * And a flow of before that is alive after the wrap would live 49 days.
 *
 * So the clock never spends time there. At a quiet moment of the hour before (at the latest 5 s
 * before) it stops at the last millisecond, where all UDP flows end, and goes on behind the wrap.
 * A flow in use is opened again by its next datagram; at most one answer is lost.
 */
#include "lib/slirp/privclock.h"

#include <time.h>

#define NS_PER_MS 1000000

static int64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void privclock_init(struct privclock *c, int64_t start_ms)
{
	*c = (struct privclock){ .zero_ns = monotonic_ns() - start_ms * NS_PER_MS,
				 .frozen_ns = -1 };
}

int64_t privclock_ns(const struct privclock *c)
{
	return c->frozen_ns >= 0 ? c->frozen_ns : monotonic_ns() - c->zero_ns;
}

void privclock_skip(struct privclock *c, uint32_t ms)
{
	int64_t left = PRIVCLOCK_LATEST_MS - privclock_ns(c) / NS_PER_MS % PRIVCLOCK_WRAP_MS;

	if (left > 0)
		c->zero_ns -= (ms < left ? ms : left) * NS_PER_MS;
}

static int64_t wraps_ahead(const struct privclock *c)
{
	return privclock_ns(c) / NS_PER_MS / PRIVCLOCK_WRAP_MS + 1;
}

bool privclock_must_jump(const struct privclock *c, bool quiet)
{
	int64_t counter = privclock_ns(c) / NS_PER_MS % PRIVCLOCK_WRAP_MS;

	return counter >= (quiet ? PRIVCLOCK_QUIET_MS : PRIVCLOCK_LATEST_MS);
}

void privclock_stop_before_wrap(struct privclock *c)
{
	c->frozen_ns = (wraps_ahead(c) * PRIVCLOCK_WRAP_MS - 1) * NS_PER_MS;
}

void privclock_pass_wrap(struct privclock *c)
{
	c->zero_ns = monotonic_ns() - (wraps_ahead(c) * PRIVCLOCK_WRAP_MS + 1) * NS_PER_MS;
	c->frozen_ns = -1;
}
