// SPDX-License-Identifier: Apache-2.0
/*
 * test_dnsports.c - the ports that questions leave from, built at -O3
 *
 * There gcc 12, allowed to think that pointers to different types never meet, took the next of a
 * list out of the loop that moves what was sent: one entry of a batch left the list, and the rest
 * was sent again.
 */
#include "lib/relay/dnsports.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#define QUESTIONS 20

static struct loop loop;
static struct dns_ports ports;
static struct net_addr server;
static int server_fd;

static void start(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct timeval limit = { .tv_sec = 10 };
	socklen_t len = sizeof(a);

	server_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(server_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	ck_assert_int_eq(bind(server_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(getsockname(server_fd, (struct sockaddr *)&a, &len), 0);
	server = (struct net_addr){ .family = AF_INET,
				    .port = ntohs(a.sin_port),
				    .addr = { 127, 0, 0, 1 } };
	ck_assert_int_eq(loop_init(&loop), 0);
	dnsports_init(&ports, &loop, 4);
	ck_assert_int_eq(dnsports_make_room(&ports), 0);
}

static void stop(void)
{
	dnsports_done(&ports);
	loop_done(&loop);
	close(server_fd);
}

START_TEST(a_batch_is_sent_once)
{
	struct dns_line line[QUESTIONS] = { 0 };
	uint8_t question[QUESTIONS], got;

	for (uint8_t i = 0; i < QUESTIONS; i++) {
		question[i] = i;
		ck_assert_int_eq(
			dnsports_ask(&ports, &line[i], &server, &(struct iovec){ &question[i], 1 }),
			0);
	}
	dnsports_flush(&ports);
	for (uint8_t i = 0; i < QUESTIONS; i++) {
		ck_assert_int_eq(recv(server_fd, &got, 1, 0), 1); /* a busy kernel may be late */
		ck_assert_uint_eq(got, i);
	}
	ck_assert_int_eq(recv(server_fd, &got, 1, MSG_DONTWAIT), -1);
	for (uint8_t i = 0; i < QUESTIONS; i++)
		dnsline_leave(&line[i]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dnsports");
	TCase *c = tcase_create("ports");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, start, stop);
	tcase_add_test(c, a_batch_is_sent_once);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
