// SPDX-License-Identifier: Apache-2.0
/* watchdog.c - does a worker still answer? */
#include "lib/parent/watchdog.h"

enum watchdog_verdict watchdog_tick(struct watchdog *w, bool late)
{
	if (!w->asked) {
		*w = (struct watchdog){ .asked = true };
		return WATCHDOG_PING;
	}
	w->missed = late ? 0 : w->missed + 1;
	return w->missed < WATCHDOG_MISSES ? WATCHDOG_WAIT : WATCHDOG_HUNG;
}

void watchdog_answered(struct watchdog *w)
{
	*w = (struct watchdog){ 0 };
}
