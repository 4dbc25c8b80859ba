// SPDX-License-Identifier: Apache-2.0
/* pace.c - how fast a socket or a pipe is read that somebody else fills (parent only) */
#include "lib/parent/pace.h"

#include <errno.h>
#include <event2/event.h>

#include "lib/base/loop.h"

static void on_over(evutil_socket_t fd, short what, void *arg)
{
	struct pace *p = arg;

	(void)fd;
	(void)what;
	p->used = 0;
	event_add(p->ready, NULL);
}

int pace_init(struct pace *p, struct event_base *base, struct event *ready, unsigned limit)
{
	*p = (struct pace){ .ready = ready, .limit = limit };
	p->timer = evtimer_new(base, on_over, p);
	return p->timer ? 0 : -ENOMEM;
}

void pace_spend(struct pace *p, unsigned n)
{
	const struct timeval tv = { .tv_usec = PACE_MS * 1000 };
	uint64_t now;

	if (!p->limit)
		return;
	now = clock_ms();
	if (now - p->begun_ms >= PACE_MS) {
		p->begun_ms = now;
		p->used = 0;
	}
	p->used += n;
	if (p->used < p->limit || evtimer_add(p->timer, &tv) < 0)
		return;
	event_del(p->ready);
}

void pace_done(struct pace *p)
{
	if (p->timer)
		event_free(p->timer);
	*p = (struct pace){ 0 };
}

bool allowance_take(struct allowance *a, uint64_t now_ms, unsigned burst, unsigned ms)
{
	const uint64_t from = a->full_ms > now_ms ? a->full_ms : now_ms;

	if (from + ms - now_ms > (uint64_t)burst * ms)
		return false;
	a->full_ms = from + ms;
	return true;
}
