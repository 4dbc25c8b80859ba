// SPDX-License-Identifier: Apache-2.0
/* test_dnsmsg.c - where the question of a DNS message ends, whatever it claims */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/relay/dnsmsg.h"

static const struct {
	const char *bytes; /* after a header with one question */
	size_t len, question;
} questions[] = {
	{ "\0\0\1\0\1", 5, 5 },
	{ "\1a\0\0\1\0\1", 7, 7 },
	{ "\1a\0\0\1\0\1more", 11, 7 },
	{ "\1a\0\0\1\0", 6, 0 },      /* cut */
	{ "\x3f", 1, 0 },             /* a label longer than the message */
	{ "\xc0\x0c\0\1\0\1", 6, 0 }, /* a pointer */
	{ "", 0, 0 },
};

START_TEST(questions_are_measured)
{
	uint8_t msg[64] = { [5] = 1 };

	memcpy(msg + DNS_HEADER, questions[_i].bytes, questions[_i].len);
	ck_assert_uint_eq(dnsmsg_question(msg, DNS_HEADER + questions[_i].len),
			  questions[_i].question);
	ck_assert_uint_le(dnsmsg_fail(msg, DNS_HEADER + questions[_i].len),
			  DNS_HEADER + questions[_i].len);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dnsmsg");
	TCase *c = tcase_create("messages");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(c, questions_are_measured, 0, ARRAY_SIZE(questions));
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
