/* SPDX-License-Identifier: Apache-2.0 */
/* watchdog.h - does a worker still answer? (parent) */
#ifndef RK_PARENT_WATCHDOG_H
#define RK_PARENT_WATCHDOG_H

#include <stdbool.h>

#define WATCHDOG_TICK_MS 5000 /* one ping a tick, none while one is not answered */
#define WATCHDOG_MISSES 3     /* ticks without an answer: it hangs */
#define WATCHDOG_LATE_MS 1000 /* a tick that late: we were stopped, too, or the machine is busy */

enum watchdog_verdict {
	WATCHDOG_PING, /* ask it */
	WATCHDOG_WAIT,
	WATCHDOG_HUNG, /* it had WATCHDOG_MISSES ticks */
	WATCHDOG_NVERDICTS
};

struct watchdog { /* zero: nothing was asked */
	bool asked;
	unsigned missed;
};

/**
 * watchdog_tick() - to be called every WATCHDOG_TICK_MS
 * @late:	we came late ourselves: time does not count against the worker, it may have been
 *		stopped with us
 */
enum watchdog_verdict watchdog_tick(struct watchdog *w, bool late);

void watchdog_answered(struct watchdog *w);

#endif
