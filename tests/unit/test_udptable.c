// SPDX-License-Identifier: Apache-2.0
/* test_udptable.c - the table of UDP clients, and what is held for them: who gives way at the
 * limits
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "lib/base/cleanup.h"
#include "lib/relay/udphold.h"
#include "lib/relay/udptable.h"

static char big[UDPHOLD_BYTES + 1];

START_TEST(the_table_lets_nobody_have_more_than_a_share)
{
	struct udp_key key = { .client = { 1 } };
	struct udp_table t;
	struct udp_entry *e, *first = NULL;

	ck_assert_int_eq(udptable_init(&t, 64, sizeof(struct udp_entry) + 4), 0);
	for (key.client_port = 0; key.client_port < 16; key.client_port++) {
		ck_assert_ptr_null(udptable_victim(&t, key.client));
		ck_assert_ptr_null(udptable_find(&t, &key));
		e = udptable_add(&t, &key, 1);
		ck_assert_ptr_eq(udptable_find(&t, &key), e);
		first = first ? first : e;
	}
	udptable_touch(&t, first, 2, UDP_ANSWERED);
	e = udptable_victim(&t, key.client); /* the one used least recently */
	ck_assert_uint_eq(e->key.client_port, 1);
	udptable_remove(&t, e);
	ck_assert_ptr_null(udptable_victim(&t, key.client));
	for (key.client[0] = 2; t.n < 64; key.client[0]++)
		ck_assert_ptr_nonnull(udptable_add(&t, &key, 3));
	e = udptable_victim(&t, key.client); /* whoever was never answered goes first */
	ck_assert_uint_eq(e->key.client_port, 2);
	while ((e = udptable_victim(&t, key.client)) && e != first)
		udptable_remove(&t, e);
	while ((e = udptable_oldest(&t, UDP_UNANSWERED)))
		udptable_remove(&t, e);
	ck_assert_uint_eq(t.n, 1);
	ck_assert_ptr_eq(udptable_find(&t, &first->key), first);
	udptable_done(&t);
}
END_TEST

START_TEST(the_store_never_grows)
{
	static struct udphold h[100];
	struct udphold_store s;
	struct iovec iov[UDPHOLD_CHUNKS];
	unsigned n = 0;

	udphold_store_init(&s);
	for (size_t i = 0; i < ARRAY_SIZE(h); i++) {
		udphold_init(&h[i]);
		ck_assert_int_ge(udphold_put(&s, &h[i], "first", 5), 0);
		ck_assert_int_ge(udphold_put(&s, &h[i], big, 65000), 0);
		n += udphold_iov(udphold_next(&h[i], NULL), iov);
	}
	ck_assert_uint_eq(h[0].n, 0); /* the oldest gave way */
	ck_assert_uint_eq(h[99].n, 2);
	ck_assert_int_eq(udphold_put(&s, &h[99], big, 1000), 2); /* more than a flow's share */
	ck_assert_uint_eq(h[99].n, 1);
	ck_assert_int_eq(udphold_put(&s, &h[99], big, UDPHOLD_BYTES + 1), -ENOBUFS);
	for (size_t i = 0; i < ARRAY_SIZE(h); i++)
		udphold_clear(&s, &h[i]);
	ck_assert_uint_eq(s.nfree, UDPHOLD_STORE / UDPHOLD_CHUNK);
	ck_assert(list_empty(&s.holders));
	ck_assert_uint_ge(n, ARRAY_SIZE(h));
	udphold_store_done(&s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("udptable");
	TCase *c = tcase_create("udptable");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(c, the_table_lets_nobody_have_more_than_a_share);
	tcase_add_test(c, the_store_never_grows);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
