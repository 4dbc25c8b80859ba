/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace.h - how fast a socket or a pipe is read that somebody else fills
 *
 * What is behind the limit waits where it is: the kernel's buffer fills, and the peer's write fails
 * or waits. So a peer that is out of its mind costs a known share of a processor, and its memory.
 */
#ifndef RK_PARENT_PACE_H
#define RK_PARENT_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct event;
struct event_base;

#define PACE_MS 100 /* a limit is so much in that time; then nothing is read for as long */

struct pace { /* zero: no limit */
	struct event *ready, *timer;
	uint64_t begun_ms;
	unsigned used, limit;
};

/* pace_init() - @ready, which is added, is read from; 0 or -ENOMEM */
int pace_init(struct pace *p, struct event_base *base, struct event *ready, unsigned limit);

/* pace_spend() - @n were read; behind the limit @ready is away for PACE_MS */
void pace_spend(struct pace *p, unsigned n);

/* pace_done() - to be called before @ready is freed or shall stay away */
void pace_done(struct pace *p);

/* lines: @burst at once when nothing was said for long, and one more each @ms */
struct allowance {
	uint64_t full_ms; /* CLOCK_MONOTONIC: when all of it may be used again */
};

/* allowance_take() - is there one left at @now_ms? Then it is used */
bool allowance_take(struct allowance *a, uint64_t now_ms, unsigned burst, unsigned ms);

#endif
