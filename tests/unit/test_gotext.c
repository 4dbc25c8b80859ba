// SPDX-License-Identifier: Apache-2.0
/* test_gotext.c - numbers are read, and quotes printed, as Go does */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/gotext.h"

static const struct {
	const char *text;
	bool detect_base;
	int r;
	int64_t value;
} numbers[] = {
	{ "0", true, 0, 0 },
	{ "65520", true, 0, 65520 },
	{ "0xfff0", true, 0, 65520 },
	{ "0XFFF0", true, 0, 65520 },
	{ "0o17", true, 0, 15 },
	{ "017", true, 0, 15 },
	{ "0b1", true, 0, 1 },
	{ "1_500", true, 0, 1500 },
	{ "0x_ff", true, 0, 255 },
	{ "0_7", true, 0, 7 },
	{ "-5", true, 0, -5 },
	{ "+5", true, 0, 5 },
	{ "-0x10", true, 0, -16 },
	{ "9223372036854775807", true, 0, INT64_MAX },
	{ "-9223372036854775808", true, 0, INT64_MIN },
	{ "017", false, 0, 17 },
	{ "9223372036854775808", true, -ERANGE, 0 },
	{ "-9223372036854775809", true, -ERANGE, 0 },
	{ "99999999999999999999x", true, -ERANGE, 0 }, /* Go stops at the overflow, too */
	{ "0xfffffffffffffffff", true, -ERANGE, 0 },
	{ "", true, -EINVAL, 0 },
	{ "-", true, -EINVAL, 0 },
	{ "x", true, -EINVAL, 0 },
	{ " 1", true, -EINVAL, 0 },
	{ "1 ", true, -EINVAL, 0 },
	{ "08", true, -EINVAL, 0 },
	{ "0x", true, -EINVAL, 0 },
	{ "0x_", true, -EINVAL, 0 },
	{ "0b2", true, -EINVAL, 0 },
	{ "_1", true, -EINVAL, 0 },
	{ "1_", true, -EINVAL, 0 },
	{ "1__0", true, -EINVAL, 0 },
	{ "1.5", true, -EINVAL, 0 },
	{ "1_0", false, -EINVAL, 0 },
	{ "0x10", false, -EINVAL, 0 },
};

static const struct {
	const char *text, *quoted;
} quotes[] = {
	{ "", "\"\"" },
	{ "plain", "\"plain\"" },
	{ "it's", "\"it's\"" },
	{ "a\"b\\", "\"a\\\"b\\\\\"" },
	{ "\a\b\t\n\v\f\r", "\"\\a\\b\\t\\n\\v\\f\\r\"" },
	{ "\x1b[0m\x7f", "\"\\x1b[0m\\x7f\"" },
	{ "\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80", "\"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80\"" },
	{ "\xc2\x85\xc2\xa0", "\"\\u0085\\u00a0\"" },
	{ "\xe2\x80\xae\xef\xbb\xbf", "\"\\u202e\\ufeff\"" },
	{ "\xc3", "\"\\xc3\"" },                   /* cut */
	{ "\xe4\xb8", "\"\\xe4\\xb8\"" },          /* cut */
	{ "\xc0\x80", "\"\\xc0\\x80\"" },          /* too long for its value */
	{ "\xed\xa0\x80", "\"\\xed\\xa0\\x80\"" }, /* a surrogate */
	{ "\xf5\x80\x80\x80\xff", "\"\\xf5\\x80\\x80\\x80\\xff\"" },
};

START_TEST(numbers_are_read)
{
	int64_t v = 77;

	ck_assert_int_eq(go_parse_int(numbers[_i].text, numbers[_i].detect_base, &v),
			 numbers[_i].r);
	ck_assert_int_eq(v, numbers[_i].r ? 77 : numbers[_i].value);
}
END_TEST

START_TEST(texts_are_quoted)
{
	char q[GO_QUOTE_MAX];

	ck_assert_str_eq(go_quote(q, sizeof(q), quotes[_i].text), quotes[_i].quoted);
}
END_TEST

START_TEST(quotes_never_overflow)
{
	char text[64], q[48];

	for (size_t size = 32; size <= sizeof(q); size++) {
		for (size_t len = 0; len < sizeof(text); len++) {
			memset(text, len % 2 ? '\x01' : 'a', len);
			text[len] = '\0';
			memset(q, 'X', sizeof(q));
			go_quote(q, size, text);
			ck_assert_uint_lt(strlen(q), size);
			ck_assert_int_eq(q[strlen(q) - 1], '"');
		}
	}
}
END_TEST

START_TEST(bools_are_read)
{
	static const char *const on[] = { "1", "t", "T", "TRUE", "true", "True" };
	static const char *const off[] = { "0", "f", "F", "FALSE", "false", "False" };
	static const char *const neither[] = {
		"", "yes", "no", "on", "tRUE", "2", " true", "true "
	};
	bool v = false;

	for (size_t i = 0; i < ARRAY_SIZE(on); i++)
		ck_assert(go_parse_bool(on[i], &v) == 0 && v);
	for (size_t i = 0; i < ARRAY_SIZE(off); i++)
		ck_assert(go_parse_bool(off[i], &v) == 0 && !v);
	for (size_t i = 0; i < ARRAY_SIZE(neither); i++)
		ck_assert_int_eq(go_parse_bool(neither[i], &v), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gotext");
	TCase *c = tcase_create("gotext");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, numbers_are_read, 0, ARRAY_SIZE(numbers));
	tcase_add_loop_test(c, texts_are_quoted, 0, ARRAY_SIZE(quotes));
	tcase_add_test(c, quotes_never_overflow);
	tcase_add_test(c, bools_are_read);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
