// SPDX-License-Identifier: Apache-2.0
/* test_counters.c - the table of counters, and what users see of it */
#include <check.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/ipc/counters.h"
#include "lib/parent/api.h"
#include "lib/parent/api_json.h"
#include "lib/parent/metrics.h"

START_TEST(each_row_is_whole_and_named_once)
{
	const struct counter_row *row = &worker_counter_rows[_i];

	ck_assert(row->role == ROLE_RELAY || row->role == ROLE_SLIRP);
	ck_assert_uint_eq(strspn(row->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
			  strlen(row->name));
	ck_assert_uint_gt(strlen(row->help), 0);
	for (int i = 0; i < _i; i++)
		ck_assert(worker_counter_rows[i].role != row->role ||
			  strcmp(worker_counter_rows[i].name, row->name) != 0);
}
END_TEST

/* a worker may tell any number: @n for each value, 7 for each limit */
static void tell(uint64_t n, char **ret_json, char **ret_metrics)
{
	struct worker_counters counters;
	const struct api_worker workers[] = {
		{ "relay", "up", 0, ROLE_RELAY, &counters },
		{ "slirp", "up", 0, ROLE_SLIRP, NULL },
	};
	const struct api_info info = { .version = "1",
				       .state_dir = "/s",
				       .workers = workers,
				       .nworkers = ARRAY_SIZE(workers) };

	for (size_t i = 0; i < WORKER_NCOUNTERS; i++)
		counters_budget(&counters, (enum worker_counter)i, n, 7);
	*ret_json = api_json_info(&info);
	*ret_metrics = metrics_text(&info, NULL);
}

START_TEST(each_is_shown_by_its_kind)
{
	const struct counter_row *row = &worker_counter_rows[_i];
	autofree char *text = NULL, *metrics = NULL;
	const json_t *relay, *budget, *total;
	char line[256];
	json_t *j;

	tell(UINT64_MAX, &text, &metrics);
	j = json_loads(text, 0, NULL);
	relay = json_object_get(json_object_get(j, "workers"), "relay");
	budget = json_object_get(json_object_get(relay, "budgets"), row->name);
	total = json_object_get(json_object_get(relay, "totals"), row->name);
	ck_assert_int_eq(budget != NULL, row->role == ROLE_RELAY && row->kind == COUNTER_BUDGET);
	ck_assert_int_eq(total != NULL, row->role == ROLE_RELAY && row->kind == COUNTER_TOTAL);
	if (budget)
		ck_assert_int_eq(json_integer_value(json_object_get(budget, "max")), 7);
	if (total)
		ck_assert_int_eq(json_integer_value(total), INT64_MAX);
	snprintf(line, sizeof(line),
		 "\nrootless_supervisor_%s{worker=\"relay\",of=\"%s\"} %" PRIu64 "\n",
		 row->kind == COUNTER_BUDGET ? "budget_used" : "network_total", row->name,
		 UINT64_MAX);
	ck_assert_int_eq(strstr(metrics, line) != NULL, row->role == ROLE_RELAY);
	json_decref(j);
}
END_TEST

START_TEST(one_that_has_told_nothing_shows_nothing)
{
	autofree char *text = NULL, *metrics = NULL;

	tell(1, &text, &metrics);
	ck_assert_ptr_nonnull(strstr(text, "\"slirp\":{\"state\":\"up\",\"restarts\":0}"));
	ck_assert_ptr_null(strstr(metrics, "{worker=\"slirp\",of="));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("counters");
	TCase *tc = tcase_create("counters");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, each_row_is_whole_and_named_once, 0, WORKER_NCOUNTERS);
	tcase_add_loop_test(tc, each_is_shown_by_its_kind, 0, WORKER_NCOUNTERS);
	tcase_add_test(tc, one_that_has_told_nothing_shows_nothing);
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
