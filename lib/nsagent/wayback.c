// SPDX-License-Identifier: Apache-2.0
/*
 * wayback.c - answers to clients whose address a socket of the child netns has come back to it
 *
 * Without a gateway netns the transparent sockets of published ports are made in the child's own,
 * where routes lead the answers of a server out by the network. Each of these sockets has a mark,
 * NET_SHOW_MARK, and a rule leads what has it to lo, where the kernel finds the socket by both
 * addresses. Answers get the mark
 *   - of TCP by sysctls: a connection that a server accepts takes it from its SYN, a reset from
 *     what it answers,
 *   - else by the mark of the connection that is tracked: what our sockets send sets it. So UDP and
 *     what a bridge or a NAT rule of the child carried further comes back too.
 *
 * nf_tables is the child's as well. `nft flush ruleset` takes our table: we hear of it and make it
 * again; connections keep their marks meanwhile. Where somebody removes it again and again we take
 * the rules away: the relay sees that, and goes on as if there had never been a way.
 */
#include "lib/nsagent/wayback.h"

#include <netinet/in.h> /* before the kernel's, which keep out of its way then */

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/ipc/netplan.h"
#include "lib/nsagent/netlink.h"
#include "lib/nsagent/nftask.h"
#include "lib/nsagent/nftparts.h"
#include "lib/nsagent/sysctl.h"

#define RULE_PREF 100
#define RESTORES_MAX 20 /* within RESTORES_MS: then it is given up */
#define RESTORES_MS 60000
#define READS_MAX 64 /* at a time: who floods us with changes shall not keep the parent out */
#define RULES 4      /* of add_rules() */

static const struct nftparts_chain chain_out = {
	.name = "output", .type = "route", .hook = NF_INET_LOCAL_OUT, .priority = 10
};
static const struct nftparts_chain chain_in = {
	.name = "prerouting", .type = "filter", .hook = NF_INET_PRE_ROUTING, .priority = -150
};

/* --- the table ----------------------------------------------------------------------------- */

static void load_ct(struct nftmsg *b, uint32_t key)
{
	struct nftparts_expr e = nftparts_open(b, "ct");

	nftmsg_u32(b, NFTA_CT_DREG, NFT_REG_1);
	nftmsg_u32(b, NFTA_CT_KEY, key);
	nftparts_close(b, e);
}

static void has_mark(struct nftmsg *b)
{
	const uint32_t mark = NET_SHOW_MARK;

	nftparts_load_meta(b, NFT_META_MARK);
	nftparts_equals(b, &mark, sizeof(mark));
}

static void connection_has_mark(struct nftmsg *b)
{
	const uint32_t mark = NET_SHOW_MARK;

	load_ct(b, NFT_CT_MARK);
	nftparts_equals(b, &mark, sizeof(mark));
}

static void goes(struct nftmsg *b, uint8_t direction)
{
	load_ct(b, NFT_CT_DIRECTION);
	nftparts_equals(b, &direction, sizeof(direction));
}

static void is_led_elsewhere(struct nftmsg *b)
{
	const uint32_t flag = IPS_DST_NAT, none = 0;
	struct nftparts_expr e;

	load_ct(b, NFT_CT_STATUS);
	e = nftparts_open(b, "bitwise");
	nftmsg_u32(b, NFTA_BITWISE_SREG, NFT_REG_1);
	nftmsg_u32(b, NFTA_BITWISE_DREG, NFT_REG_1);
	nftmsg_u32(b, NFTA_BITWISE_LEN, sizeof(flag));
	nftparts_value(b, NFTA_BITWISE_MASK, &flag, sizeof(flag));
	nftparts_value(b, NFTA_BITWISE_XOR, &none, sizeof(none));
	nftparts_close(b, e);
	nftparts_equals(b, &flag, sizeof(flag));
}

static void mark_connection(struct nftmsg *b)
{
	const uint32_t mark = NET_SHOW_MARK;
	struct nftparts_expr e;

	nftparts_load_value(b, &mark, sizeof(mark));
	e = nftparts_open(b, "ct");
	nftmsg_u32(b, NFTA_CT_KEY, NFT_CT_MARK);
	nftmsg_u32(b, NFTA_CT_SREG, NFT_REG_1);
	nftparts_close(b, e);
}

static void add_rules(struct nftmsg *b)
{
	size_t rule = nftparts_rule(b, chain_out.name, "marking a connection");

	has_mark(b);
	goes(b, IP_CT_DIR_ORIGINAL);
	mark_connection(b);
	nftparts_rule_end(b, rule);

	/* to a container: by the routes, not to lo */
	rule = nftparts_rule(b, chain_out.name, "connections that NAT has changed");
	has_mark(b);
	goes(b, IP_CT_DIR_ORIGINAL);
	is_led_elsewhere(b);
	nftparts_set_mark(b, 0);
	nftparts_rule_end(b, rule);

	rule = nftparts_rule(b, chain_out.name, "marking answers");
	goes(b, IP_CT_DIR_REPLY);
	connection_has_mark(b);
	nftparts_set_mark(b, NET_SHOW_MARK);
	nftparts_rule_end(b, rule);

	rule = nftparts_rule(b, chain_in.name, "marking answers");
	connection_has_mark(b);
	nftparts_set_mark(b, NET_SHOW_MARK);
	nftmsg_ask(b);
	nftparts_rule_end(b, rule);
}

/* whatever is left of it before */
static int load_table(int fd, struct err *err)
{
	struct nftmsg b = { 0 };

	nftmsg_edge(&b, NFNL_MSG_BATCH_BEGIN);
	nftparts_table(&b, 0);
	nftparts_no_table(&b);
	nftparts_table(&b, NLM_F_EXCL);
	nftparts_chain(&b, &chain_out);
	nftparts_chain(&b, &chain_in);
	add_rules(&b);
	nftmsg_edge(&b, NFNL_MSG_BATCH_END);
	return nftask_run(fd, &b, err);
}

static void unload_table(int fd)
{
	struct nftmsg b = { 0 };

	nftmsg_edge(&b, NFNL_MSG_BATCH_BEGIN);
	nftparts_no_table(&b);
	nftmsg_ask(&b);
	nftmsg_edge(&b, NFNL_MSG_BATCH_END);
	nftask_run(fd, &b, NULL); /* nothing leads there any more: it does no harm */
}

/* --- routes -------------------------------------------------------------------------------- */

static int add_rule(struct netlink *nl, uint8_t family, struct err *err)
{
	const struct netlink_rule rule = {
		.pref = RULE_PREF, .mark = NET_SHOW_MARK, .family = family, .table = NET_SHOW_TABLE
	};

	return netlink_rule_add(nl, &rule, err);
}

static int lead_back(struct netlink *nl, uint8_t family, struct err *err)
{
	struct netlink_route route = {
		.via.family = family, .direct = true, .local = true, .table = NET_SHOW_TABLE
	};
	int r = netlink_link_index("lo", &route.ifindex, err);

	if (r == 0)
		r = netlink_route_add(nl, &route, err);
	return r < 0 ? r : add_rule(nl, family, err);
}

static void lead_no_more(struct netlink *nl)
{
	netlink_rule_del(nl, AF_INET, RULE_PREF, NET_SHOW_TABLE, NULL);
	netlink_rule_del(nl, AF_INET6, RULE_PREF, NET_SHOW_TABLE, NULL);
}

/* what TCP answers has the mark from the start: a child without a route to the client needs that,
   as the table could mark only what was routed. And it holds while the table is away */
static int set_sysctls(struct err *err)
{
	int r = sysctl_set("net/ipv4/tcp_fwmark_accept", "1", err);

	if (r == 0)
		r = sysctl_set("net/ipv4/fwmark_reflect", "1", err);
	if (r == 0)
		sysctl_set("net/ipv6/fwmark_reflect", "1", NULL); /* as lead_back() */
	return r;
}

/* --- the whole ----------------------------------------------------------------------------- */

static int open_events(int *ret, struct err *err)
{
	const struct sockaddr_nl sa = { .nl_family = AF_NETLINK,
					.nl_groups = 1u << (NFNLGRP_NFTABLES - 1) };
	autoclose int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return err_set(err, errno, "listening for changes of nf_tables");
	*ret = take_fd(&fd);
	return 0;
}

int wayback_setup(struct wayback *ret, struct err *err)
{
	AUTO(netlink_freep) struct netlink *nl = NULL;
	autoclose int nft = nftask_open(err), events = -1;
	struct sockaddr_nl own = { 0 };
	socklen_t len = sizeof(own);
	int r = nft < 0 ? nft : open_events(&events, err);

	if (r == 0)
		r = netlink_new(&nl, err);
	if (r == 0 && getsockname(nft, (struct sockaddr *)&own, &len) < 0)
		r = err_set(err, errno, "reading the address of a socket to nf_tables");
	if (r == 0)
		r = load_table(nft, err);
	if (r < 0)
		return r;
	r = set_sysctls(err);
	if (r == 0)
		r = lead_back(nl, AF_INET, err);
	if (r < 0) {
		lead_no_more(nl);
		unload_table(nft);
		return r;
	}
	lead_back(nl, AF_INET6, NULL); /* without it the relay sees that, and shows IPv4 only */
	*ret = (struct wayback){ .nl = take_ptr(nl),
				 .nft = take_fd(&nft),
				 .events = take_fd(&events),
				 .own = own.nl_pid };
	return 0;
}

static bool is_about_ours(const struct nlmsghdr *h, uint32_t own)
{
	const uint16_t type = h->nlmsg_type & 0xff;
	const struct nlattr *a = (const void *)((const uint8_t *)NLMSG_DATA(h) +
						NLMSG_ALIGN(sizeof(struct nfgenmsg)));

	/* the name of the table is the first attribute of each */
	static_assert((int)NFTA_TABLE_NAME == (int)NFTA_CHAIN_TABLE &&
			      (int)NFTA_TABLE_NAME == (int)NFTA_RULE_TABLE,
		      "one look for all");
	if (h->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || h->nlmsg_pid == own ||
	    (type != NFT_MSG_DELTABLE && type != NFT_MSG_DELCHAIN && type != NFT_MSG_DELRULE) ||
	    h->nlmsg_len <
		    NLMSG_LENGTH(sizeof(struct nfgenmsg)) + NLA_HDRLEN + sizeof(NFTPARTS_TABLE))
		return false;
	return a->nla_type == NFTA_TABLE_NAME &&
	       a->nla_len == NLA_HDRLEN + sizeof(NFTPARTS_TABLE) &&
	       memcmp((const uint8_t *)a + NLA_HDRLEN, NFTPARTS_TABLE, sizeof(NFTPARTS_TABLE)) == 0;
}

static bool is_whole(int fd)
{
	struct nftmsg b = { 0 };
	unsigned n;

	nftmsg_command(&b, NFT_MSG_GETRULE, NLM_F_DUMP, "the table");
	nftmsg_text(&b, NFTA_RULE_TABLE, NFTPARTS_TABLE);
	nftmsg_end(&b);
	return nftask_list(fd, &b, &n, NULL) == 0 && n == RULES;
}

/* reads what is there, and says whether something of ours was removed */
static bool hears_harm(const struct wayback *w)
{
	union {
		struct nlmsghdr align;
		uint8_t data[16384];
	} buf;
	bool hurt = false, lost = false;

	for (int i = 0; i < READS_MAX; i++) {
		struct sockaddr_nl from = { 0 };
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(w->events, &buf, sizeof(buf), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &len);

		if (n < 0 && errno == ENOBUFS) {
			lost = true; /* more changes than fit, by a large set of rules */
			continue;
		}
		if (n <= 0)
			break;
		if (from.nl_pid) /* no word of the kernel: root of the child may send us any */
			continue;
		for (struct nlmsghdr *h = &buf.align; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n))
			hurt = hurt || is_about_ours(h, w->own);
	}
	return hurt || (lost && !is_whole(w->nft));
}

static int give_up(struct wayback *w, int r, struct err *err)
{
	lead_no_more(w->nl);
	close(take_fd(&w->events));
	return err_wrap(err, r, "the table 'rootless-supervisor' of nf_tables in the child");
}

static int mend(struct wayback *w, struct err *err)
{
	uint64_t now = clock_ms();
	int r;

	if (!w->restored || now - w->since_ms > RESTORES_MS) {
		w->since_ms = now;
		w->restored = 0;
	}
	if (w->restored++ == RESTORES_MAX) {
		r = err_say(err, ECANCELED, "it is removed again and again");
		return give_up(w, r, err);
	}
	r = load_table(w->nft, err);
	if (r < 0)
		return give_up(w, r, err);
	if (!w->restored_said)
		log_info("ports", "the table 'rootless-supervisor' of nf_tables in the child was "
				  "removed: made again, servers need it to answer clients");
	w->restored_said = true;
	return 0;
}

int wayback_mend(struct wayback *w, struct err *err)
{
	return hears_harm(w) ? mend(w, err) : 0;
}

/* by who has died: only a rule that is not there can be added */
static bool was_given_up(const struct wayback *w)
{
	if (add_rule(w->nl, AF_INET, NULL) < 0)
		return false;
	netlink_rule_del(w->nl, AF_INET, RULE_PREF, NET_SHOW_TABLE, NULL);
	return true;
}

int wayback_inherit(struct wayback *w, struct err *err)
{
	uint8_t word;

	if (was_given_up(w)) { /* which was told then */
		close(take_fd(&w->events));
		return 0;
	}
	for (int i = 0; i < READS_MAX && recv(w->nft, &word, sizeof(word), MSG_DONTWAIT) >= 0; i++)
		; /* answers to who died */
	hears_harm(w);
	return is_whole(w->nft) ? 0 : mend(w, err);
}
