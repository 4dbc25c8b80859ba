// SPDX-License-Identifier: Apache-2.0
/* test_loop.c - timers fire in order, removed watches stay silent */
#include <check.h>
#include <stdlib.h>
#include <sys/eventfd.h>
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

int main(void)
{
	Suite *s = suite_create("loop");
	TCase *c = tcase_create("loop");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_add_test(c, timers_run_in_order_of_their_time);
	tcase_add_test(c, a_removed_watch_is_not_called_in_the_same_round);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
