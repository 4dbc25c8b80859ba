// SPDX-License-Identifier: Apache-2.0
/* test_loop.c - timers fire in order, removed watches stay silent, rests are for who has time */
#include <check.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/loop.h"

#define NTIMERS 200

struct tick {
	struct timer timer;
	int number;
};

static int order[NTIMERS], norder;

static int on_tick(struct timer *t)
{
	order[norder++] = container_of(t, struct tick, timer)->number;
	return 0;
}

START_TEST(timers_run_in_order_of_their_time)
{
	struct tick t[NTIMERS] = { 0 };
	struct loop l;

	norder = 0;
	ck_assert_int_eq(loop_init(&l), 0);
	for (int i = 0; i < NTIMERS; i++) {
		t[i].number = (i * 37) % NTIMERS;
		timer_set(&l, &t[i].timer, (uint64_t)t[i].number / 4, on_tick);
	}
	for (int i = 0; i < NTIMERS; i += 3)
		timer_cancel(&t[i].timer);
	for (int i = 0; i < 200 && l.timers; i++)
		ck_assert_int_eq(loop_once(&l, 5), 0);
	ck_assert_ptr_null(l.timers);
	ck_assert_int_eq(norder, NTIMERS - (NTIMERS + 2) / 3);
	for (int i = 1; i < norder; i++)
		ck_assert_int_ge(order[i] / 4, order[i - 1] / 4);
	loop_done(&l);
}
END_TEST

static struct watch pair[2];
static int nready;

static int on_either(struct watch *w)
{
	nready++;
	watch_remove(w == &pair[0] ? &pair[1] : &pair[0]);
	return 0;
}

static int on_pair_ready(struct watch *w, uint32_t events)
{
	ck_assert(events & EPOLLIN);
	return on_either(w);
}

START_TEST(a_removed_watch_is_not_called_in_the_same_round)
{
	struct loop l;
	int fd[2] = { eventfd(1, EFD_CLOEXEC), eventfd(1, EFD_CLOEXEC) };

	ck_assert_int_eq(loop_init(&l), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(watch_add(&l, &pair[i], fd[i], EPOLLIN, on_pair_ready), 0);
	ck_assert_int_eq(loop_once(&l, 0), 0);
	ck_assert_int_eq(nready, 1);
	watch_remove(&pair[0]);
	watch_remove(&pair[1]);
	loop_done(&l);
	close(fd[0]);
	close(fd[1]);
}
END_TEST

static long rested_ns;

/* in the place of libc's */
int nanosleep(const struct timespec *ts, struct timespec *left)
{
	(void)left;
	rested_ns += ts->tv_nsec;
	return 0;
}

static unsigned patience[2];

static int on_patient(struct watch *w, uint32_t events)
{
	(void)events;
	if (patience[w - pair])
		loop_rest(w->loop, patience[w - pair]);
	return 0;
}

static void round_after(struct loop *l, uint64_t ms)
{
	const uint64_t begin = l->now_ms;

	rested_ns = 0;
	while (clock_ms() < begin + ms)
		;
	ck_assert_int_eq(loop_once(l, 0), 0);
}

START_TEST(the_loop_rests_when_no_event_is_in_haste)
{
	struct loop l;
	int fd[2] = { eventfd(1, EFD_CLOEXEC), eventfd(1, EFD_CLOEXEC) };

	ck_assert_int_eq(loop_init(&l), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(watch_add(&l, &pair[i], fd[i], EPOLLIN, on_patient), 0);
	patience[0] = 10;
	patience[1] = 20;
	round_after(&l, 2);
	ck_assert_int_eq(rested_ns, 20000); /* once */
	patience[0] = 0;
	round_after(&l, 2);
	ck_assert_int_eq(rested_ns, 0); /* one of both is in haste */
	patience[0] = 10;
	round_after(&l, 0);
	if (l.now_ms - l.hasty_ms < 2) /* as a rule */
		ck_assert_int_eq(rested_ns, 0);
	round_after(&l, 2);
	ck_assert_int_eq(rested_ns, 20000);
	for (int i = 0; i < 2; i++) {
		watch_remove(&pair[i]);
		close(fd[i]);
	}
	round_after(&l, 2);
	ck_assert_int_eq(rested_ns, 0); /* a rest is for one round */
	loop_done(&l);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("loop");
	TCase *c = tcase_create("loop");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_add_test(c, timers_run_in_order_of_their_time);
	tcase_add_test(c, a_removed_watch_is_not_called_in_the_same_round);
	tcase_add_test(c, the_loop_rests_when_no_event_is_in_haste);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
