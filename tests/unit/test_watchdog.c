// SPDX-License-Identifier: Apache-2.0
/* test_watchdog.c - who is taken for hung, and who only was stopped or busy with us */
#include <check.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/parent/watchdog.h"

/* a letter a tick: . in time, L we were late, A it answers before the tick, which is in time.
 * What the last tick says, and none before it says hung */
static const struct row {
	const char *ticks;
	enum watchdog_verdict last;
} rows[] = {
	{ ".", WATCHDOG_PING },       { "..", WATCHDOG_WAIT },        { "...", WATCHDOG_WAIT },
	{ "....", WATCHDOG_HUNG },    { ".A", WATCHDOG_PING },        { "...A", WATCHDOG_PING },
	{ "...A...", WATCHDOG_HUNG }, { "AAAAAA", WATCHDOG_PING },    { "...L", WATCHDOG_WAIT },
	{ "L...", WATCHDOG_HUNG },    { "...L..", WATCHDOG_WAIT },    { "...L...", WATCHDOG_HUNG },
	{ "...LA", WATCHDOG_PING },   { "..L.L.L.L", WATCHDOG_WAIT },
};

START_TEST(only_one_that_is_silent_while_we_run_hangs)
{
	struct watchdog w = { 0 };
	enum watchdog_verdict v = WATCHDOG_NVERDICTS;

	for (const char *t = rows[_i].ticks; *t; t++) {
		ck_assert_int_ne(v, WATCHDOG_HUNG);
		if (*t == 'A')
			watchdog_answered(&w);
		v = watchdog_tick(&w, *t == 'L');
	}
	ck_assert_int_eq(v, rows[_i].last);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("watchdog");
	TCase *tc = tcase_create("watchdog");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, only_one_that_is_silent_while_we_run_hangs, 0, ARRAY_SIZE(rows));
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
