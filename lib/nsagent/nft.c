// SPDX-License-Identifier: Apache-2.0
/* nft.c - the one table of nf_tables that the gateway netns needs */
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
#include "lib/nsagent/nftask.h"
#include "lib/nsagent/nftparts.h"

static const struct nftparts_chain chains[] = {
	[RECIPE_RAW] = { "raw", "filter", NF_INET_PRE_ROUTING, -300 },
	[RECIPE_MANGLE] = { "prerouting", "filter", NF_INET_PRE_ROUTING, -150 },
	[RECIPE_NAT] = { "nat", "nat", NF_INET_PRE_ROUTING, -100 },
	[RECIPE_OUTPUT] = { "output", "filter", NF_INET_LOCAL_OUT, -300 },
};
static_assert(ARRAY_SIZE(chains) == RECIPE_NCHAINS, "a row for each chain");

unsigned if_nametoindex(const char *name); /* net/if.h does not go with the kernel's headers */

static void load_payload(struct nftmsg *b, uint32_t base, uint32_t offset, uint32_t len)
{
	struct nftparts_expr e = nftparts_open(b, "payload");

	nftmsg_u32(b, NFTA_PAYLOAD_DREG, NFT_REG_1);
	nftmsg_u32(b, NFTA_PAYLOAD_BASE, base);
	nftmsg_u32(b, NFTA_PAYLOAD_OFFSET, offset);
	nftmsg_u32(b, NFTA_PAYLOAD_LEN, len);
	nftparts_close(b, e);
}

static void load_byte(struct nftmsg *b, uint8_t offset, uint8_t mask)
{
	const uint8_t none = 0;
	struct nftparts_expr e;

	load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, offset, 1);
	e = nftparts_open(b, "bitwise");
	nftmsg_u32(b, NFTA_BITWISE_SREG, NFT_REG_1);
	nftmsg_u32(b, NFTA_BITWISE_DREG, NFT_REG_1);
	nftmsg_u32(b, NFTA_BITWISE_LEN, 1);
	nftparts_value(b, NFTA_BITWISE_MASK, &mask, 1);
	nftparts_value(b, NFTA_BITWISE_XOR, &none, 1);
	nftparts_close(b, e);
}

static void load_port(struct nftmsg *b)
{
	const uint16_t port = htons(GATEWAY_LISTEN_PORT);

	nftparts_load_value(b, &port, sizeof(port));
}

static void to_listener(struct nftmsg *b)
{
	struct nftparts_expr e;

	load_port(b);
	e = nftparts_open(b, "tproxy");
	nftmsg_u32(b, NFTA_TPROXY_FAMILY, NFPROTO_UNSPEC);
	nftmsg_u32(b, NFTA_TPROXY_REG_PORT, NFT_REG_1);
	nftparts_close(b, e);
}

static void to_port(struct nftmsg *b)
{
	struct nftparts_expr e;

	load_port(b);
	e = nftparts_open(b, "nat");
	nftmsg_u32(b, NFTA_NAT_TYPE, NFT_NAT_DNAT);
	nftmsg_u32(b, NFTA_NAT_FAMILY, NFPROTO_INET);
	nftmsg_u32(b, NFTA_NAT_REG_PROTO_MIN, NFT_REG_1);
	nftparts_close(b, e);
}

static void notrack(struct nftmsg *b)
{
	nftparts_close(b, nftparts_open(b, "notrack"));
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

	nftparts_load_meta(b, NFT_META_NFPROTO);
	nftparts_equals(b, &proto, sizeof(proto));
	load_payload(b, NFT_PAYLOAD_NETWORK_HEADER, v6 ? 24 : 16, v6 ? 16 : 4);
	nftparts_equals(b, ip->addr, v6 ? 16 : 4);
}

static void goes_to_port(struct nftmsg *b, uint16_t port)
{
	port = htons(port);
	load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(port));
	nftparts_equals(b, &port, sizeof(port));
}

static void is_unsummed(struct nftmsg *b)
{
	const uint16_t none = 0;

	load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 6, sizeof(none));
	nftparts_equals(b, &none, sizeof(none));
}

/* @ifindex 0: of any interface */
static void add_rule(struct nftmsg *b, const struct recipe_nft *row, const struct net_plan *plan,
		     uint32_t ifindex)
{
	size_t rule = nftparts_rule(b, chains[row->chain].name, row->what);

	if (ifindex) {
		nftparts_load_meta(b, NFT_META_IIF);
		nftparts_equals(b, &ifindex, sizeof(ifindex));
	}
	if (row->ipproto) {
		nftparts_load_meta(b, NFT_META_L4PROTO);
		nftparts_equals(b, &row->ipproto, 1);
	}
	if (row->mask) {
		load_byte(b, row->offset, row->mask);
		nftparts_equals(b, &row->value, 1);
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
		nftparts_set_mark(b, row->mark);
	if (deeds[row->deed])
		deeds[row->deed](b);
	nftparts_accept(b);
	nftparts_rule_end(b, rule);
}

static void add_chains(struct nftmsg *b, const struct net_plan *plan, uint32_t now)
{
	bool added[RECIPE_NCHAINS] = { false };

	for (size_t i = 0; i < recipe_nnft; i++) {
		enum recipe_chain c = recipe_nft[i].chain;

		if (!added[c] && recipe_holds(plan, now, recipe_nft[i].when)) {
			nftparts_chain(b, &chains[c]);
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
	autoclose int fd = nftask_open(err);
	struct nftmsg b = { 0 };
	int r;

	if (fd < 0)
		return fd;
	nftmsg_edge(&b, NFNL_MSG_BATCH_BEGIN);
	nftparts_table(&b, NLM_F_EXCL);
	add_chains(&b, plan, now);
	r = add_rules(&b, plan, now, err);
	if (r < 0)
		return r;
	nftmsg_ask(&b);
	nftmsg_edge(&b, NFNL_MSG_BATCH_END);
	return nftask_run(fd, &b, err);
}

int nft_check(const struct net_plan *plan, uint32_t now, struct err *err)
{
	autoclose int fd = nftask_open(err);
	struct nftmsg b = { 0 };
	unsigned found = 0, nrules = 0;
	int r;

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < recipe_nnft; i++)
		nrules += recipe_holds(plan, now, recipe_nft[i].when);
	nftmsg_command(&b, NFT_MSG_GETRULE, NLM_F_DUMP, "the list");
	nftmsg_text(&b, NFTA_RULE_TABLE, NFTPARTS_TABLE);
	nftmsg_end(&b);
	r = nftask_list(fd, &b, &found, err);
	if (r < 0)
		return r;
	return found == nrules
		       ? 0
		       : err_say(err, EIO, "nf_tables: %u rules of %u are there", found, nrules);
}

int nft_unload(struct err *err)
{
	autoclose int fd = nftask_open(err);
	struct nftmsg b = { 0 };
	struct err why = { 0 };
	int r;

	if (fd < 0)
		return fd;
	nftmsg_edge(&b, NFNL_MSG_BATCH_BEGIN);
	nftparts_no_table(&b);
	nftmsg_ask(&b);
	nftmsg_edge(&b, NFNL_MSG_BATCH_END);
	r = nftask_run(fd, &b, &why);
	if (r == -ENOENT)
		return 0;
	if (r < 0 && err)
		*err = why;
	return r;
}
