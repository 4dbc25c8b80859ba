// SPDX-License-Identifier: Apache-2.0
/* test_privclock.c - libslirp's clock, near the end of its 32-bit counter and far from it */
#include <check.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/slirp/privclock.h"

START_TEST(the_clock_never_spends_time_before_its_wrap)
{
	static const struct {
		int64_t start_ms;
		bool quiet, busy; /* must jump? */
	} rows[] = {
		{ 0, false, false },
		{ PRIVCLOCK_QUIET_MS - 1000, false, false },
		{ PRIVCLOCK_QUIET_MS, true, false },
		{ PRIVCLOCK_WRAP_MS - 300000, true, false },
		{ PRIVCLOCK_LATEST_MS - 1000, true, false },
		{ PRIVCLOCK_LATEST_MS, true, true },
		{ PRIVCLOCK_WRAP_MS - 241000, true, true },
		{ PRIVCLOCK_WRAP_MS - 5000, true, true },
		{ PRIVCLOCK_WRAP_MS, false, false },
		{ 2 * PRIVCLOCK_WRAP_MS - 5000, true, true },
	};
	struct privclock c;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t wrap = (rows[i].start_ms / PRIVCLOCK_WRAP_MS + 1) * PRIVCLOCK_WRAP_MS;

		privclock_init(&c, rows[i].start_ms);
		ck_assert_int_eq(privclock_must_jump(&c, true), rows[i].quiet);
		ck_assert_int_eq(privclock_must_jump(&c, false), rows[i].busy);
		privclock_stop_before_wrap(&c);
		ck_assert_int_eq(privclock_ns(&c) / 1000000, wrap - 1);
		ck_assert_int_eq(privclock_ns(&c) / 1000000, wrap - 1);
		privclock_pass_wrap(&c);
		ck_assert_int_ge(privclock_ns(&c) / 1000000, wrap + 1);
		ck_assert_int_le(privclock_ns(&c) / 1000000, wrap + 10000);
		ck_assert(!privclock_must_jump(&c, true));
	}
}
END_TEST

START_TEST(time_is_skipped_up_to_the_latest_moment)
{
	struct privclock c;

	privclock_init(&c, 1000);
	privclock_skip(&c, 240000);
	ck_assert_int_ge(privclock_ns(&c) / 1000000, 241000);
	ck_assert_int_le(privclock_ns(&c) / 1000000, 251000);
	privclock_init(&c, PRIVCLOCK_LATEST_MS - 100000);
	privclock_skip(&c, 240000);
	ck_assert(privclock_must_jump(&c, false));
	ck_assert_int_le(privclock_ns(&c) / 1000000, PRIVCLOCK_LATEST_MS + 10000);
	privclock_init(&c, PRIVCLOCK_LATEST_MS + 1000);
	privclock_skip(&c, 240000);
	ck_assert_int_le(privclock_ns(&c) / 1000000, PRIVCLOCK_LATEST_MS + 11000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("privclock");
	TCase *c = tcase_create("privclock");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_add_test(c, the_clock_never_spends_time_before_its_wrap);
	tcase_add_test(c, time_is_skipped_up_to_the_latest_moment);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
