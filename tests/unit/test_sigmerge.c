// SPDX-License-Identifier: Apache-2.0
/* test_sigmerge.c - a signal reaches the command once, whichever way it came */
#include <check.h>
#include <stdlib.h>

#include "lib/child/sigmerge.h"

#define S 15

struct row {
	const char *what;
	bool own_session;
	unsigned direct, told;
	unsigned count; /* how often the command gets it from us */
};

static const struct row rows[] = {
	{ "kill of the parent", false, 0, 1, 1 },
	{ "kill of the child", false, 1, 0, 1 },
	{ "kill of the group: the command has it", false, 1, 1, 0 },
	{ "timeout(1): the parent, then the group", false, 1, 2, 0 },
	{ "own session: timeout(1)", true, 1, 2, 1 },
	{ "kill of the child twice", false, 2, 0, 2 },
	{ "own session: kill of the parent", true, 0, 1, 1 },
	{ "own session: kill of the group, which misses the command", true, 1, 1, 1 },
	{ "own session: kill of the child", true, 1, 0, 1 },
	{ "own session: the terminal, told by the parent", true, 0, 1, 1 },
};

START_TEST(the_command_gets_what_it_has_not_got)
{
	const struct row *r = &rows[_i];
	struct sigmerge m = { .own_session = r->own_session };
	unsigned count = 99;

	for (unsigned i = 0; i < r->direct; i++)
		sigmerge_direct(&m, S, 7, 1000);
	for (unsigned i = 0; i < r->told; i++)
		sigmerge_told(&m, S, 7, 1000);
	ck_assert_int_ge(sigmerge_next_ms(&m, 1000), 0);
	ck_assert_int_eq(sigmerge_settle(&m, 1000 + SIGMERGE_DIRECT_MS, &count), S);
	ck_assert_msg(count == r->count, "%s: %u", r->what, count);
	ck_assert_int_eq(sigmerge_settle(&m, 5000, &count), 0);
	ck_assert_int_eq(sigmerge_next_ms(&m, 5000), -1);
}
END_TEST

START_TEST(a_command_that_was_not_there_has_missed_it)
{
	struct sigmerge m = { 0 };
	unsigned count;

	sigmerge_direct(&m, S, 7, 1000);
	sigmerge_command_begins(&m, 0, 0);
	sigmerge_told(&m, S, 7, 1001);
	ck_assert_int_eq(sigmerge_settle(&m, 1000 + SIGMERGE_DIRECT_MS, &count), S);
	ck_assert_uint_eq(count, 1);
	sigmerge_direct(&m, S, 7, 9000);
	sigmerge_told(&m, S, 7, 9000);
	ck_assert_int_eq(sigmerge_settle(&m, 9000 + SIGMERGE_DIRECT_MS, &count), S);
	ck_assert_uint_eq(count, 0);
}
END_TEST

static const struct {
	const char *what;
	bool has, terminal, told;
	unsigned count; /* -1: nothing is due */
} begins[] = {
	{ "before the fork: kill of the child", false, false, false, 1 },
	{ "before the fork: kill of the group", false, false, true, 1 },
	{ "before the fork: the terminal, which nobody tells of", false, true, false, 1 },
	{ "after it: kill of the group", true, false, true, 0 },
	{ "after it: the terminal", true, true, false, -1u },
};

START_TEST(what_comes_around_the_fork_comes_once)
{
	struct sigmerge m = { 0 };
	unsigned count = -1u;

	sigmerge_direct(&m, S, 7, 1000);
	sigmerge_command_begins(&m, begins[_i].has ? SIGMERGE_BIT(S) : 0,
				begins[_i].terminal ? SIGMERGE_BIT(S) : 0);
	if (begins[_i].told)
		sigmerge_told(&m, S, 7, 1001);
	sigmerge_settle(&m, 1000 + SIGMERGE_DIRECT_MS, &count);
	ck_assert_msg(count == begins[_i].count, "%s: %u", begins[_i].what, count);
	ck_assert_int_eq(sigmerge_next_ms(&m, 5000), -1);
}
END_TEST

START_TEST(two_senders_are_no_group)
{
	for (int own_pidns = 0; own_pidns < 2; own_pidns++) {
		struct sigmerge m = { .own_pidns = own_pidns };
		unsigned count;

		sigmerge_direct(&m, S, 7, 1000);
		sigmerge_told(&m, S, 8, 1001);
		ck_assert_int_eq(sigmerge_settle(&m, 1000 + SIGMERGE_DIRECT_MS, &count), S);
		ck_assert_uint_eq(count, own_pidns ? 0 : 1);
	}
}
END_TEST

START_TEST(the_parents_word_waits_for_our_own_copy)
{
	struct sigmerge m = { 0 };
	unsigned count;

	sigmerge_told(&m, S, 7, 1000);
	ck_assert_int_eq(sigmerge_settle(&m, 1000, &count), 0);
	sigmerge_direct(&m, S, 7, 1001);
	ck_assert_int_eq(sigmerge_next_ms(&m, 1001), SIGMERGE_TOLD_MS - 1);
	ck_assert_int_eq(sigmerge_settle(&m, 1000 + SIGMERGE_TOLD_MS, &count), S);
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(a_parent_that_was_stopped_does_not_repeat_it)
{
	struct sigmerge m = { 0 };
	unsigned count;

	sigmerge_direct(&m, S, 7, 1000);
	ck_assert_int_eq(sigmerge_settle(&m, 1000 + SIGMERGE_DIRECT_MS, &count), S);
	ck_assert_uint_eq(count, 1);
	sigmerge_told(&m, S, 7, 1200);
	ck_assert_int_eq(sigmerge_next_ms(&m, 1200), -1);
	sigmerge_told(&m, S, 7, 1300); /* and once more is once more */
	ck_assert_int_eq(sigmerge_settle(&m, 1400, &count), S);
	ck_assert_uint_eq(count, 1);
	sigmerge_direct(&m, S, 7, 5000);
	ck_assert_int_eq(sigmerge_settle(&m, 5000 + SIGMERGE_DIRECT_MS, &count), S);
	sigmerge_told(&m, S, 8, 5100); /* somebody else's */
	ck_assert_int_eq(sigmerge_settle(&m, 5200, &count), S);
	ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(numbers_that_are_no_signals_do_nothing)
{
	struct sigmerge m = { 0 };

	sigmerge_told(&m, 0, 7, 1);
	sigmerge_told(&m, -1, 7, 1);
	sigmerge_direct(&m, SIGMERGE_NSIG, 7, 1);
	ck_assert_int_eq(sigmerge_next_ms(&m, 1), -1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sigmerge");
	TCase *c = tcase_create("sigmerge");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, the_command_gets_what_it_has_not_got, 0,
			    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_loop_test(c, what_comes_around_the_fork_comes_once, 0,
			    (int)(sizeof(begins) / sizeof(begins[0])));
	tcase_add_test(c, two_senders_are_no_group);
	tcase_add_test(c, a_command_that_was_not_there_has_missed_it);
	tcase_add_test(c, the_parents_word_waits_for_our_own_copy);
	tcase_add_test(c, a_parent_that_was_stopped_does_not_repeat_it);
	tcase_add_test(c, numbers_that_are_no_signals_do_nothing);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
