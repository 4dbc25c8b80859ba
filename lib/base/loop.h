/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - one epoll set, watches and timers embedded in their owners
 *
 * Level-triggered unless EPOLLET is asked for. Callbacks never block; a negative return stops the
 * loop and is what loop_run() returns. watch_remove() before close(). Memory that holds a watch or
 * a timer is freed by loop_defer_free(), so that later events of the same round stay valid.
 */
#ifndef RK_BASE_LOOP_H
#define RK_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;

struct watch {
	struct loop *loop; /* NULL while not added */
	int fd;            /* borrowed */
	uint32_t events;
	int (*on_ready)(struct watch *w, uint32_t events);
};

/* a node of a pairing heap: setting and cancelling never allocate */
struct timer {
	struct loop *loop; /* NULL while not set */
	uint64_t due_ms;   /* CLOCK_MONOTONIC */
	struct timer *child, *sibling, *prev;
	int (*on_due)(struct timer *t);
};

struct deferred {
	struct deferred *next;
	void (*free_fn)(struct deferred *d);
};

struct loop {
	int epfd;
	bool stop;
	int result;
	uint64_t now_ms;   /* CLOCK_MONOTONIC, read once a round */
	unsigned patient;  /* events of the round that can wait */
	unsigned rest_us;  /* before the next round, when all can */
	uint64_t hasty_ms; /* when one could not */
	struct timer *timers;
	struct deferred *deferred;
};

#define WATCH_INIT \
	{ \
		.fd = -1 \
	}

/* loop_init() - 0 or a negative errno; loop_done() takes a zeroed or failed loop too */
int loop_init(struct loop *l);
void loop_done(struct loop *l);

/* loop_run() - until loop_stop() or a negative callback; that result */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int result);

/* loop_once() - one round: wait at most @timeout_ms (-1: for ever) and serve; 0 or negative errno
 */
int loop_once(struct loop *l, int timeout_ms);

/**
 * loop_rest() - called once by an on_ready whose next event can wait
 * @us:	for so long (less than a millisecond) it had better: what comes meanwhile is served at once,
 *	and nobody has to wake us for each part. 0: it need not. It is done when no event of this
 *	and the last millisecond was in more haste
 */
void loop_rest(struct loop *l, unsigned us);

/* watch_add() - w->on_ready is called with ready events of @fd (borrowed); 0 or a negative errno */
int watch_add(struct loop *l, struct watch *w, int fd, uint32_t events,
	      int (*on_ready)(struct watch *w, uint32_t events));

/* watch_set() - change the events; nothing is done when they are the same; 0 or a negative errno */
int watch_set(struct watch *w, uint32_t events);

/* watch_remove() - takes a watch that was never added; no callback follows, this round included */
void watch_remove(struct watch *w);

/* watch_forget() - the same where w->fd is closed next and nobody else has a duplicate: then the
 * kernel forgets it by itself */
void watch_forget(struct watch *w);

/* timer_set() - (re)start: @on_due runs once, @delay_ms from the round's time on */
void timer_set(struct loop *l, struct timer *t, uint64_t delay_ms, int (*on_due)(struct timer *t));
void timer_cancel(struct timer *t); /* takes one that is not set */

void loop_defer_free(struct loop *l, struct deferred *d, void (*free_fn)(struct deferred *d));

/* monotonic milliseconds, for those without a loop */
uint64_t clock_ms(void);

#endif
