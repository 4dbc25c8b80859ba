/* SPDX-License-Identifier: Apache-2.0 */
/* privclock.h - libslirp's own time, which survives the end of its 32-bit counter (slirp only) */
#ifndef RK_SLIRP_PRIVCLOCK_H
#define RK_SLIRP_PRIVCLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define PRIVCLOCK_WRAP_MS ((int64_t)1 << 32)
#define PRIVCLOCK_LIFE_MS 240000 /* the longest that libslirp adds to its counter (SO_EXPIRE) */
#define PRIVCLOCK_QUIET_MS (PRIVCLOCK_WRAP_MS - PRIVCLOCK_LIFE_MS - 3600000)
#define PRIVCLOCK_LATEST_MS (PRIVCLOCK_WRAP_MS - PRIVCLOCK_LIFE_MS - 5000)

struct privclock {
	int64_t zero_ns;   /* CLOCK_MONOTONIC at which the clock was zero */
	int64_t frozen_ns; /* reading while it stands still; negative: it goes */
};

/* privclock_init() - starts at @start_ms, 0 but in tests */
void privclock_init(struct privclock *c, int64_t start_ms);

int64_t privclock_ns(const struct privclock *c);

/* privclock_skip() - so much time has passed, or as much as there is before the wrap */
void privclock_skip(struct privclock *c, uint32_t ms);

/**
 * privclock_must_jump() - is it time to go over the wrap?
 * @quiet:	nothing happened in the last round: better now than in the middle of something
 */
bool privclock_must_jump(const struct privclock *c, bool quiet);

/* privclock_stop_before_wrap() - stand still at the last millisecond of the counter */
void privclock_stop_before_wrap(struct privclock *c);

/* privclock_pass_wrap() - go on from the first millisecond behind it */
void privclock_pass_wrap(struct privclock *c);

#endif
