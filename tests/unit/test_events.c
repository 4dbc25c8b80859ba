// SPDX-License-Identifier: Apache-2.0
/* test_events.c - events are kept, told behind a number, waited for; a new instance hides none */
#include <check.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/parent/events.h"

static struct event_base *base;
static struct events *e;
static int ncalls;

static void setup(void)
{
	base = event_base_new();
	e = events_new(base);
	ck_assert_ptr_nonnull(e);
	ncalls = 0;
}

static void teardown(void)
{
	events_free(e);
	event_base_free(base);
}

static void on_event(void *arg)
{
	ck_assert_ptr_eq(arg, &ncalls);
	ncalls++;
}

/* how many are told; the number of the last in *ret_last, when there is one */
static unsigned told(uint64_t after, uint64_t *ret_last)
{
	char *text = events_text(e, after), *line = text;
	unsigned n = 0;

	ck_assert_ptr_nonnull(text);
	for (; *line; line = strchr(line, '\n') + 1, n++) {
		ck_assert_int_eq(strncmp(line, "{\"seq\":", 7), 0);
		*ret_last = strtoull(line + 7, NULL, 10);
	}
	free(text);
	return n;
}

START_TEST(those_behind_a_number)
{
	uint64_t last = 0, first;

	ck_assert_uint_eq(told(0, &last), 0);
	events_add(e, "ready", NULL, NULL);
	ck_assert_uint_eq(told(0, &first), 1);
	events_add(e, "stopping", "why", "\"");
	ck_assert_uint_eq(told(first, &last), 1);
	ck_assert_uint_eq(last, first + 1);
	ck_assert_uint_eq(told(last, &last), 0);
	ck_assert_uint_eq(events_count(e), 2);
	for (int i = 0; i < EVENTS_MAX; i++)
		events_add_port(e, "port-added", "1", "80:80/tcp");
	ck_assert_uint_eq(told(first, &last), EVENTS_MAX); /* the oldest has gone */
	ck_assert_uint_eq(last, first + 1 + EVENTS_MAX);
	ck_assert_uint_eq(events_count(e), EVENTS_MAX + 2);
}
END_TEST

/* whatever the number, and however many the new one has by then */
START_TEST(a_number_of_the_instance_before_hides_none)
{
	uint64_t first = 0, last = 0, unused;

	events_add(e, "ready", NULL, NULL);
	told(0, &first);
	for (int i = 0; i < 20; i++)
		events_add(e, "dns-changed", NULL, NULL);
	told(0, &last);
	usleep(2000); /* microseconds are told apart */
	events_free(e);
	e = events_new(base);
	for (unsigned n = 1; n <= 40; n++) {
		events_add(e, "dns-changed", NULL, NULL);
		ck_assert_uint_eq(told(first, &unused), n);
		ck_assert_uint_eq(told(last, &unused), n);
		ck_assert_uint_eq(told(INT64_MAX, &unused), n); /* of a clock that was set back */
	}
}
END_TEST

START_TEST(the_next_one_is_waited_for)
{
	uint64_t last = 0;

	events_wait(e, 0, on_event, &ncalls); /* there is none at all */
	ck_assert_int_eq(ncalls, 0);
	events_add(e, "ready", NULL, NULL);
	ck_assert_int_eq(ncalls, 1);
	told(0, &last);
	events_wait(e, last - 1, on_event, &ncalls);
	ck_assert_int_eq(ncalls, 2);
	for (int i = 0; i < EVENTS_WAITS_MAX; i++)
		events_wait(e, last, on_event, &ncalls);
	ck_assert_int_eq(ncalls, 2);
	events_wait(e, last, on_event, &ncalls); /* one too many */
	ck_assert_int_eq(ncalls, 3);
	events_add(e, "dns-changed", NULL, NULL);
	ck_assert_int_eq(ncalls, 3 + EVENTS_WAITS_MAX);
	events_wait(e, last + 1, on_event, &ncalls);
	e = events_free(e);
	ck_assert_int_eq(ncalls, 4 + EVENTS_WAITS_MAX);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("events");
	TCase *c = tcase_create("events");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, those_behind_a_number);
	tcase_add_test(c, a_number_of_the_instance_before_hides_none);
	tcase_add_test(c, the_next_one_is_waited_for);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
