// SPDX-License-Identifier: Apache-2.0
/*
 * loop.c - epoll, timers in a pairing heap, deferred frees
 *
 * A round: wait, read the clock once, serve the ready watches, run the due timers, free what was
 * deferred. A watch that is removed in the middle of a round is found in the rest of the event
 * array and struck out, so its owner never hears of it again.
 */
#include "lib/base/loop.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define ROUND_EVENTS 128

/* the events of the round that is being served; one loop runs at a time in a thread */
static _Thread_local struct {
	struct epoll_event ev[ROUND_EVENTS];
	int n, next;
} the_round;

uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int loop_init(struct loop *l)
{
	*l = (struct loop){ .now_ms = clock_ms() };
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	return l->epfd < 0 ? -errno : 0;
}

static void free_deferred(struct loop *l)
{
	while (l->deferred) {
		struct deferred *d = l->deferred;

		l->deferred = d->next;
		d->free_fn(d);
	}
}

void loop_done(struct loop *l)
{
	free_deferred(l);
	if (l->epfd > 0)
		close(l->epfd);
	*l = (struct loop){ .epfd = -1 };
}

/* --- timers ------------------------------------------------------------------------------- */

static struct timer *heap_merge(struct timer *a, struct timer *b)
{
	if (!a)
		return b;
	if (!b)
		return a;
	if (b->due_ms < a->due_ms) {
		struct timer *swap = a;

		a = b;
		b = swap;
	}
	b->prev = a;
	b->sibling = a->child;
	if (a->child)
		a->child->prev = b;
	a->child = b;
	a->sibling = NULL;
	return a;
}

/* two-pass merge of a list of siblings, without recursion: the list can be long */
static struct timer *heap_merge_pairs(struct timer *first)
{
	struct timer *pairs = NULL, *root = NULL;

	while (first) {
		struct timer *a = first, *b = a->sibling;

		first = b ? b->sibling : NULL;
		a->sibling = a->prev = NULL;
		if (b)
			b->sibling = b->prev = NULL;
		a = heap_merge(a, b);
		a->sibling = pairs;
		pairs = a;
	}
	while (pairs) {
		struct timer *next = pairs->sibling;

		pairs->sibling = NULL;
		root = heap_merge(root, pairs);
		pairs = next;
	}
	if (root)
		root->prev = NULL;
	return root;
}

void timer_cancel(struct timer *t)
{
	struct loop *l = t->loop;
	struct timer *rest;

	if (!l)
		return;
	rest = heap_merge_pairs(t->child);
	if (l->timers == t) {
		l->timers = rest;
	} else {
		if (t->prev->child == t)
			t->prev->child = t->sibling;
		else
			t->prev->sibling = t->sibling;
		if (t->sibling)
			t->sibling->prev = t->prev;
		l->timers = heap_merge(l->timers, rest);
	}
	t->child = t->sibling = t->prev = NULL;
	t->loop = NULL;
}

void timer_set(struct loop *l, struct timer *t, uint64_t delay_ms, int (*on_due)(struct timer *t))
{
	timer_cancel(t);
	*t = (struct timer){ .loop = l, .due_ms = l->now_ms + delay_ms, .on_due = on_due };
	l->timers = heap_merge(l->timers, t);
}

static int run_timers(struct loop *l)
{
	while (l->timers && l->timers->due_ms <= l->now_ms && !l->stop) {
		struct timer *t = l->timers;
		int r;

		timer_cancel(t);
		r = t->on_due(t);
		if (r < 0)
			return r;
	}
	return 0;
}

static int wait_ms(const struct loop *l, int timeout_ms)
{
	uint64_t now, left;

	if (!l->timers)
		return timeout_ms;
	now = clock_ms();
	left = l->timers->due_ms > now ? l->timers->due_ms - now : 0;
	if (left > INT_MAX)
		left = INT_MAX;
	return timeout_ms >= 0 && (uint64_t)timeout_ms < left ? timeout_ms : (int)left;
}

/* --- watches ------------------------------------------------------------------------------ */

int watch_add(struct loop *l, struct watch *w, int fd, uint32_t events,
	      int (*on_ready)(struct watch *w, uint32_t events))
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	*w = (struct watch){ .fd = fd, .events = events, .on_ready = on_ready };
	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	w->loop = l;
	return 0;
}

int watch_set(struct watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	if (!w->loop)
		return -EINVAL;
	if (w->events == events)
		return 0;
	if (epoll_ctl(w->loop->epfd, EPOLL_CTL_MOD, w->fd, &ev) < 0)
		return -errno;
	w->events = events;
	return 0;
}

void watch_remove(struct watch *w)
{
	if (!w->loop)
		return;
	epoll_ctl(w->loop->epfd, EPOLL_CTL_DEL, w->fd, NULL);
	watch_forget(w);
}

void watch_forget(struct watch *w)
{
	w->loop = NULL;
	for (int i = the_round.next; i < the_round.n; i++) {
		if (the_round.ev[i].data.ptr == w)
			the_round.ev[i].data.ptr = NULL;
	}
}

/* --- the loop ----------------------------------------------------------------------------- */

void loop_defer_free(struct loop *l, struct deferred *d, void (*free_fn)(struct deferred *d))
{
	d->free_fn = free_fn;
	d->next = l->deferred;
	l->deferred = d;
}

void loop_stop(struct loop *l, int result)
{
	l->stop = true;
	l->result = result;
}

void loop_rest(struct loop *l, unsigned us)
{
	l->patient++;
	if (us > l->rest_us)
		l->rest_us = us;
}

/* after a round of @events; cut short by a signal: so be it */
static void take_rest(struct loop *l, unsigned events)
{
	const struct timespec ts = { .tv_nsec = (long)l->rest_us * 1000 };

	if (l->patient < events)
		l->hasty_ms = l->now_ms;
	if (l->rest_us && l->now_ms - l->hasty_ms > 1)
		nanosleep(&ts, NULL);
	l->patient = l->rest_us = 0;
}

int loop_once(struct loop *l, int timeout_ms)
{
	int n = epoll_wait(l->epfd, the_round.ev, ROUND_EVENTS, wait_ms(l, timeout_ms));
	int r = 0;

	if (n < 0 && errno != EINTR)
		return -errno;
	the_round.n = n > 0 ? n : 0;
	l->now_ms = clock_ms();
	for (the_round.next = 0; the_round.next < the_round.n && r >= 0 && !l->stop;) {
		const struct epoll_event *ev = &the_round.ev[the_round.next++];
		struct watch *w = ev->data.ptr;

		if (w)
			r = w->on_ready(w, ev->events);
	}
	take_rest(l, (unsigned)the_round.n);
	the_round.n = the_round.next = 0;
	if (r >= 0)
		r = run_timers(l);
	free_deferred(l);
	return r < 0 ? r : 0;
}

int loop_run(struct loop *l)
{
	l->stop = false;
	l->result = 0;
	while (!l->stop) {
		int r = loop_once(l, -1);

		if (r < 0)
			return r;
	}
	return l->result;
}
