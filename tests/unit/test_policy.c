// SPDX-License-Identifier: Apache-2.0
/* test_policy.c - every range of the address policy, at both of its ends and one step outside */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/policy/hosts.h"
#include "lib/policy/policy.h"

enum mode { CLOSED, OPEN, NMODES }; /* is the host's loopback open? */

#define SAME "=" /* the final address is the one that was asked for */
#define A POLICY_ALLOWED
#define NET POLICY_REFUSED_NET
#define HOST POLICY_REFUSED_HOST
#define PROHIBITED POLICY_REFUSED_PROHIBITED
#define SILENT POLICY_SILENT

/* judged as TCP to port 80, the same in both modes unless the row says otherwise */
static const struct row {
	const char *dst;
	enum policy_verdict closed, open;
	const char *final; /* where one is allowed */
} rows[] = {
	/* 0.0.0.0/8 and what follows it */
	{ "0.0.0.0", NET, NET, NULL },
	{ "0.0.0.1", NET, NET, NULL },
	{ "0.127.0.1", NET, NET, NULL },
	{ "0.255.255.255", NET, NET, NULL },
	{ "1.0.0.0", A, A, SAME },
	/* loopback */
	{ "126.255.255.255", A, A, SAME },
	{ "127.0.0.0", NET, NET, NULL },
	{ "127.0.0.1", NET, NET, NULL },
	{ "127.0.0.53", NET, NET, NULL },
	{ "127.1.2.3", NET, NET, NULL },
	{ "127.255.255.255", NET, NET, NULL },
	{ "128.0.0.0", A, A, SAME },
	/* the virtual network: gateway, name server, the rest */
	{ "10.0.1.255", A, A, SAME },
	{ "10.0.2.0", HOST, HOST, NULL },
	{ "10.0.2.1", HOST, HOST, NULL },
	{ "10.0.2.2", NET, A, "127.0.0.1" },
	{ "10.0.2.3", NET, NET, NULL },
	{ "10.0.2.4", HOST, HOST, NULL },
	{ "10.0.2.100", HOST, HOST, NULL },
	{ "10.0.2.254", HOST, HOST, NULL },
	{ "10.0.2.255", SILENT, SILENT, NULL },
	{ "10.0.3.0", A, A, SAME },
	/* private, link-local with the clouds' metadata, public: the host's business */
	{ "10.0.0.2", A, A, SAME },
	{ "172.17.0.1", A, A, SAME },
	{ "192.168.1.1", A, A, SAME },
	{ "169.254.169.254", A, A, SAME },
	{ "8.8.8.8", A, A, SAME },
	/* multicast, reserved, broadcast */
	{ "223.255.255.255", A, A, SAME },
	{ "224.0.0.0", SILENT, SILENT, NULL },
	{ "224.0.0.251", SILENT, SILENT, NULL },
	{ "239.255.255.255", SILENT, SILENT, NULL },
	{ "240.0.0.0", PROHIBITED, PROHIBITED, NULL },
	{ "255.255.255.254", PROHIBITED, PROHIBITED, NULL },
	{ "255.255.255.255", SILENT, SILENT, NULL },
	/* ::/96, unspecified, loopback and v4-compatible */
	{ "::", NET, NET, NULL },
	{ "::1", NET, NET, NULL },
	{ "::2", NET, NET, NULL },
	{ "::127.0.0.1", NET, NET, NULL },
	{ "::127.255.255.255", NET, NET, NULL },
	{ "::10.0.2.2", PROHIBITED, PROHIBITED, NULL },
	{ "::8.8.8.8", PROHIBITED, PROHIBITED, NULL },
	{ "::255.255.255.255", PROHIBITED, PROHIBITED, NULL },
	{ "::1:0:0", A, A, SAME },
	/* ::ffff:0:0/96, v4-mapped */
	{ "::fffe:7f00:1", A, A, SAME },
	{ "::ffff:0.0.0.0", NET, NET, NULL },
	{ "::ffff:127.0.0.1", NET, NET, NULL },
	{ "::ffff:127.255.255.255", NET, NET, NULL },
	{ "::ffff:10.0.2.2", PROHIBITED, PROHIBITED, NULL },
	{ "::ffff:192.168.1.1", PROHIBITED, PROHIBITED, NULL },
	{ "::ffff:255.255.255.255", PROHIBITED, PROHIBITED, NULL },
	/* ::ffff:0:0:0/96, translated */
	{ "::ffff:0:7f00:1", PROHIBITED, PROHIBITED, NULL },
	{ "::ffff:0:ffff:ffff", PROHIBITED, PROHIBITED, NULL },
	{ "::1:0:7f00:1", A, A, SAME },
	/* the virtual prefix: one address maps, not the whole of it */
	{ "fcff:ffff::1", A, A, SAME },
	{ "fd00::", HOST, HOST, NULL },
	{ "fd00::1", HOST, HOST, NULL },
	{ "fd00::2", NET, A, "::1" },
	{ "fd00::3", NET, NET, NULL },
	{ "fd00::100", HOST, HOST, NULL },
	{ "fd00::1:0:0:2", HOST, HOST, NULL },
	{ "fd00::ffff:ffff:ffff:ffff", HOST, HOST, NULL },
	{ "fd00:0:0:1::", A, A, SAME },
	{ "fd00:0:0:1::2", A, A, SAME },
	{ "2001:db8::1", A, A, SAME },
	{ "64:ff9b::808:808", A, A, SAME },
	/* link-local, site-local, multicast */
	{ "fe7f:ffff::1", A, A, SAME },
	{ "fe80::", PROHIBITED, PROHIBITED, NULL },
	{ "fe80::2", PROHIBITED, PROHIBITED, NULL },
	{ "febf:ffff::1", PROHIBITED, PROHIBITED, NULL },
	{ "fec0:0:0:ffff::1", PROHIBITED, PROHIBITED, NULL },
	{ "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", PROHIBITED, PROHIBITED, NULL },
	{ "ff00::", SILENT, SILENT, NULL },
	{ "ff02::1", SILENT, SILENT, NULL },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", SILENT, SILENT, NULL },
};

static struct net_plan make_plan(enum mode mode)
{
	struct net_plan p = { .mtu = 65520, .prefix = 24, .ipv6 = 1, .prefix6 = 64 };

	p.host_loopback = mode == OPEN;
	inet_pton(AF_INET, "10.0.2.100", &p.address);
	inet_pton(AF_INET, "10.0.2.2", &p.gateway);
	inet_pton(AF_INET, "10.0.2.3", &p.dns);
	inet_pton(AF_INET, "10.0.2.0", &p.network);
	inet_pton(AF_INET6, "fd00::100", &p.address6);
	inet_pton(AF_INET6, "fd00::2", &p.gateway6);
	inet_pton(AF_INET6, "fd00::3", &p.dns6);
	inet_pton(AF_INET6, "fd00::", &p.network6);
	return p;
}

static enum policy_verdict judge(const struct net_plan *p, const char *text, uint8_t proto,
				 uint16_t port, struct net_addr *ret)
{
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	uint8_t raw[1 + 16]; /* one byte off: callers hand in pointers into frames */

	ck_assert_int_eq(inet_pton(family, text, raw + 1), 1);
	return policy_judge(p, NULL, family, raw + 1, proto, port, ret);
}

static void check_final(const struct net_addr *got, const char *text, uint16_t port)
{
	uint8_t want[16] = { 0 };
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	ck_assert_int_eq(inet_pton(family, text, want), 1);
	ck_assert_int_eq(got->family, family);
	ck_assert_uint_eq(got->port, port);
	ck_assert_uint_eq(got->scope, 0);
	ck_assert_mem_eq(got->addr, want, sizeof(want));
}

START_TEST(each_address_gets_its_verdict)
{
	const struct row *row = &rows[_i];
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP };
	static const struct net_addr none;

	for (int mode = CLOSED; mode < NMODES; mode++) {
		struct net_plan p = make_plan((enum mode)mode);
		enum policy_verdict want = mode == OPEN ? row->open : row->closed;

		for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
			struct net_addr final;
			enum policy_verdict v = judge(&p, row->dst, protos[i], 80, &final);

			ck_assert_msg(v == want, "%s: %s, want %s", row->dst,
				      policy_verdict_name(v), policy_verdict_name(want));
			if (v == POLICY_ALLOWED)
				check_final(&final,
					    strcmp(row->final, SAME) ? row->final : row->dst, 80);
			else
				ck_assert_mem_eq(&final, &none, sizeof(none));
		}
	}
}
END_TEST

START_TEST(the_name_server_answers_port_53_only)
{
	static const char *const servers[] = { "10.0.2.3", "fd00::3" };

	for (int i = 0; i < 2 * NMODES; i++) {
		struct net_plan p = make_plan((enum mode)(i / 2));
		struct net_addr f;
		const char *s = servers[i % 2];

		ck_assert_int_eq(judge(&p, s, IPPROTO_UDP, 53, &f), POLICY_DNS);
		ck_assert_int_eq(judge(&p, s, IPPROTO_TCP, 53, &f), POLICY_DNS);
		ck_assert_int_eq(judge(&p, s, IPPROTO_ICMP, 53, &f), POLICY_REFUSED_NET);
		ck_assert_int_eq(judge(&p, s, IPPROTO_TCP, 52, &f), POLICY_REFUSED_NET);
		ck_assert_int_eq(judge(&p, s, IPPROTO_TCP, 54, &f), POLICY_REFUSED_NET);
		ck_assert_int_eq(judge(&p, s, IPPROTO_UDP, 853, &f), POLICY_REFUSED_NET);
		ck_assert_int_eq(judge(&p, s, IPPROTO_UDP, 0, &f), POLICY_REFUSED_NET);
	}
}
END_TEST

/* no address at all may end on the host's loopback but the gateway's, and that one only when open
 */
START_TEST(nothing_else_reaches_loopback)
{
	for (int mode = CLOSED; mode < NMODES; mode++) {
		struct net_plan p = make_plan((enum mode)mode);

		for (uint32_t i = 0; i < 1u << 20; i++) {
			/* all /16s with both ends and the middle of each */
			static const uint16_t low[16] = { 0,      1,      2,      3,
							  0x0202, 0x0203, 0x7fff, 0xffff,
							  0x0201, 0x02ff, 0x0300, 0x0100,
							  0xfffe, 0x8000, 0x0264, 0x7f01 };
			struct in_addr a = { htonl((i >> 4) << 16 | low[i & 15]) };
			struct net_addr f;

			if (policy_judge(&p, NULL, AF_INET, &a, IPPROTO_UDP, 9, &f) !=
			    POLICY_ALLOWED)
				continue;
			/* an assertion that holds is a system call: none for each of 3 million */
			if (f.addr[0] == 127 || f.addr[0] == 0
				    ? mode == OPEN && a.s_addr == p.gateway.s_addr
				    : memcmp(f.addr, &a, sizeof(a)) == 0)
				continue;
			ck_abort_msg("mode %d: %08x leads to %u.%u.%u.%u", mode, ntohl(a.s_addr),
				     f.addr[0], f.addr[1], f.addr[2], f.addr[3]);
		}
	}
}
END_TEST

START_TEST(a_narrow_prefix_is_taken_at_its_word)
{
	struct net_plan p = make_plan(CLOSED);
	struct net_addr f;

	p.prefix = 31; /* no broadcast address there */
	inet_pton(AF_INET, "10.0.2.2", &p.network);
	inet_pton(AF_INET, "10.0.2.9", &p.dns);
	ck_assert_int_eq(judge(&p, "10.0.2.3", IPPROTO_TCP, 1, &f), POLICY_REFUSED_HOST);
	ck_assert_int_eq(judge(&p, "10.0.2.4", IPPROTO_TCP, 1, &f), POLICY_ALLOWED);
	p.prefix = 17;
	inet_pton(AF_INET, "10.0.0.0", &p.network);
	ck_assert_int_eq(judge(&p, "10.0.127.255", IPPROTO_TCP, 1, &f), POLICY_SILENT);
	ck_assert_int_eq(judge(&p, "10.0.128.0", IPPROTO_TCP, 1, &f), POLICY_ALLOWED);
	p.prefix6 = 61;
	ck_assert_int_eq(judge(&p, "fd00:0:0:7::2", IPPROTO_TCP, 1, &f), POLICY_REFUSED_HOST);
	ck_assert_int_eq(judge(&p, "fd00:0:0:8::2", IPPROTO_TCP, 1, &f), POLICY_ALLOWED);
}
END_TEST

START_TEST(a_gateway_may_be_the_name_server)
{
	struct net_plan p = make_plan(CLOSED);
	struct net_addr f;

	p.dns = p.gateway;
	ck_assert_int_eq(judge(&p, "10.0.2.2", IPPROTO_UDP, 53, &f), POLICY_DNS);
	ck_assert_int_eq(judge(&p, "10.0.2.2", IPPROTO_TCP, 80, &f), POLICY_REFUSED_NET);
	p.host_loopback = 1;
	ck_assert_int_eq(judge(&p, "10.0.2.2", IPPROTO_TCP, 53, &f), POLICY_DNS);
	ck_assert_int_eq(judge(&p, "10.0.2.2", IPPROTO_TCP, 80, &f), POLICY_ALLOWED);
	ck_assert_uint_eq(f.addr[0], 127);
}
END_TEST

START_TEST(a_family_that_is_off_is_unreachable)
{
	struct net_plan p = make_plan(OPEN);
	struct net_addr f;
	uint8_t raw[16] = { 8, 8, 8, 8 };

	p.ipv6 = 0;
	ck_assert_int_eq(judge(&p, "2001:db8::1", IPPROTO_TCP, 80, &f), POLICY_REFUSED_NET);
	ck_assert_int_eq(judge(&p, "fd00::2", IPPROTO_TCP, 80, &f), POLICY_REFUSED_NET);
	ck_assert_int_eq(policy_judge(&p, NULL, AF_UNIX, raw, IPPROTO_TCP, 80, &f),
			 POLICY_REFUSED_PROHIBITED);
}
END_TEST

/* @text: "10.0.0.1/32 ..." in the order of the list */
static struct worker_hosts hosts_of(const char *text)
{
	struct worker_hosts m = { 0 };
	char word[64];
	unsigned prefix;
	int n;

	for (; sscanf(text, " %63[^/]/%u%n", word, &prefix, &n) == 2; text += n) {
		struct net_range *r = &m.range[m.count++];

		r->family = strchr(word, ':') ? AF_INET6 : AF_INET;
		r->prefix = (uint8_t)prefix;
		ck_assert_int_eq(inet_pton(r->family, word, r->addr), 1);
	}
	m.total = m.count;
	return m;
}

static enum policy_verdict judge_with(const struct policy_hosts *h, const char *text)
{
	const struct net_plan p = make_plan(OPEN);
	const int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	struct net_addr f;
	uint8_t raw[16];

	ck_assert_int_eq(inet_pton(family, text, raw), 1);
	return policy_judge(&p, h, family, raw, IPPROTO_UDP, 9, &f);
}

static const char host_list[] = "0.0.0.9/32 192.0.2.0/25 192.0.2.200/32 198.51.100.255/32 "
				"2001:db8::1/128 2001:db8:2::/47 2001:db8:9::/128";

static const struct host_row {
	const char *dst;
	enum policy_verdict verdict;
} host_rows[] = {
	{ "192.0.1.255", A },
	{ "192.0.2.0", NET },
	{ "192.0.2.127", NET },
	{ "192.0.2.128", A },
	{ "192.0.2.199", A },
	{ "192.0.2.200", NET },
	{ "192.0.2.201", A },
	{ "198.51.100.255", NET },
	{ "8.8.8.8", A },
	{ "223.255.255.255", A },
	{ "2001:db8::1", NET },
	{ "2001:db8::2", A },
	{ "2001:db8::", A },
	{ "2001:db8:0:ffff:ffff::", A },
	{ "2001:db8:1:ffff:ffff:ffff:ffff:ffff", A },
	{ "2001:db8:2::", NET },
	{ "2001:db8:3:ffff::1", NET },
	{ "2001:db8:4::", A },
	{ "2001:db8:9::", NET },
	{ "2001:db8:9::1", A },
	{ "::ffff:192.0.2.200", PROHIBITED },
	{ "::192.0.2.200", PROHIBITED },
	{ "10.0.2.2", A }, /* the gateway: that door has a flag of its own */
	{ "fd00::2", A },
	{ "127.0.0.1", NET },
};

START_TEST(addresses_of_the_host_are_refused)
{
	struct policy_hosts *h = calloc(1, sizeof(*h));
	const struct worker_hosts m = hosts_of(host_list);

	ck_assert_ptr_nonnull(h);
	ck_assert_int_eq(policy_hosts_take(h, &m), 1);
	ck_assert_int_eq(judge_with(h, host_rows[_i].dst), host_rows[_i].verdict);
	if (policy_is_hosts(h, AF_INET, (const uint8_t[]){ 0, 0, 0, 9 }))
		ck_assert_int_eq(judge_with(NULL, "192.0.2.200"), A);
	else
		ck_abort_msg("the first of the list is not found");
	free(h);
}
END_TEST

START_TEST(every_address_can_be_refused)
{
	struct policy_hosts *h = calloc(1, sizeof(*h));
	const struct worker_hosts m = hosts_of("0.0.0.0/0 ::/0");

	ck_assert_ptr_nonnull(h);
	ck_assert_int_eq(policy_hosts_take(h, &m), 1);
	ck_assert_int_eq(judge_with(h, "8.8.8.8"), NET);
	ck_assert_int_eq(judge_with(h, "255.255.255.254"), PROHIBITED);
	ck_assert_int_eq(judge_with(h, "2001:db8::1"), NET);
	ck_assert_int_eq(judge_with(h, "10.0.2.2"), A);
	free(h);
}
END_TEST

/* in parts; the one in use stays until the next is complete */
START_TEST(a_list_counts_when_all_of_it_has_come)
{
	struct policy_hosts *h = calloc(1, sizeof(*h));
	struct worker_hosts m = { .total = WORKER_HOSTS_MAX }, one = hosts_of("192.0.2.1/32");

	ck_assert_ptr_nonnull(h);
	ck_assert_int_eq(policy_hosts_take(h, &one), 1);
	for (uint32_t i = 0; i < WORKER_HOSTS_MAX; i += WORKER_HOSTS_PART) {
		m.first = i;
		m.count = WORKER_HOSTS_PART;
		for (uint32_t k = 0; k < m.count; k++)
			m.range[k] =
				(struct net_range){ .family = AF_INET,
						    .prefix = 32,
						    .addr = { 192, 168, (uint8_t)((i + k) >> 8),
							      (uint8_t)(i + k) } };
		ck_assert_int_eq(judge_with(h, "192.0.2.1"), NET);
		ck_assert_int_eq(judge_with(h, "192.168.0.0"), A);
		ck_assert_int_eq(policy_hosts_take(h, &m),
				 i + WORKER_HOSTS_PART == WORKER_HOSTS_MAX);
	}
	ck_assert_int_eq(judge_with(h, "192.0.2.1"), A);
	ck_assert_int_eq(judge_with(h, "192.168.0.0"), NET);
	ck_assert_int_eq(judge_with(h, "192.168.3.255"), NET);
	ck_assert_int_eq(judge_with(h, "192.168.4.0"), A);
	m = (struct worker_hosts){ 0 }; /* none */
	ck_assert_int_eq(policy_hosts_take(h, &m), 1);
	ck_assert_int_eq(judge_with(h, "192.168.3.255"), A);
	free(h);
}
END_TEST

static const struct bad_row {
	const char *list;
	uint32_t first, count, total; /* UINT32_MAX: as they are */
} bad_rows[] = {
	{ "192.0.2.2/32 192.0.2.1/32", 0, UINT32_MAX, UINT32_MAX },    /* not sorted */
	{ "192.0.2.2/32 192.0.2.2/32", 0, UINT32_MAX, UINT32_MAX },    /* twice */
	{ "192.0.2.0/24 192.0.2.1/32", 0, UINT32_MAX, UINT32_MAX },    /* one inside another */
	{ "2001:db8::1/128 192.0.2.1/32", 0, UINT32_MAX, UINT32_MAX }, /* the other family first */
	{ "192.0.2.1/33", 0, UINT32_MAX, UINT32_MAX },
	{ "2001:db8::1/129", 0, UINT32_MAX, UINT32_MAX },
	{ "203.0.113.2/32", 1, UINT32_MAX, 2 }, /* nothing was before, of this list */
	{ "203.0.113.2/32", 1, UINT32_MAX, 0 }, /* behind its own end */
	{ "192.0.2.2/32", 0, UINT32_MAX, WORKER_HOSTS_MAX + 1 },
	{ "192.0.2.2/32", 0, WORKER_HOSTS_PART + 1, WORKER_HOSTS_MAX },
	{ "192.0.2.2/32 192.0.2.3/32", 0, UINT32_MAX, 1 },
	{ "192.0.2.2/32", 0, 0, 1 },
};

START_TEST(a_malformed_list_is_refused)
{
	const struct bad_row *row = &bad_rows[_i];
	struct policy_hosts *h = calloc(1, sizeof(*h));
	struct worker_hosts m = hosts_of("198.51.100.1/32");

	ck_assert_ptr_nonnull(h);
	ck_assert_int_eq(policy_hosts_take(h, &m), 1);
	m = hosts_of(row->list);
	m.first = row->first;
	m.count = row->count == UINT32_MAX ? m.count : row->count;
	m.total = row->total == UINT32_MAX ? m.total : row->total;
	ck_assert_int_eq(policy_hosts_take(h, &m), -EPROTO);
	ck_assert_int_eq(judge_with(h, "198.51.100.1"), NET); /* what was known stays */
	free(h);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy");
	TCase *c = tcase_create("policy");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_set_timeout(c, 30); /* all addresses take a second of work, on a busy machine many */
	tcase_add_loop_test(c, each_address_gets_its_verdict, 0, ARRAY_SIZE(rows));
	tcase_add_test(c, the_name_server_answers_port_53_only);
	tcase_add_test(c, nothing_else_reaches_loopback);
	tcase_add_loop_test(c, addresses_of_the_host_are_refused, 0, ARRAY_SIZE(host_rows));
	tcase_add_test(c, every_address_can_be_refused);
	tcase_add_test(c, a_list_counts_when_all_of_it_has_come);
	tcase_add_loop_test(c, a_malformed_list_is_refused, 0, ARRAY_SIZE(bad_rows));
	tcase_add_test(c, a_narrow_prefix_is_taken_at_its_word);
	tcase_add_test(c, a_gateway_may_be_the_name_server);
	tcase_add_test(c, a_family_that_is_off_is_unreachable);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
