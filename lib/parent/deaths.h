/* SPDX-License-Identifier: Apache-2.0 */
/* deaths.h - how often something has died of late, and how long to wait before its next life */
#ifndef RK_PARENT_DEATHS_H
#define RK_PARENT_DEATHS_H

#include <stdint.h>

#define DEATHS_MAX 5    /* so many within DEATHS_MS are too many */
#define DEATHS_MS 60000 /* so long a death is remembered */
#define DEATHS_BACKOFF_MS 100

struct deaths {
	unsigned all;
	uint64_t ms[DEATHS_MAX]; /* clock_ms() of the last ones, in a ring */
};

/* deaths_note() - one more; the number of those within DEATHS_MS, this one included */
unsigned deaths_note(struct deaths *d, uint64_t now_ms);

/* deaths_since_ms() - the time from the last one */
uint64_t deaths_since_ms(const struct deaths *d, uint64_t now_ms);

/* deaths_wait_ms() - before the life that follows the @recent-th death: 0, then 100, 200, 400 */
unsigned deaths_wait_ms(unsigned recent);

#endif
