// SPDX-License-Identifier: Apache-2.0
/* test_told.c - ICMP errors that a socket of the host tells, and who is named as their sender */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/slirp/told.h"
#include "tests/unit/slirpframes.h"

static const struct {
	const char *from;
	bool open, named;
} offenders[] = {
	{ "192.0.2.1", false, true },   { "10.0.2.2", false, false },  /* of the virtual network: a
									  lie, or the host's own */
	{ "10.0.2.77", false, false },  { "127.0.0.1", false, false }, /* every kernel drops it */
	{ "10.0.2.2", true, false }, /* means the host's loopback, which is not its name */
	{ "2001:db8::1", false, true }, { "fd00::2", true, false },    { "fd00::77", false, false },
	{ "::1", false, false },
};

START_TEST(only_who_can_be_met_is_named)
{
	const struct net_plan p = make_plan(offenders[_i].open);
	struct told t = { 0 };
	const void *by;
	char text[INET6_ADDRSTRLEN] = "";

	t.offender.sa.sa_family = strchr(offenders[_i].from, ':') ? AF_INET6 : AF_INET;
	if (t.offender.sa.sa_family == AF_INET)
		put_addr(AF_INET, offenders[_i].from, (uint8_t *)&t.offender.in.sin_addr);
	else
		put_addr(AF_INET6, offenders[_i].from, (uint8_t *)&t.offender.in6.sin6_addr);
	by = told_by(&t, &p, NULL);
	ck_assert_int_eq(by != NULL, offenders[_i].named);
	if (by)
		ck_assert_str_eq(inet_ntop(t.offender.sa.sa_family, by, text, sizeof(text)),
				 offenders[_i].from);
}
END_TEST

START_TEST(nobody_is_named_when_nobody_is_told)
{
	const struct net_plan p = make_plan(false);
	const struct told t = { 0 };

	ck_assert_ptr_null(told_by(&t, &p, NULL));
}
END_TEST

static const struct {
	int family;
	uint8_t origin, type;
	bool icmp;
} errors[] = {
	{ AF_INET, SO_EE_ORIGIN_ICMP, ICMP_TIME_EXCEEDED, true },
	{ AF_INET, SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, true },
	{ AF_INET, SO_EE_ORIGIN_ICMP, ICMP_REDIRECT, false },
	{ AF_INET, SO_EE_ORIGIN_LOCAL, ICMP_DEST_UNREACH, false },
	{ AF_INET6, SO_EE_ORIGIN_ICMP6, ICMP6_TIME_EXCEEDED, true },
	{ AF_INET6, SO_EE_ORIGIN_ICMP6, ICMP6_DST_UNREACH, true },
	{ AF_INET6, SO_EE_ORIGIN_ICMP6, ICMP6_ECHO_REQUEST, false },
	{ AF_INET6, SO_EE_ORIGIN_ICMP, ICMP6_TIME_EXCEEDED, false },
	{ AF_INET6, SO_EE_ORIGIN_LOCAL, ICMP6_DST_UNREACH, false },
};

START_TEST(what_routers_send_is_known_from_what_the_host_says)
{
	const struct told t = { .ee = { .ee_origin = errors[_i].origin,
					.ee_type = errors[_i].type } };

	ck_assert_int_eq(told_is_icmp(&t, errors[_i].family), errors[_i].icmp);
}
END_TEST

START_TEST(hops_and_errors_are_read_from_control_messages)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[TOLD_CONTROL];
	} control = { 0 };
	struct {
		struct sock_extended_err ee;
		struct sockaddr_in from;
	} error = { .ee = { .ee_origin = SO_EE_ORIGIN_ICMP, .ee_type = ICMP_TIME_EXCEEDED },
		    .from = { .sin_family = AF_INET, .sin_addr = { htonl(0xc0000201) } } };
	struct msghdr h = { .msg_control = &control,
			    .msg_controllen = CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(error)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	const int hops = 57;
	struct told t;

	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_TTL;
	c->cmsg_len = CMSG_LEN(sizeof(hops));
	memcpy(CMSG_DATA(c), &hops, sizeof(hops));
	c = CMSG_NXTHDR(&h, c);
	ck_assert_ptr_nonnull(c);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_RECVERR;
	c->cmsg_len = CMSG_LEN(sizeof(error));
	memcpy(CMSG_DATA(c), &error, sizeof(error));
	told_read(&h, &t);
	ck_assert_int_eq(t.hops, 57);
	ck_assert_uint_eq(t.ee.ee_type, ICMP_TIME_EXCEEDED);
	ck_assert_uint_eq(t.offender.in.sin_addr.s_addr, htonl(0xc0000201));
	h.msg_controllen = 0;
	told_read(&h, &t);
	ck_assert_int_eq(t.hops, -1);
	ck_assert_uint_eq(t.ee.ee_origin, SO_EE_ORIGIN_NONE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("told");
	TCase *t = tcase_create("told");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, only_who_can_be_met_is_named, 0, ARRAY_SIZE(offenders));
	tcase_add_test(t, nobody_is_named_when_nobody_is_told);
	tcase_add_loop_test(t, what_routers_send_is_known_from_what_the_host_says, 0,
			    ARRAY_SIZE(errors));
	tcase_add_test(t, hops_and_errors_are_read_from_control_messages);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
