// SPDX-License-Identifier: Apache-2.0
/* test_clean.c - what rootlessctl prints does not command the terminal */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rootlessctl/clean.h"
#include "lib/base/cleanup.h"

static const struct {
	const char *in, *out;
} rows[] = {
	{ "plain\ttext\n", "plain\ttext\n" },
	{ "\033]0;title\007\033[2J", "?]0;title??[2J" },
	{ "over\rwritten\b\177", "over?written??" },
	{ "\303\244 \342\202\254 \360\237\230\200", "\303\244 \342\202\254 \360\237\230\200" },
	{ "\302\233"
	  "2J",
	  "?2J" },                                              /* CSI as one letter */
	{ "\2332J", "?2J" },                                    /* as one byte */
	{ "a\342\200\256b\342\201\246c", "a?b?c" },             /* from right to left */
	{ "\300\233 \340\202\233 \360\200\202\233", "?? ? ?" }, /* CSI in longer clothes */
	{ "\355\240\200 \364\220\200\200 \377", "? ? ?" },
	{ "\342\202\033[2J \303", "??[2J " }, /* letters cut short; the last is held */
};

START_TEST(each_text_is_made_harmless)
{
	char out[CLEAN_OUT_MAX(64)];
	struct clean c = { .nheld = 0 };
	size_t n = clean_bytes(&c, out, rows[_i].in, strlen(rows[_i].in));

	ck_assert_uint_lt(n, sizeof(out));
	out[n] = '\0';
	ck_assert_str_eq(out, rows[_i].out);
}
END_TEST

START_TEST(so_it_is_cut_anywhere)
{
	const char *in = rows[_i].in;

	for (size_t cut = 0; cut <= strlen(in); cut++) {
		char out[2 * CLEAN_OUT_MAX(64)];
		struct clean c = { .nheld = 0 };
		size_t n = clean_bytes(&c, out, in, cut);

		n += clean_bytes(&c, out + n, in + cut, strlen(in) - cut);
		out[n] = '\0';
		ck_assert_str_eq(out, rows[_i].out);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("clean");
	TCase *tc = tcase_create("clean");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, each_text_is_made_harmless, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, so_it_is_cut_anywhere, 0, ARRAY_SIZE(rows));
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
