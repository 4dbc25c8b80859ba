// SPDX-License-Identifier: Apache-2.0
/* test_flows.c - the parent asks its workers for flows: pieces, limits, workers that lie or hang */
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/parent/flows.h"

static struct event_base *base;
static struct flow_calls *calls;
static struct worker_flows_req asked; /* the last question */
static int nasked, npings, no_slirp;
static struct {
	int calls;
	size_t n;
	uint64_t next;
	bool complete;
	uint8_t protocol;
} heard;

static int on_ask(void *owner, enum role role, const struct worker_flows_req *req)
{
	ck_assert_ptr_eq(owner, &asked);
	if (role == ROLE_SLIRP)
		return no_slirp;
	npings += !req;
	nasked += req != NULL;
	if (req)
		asked = *req;
	return 0;
}

static void on_done(void *arg, const struct flows_found *found)
{
	ck_assert_ptr_eq(arg, &heard);
	heard.calls++;
	heard.n = found->n;
	heard.next = found->next;
	heard.complete = found->complete;
	heard.protocol = found->n ? found->flow[0].protocol : 0;
}

static void setup(void)
{
	no_slirp = -ENOENT;
	nasked = npings = 0;
	memset(&heard, 0, sizeof(heard));
	base = event_base_new();
	calls = flow_calls_new(base, on_ask, &asked);
	ck_assert_ptr_nonnull(calls);
}

static void teardown(void)
{
	flow_calls_free(calls);
	event_base_free(base);
}

/* the answer to the last question: @count flows of TCP, more below @below */
static struct worker_flows answer(uint32_t count, uint32_t below)
{
	struct worker_flows a = { .req = asked, .below = below, .count = count };

	for (uint32_t i = 0; i < WORKER_FLOWS_MAX; i++)
		a.flow[i].protocol = IPPROTO_TCP;
	return a;
}

static void tell(uint32_t count, uint32_t below)
{
	struct worker_flows a = answer(count, below);

	flows_told(calls, ROLE_RELAY, &a);
}

START_TEST(one_section_after_the_other)
{
	flows_ask(calls, FLOWS_START, on_done, &heard);
	ck_assert_int_eq(npings, 1);
	ck_assert_uint_eq(asked.section, FLOWS_TCP);
	ck_assert_uint_eq(asked.below, UINT32_MAX);
	tell(2, 700);
	ck_assert_uint_eq(asked.section, FLOWS_TCP);
	ck_assert_uint_eq(asked.below, 700);
	tell(1, 0);
	ck_assert_uint_eq(asked.section, FLOWS_PENDING);
	tell(0, 0);
	ck_assert_uint_eq(asked.section, FLOWS_UDP_PUBLISHED);
	tell(0, 0);
	ck_assert_uint_eq(asked.section, FLOWS_UDP_OUT);
	ck_assert_int_eq(heard.calls, 0);
	tell(3, 0); /* slirp is not there */
	ck_assert_int_eq(heard.calls, 1);
	ck_assert_uint_eq(heard.n, 6);
	ck_assert_uint_eq(heard.next, 0);
	ck_assert(heard.complete);
}
END_TEST

START_TEST(what_is_too_much_for_one_call_goes_on_in_the_next)
{
	uint32_t below = 100000;

	flows_ask(calls, FLOWS_START, on_done, &heard);
	for (int i = 0; !heard.calls && i < FLOWS_ROUNDS_MAX; i++)
		tell(WORKER_FLOWS_MAX, --below);
	ck_assert_uint_eq(heard.n, FLOWS_ANSWER_MAX);
	ck_assert_uint_eq(heard.next, below);
	heard.calls = 0;
	flows_ask(calls, heard.next, on_done, &heard);
	ck_assert_uint_eq(asked.below, below);
	for (int i = 0; !heard.calls && i < 2 * FLOWS_ROUNDS_MAX; i++)
		tell(0, --below); /* many places, nobody there */
	ck_assert_int_eq(heard.calls, 1);
	ck_assert_int_le(nasked, FLOWS_ANSWER_MAX / WORKER_FLOWS_MAX + FLOWS_ROUNDS_MAX + 1);
	ck_assert_uint_eq(heard.next, below);
}
END_TEST

START_TEST(no_word_of_a_worker_is_believed)
{
	struct worker_flows a;

	flows_ask(calls, FLOWS_START, on_done, &heard);
	a = answer(WORKER_FLOWS_MAX + 1, 0);
	flows_told(calls, ROLE_RELAY, &a); /* more than there is room for */
	a = answer(1, 0);
	flows_told(calls, ROLE_SLIRP, &a); /* not its section */
	a.req.seq--;
	flows_told(calls, ROLE_RELAY, &a); /* of another call */
	ck_assert_uint_eq(asked.section, FLOWS_TCP);
	a = answer(4, UINT32_MAX); /* which would never end */
	a.flow[0].protocol = 99;
	a.flow[1].kind = FLOW_NKINDS;
	a.flow[2].shape = FLOW_NSHAPES;
	flows_told(calls, ROLE_RELAY, &a);
	ck_assert_uint_eq(asked.section, FLOWS_PENDING);
	tell(0, 0);
	tell(0, 0);
	tell(0, 0);
	ck_assert_uint_eq(heard.n, 1);
	ck_assert_uint_eq(heard.protocol, IPPROTO_TCP);
}
END_TEST

START_TEST(a_worker_that_hangs_is_not_waited_for)
{
	flows_ask(calls, FLOWS_START, on_done, &heard);
	tell(2, 0);
	event_base_loop(base, EVLOOP_ONCE); /* until the limit */
	ck_assert_int_eq(heard.calls, 1);
	ck_assert_uint_eq(heard.n, 2);
	ck_assert_uint_eq(heard.next, 0);
	ck_assert(!heard.complete);
	tell(2, 0); /* it comes to */
	ck_assert_int_eq(heard.calls, 1);
}
END_TEST

START_TEST(one_that_is_down_is_missed)
{
	no_slirp = -EAGAIN;
	flows_ask(calls, (uint64_t)FLOWS_UDP_OUT << 32 | 5, on_done, &heard);
	ck_assert_uint_eq(asked.section, FLOWS_UDP_OUT);
	ck_assert_uint_eq(asked.below, 5);
	tell(1, 0);
	ck_assert_uint_eq(heard.n, 1);
	ck_assert(!heard.complete);
}
END_TEST

START_TEST(calls_are_limited)
{
	for (int i = 0; i < FLOWS_CALLS_MAX; i++)
		flows_ask(calls, FLOWS_START, on_done, &heard);
	ck_assert_int_eq(heard.calls, 0);
	flows_ask(calls, FLOWS_START, on_done, &heard);
	ck_assert_int_eq(heard.calls, 1);
	ck_assert(!heard.complete);
	flows_ask(calls, FLOWS_PLACE_MAX, on_done, &heard);
	ck_assert_int_eq(heard.calls, 2);
	calls = flow_calls_free(calls);
	ck_assert_int_eq(heard.calls, FLOWS_CALLS_MAX + 2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("flows");
	TCase *tc = tcase_create("flows");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_section_after_the_other);
	tcase_add_test(tc, what_is_too_much_for_one_call_goes_on_in_the_next);
	tcase_add_test(tc, no_word_of_a_worker_is_believed);
	tcase_add_test(tc, a_worker_that_hangs_is_not_waited_for);
	tcase_add_test(tc, one_that_is_down_is_missed);
	tcase_add_test(tc, calls_are_limited);
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
