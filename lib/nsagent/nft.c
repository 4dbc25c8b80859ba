// SPDX-License-Identifier: Apache-2.0
/*
 * nft.c - the one table of nf_tables that the gateway netns needs
 *
 * A batch is one write; the kernel answers within it, so reading never waits. Each message has a
 * number of its own, by which a refusal tells the row that it is about.
 */
#include "lib/nsagent/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/nsagent/nftmsg.h"

#define TABLE "rootless-supervisor"

static const struct {
	const char *name, *type;
	uint32_t hook;
	int priority; /* connections are tracked at -200 */
} chains[] = {
	[RECIPE_RAW] = { "raw", "filter", NF_INET_PRE_ROUTING, -300 },
	[RECIPE_MANGLE] = { "prerouting", "filter", NF_INET_PRE_ROUTING, -150 },
	[RECIPE_NAT] = { "nat", "nat", NF_INET_PRE_ROUTING, -100 },
	[RECIPE_OUTPUT] = { "output", "filter", NF_INET_LOCAL_OUT, -300 },
};
static_assert(ARRAY_SIZE(chains) == RECIPE_NCHAINS, "a row for each chain");

unsigned if_nametoindex(const char *name); /* net/if.h does not go with the kernel's headers */

/* --- expressions of a rule; all of them work on register 1 --------------------------------- */

struct expr {
	size_t elem, data;
};

static struct expr expr(struct nftmsg *b, const char *name)
{
	struct expr e = { .elem = nftmsg_nest(b, NFTA_LIST_ELEM) };

	nftmsg_text(b, NFTA_EXPR_NAME, name);
	e.data = nftmsg_nest(b, NFTA_EXPR_DATA);
	return e;
}

static void expr_end(struct nftmsg *b, struct expr e)
{
	nftmsg_nest_end(b, e.data);
	nftmsg_nest_end(b, e.elem);
}

static void value(struct nftmsg *b, uint16_t type, const void *data, size_t len)
{
	size_t at = nftmsg_nest(b, type);

	nftmsg_attr(b, NFTA_DATA_VALUE, data, len);
	nftmsg_nest_end(b, at);
}

static void load_meta(struct nftmsg *b, uint32_t key)
{
	struct expr e = expr(b, "meta");

	nftmsg_u32(b, NFTA_META_DREG, NFT_REG_1);
	nftmsg_u32(b, NFTA_META_KEY, key);
	expr_end(b, e);
}

static void equals(struct nftmsg *b, const void *data, size_t len)
{
	struct expr e = expr(b, "cmp");

	nftmsg_u32(b, NFTA_CMP_SREG, NFT_REG_1);
	nftmsg_u32(b, NFTA_CMP_OP, NFT_CMP_EQ);
	value(b, NFTA_CMP_DATA, data, len);
	expr_end(b, e);
}

static void load_payload(struct nftmsg *b, uint32_t base, uint32_t offset, uint32_t len)
{
	struct expr e = expr(b, "payload");

	nftmsg_u32(b, NFTA_PAYLOAD_DREG, NFT_REG_1);
	nftmsg_u32(b, NFTA_PAYLOAD_BASE, base);
	nftmsg_u32(b, NFTA_PAYLOAD_OFFSET, offset);
	nftmsg_u32(b, NFTA_PAYLOAD_LEN, len);
	expr_end(b, e);
}

static void load_byte(struct nftmsg *b, uint8_t offset, uint8_t mask)
{
	const uint8_t none = 0;
	struct expr e;

	load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, offset, 1);
	e = expr(b, "bitwise");
	nftmsg_u32(b, NFTA_BITWISE_SREG, NFT_REG_1);
	nftmsg_u32(b, NFTA_BITWISE_DREG, NFT_REG_1);
	nftmsg_u32(b, NFTA_BITWISE_LEN, 1);
	value(b, NFTA_BITWISE_MASK, &mask, 1);
	value(b, NFTA_BITWISE_XOR, &none, 1);
	expr_end(b, e);
}

static void load_value(struct nftmsg *b, const void *data, size_t len)
{
	struct expr e = expr(b, "immediate");

	nftmsg_u32(b, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	value(b, NFTA_IMMEDIATE_DATA, data, len);
	expr_end(b, e);
}

static void set_mark(struct nftmsg *b, uint32_t mark)
{
	struct expr e;

	load_value(b, &mark, sizeof(mark)); /* host order, as the kernel keeps it */
	e = expr(b, "meta");
	nftmsg_u32(b, NFTA_META_KEY, NFT_META_MARK);
	nftmsg_u32(b, NFTA_META_SREG, NFT_REG_1);
	expr_end(b, e);
}

static void load_port(struct nftmsg *b)
{
	const uint16_t port = htons(GATEWAY_LISTEN_PORT);

	load_value(b, &port, sizeof(port));
}

static void to_listener(struct nftmsg *b)
{
	struct expr e;

	load_port(b);
	e = expr(b, "tproxy");
	nftmsg_u32(b, NFTA_TPROXY_FAMILY, NFPROTO_UNSPEC);
	nftmsg_u32(b, NFTA_TPROXY_REG_PORT, NFT_REG_1);
	expr_end(b, e);
}

static void to_port(struct nftmsg *b)
{
	struct expr e;

	load_port(b);
	e = expr(b, "nat");
	nftmsg_u32(b, NFTA_NAT_TYPE, NFT_NAT_DNAT);
	nftmsg_u32(b, NFTA_NAT_FAMILY, NFPROTO_INET);
	nftmsg_u32(b, NFTA_NAT_REG_PROTO_MIN, NFT_REG_1);
	expr_end(b, e);
}

static void notrack(struct nftmsg *b)
{
	expr_end(b, expr(b, "notrack"));
}

static void accept_it(struct nftmsg *b)
{
	struct expr e = expr(b, "immediate");
	size_t data, verdict;

	nftmsg_u32(b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = nftmsg_nest(b, NFTA_IMMEDIATE_DATA);
	verdict = nftmsg_nest(b, NFTA_DATA_VERDICT);
	nftmsg_u32(b, NFTA_VERDICT_CODE, NF_ACCEPT);
	nftmsg_nest_end(b, verdict);
	nftmsg_nest_end(b, data);
	expr_end(b, e);
}

static void (*const deeds[RECIPE_NDEEDS])(struct nftmsg *b) = {
	[RECIPE_NOTRACK] = notrack,
	[RECIPE_TO_LISTENER] = to_listener,
	[RECIPE_TO_PORT] = to_port,
};

static void goes_to(struct nftmsg *b, const struct netlink_ip *ip)
{
	const bool v6 = ip->family == AF_INET6;
	const uint8_t proto = v6 ? NFPROTO_IPV6 : NFPROTO_IPV4;

	load_meta(b, NFT_META_NFPROTO);
	equals(b, &proto, sizeof(proto));
	load_payload(b, NFT_PAYLOAD_NETWORK_HEADER, v6 ? 24 : 16, v6 ? 16 : 4);
	equals(b, ip->addr, v6 ? 16 : 4);
}

static void goes_to_port(struct nftmsg *b, uint16_t port)
{
	port = htons(port);
	load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(port));
	equals(b, &port, sizeof(port));
}

static void is_unsummed(struct nftmsg *b)
{
	const uint16_t none = 0;

	load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 6, sizeof(none));
	equals(b, &none, sizeof(none));
}

/* @ifindex 0: of any interface */
static void add_rule(struct nftmsg *b, const struct recipe_nft *row, const struct net_plan *plan,
		     uint32_t ifindex)
{
	size_t list;

	nftmsg_command(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, row->what);
	nftmsg_text(b, NFTA_RULE_TABLE, TABLE);
	nftmsg_text(b, NFTA_RULE_CHAIN, chains[row->chain].name);
	list = nftmsg_nest(b, NFTA_RULE_EXPRESSIONS);
	if (ifindex) {
		load_meta(b, NFT_META_IIF);
		equals(b, &ifindex, sizeof(ifindex));
	}
	if (row->ipproto) {
		load_meta(b, NFT_META_L4PROTO);
		equals(b, &row->ipproto, 1);
	}
	if (row->mask) {
		load_byte(b, row->offset, row->mask);
		equals(b, &row->value, 1);
	}
	if (row->to != RECIPE_ANY) {
		struct netlink_ip ip = recipe_ip(plan, row->family, row->to, true);

		goes_to(b, &ip);
	}
	if (row->dport)
		goes_to_port(b, row->dport);
	if (row->unsummed)
		is_unsummed(b);
	if (row->mark)
		set_mark(b, row->mark);
	if (deeds[row->deed])
		deeds[row->deed](b);
	accept_it(b);
	nftmsg_nest_end(b, list);
	nftmsg_end(b);
}

static void add_table(struct nftmsg *b)
{
	nftmsg_command(b, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, "a table");
	nftmsg_text(b, NFTA_TABLE_NAME, TABLE);
	nftmsg_end(b);
}

static void add_chain(struct nftmsg *b, enum recipe_chain chain)
{
	size_t hook;

	nftmsg_command(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL, chains[chain].name);
	nftmsg_text(b, NFTA_CHAIN_TABLE, TABLE);
	nftmsg_text(b, NFTA_CHAIN_NAME, chains[chain].name);
	hook = nftmsg_nest(b, NFTA_CHAIN_HOOK);
	nftmsg_u32(b, NFTA_HOOK_HOOKNUM, chains[chain].hook);
	nftmsg_u32(b, NFTA_HOOK_PRIORITY, (uint32_t)chains[chain].priority);
	nftmsg_nest_end(b, hook);
	nftmsg_u32(b, NFTA_CHAIN_POLICY, NF_ACCEPT);
	nftmsg_text(b, NFTA_CHAIN_TYPE, chains[chain].type);
	nftmsg_end(b);
}

/* --- asking the kernel --------------------------------------------------------------------- */

static int open_netfilter(struct err *err)
{
	const struct sockaddr_nl sa = { .nl_family = AF_NETLINK };
	autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return err_set(err, errno, "opening a socket to nf_tables");
	return take_fd(&fd);
}

/* answers until the one to message @last, an error, or the end of a list; @ret_rules counts
   Return: 0, or a negative errno with the number of the refused message in *ret_seq */
static int read_answers(int fd, uint32_t last, uint32_t *ret_seq, unsigned *ret_rules)
{
	union {
		struct nlmsghdr align;
		uint8_t data[16384];
	} buf;

	for (;;) {
		ssize_t n = recv(fd, &buf, sizeof(buf), MSG_DONTWAIT);
		struct nlmsghdr *h = &buf.align;

		if (n < 0)
			return -errno;
		for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			const struct nlmsgerr *e = NLMSG_DATA(h);

			*ret_seq = h->nlmsg_seq;
			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type != NLMSG_ERROR)
				*ret_rules += 1;
			else if (e->error || h->nlmsg_seq == last)
				return e->error;
		}
	}
}

static int send_batch(int fd, const struct nftmsg *b)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n =
		sendto(fd, b->data, b->len, 0, (const struct sockaddr *)&kernel, sizeof(kernel));

	return n < 0 ? -errno : 0;
}

/* @seq: of the message that was refused; 0: all were */
static const char *name_of(const struct nftmsg *b, uint32_t seq)
{
	return seq < NFTMSG_MAX && b->name[seq] ? b->name[seq] : "a table";
}

static void add_chains(struct nftmsg *b, const struct net_plan *plan, uint32_t now)
{
	bool added[RECIPE_NCHAINS] = { false };

	for (size_t i = 0; i < recipe_nnft; i++) {
		enum recipe_chain c = recipe_nft[i].chain;

		if (!added[c] && recipe_holds(plan, now, recipe_nft[i].when)) {
			add_chain(b, c);
			added[c] = true;
		}
	}
}

static int add_rules(struct nftmsg *b, const struct net_plan *plan, uint32_t now, struct err *err)
{
	for (size_t i = 0; i < recipe_nnft; i++) {
		const struct recipe_nft *row = &recipe_nft[i];
		uint32_t ifindex = row->iif ? if_nametoindex(row->iif) : 0;

		if (!recipe_holds(plan, now, row->when))
			continue;
		if (row->iif && !ifindex)
			return err_set(err, errno, "looking up interface '%s'", row->iif);
		add_rule(b, row, plan, ifindex);
	}
	return 0;
}

int nft_load(const struct net_plan *plan, uint32_t now, struct err *err)
{
	autoclose int fd = open_netfilter(err);
	struct nftmsg b = { 0 };
	uint32_t seq = 0, last;
	unsigned none = 0;
	int r;

	if (fd < 0)
		return fd;
	nftmsg_edge(&b, NFNL_MSG_BATCH_BEGIN);
	add_table(&b);
	add_chains(&b, plan, now);
	r = add_rules(&b, plan, now, err);
	if (r < 0)
		return r;
	nftmsg_ask(&b);
	last = b.seq - 1;
	nftmsg_edge(&b, NFNL_MSG_BATCH_END);
	r = send_batch(fd, &b);
	if (r == 0)
		r = read_answers(fd, last, &seq, &none);
	return r < 0 ? err_set(err, -r, "nf_tables: %s", name_of(&b, seq)) : 0;
}

int nft_check(const struct net_plan *plan, uint32_t now, struct err *err)
{
	autoclose int fd = open_netfilter(err);
	struct nftmsg b = { 0 };
	uint32_t seq;
	unsigned found = 0, nrules = 0;
	int r;

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < recipe_nnft; i++)
		nrules += recipe_holds(plan, now, recipe_nft[i].when);
	nftmsg_command(&b, NFT_MSG_GETRULE, NLM_F_DUMP, "the list");
	nftmsg_text(&b, NFTA_RULE_TABLE, TABLE);
	nftmsg_end(&b);
	r = send_batch(fd, &b);
	if (r == 0)
		r = read_answers(fd, UINT32_MAX, &seq, &found);
	if (r < 0)
		return err_set(err, -r, "nf_tables: reading back");
	return found == nrules
		       ? 0
		       : err_say(err, EIO, "nf_tables: %u rules of %u are there", found, nrules);
}

int nft_unload(struct err *err)
{
	autoclose int fd = open_netfilter(err);
	struct nftmsg b = { 0 };
	uint32_t seq = 0;
	unsigned none = 0;
	int r;

	if (fd < 0)
		return fd;
	nftmsg_edge(&b, NFNL_MSG_BATCH_BEGIN);
	nftmsg_command(&b, NFT_MSG_DELTABLE, NLM_F_ACK, "the table");
	nftmsg_text(&b, NFTA_TABLE_NAME, TABLE);
	nftmsg_end(&b);
	nftmsg_edge(&b, NFNL_MSG_BATCH_END);
	r = send_batch(fd, &b);
	if (r == 0)
		r = read_answers(fd, 1, &seq, &none);
	return r < 0 && r != -ENOENT ? err_set(err, -r, "nf_tables: removing the table") : 0;
}
