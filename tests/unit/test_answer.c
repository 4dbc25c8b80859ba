// SPDX-License-Identifier: Apache-2.0
/* test_answer.c - a reset of libslirp's, for a connection that could not be made, becomes its
 * reason */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/slirp/answer.h"
#include "lib/slirp/quota.h"
#include "tests/unit/slirpframes.h"

#define FAR "192.0.2.1"
#define FAR6 "2001:db8::1"

static uint8_t buf[FRAME_MAX], answer[ANSWER_MAX];

static const struct {
	int error;
	uint8_t code4, code6;
} reasons[] = {
	{ EHOSTUNREACH, 1, 3 },
	{ EHOSTDOWN, 1, 3 },
	{ ENETUNREACH, 0, 0 },
	{ EACCES, 13, 1 },
};

/* what libslirp sends for a SYN of number 999 from port 40000 to port 7 */
static size_t make_reset(const char *far, uint32_t seq, uint8_t flags)
{
	const struct segment s = {
		.sport = 7, .dport = 40000, .seq = seq, .ack = 1000, .flags = flags
	};

	return make_tcp(buf, far, strchr(far, ':') ? GUEST6 : GUEST, &s);
}

START_TEST(the_reason_is_told_about_the_syn)
{
	const struct net_plan p = make_plan(false);
	const bool v6 = _i & 1;
	const char *far = v6 ? FAR6 : FAR, *guest = v6 ? GUEST6 : GUEST;
	const size_t ip_len = v6 ? IP6_LEN : IP4_LEN, at = v6 ? 8 : 12, n = v6 ? 16 : 4;
	const size_t reset = make_reset(far, 0, TCP_RST | TCP_ACK);
	const uint8_t *icmp = answer + ETH_LEN + ip_len, *quoted = icmp + ICMP_LEN;
	const uint8_t *tcp = quoted + ip_len;
	uint8_t addr[16];

	ck_assert_uint_eq(answer_failed(&p, buf, reset, reasons[_i / 2].error, answer),
			  ETH_LEN + 2 * ip_len + ICMP_LEN + TCP_LEN);
	ck_assert_mem_eq(answer, buf, ETH_LEN); /* to whom the reset was for */
	ck_assert_mem_eq(answer + ETH_LEN + at,
			 v6 ? (const void *)&p.gateway6 : (const void *)&p.gateway, n);
	put_addr(v6 ? AF_INET6 : AF_INET, guest, addr);
	ck_assert_mem_eq(answer + ETH_LEN + at + n, addr, n);
	ck_assert_uint_eq(icmp[0], v6 ? 1 : 3);
	ck_assert_uint_eq(icmp[1], v6 ? reasons[_i / 2].code6 : reasons[_i / 2].code4);
	ck_assert_mem_eq(quoted + at, addr, n);
	put_addr(v6 ? AF_INET6 : AF_INET, far, addr);
	ck_assert_mem_eq(quoted + at + n, addr, n);
	ck_assert_uint_eq(get_be16(tcp), 40000);
	ck_assert_uint_eq(get_be16(tcp + 2), 7);
	ck_assert_uint_eq(get_be32(tcp + 4), 999);
	ck_assert_uint_eq(tcp[13], TCP_SYN);
	if (!v6)
		ck_assert_uint_eq(checksum_fold(checksum_add(0, quoted, IP4_LEN)), 0);
}
END_TEST

START_TEST(all_else_stays_as_it_is)
{
	const struct net_plan p = make_plan(false);
	const size_t n = make_reset(FAR, 0, TCP_RST | TCP_ACK);

	ck_assert_uint_eq(answer_failed(&p, buf, n, ECONNREFUSED, answer), 0);
	ck_assert_uint_eq(answer_failed(&p, buf, n, ETIMEDOUT, answer), 0);
	for (size_t less = 0; less < n; less++)
		ck_assert_uint_eq(answer_failed(&p, buf, less, EHOSTUNREACH, answer), 0);
	/* of a connection that stood */
	make_reset(FAR, 5, TCP_RST | TCP_ACK);
	ck_assert_uint_eq(answer_failed(&p, buf, n, EHOSTUNREACH, answer), 0);
	make_reset(FAR, 0, TCP_FIN | TCP_ACK);
	ck_assert_uint_eq(answer_failed(&p, buf, n, EHOSTUNREACH, answer), 0);
	ck_assert_uint_eq(answer_failed(&p, buf, make_udp(buf, FAR, 7, GUEST, 40000, buf, 40),
					EHOSTUNREACH, answer),
			  0);
}
END_TEST

START_TEST(the_first_error_of_a_socket_is_kept_until_it_is_closed)
{
	const struct frame_info in = { .family = AF_INET, .proto = IPPROTO_TCP, .opens = true };
	struct quota q;

	ck_assert_int_eq(quota_init(&q, 1000, 0), 0);
	quota_set_error(&q, 10, EHOSTUNREACH); /* not one of libslirp's */
	ck_assert_int_eq(quota_error_of(&q, 10), 0);
	ck_assert(quota_admit(&q, &in, 0));
	quota_opened(&q, 10);
	ck_assert_int_eq(quota_error_of(&q, 10), 0);
	quota_set_error(&q, 10, EHOSTUNREACH);
	quota_set_error(&q, 10, ECONNRESET);
	ck_assert_int_eq(quota_error_of(&q, 10), EHOSTUNREACH);
	quota_closed(&q, 10);
	quota_opened(&q, 10);
	ck_assert_int_eq(quota_error_of(&q, 10), 0);
	ck_assert_int_eq(quota_error_of(&q, -1), 0);
	quota_done(&q);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("answer");
	TCase *t = tcase_create("answer");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, the_reason_is_told_about_the_syn, 0, 2 * ARRAY_SIZE(reasons));
	tcase_add_test(t, all_else_stays_as_it_is);
	tcase_add_test(t, the_first_error_of_a_socket_is_kept_until_it_is_closed);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
