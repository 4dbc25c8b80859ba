// SPDX-License-Identifier: Apache-2.0
/* test_udpio.c - when datagrams may gather before they are received */
#include <check.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/loop.h"
#include "lib/relay/udpio.h"

#define MANY 64

static struct loop loop;
static struct udpio *io;
static int fd[2];

static void setup(void)
{
	loop = (struct loop){ .now_ms = 1000 };
	io = calloc(1, sizeof(*io));
	ck_assert_ptr_nonnull(io);
	io->loop = &loop;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fd), 0);
}

static void teardown(void)
{
	close(fd[0]);
	close(fd[1]);
	free(io);
}

/* @n datagrams of @len bytes in millisecond @ms, one by one; the rest that is asked for at last */
static unsigned arrive(struct udpio_from *from, uint64_t ms, unsigned n, size_t len)
{
	static const uint8_t data[4096];

	loop.now_ms = ms;
	for (unsigned i = 0; i < n; i++) {
		loop.patient = loop.rest_us = 0;
		ck_assert_int_eq(send(fd[0], data, len, 0), (ssize_t)len);
		from->want = 2; /* that is: there is no second one */
		ck_assert_int_eq(udpio_recv(io, fd[1], from), 1);
	}
	return loop.rest_us;
}

START_TEST(a_flood_may_gather)
{
	struct udpio_from from = { 0 };

	ck_assert_uint_eq(arrive(&from, 1000, MANY, 100), 0); /* none so far */
	ck_assert_uint_eq(loop.patient, 0);
	ck_assert_uint_gt(arrive(&from, 1001, MANY, 1400), 0);
	ck_assert_uint_gt(arrive(&from, 1002, 1, 1400), 0);
	ck_assert_uint_eq(arrive(&from, 1003, 1, 1400), 0); /* it was one in the last millisecond */
	ck_assert_uint_eq(arrive(&from, 1004, MANY, 1400), 0);
	ck_assert_uint_eq(arrive(&from, 1006, 1, 1400), 0); /* and none since */
}
END_TEST

START_TEST(questions_do_not_wait)
{
	struct udpio_from from = { 0 };

	arrive(&from, 1000, MANY, 100);
	udpio_went_back(&from, MANY - 4); /* some are under way */
	ck_assert_uint_eq(arrive(&from, 1001, MANY, 100), 0);
	ck_assert_uint_eq(loop.patient, 0); /* nor for others */
	udpio_went_back(&from, MANY / 2);   /* what is so rare says how much has come */
	ck_assert_uint_gt(arrive(&from, 1002, MANY, 100), 0);
	ck_assert_uint_eq(loop.patient, 1);
	udpio_went_back(&from, 2 * MANY); /* now it is that itself */
	ck_assert_uint_eq(arrive(&from, 1003, MANY, 100), 0);
	ck_assert_uint_eq(loop.patient, 1);
}
END_TEST

START_TEST(what_fills_the_buffer_or_waits_already_is_received_at_once)
{
	struct udpio_from from = { 0 };

	arrive(&from, 1000, MANY, 100);
	ck_assert_uint_eq(arrive(&from, 1001, MANY, 4096), 0);
	ck_assert_int_eq(send(fd[0], "a", 1, 0), 1);
	ck_assert_int_eq(send(fd[0], "b", 1, 0), 1);
	loop = (struct loop){ .now_ms = 1002 };
	from.want = 1;
	ck_assert_int_eq(udpio_recv(io, fd[1], &from), 1);
	ck_assert_uint_eq(loop.rest_us, 0); /* nobody knows whether there are more */
	ck_assert_int_eq(udpio_recv(io, fd[1], &from), 1);
	ck_assert_uint_gt(loop.rest_us, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("udpio");
	TCase *c = tcase_create("udpio");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_flood_may_gather);
	tcase_add_test(c, questions_do_not_wait);
	tcase_add_test(c, what_fills_the_buffer_or_waits_already_is_received_at_once);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
