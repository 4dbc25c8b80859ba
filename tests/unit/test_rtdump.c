// SPDX-License-Identifier: Apache-2.0
/* test_rtdump.c - answers of rtnetlink: whole, cut off, wrong, disturbed, and of thousands of
 * routes */
#include <net/if.h>
#include <netlink/addr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <string.h>

#include "inside.h"
#include "lib/base/cleanup.h"
#include "lib/parent/egress.h"
#include "lib/parent/rtdump.h"

#define RECORD 4096
#define MANY 5000

/* --- a kernel whose answer the test has written ------------------------------------------------
 */

static struct {
	uint32_t seq;
	uint8_t bytes[RECORD];
	size_t n, records, most; /* of them: the same one again and again */
	int error;               /* what recv() says behind them; 0: it is the end of the file */
} kernel;

static uint32_t heard[2 * MANY]; /* destinations, as the dump gave them */
static size_t nheard;

static int on_send(struct nl_sock *sock, struct nl_msg *msg)
{
	nl_complete_msg(sock, msg);
	kernel.seq = nlmsg_hdr(msg)->nlmsg_seq;
	return (int)nlmsg_hdr(msg)->nlmsg_len;
}

static int on_recv(struct nl_sock *sock, struct sockaddr_nl *from, unsigned char **ret,
		   struct ucred **creds)
{
	(void)sock;
	(void)from;
	(void)creds;
	if (kernel.records == kernel.most)
		return kernel.error;
	kernel.records++;
	*ret = malloc(kernel.n);
	ck_assert_ptr_nonnull(*ret);
	memcpy(*ret, kernel.bytes, kernel.n);
	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= kernel.n;) {
		struct nlmsghdr *h = (void *)(*ret + at);

		h->nlmsg_seq = kernel.seq;
		at += h->nlmsg_len ? NLMSG_ALIGN(h->nlmsg_len) : kernel.n;
	}
	return (int)kernel.n;
}

/* a message, @size bytes of payload; what follows goes behind it */
static struct nlmsghdr *say(uint16_t type, uint16_t flags, const void *payload, size_t size)
{
	struct nlmsghdr *h = (void *)(kernel.bytes + kernel.n);

	*h = (struct nlmsghdr){ .nlmsg_len = (uint32_t)NLMSG_LENGTH(size),
				.nlmsg_type = type,
				.nlmsg_flags = flags | NLM_F_MULTI };
	memcpy(NLMSG_DATA(h), payload, size);
	kernel.n += NLMSG_ALIGN(h->nlmsg_len);
	kernel.most = 1;
	return h;
}

struct route {
	struct rtmsg rt;
	struct rtattr attr;
	uint32_t dst;
};

static struct nlmsghdr *say_route(uint32_t dst)
{
	const struct route r = {
		.rt = { .rtm_family = AF_INET,
			.rtm_table = RT_TABLE_LOCAL,
			.rtm_type = RTN_LOCAL,
			.rtm_scope = RT_SCOPE_HOST,
			.rtm_dst_len = 32 },
		.attr = { .rta_type = RTA_DST, .rta_len = RTA_LENGTH(sizeof(r.dst)) },
		.dst = htonl(dst),
	};

	return say(RTM_NEWROUTE, 0, &r, sizeof(r));
}

static void say_done(int error)
{
	say(NLMSG_DONE, 0, &error, sizeof(error));
}

static bool wants(const struct rtmsg *rt)
{
	return rt->rtm_table == RT_TABLE_LOCAL && rt->rtm_type == RTN_LOCAL;
}

static int on_route(struct rtnl_route *route, void *arg)
{
	struct nl_addr *dst = route ? rtnl_route_get_dst(route) : NULL;
	const bool *skips = arg;
	uint32_t a = 0;

	if (!route && skips && *skips)
		return 0;
	if (!dst || nheard == ARRAY_SIZE(heard))
		return -EBADMSG;
	if (nl_addr_get_len(dst) == sizeof(a))
		memcpy(&a, nl_addr_get_binary_addr(dst), sizeof(a));
	heard[nheard++] = ntohl(a);
	return 0;
}

static int dump_to(bool *skips, uint32_t most)
{
	const struct rtdump d = {
		.family = AF_INET, .most = most, .wants = wants, .on_route = on_route, .arg = skips
	};
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	struct nl_sock *sock;
	int r;

	nl_cb_overwrite_send(cb, on_send);
	nl_cb_overwrite_recv(cb, on_recv);
	sock = nl_socket_alloc_cb(cb);
	nl_cb_put(cb);
	ck_assert_ptr_nonnull(sock);
	kernel.records = 0;
	nheard = 0;
	r = rtdump_ask(sock, &d);
	nl_socket_free(sock);
	return r;
}

static int dump(uint32_t most)
{
	return dump_to(NULL, most);
}

static void begin(void)
{
	memset(&kernel, 0, sizeof(kernel));
}

START_TEST(a_whole_answer_is_read)
{
	begin();
	say_route(0x0a000001);
	say_route(0x0a000002)->nlmsg_type = RTM_NEWLINK; /* no route */
	say_route(0x0a000003);
	say_done(0);
	ck_assert_int_eq(dump(0), 0);
	ck_assert_uint_eq(nheard, 2);
	ck_assert_uint_eq(heard[0], 0x0a000001);
	ck_assert_uint_eq(heard[1], 0x0a000003);
	ck_assert_int_eq(dump(1), 0); /* no more than was asked for */
	ck_assert_uint_eq(nheard, 1);
}
END_TEST

START_TEST(thousands_are_read)
{
	begin();
	for (int i = 0; i < 50; i++)
		say_route(0x0a000000u + (uint32_t)i);
	kernel.most = MANY / 50;
	kernel.error = -NLE_AGAIN; /* the end does not come */
	ck_assert_int_eq(dump(0), -ETIMEDOUT);
	ck_assert_uint_eq(nheard, MANY);
	ck_assert_int_eq(dump(MANY - 1), 0);
	ck_assert_uint_eq(nheard, MANY - 1);
}
END_TEST

/* --- what may stand behind a route; each returns what the dump says
 */

static int no_payload(void)
{
	say(RTM_NEWROUTE, 0, "", 0);
	return -EBADMSG;
}

static int half_a_header(void)
{
	kernel.n += 8; /* zero bytes, too few for a header */
	return -EBADMSG;
}

static int length_zero(void)
{
	say_route(0x0a000002)->nlmsg_len = 0;
	return -EBADMSG;
}

static int length_over_the_end(void)
{
	say_route(0x0a000002)->nlmsg_len = RECORD;
	return -EBADMSG;
}

static int attribute_of_length_zero(void)
{
	struct route *r = NLMSG_DATA(say_route(0x0a000002));

	r->attr.rta_len = 0;
	return 0; /* a route without a destination */
}

static int attribute_over_the_end(void)
{
	struct route *r = NLMSG_DATA(say_route(0x0a000002));

	r->attr.rta_len = 400;
	return 0;
}

static int table_too_short(void)
{
	struct route *r = NLMSG_DATA(say_route(0x0a000002));

	r->attr.rta_type = RTA_OIF;
	r->attr.rta_len = RTA_LENGTH(1);
	return -EBADMSG;
}

static int refusal(void)
{
	const struct nlmsgerr e = { .error = -EPERM };

	say(NLMSG_ERROR, 0, &e, sizeof(e));
	return -EPERM;
}

static int short_refusal(void)
{
	say(NLMSG_ERROR, 0, "\377\377\377\377", 4);
	return -EBADMSG;
}

static int no_such_family(void)
{
	const struct nlmsgerr e = { .error = -EAFNOSUPPORT };

	say(NLMSG_ERROR, 0, &e, sizeof(e));
	return 0;
}

static int disturbed(void)
{
	say_route(0x0a000002)->nlmsg_flags |= NLM_F_DUMP_INTR;
	return -EAGAIN;
}

static int overrun_said(void)
{
	say(NLMSG_OVERRUN, 0, "", 0);
	return -EAGAIN;
}

static int failed_end(void)
{
	say_done(-ENOBUFS);
	return -ENOBUFS;
}

static int no_such_table(void)
{
	say_done(-ENOENT);
	return 0;
}

static const struct wrong {
	const char *name;
	int (*make)(void);
	size_t heard;
} wrong[] = {
	{ "no payload", no_payload, 1 },
	{ "half a header", half_a_header, 1 },
	{ "length 0", length_zero, 1 },
	{ "length over the end", length_over_the_end, 1 },
	{ "attribute of length 0", attribute_of_length_zero, 2 },
	{ "attribute over the end", attribute_over_the_end, 2 },
	{ "attribute too short", table_too_short, 1 },
	{ "refusal", refusal, 1 },
	{ "short refusal", short_refusal, 1 },
	{ "no such family", no_such_family, 1 },
	{ "disturbed", disturbed, 2 },
	{ "overrun", overrun_said, 1 },
	{ "failed end", failed_end, 1 },
	{ "no such table", no_such_table, 1 },
};

START_TEST(wrong_answers_are_errors)
{
	int want_r;

	begin();
	say_route(0x0a000001);
	want_r = wrong[_i].make();
	if (wrong[_i].heard == 2)
		say_done(0);
	ck_assert_msg(dump(0) == want_r, "%s", wrong[_i].name);
	ck_assert_msg(nheard == wrong[_i].heard, "%s: %zu routes", wrong[_i].name, nheard);
}
END_TEST

START_TEST(who_asks_may_do_without_what_cannot_be_read)
{
	bool skips = true;

	begin();
	say_route(0x0a000001);
	table_too_short();
	say_route(0x0a000003);
	say_done(0);
	ck_assert_int_eq(dump_to(&skips, 0), 0);
	ck_assert_uint_eq(nheard, 2);
	ck_assert_uint_eq(heard[1], 0x0a000003);
}
END_TEST

START_TEST(a_failed_read_is_an_error)
{
	static const int errors[][2] = { { 0, -EBADMSG },
					 { -NLE_AGAIN, -ETIMEDOUT },
					 { -NLE_NOMEM, -ENOMEM }, /* of ENOBUFS, too */
					 { -NLE_MSG_TRUNC, -EBADMSG } };

	begin();
	say_route(0x0a000001);
	kernel.error = errors[_i][0];
	ck_assert_int_eq(dump(0), errors[_i][1]);
}
END_TEST

/* --- the kernel itself ------------------------------------------------------------------------
 */

static void add_route(struct nl_sock *sock, uint32_t dst, unsigned bits, uint8_t type,
		      uint8_t table)
{
	const uint32_t n = htonl(dst);
	struct rtnl_route *r = rtnl_route_alloc();
	struct nl_addr *a = nl_addr_build(AF_INET, &n, sizeof(n));
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();

	nl_addr_set_prefixlen(a, (int)bits);
	rtnl_route_nh_set_ifindex(hop, 1);
	rtnl_route_add_nexthop(r, hop);
	rtnl_route_set_family(r, AF_INET);
	rtnl_route_set_dst(r, a);
	rtnl_route_set_table(r, table);
	rtnl_route_set_type(r, type);
	rtnl_route_set_scope(r, type == RTN_LOCAL ? RT_SCOPE_HOST : RT_SCOPE_LINK);
	if (!bits)
		rtnl_route_set_metric(r, RTAX_MTU, 1400);
	want(rtnl_route_add(sock, r, NLM_F_EXCL) >= 0);
	nl_addr_put(a);
	rtnl_route_put(r);
}

static void inside_look(void)
{
	const struct rtdump d = {
		.family = AF_INET, .table = RT_TABLE_LOCAL, .wants = wants, .on_route = on_route
	};
	struct nl_sock *sock = nl_socket_alloc();
	struct ifinfomsg up = { .ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	uint32_t mtu = 1;

	want(rtdump_routes(&d) == 0 && nheard == 0); /* there is no such table yet */
	want(egress_mtu(&mtu, &inside_err) == 0 && mtu == 0);
	want(nl_connect(sock, NETLINK_ROUTE) >= 0);
	want(nl_send_simple(sock, RTM_NEWLINK, 0, &up, sizeof(up)) >= 0);
	want(nl_wait_for_ack(sock) >= 0);
	for (uint32_t i = 0; i < MANY; i++)
		add_route(sock, 0x0a000000 + i, 32, RTN_LOCAL, RT_TABLE_LOCAL);
	want(rtdump_routes(&d) == 0);
	want(nheard == MANY + 2); /* 127.0.0.1 and 127.0.0.0/8, too */
	add_route(sock, 0, 0, RTN_UNICAST, 100);
	want(egress_mtu(&mtu, &inside_err) == 0 && mtu == 1400);
	want(rtdump_mtu(1, &mtu) == 0 && mtu == 65536);
	want(rtdump_mtu(77, &mtu) == 0 && mtu == 0);
	nl_socket_free(sock);
}

START_TEST(the_kernel_has_thousands)
{
	in_namespaces(CLONE_NEWNET, inside_look);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rtdump");
	TCase *tc = tcase_create("rtdump");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(tc, a_whole_answer_is_read);
	tcase_add_test(tc, thousands_are_read);
	tcase_add_loop_test(tc, wrong_answers_are_errors, 0, ARRAY_SIZE(wrong));
	tcase_add_test(tc, who_asks_may_do_without_what_cannot_be_read);
	tcase_add_loop_test(tc, a_failed_read_is_an_error, 0, 4);
	tcase_add_test(tc, the_kernel_has_thousands);
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
