// SPDX-License-Identifier: Apache-2.0
/* test_wayback.c - sockets with foreign addresses are answered; what is removed comes back, or not
 */
#include <netinet/in.h>
#include <poll.h>

#include "lib/nsagent/netlink.h"
#include "lib/nsagent/nftask.h"
#include "lib/nsagent/nftparts.h"
#include "lib/nsagent/wayback.h"
#include "tests/unit/nsagent_rig.h"

#include <linux/netfilter/nf_tables.h> /* behind the C library's */
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

static struct wayback way = WAYBACK_INIT;
static struct err err;
static int nft; /* not the one of the way */

static void start(void)
{
	struct netlink *nl = NULL;

	ck_assert(enter_namespaces());
	ck_assert_int_eq(netlink_new(&nl, &err), 0);
	ck_assert_int_eq(netlink_link_up(nl, "lo", 0, &err), 0);
	netlink_free(nl);
	ck_assert_msg(wayback_setup(&way, &err) == 0, "%s", err.msg);
	nft = nftask_open(&err);
	ck_assert_int_ge(nft, 0);
}

static unsigned nrules(void)
{
	struct nftmsg b = { 0 };
	unsigned n = 0;

	nftmsg_command(&b, NFT_MSG_GETRULE, NLM_F_DUMP, "the list");
	nftmsg_end(&b);
	ck_assert_int_eq(nftask_list(nft, &b, &n, &err), 0);
	return n;
}

static void remove_table(void)
{
	struct nftmsg b = { 0 };

	nftmsg_edge(&b, NFNL_MSG_BATCH_BEGIN);
	nftparts_no_table(&b);
	nftmsg_ask(&b);
	nftmsg_edge(&b, NFNL_MSG_BATCH_END);
	ck_assert_msg(nftask_run(nft, &b, &err) == 0, "%s", err.msg);
}

/* of a table that is not ours: made and removed */
static void change_another(void)
{
	static const uint16_t types[] = { NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE };
	struct nftmsg b = { 0 };

	nftmsg_edge(&b, NFNL_MSG_BATCH_BEGIN);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		nftmsg_command(&b, types[i], i == 0 ? NLM_F_CREATE : 0, "another table");
		nftmsg_text(&b, NFTA_TABLE_NAME, "another");
		nftmsg_end(&b);
	}
	nftmsg_ask(&b);
	nftmsg_edge(&b, NFNL_MSG_BATCH_END);
	ck_assert_msg(nftask_run(nft, &b, &err) == 0, "%s", err.msg);
}

static bool is_told(void)
{
	struct pollfd p = { way.events, POLLIN, 0 };

	return poll(&p, 1, WAIT_MS) == 1;
}

/* a client of 192.0.2.9 connects to a listener at 127.0.0.1; 0 or a negative errno */
static int connect_within(int timeout_ms)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in from = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	const int on = 1;
	const uint32_t mark = NET_SHOW_MARK;
	autoclose int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
		      c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { c, POLLOUT, 0 };

	inet_pton(AF_INET, "192.0.2.9", &from.sin_addr);
	ck_assert(bind(l, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(l, 1) == 0 &&
		  getsockname(l, (struct sockaddr *)&a, &len) == 0);
	ck_assert(setsockopt(c, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on)) == 0 &&
		  setsockopt(c, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0 &&
		  bind(c, (struct sockaddr *)&from, sizeof(from)) == 0);
	if (connect(c, (struct sockaddr *)&a, sizeof(a)) < 0 && errno != EINPROGRESS)
		return -errno;
	return poll(&p, 1, timeout_ms) == 1 && p.revents == POLLOUT ? 0 : -ETIMEDOUT;
}

START_TEST(a_foreign_address_is_answered)
{
	start();
	ck_assert_uint_eq(nrules(), 4);
	ck_assert_int_eq(connect_within(WAIT_MS), 0);
}
END_TEST

START_TEST(what_is_removed_comes_back)
{
	start();
	for (int i = 0; i < 3; i++) {
		remove_table();
		ck_assert_uint_eq(nrules(), 0);
		ck_assert_int_eq(connect_within(WAIT_MS), 0); /* meanwhile, too */
		ck_assert(is_told());
		ck_assert_int_eq(wayback_mend(&way, &err), 0);
		ck_assert_uint_eq(nrules(), 4);
	}
	/* of what it did itself it takes no notice */
	ck_assert_int_eq(wayback_mend(&way, &err), 0);
	ck_assert_uint_eq(way.restored, 3);
}
END_TEST

/* root of the child has large sets of rules, which are changed all at once: words are lost */
START_TEST(a_lost_word_is_no_removal)
{
	const int least = 1;

	start();
	ck_assert_int_eq(setsockopt(way.events, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)), 0);
	for (int removed = 0; removed < 2; removed++) {
		struct pollfd p = { .fd = way.events };

		for (int i = 0; i < 100; i++)
			change_another();
		if (removed) /* which is not told */
			remove_table();
		ck_assert(poll(&p, 1, 0) == 1 && p.revents == POLLERR);
		ck_assert_int_eq(wayback_mend(&way, &err), 0);
		ck_assert_uint_eq(nrules(), 4);
		ck_assert_uint_eq(way.restored, (unsigned)removed);
	}
}
END_TEST

/* nor is what somebody else sends */
START_TEST(only_the_kernel_is_believed)
{
	struct sockaddr_nl to;
	socklen_t len = sizeof(to);
	struct nftmsg b = { 0 };

	start();
	nftmsg_command(&b, NFT_MSG_DELTABLE, 0, "the table");
	nftmsg_text(&b, NFTA_TABLE_NAME, NFTPARTS_TABLE);
	nftmsg_end(&b);
	ck_assert_int_eq(getsockname(way.events, (struct sockaddr *)&to, &len), 0);
	to.nl_groups = 0;
	ck_assert_int_eq(sendto(nft, b.data, b.len, 0, (struct sockaddr *)&to, sizeof(to)), b.len);
	ck_assert(is_told());
	ck_assert_int_eq(wayback_mend(&way, &err), 0);
	ck_assert_uint_eq(way.restored, 0);
}
END_TEST

/* the minute does not end in the middle of a fight because it began long before */
START_TEST(the_minute_begins_with_the_first)
{
	start();
	way.since_ms = clock_ms() - 30000;
	remove_table();
	ck_assert_int_eq(wayback_mend(&way, &err), 0);
	ck_assert_uint_eq(way.restored, 1);
	ck_assert_uint_lt(clock_ms() - way.since_ms, 30000);
}
END_TEST

START_TEST(it_is_given_up_at_last)
{
	int r = 0;

	start();
	for (int i = 0; i < 50 && r == 0; i++) {
		remove_table();
		ck_assert(is_told());
		r = wayback_mend(&way, &err);
	}
	ck_assert_int_eq(r, -ECANCELED);
	ck_assert_int_eq(way.events, -1);
	ck_assert_int_lt(connect_within(200), 0); /* the rule is gone: who asks it is told so */
}
END_TEST

/* another process goes on, with the same sockets */
START_TEST(an_heir_mends_what_was_removed_meanwhile)
{
	struct nftmsg b = { 0 };

	start();
	nftmsg_command(&b, NFT_MSG_GETRULE, NLM_F_DUMP, "the list");
	nftmsg_end(&b);
	ck_assert_int_eq(send(way.nft, b.data, b.len, 0), b.len); /* who asked has died */
	ck_assert_int_eq(wayback_inherit(&way, &err), 0);
	ck_assert_uint_eq(way.restored, 0);
	remove_table();
	while (recv(way.events, &b, sizeof(b), MSG_DONTWAIT) > 0)
		; /* read by who has died, too */
	ck_assert_int_eq(wayback_inherit(&way, &err), 0);
	ck_assert_uint_eq(way.restored, 1);
	ck_assert_uint_eq(nrules(), 4);
	ck_assert_int_eq(connect_within(WAIT_MS), 0);
	remove_table();
	ck_assert(is_told());
	ck_assert_int_eq(wayback_mend(&way, &err), 0);
	ck_assert_uint_eq(nrules(), 4);
}
END_TEST

START_TEST(an_heir_does_not_begin_anew_what_was_given_up)
{
	struct wayback heir;
	int r = 0;

	start();
	heir = way;
	heir.events = dup(way.events);
	while (r == 0) {
		remove_table();
		r = wayback_mend(&way, &err);
	}
	ck_assert_int_eq(wayback_inherit(&heir, &err), 0);
	ck_assert_int_eq(heir.events, -1);
	ck_assert_uint_eq(nrules(), 0);
	ck_assert_int_lt(connect_within(200), 0);
}
END_TEST

static void add_tests(TCase *c)
{
	tcase_add_test(c, a_foreign_address_is_answered);
	tcase_add_test(c, what_is_removed_comes_back);
	tcase_add_test(c, a_lost_word_is_no_removal);
	tcase_add_test(c, only_the_kernel_is_believed);
	tcase_add_test(c, the_minute_begins_with_the_first);
	tcase_add_test(c, it_is_given_up_at_last);
	tcase_add_test(c, an_heir_mends_what_was_removed_meanwhile);
	tcase_add_test(c, an_heir_does_not_begin_anew_what_was_given_up);
}

int main(void)
{
	return run_suite("wayback", add_tests);
}
