// SPDX-License-Identifier: Apache-2.0
/* test_quota.c - how many flows libslirp may have of each kind, and which of them go first */
#include <check.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/slirp/prefilter.h"
#include "lib/slirp/quota.h"
#include "tests/unit/slirpframes.h"

static uint8_t buf[FRAME_MAX];
static struct prefilter pf;
static struct frame_info info;
static enum policy_verdict why;

static enum frame_verdict judge_at(size_t len, uint64_t now_ms)
{
	struct frame f = { .data = buf, .len = len };

	return prefilter_judge(&pf, &f, now_ms, &info, &why);
}

START_TEST(each_kind_of_flow_has_its_share)
{
	struct net_plan p = make_plan(true);
	struct quota q;
	int fd = 10, known;

	prefilter_init(&pf, &p, false);
	ck_assert_int_eq(quota_init(&q, 1000, 100), 0);
	ck_assert_uint_eq(q.max[QUOTA_UDP], 100); /* of the host's ports */
	quota_done(&q);
	ck_assert_int_eq(quota_init(&q, 1000, 0), 0);
	q.seed = 1; /* a random one lets the last flow collide, and pass, one time in 50 */
	for (uint16_t port = 1; quota_total(&q) < 2000; port++) {
		ck_assert_int_eq(judge_at(make_udp(buf, GUEST, port, "192.0.2.1", 9, "", 0), 0),
				 FRAME_PASS);
		if (!quota_admit(&q, &info, 0))
			break;
		quota_opened(&q, fd++);
	}
	ck_assert_uint_eq(q.now[QUOTA_UDP], q.max[QUOTA_UDP]);
	ck_assert_uint_eq(q.refused[QUOTA_UDP], 1);
	judge_at(make_udp(buf, GUEST, 1, "192.0.2.1", 9, "", 0), 0);
	ck_assert(quota_admit(&q, &info, 0)); /* known */
	judge_at(make_syn(buf, "192.0.2.1", 9), 0);
	ck_assert(quota_admit(&q, &info, 0)); /* another share */
	quota_opened(&q, fd);
	ck_assert_uint_eq(q.now[QUOTA_TCP], 1);
	known = fd;
	while (--fd >= 10)
		quota_closed(&q, fd);
	quota_closed(&q, known);
	quota_closed(&q, known);
	quota_closed(&q, -1);
	quota_closed(&q, 100000);
	ck_assert_uint_eq(quota_total(&q), 0);
	quota_done(&q);
}
END_TEST

/* 1000 descriptors are 322 flows; flow N was heard of at N ms, but for some that go on */
START_TEST(the_quarter_that_was_silent_the_longest_is_known)
{
	struct net_plan p = make_plan(true);
	struct quota q;
	uint32_t n = 0, age;

	prefilter_init(&pf, &p, false);
	ck_assert_int_eq(quota_init(&q, 1000, 0), 0);
	q.seed = 1;
	ck_assert_uint_eq(quota_udp_age(&q, 5000, 240000), 240000); /* nobody was ever heard of */
	for (uint16_t port = 1; port <= 300; port++) {
		judge_at(make_udp(buf, GUEST, port, "192.0.2.1", 9, "", 0), 0);
		ck_assert(quota_admit(&q, &info, UINT32_MAX - 100 + port)); /* over the wrap */
		quota_opened(&q, 10 + port);
	}
	ck_assert(!q.crowded);
	for (uint16_t port = 1; port <= 40; port++) {
		judge_at(make_udp(buf, GUEST, port, "192.0.2.1", 9, "", 0), 0);
		ck_assert(quota_admit(&q, &info, UINT64_C(2000) + UINT32_MAX));
	}
	age = quota_udp_age(&q, UINT64_C(2000) + UINT32_MAX, 240000);
	for (uint16_t port = 41; port <= 300; port++)
		n += 2100u - port >= age;
	ck_assert_uint_ge(n, 75);
	ck_assert_uint_le(n, 75 + 5); /* some of them share a bucket */
	for (uint16_t port = 1000; !q.crowded; port++) {
		judge_at(make_udp(buf, GUEST, port, "192.0.2.1", 9, "", 0), 0);
		if (quota_admit(&q, &info, 0))
			quota_opened(&q, port);
	}
	ck_assert_uint_le(quota_udp_age(&q, UINT64_C(2000) + UINT32_MAX, 700), 700);
	ck_assert(!q.crowded);
	quota_done(&q);
	prefilter_done(&pf);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("quota");
	TCase *c = tcase_create("quota");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_add_test(c, each_kind_of_flow_has_its_share);
	tcase_add_test(c, the_quarter_that_was_silent_the_longest_is_known);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
