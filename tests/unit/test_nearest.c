// SPDX-License-Identifier: Apache-2.0
/* test_nearest.c - the word that was probably meant */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/nearest.h"

static const struct {
	const char *typed, *word;
	size_t distance;
} rows[] = {
	{ "net", "net", 0 },
	{ "nte", "net", 1 },
	{ "ne", "net", 1 },
	{ "neet", "net", 1 },
	{ "pub", "publish", 1 },
	{ "pu", "publish", SIZE_MAX },
	{ "ent", "net", 1 },
	{ "xyz", "net", SIZE_MAX },
	{ "pulbihs", "publish", 2 },
	{ "pulbihx", "publish", SIZE_MAX },
	{ "", "net", SIZE_MAX },
	{ "debug", "", SIZE_MAX },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "a", SIZE_MAX },
};

START_TEST(distances)
{
	ck_assert_uint_eq(nearest_distance(rows[_i].typed, strlen(rows[_i].typed), rows[_i].word),
			  rows[_i].distance);
}
END_TEST

START_TEST(the_first_of_the_best)
{
	static const char *const words[] = { "cidr", "mtu", "net", "net6", "set" };
	struct nearest n = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		nearest_try(&n, "nett", 4, words[i]);
	ck_assert_str_eq(n.word, "net");
	n = (struct nearest){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		nearest_try(&n, "sandbox", 7, words[i]);
	ck_assert_ptr_null(n.word);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("nearest");
	TCase *t = tcase_create("nearest");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, distances, 0, ARRAY_SIZE(rows));
	tcase_add_test(t, the_first_of_the_best);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
