// SPDX-License-Identifier: Apache-2.0
/* test_dhcpmsg.c - questions of a DHCP client as RFC 2131 has them, and which answers are taken */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/dhcpmsg.h"

#define XID 0x01020304
#define BOOTP 28 /* behind IP and UDP */
#define OPTIONS (BOOTP + 240)

static const uint8_t mac[6] = { 2, 0x50, 0, 0, 0, 1 };

static struct in_addr ip(const char *text)
{
	struct in_addr a;

	ck_assert_int_eq(inet_pton(AF_INET, text, &a), 1);
	return a;
}

static uint32_t sum_of(const uint8_t *p, size_t n, uint32_t s)
{
	for (size_t i = 0; i < n; i++)
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

START_TEST(a_question_is_well_formed)
{
	struct dhcp_ask ask = { .type = DHCP_DISCOVER, .xid = XID };
	uint8_t p[DHCPMSG_MAX];
	size_t n;

	memcpy(ask.mac, mac, sizeof(mac));
	n = dhcpmsg_build(&ask, p);
	ck_assert_uint_eq(p[0], 0x45);
	ck_assert_uint_eq((size_t)p[2] << 8 | p[3], n);
	ck_assert_uint_eq(sum_of(p, 20, 0), 0xffff);
	ck_assert_uint_eq(sum_of(p + 20, n - 20, sum_of(p + 12, 8, 17 + (uint32_t)n - 20)), 0xffff);
	ck_assert_mem_eq(p + 20, "\0\104\0\103", 4); /* from port 68 to port 67 */
	ck_assert_mem_eq(p + BOOTP, "\1\1\6\0", 4);
	ck_assert_mem_eq(p + BOOTP + 10, "\200\0", 2); /* answer to everybody */
	ck_assert_mem_eq(p + BOOTP + 28, mac, 6);
	ck_assert_mem_eq(p + OPTIONS - 4, "\143\202\123\143", 4);
	ck_assert_mem_eq(p + OPTIONS, "\65\1\1", 3);
	ck_assert_uint_eq(p[n - 1], 255);
}
END_TEST

START_TEST(a_request_names_the_offer_or_the_address_that_is_held)
{
	struct dhcp_ask ask = { .type = DHCP_REQUEST, .xid = XID, .address = ip("10.0.3.7") };
	uint8_t p[DHCPMSG_MAX];

	dhcpmsg_build(&ask, p);
	ck_assert_mem_eq(p + BOOTP + 12, "\12\0\3\7", 4); /* renewal: ciaddr, and no options */
	ck_assert_mem_eq(p + OPTIONS, "\65\1\3\67", 4);
	ask.server = ip("10.0.3.1");
	dhcpmsg_build(&ask, p);
	ck_assert_mem_eq(p + BOOTP + 12, "\0\0\0\0", 4);
	ck_assert_mem_eq(p + OPTIONS, "\65\1\3\62\4\12\0\3\7\66\4\12\0\3\1", 15);
}
END_TEST

/* an ACK of everything; the length */
static size_t make_answer(uint8_t p[static 600], const char *options, size_t noptions)
{
	struct dhcp_ask ask = { .type = DHCP_DISCOVER, .xid = XID };
	size_t n = OPTIONS + noptions;

	memset(p, 0, 600);
	memcpy(ask.mac, mac, sizeof(mac));
	dhcpmsg_build(&ask, p);
	memcpy(p + 20, "\0\103\0\104", 4);
	p[BOOTP] = 2;
	memcpy(p + BOOTP + 16, "\12\0\3\7", 4);
	memcpy(p + OPTIONS, options, noptions);
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
	p[24] = (uint8_t)((n - 20) >> 8);
	p[25] = (uint8_t)(n - 20);
	return n;
}

#define ALL \
	"\65\1\5\0\1\4\377\377\377\0\3\10\12\0\3\1\12\0\3\2\6\4\12\0\3\3\66\4\12\0\3\1\63\4\0\0" \
	"\16" \
	"\20\377junk"

START_TEST(an_answer_is_taken)
{
	uint8_t p[600];
	struct dhcp_answer a;
	size_t n = make_answer(p, ALL, sizeof(ALL) - 1);

	ck_assert_int_eq(dhcpmsg_parse(p, n, XID, mac, &a), 0);
	ck_assert_uint_eq(a.type, DHCP_ACK);
	ck_assert_uint_eq(a.address.s_addr, ip("10.0.3.7").s_addr);
	ck_assert_uint_eq(a.mask.s_addr, ip("255.255.255.0").s_addr);
	ck_assert_uint_eq(a.router.s_addr, ip("10.0.3.1").s_addr);
	ck_assert_uint_eq(a.dns.s_addr, ip("10.0.3.3").s_addr);
	ck_assert_uint_eq(a.server.s_addr, ip("10.0.3.1").s_addr);
	ck_assert_uint_eq(a.lease_s, 3600);
	ck_assert_int_eq(dhcpmsg_parse(p, n + 14, XID, mac, &a), 0); /* padding of Ethernet */
}
END_TEST

/* a byte that is changed, and to what; what comes of it is no answer to us */
static const struct {
	size_t at;
	uint8_t to;
} spoilt[] = {
	{ 0, 0x65 },
	{ 0, 0x4f },
	{ 0, 0x44 },
	{ 2, 0xff },
	{ 6, 0x20 },
	{ 7, 1 },
	{ 9, 6 },
	{ 21, 68 },
	{ 23, 67 },
	{ 24, 0xff },
	{ 25, 7 },
	{ BOOTP, 1 },
	{ BOOTP + 4, 0xaa },
	{ BOOTP + 30, 0xaa },
	{ OPTIONS - 1, 0 },
	{ OPTIONS + 5, 0xff },
};

START_TEST(what_is_no_answer_to_us_is_refused)
{
	uint8_t p[600];
	struct dhcp_answer a;
	size_t n = make_answer(p, ALL, sizeof(ALL) - 1);

	p[spoilt[_i].at] = spoilt[_i].to;
	ck_assert_int_eq(dhcpmsg_parse(p, n, XID, mac, &a), -EBADMSG);
}
END_TEST

START_TEST(a_part_is_refused)
{
	uint8_t p[600];
	struct dhcp_answer a;
	size_t n = make_answer(p, ALL, sizeof(ALL) - 1);

	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(dhcpmsg_parse(p, i, XID, mac, &a), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dhcpmsg");
	TCase *c = tcase_create("dhcpmsg");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(c, a_question_is_well_formed);
	tcase_add_test(c, a_request_names_the_offer_or_the_address_that_is_held);
	tcase_add_test(c, an_answer_is_taken);
	tcase_add_loop_test(c, what_is_no_answer_to_us_is_refused, 0, ARRAY_SIZE(spoilt));
	tcase_add_test(c, a_part_is_refused);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
