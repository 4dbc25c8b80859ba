// SPDX-License-Identifier: Apache-2.0
/* counters.c - the counters and budgets of a stack, as a pong tells them (slirp only) */
#include <assert.h>

#include "lib/slirp/stack_impl.h"

static_assert(COUNT_DROP_RATE - COUNT_DROP_SHORT == FAULT_RATE - FAULT_SHORT &&
		      FAULT_RATE == FAULT_NFAULTS - 1,
	      "a counter for each fault, in the same order");

void stack_counters(const struct stack *s, struct worker_counters *ret)
{
	const struct quota *q = &s->quota;

	*ret = (struct worker_counters){ 0 };
	counters_budget(ret, COUNT_SLIRP_TCP, q->now[QUOTA_TCP], q->max[QUOTA_TCP]);
	counters_budget(ret, COUNT_SLIRP_UDP, q->now[QUOTA_UDP], q->max[QUOTA_UDP]);
	counters_budget(ret, COUNT_SLIRP_ECHO, s->echo.n, s->echo.max);
	ret->value[COUNT_SLIRP_TCP_FULL] = q->refused[QUOTA_TCP];
	ret->value[COUNT_SLIRP_UDP_FULL] = q->refused[QUOTA_UDP];
	ret->value[COUNT_REFUSED] = s->refused;
	for (unsigned f = FAULT_SHORT; f < FAULT_NFAULTS; f++)
		ret->value[COUNT_DROP_SHORT + f - FAULT_SHORT] = s->prefilter.faults[f];
}
