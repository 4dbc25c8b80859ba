// SPDX-License-Identifier: Apache-2.0
/*
 * test_relay_acceptor.c - an accept that fails rests and comes again: nobody is turned away
 *
 * The listener and its clients are real; the failures are put in by the linker's --wrap, because a
 * table of files of the whole system that is full (ENFILE) cannot be made.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/relay/acceptor.h"

#define WAIT_MS 10000

static int fail_with, failures, calls; /* the next calls fail so */
static int accepted, pauses;
static bool full;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
int __real_accept4(int fd, struct sockaddr *a, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *a, socklen_t *len, int flags);

int __wrap_accept4(int fd, struct sockaddr *a, socklen_t *len, int flags)
{
	calls++;
	if (failures == 0)
		return __real_accept4(fd, a, len, flags);
	failures--;
	errno = fail_with;
	return -1;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static const char *no_room(struct acceptor *a)
{
	(void)a;
	return full ? "it is full" : NULL;
}

static void on_accept(struct acceptor *a, int fd)
{
	(void)a;
	accepted++;
	close(fd);
}

static void on_pause(struct acceptor *a, const char *why)
{
	(void)a;
	ck_assert_str_ne(why, "");
	pauses++;
}

static const struct {
	int error;
	bool rests;
} rows[] = {
	{ EMFILE, true },        { ENFILE, true },  { ENOBUFS, true }, { ENOMEM, true },
	{ ECONNABORTED, false }, { EPROTO, false }, { EPERM, true },   { EACCES, true },
};

static struct acceptor a;
static struct loop l;

/* a started acceptor, with clients in its queue */
static void start(int *clients, size_t n)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a = (struct acceptor){ .no_room = no_room, .on_accept = on_accept, .on_pause = on_pause };
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&in, &len), 0);
	ck_assert_int_eq(listen(listener, 16), 0);
	ck_assert_int_eq(loop_init(&l), 0);
	ck_assert_int_eq(acceptor_start(&a, &l, listener), 0);
	for (size_t i = 0; i < n; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ck_assert_int_eq(connect(clients[i], (struct sockaddr *)&in, sizeof(in)), 0);
	}
}

static void stop(const int *clients, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(clients[i]);
	acceptor_stop(&a);
	loop_done(&l);
}

START_TEST(a_failed_accept_turns_nobody_away)
{
	uint64_t begin = clock_ms();
	int clients[3];

	start(clients, ARRAY_SIZE(clients));
	fail_with = rows[_i].error;
	failures = 2;
	calls = accepted = pauses = 0;
	while (accepted < 3 && clock_ms() - begin < WAIT_MS)
		ck_assert_int_eq(loop_once(&l, 100), 0);
	ck_assert_int_eq(accepted, 3);
	ck_assert_int_eq(pauses, rows[_i].rests ? 2 : 0);
	ck_assert_int_le(calls, 3 + 2 + 1); /* it does not spin: the last one finds nobody */
	stop(clients, ARRAY_SIZE(clients));
}
END_TEST

/* a port that is removed while its listener rests: its owner hears of it later, perhaps */
START_TEST(one_that_is_shut_down_while_it_rests_is_heard_of_no_more)
{
	uint64_t begin = clock_ms();
	unsigned rounds = 0;
	int client;

	start(&client, 1);
	full = true;
	ck_assert_int_eq(loop_once(&l, WAIT_MS), 0);
	ck_assert_int_eq(pauses, 1);
	ck_assert_int_eq(shutdown(a.watch.fd, SHUT_RD), 0);
	full = _i;
	for (; clock_ms() - begin < 200; rounds++) /* twice as long as it rests */
		ck_assert_int_eq(loop_once(&l, 20), 0);
	ck_assert_int_eq(pauses, 1);
	ck_assert_int_eq(accepted, 0);
	ck_assert_uint_le(rounds, 20); /* it does not spin */
	stop(&client, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("relay_acceptor");
	TCase *c = tcase_create("acceptor");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_set_timeout(c, 20);
	tcase_add_loop_test(c, a_failed_accept_turns_nobody_away, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(c, one_that_is_shut_down_while_it_rests_is_heard_of_no_more, 0, 2);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
