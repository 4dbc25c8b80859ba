// SPDX-License-Identifier: Apache-2.0
/* nftparts.c - parts of a table of nf_tables as messages: chains, rules, their expressions */
#include "lib/nsagent/nftparts.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

void nftparts_table(struct nftmsg *b, uint16_t flags)
{
	nftmsg_command(b, NFT_MSG_NEWTABLE, NLM_F_CREATE | flags, "a table");
	nftmsg_text(b, NFTA_TABLE_NAME, NFTPARTS_TABLE);
	nftmsg_end(b);
}

void nftparts_no_table(struct nftmsg *b)
{
	nftmsg_command(b, NFT_MSG_DELTABLE, 0, "the table");
	nftmsg_text(b, NFTA_TABLE_NAME, NFTPARTS_TABLE);
	nftmsg_end(b);
}

void nftparts_chain(struct nftmsg *b, const struct nftparts_chain *c)
{
	size_t hook;

	nftmsg_command(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL, c->name);
	nftmsg_text(b, NFTA_CHAIN_TABLE, NFTPARTS_TABLE);
	nftmsg_text(b, NFTA_CHAIN_NAME, c->name);
	hook = nftmsg_nest(b, NFTA_CHAIN_HOOK);
	nftmsg_u32(b, NFTA_HOOK_HOOKNUM, c->hook);
	nftmsg_u32(b, NFTA_HOOK_PRIORITY, (uint32_t)c->priority);
	nftmsg_nest_end(b, hook);
	nftmsg_u32(b, NFTA_CHAIN_POLICY, NF_ACCEPT);
	nftmsg_text(b, NFTA_CHAIN_TYPE, c->type);
	nftmsg_end(b);
}

size_t nftparts_rule(struct nftmsg *b, const char *chain, const char *what)
{
	nftmsg_command(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, what);
	nftmsg_text(b, NFTA_RULE_TABLE, NFTPARTS_TABLE);
	nftmsg_text(b, NFTA_RULE_CHAIN, chain);
	return nftmsg_nest(b, NFTA_RULE_EXPRESSIONS);
}

void nftparts_rule_end(struct nftmsg *b, size_t at)
{
	nftmsg_nest_end(b, at);
	nftmsg_end(b);
}

struct nftparts_expr nftparts_open(struct nftmsg *b, const char *name)
{
	struct nftparts_expr e = { .elem = nftmsg_nest(b, NFTA_LIST_ELEM) };

	nftmsg_text(b, NFTA_EXPR_NAME, name);
	e.data = nftmsg_nest(b, NFTA_EXPR_DATA);
	return e;
}

void nftparts_close(struct nftmsg *b, struct nftparts_expr e)
{
	nftmsg_nest_end(b, e.data);
	nftmsg_nest_end(b, e.elem);
}

void nftparts_value(struct nftmsg *b, uint16_t type, const void *data, size_t len)
{
	size_t at = nftmsg_nest(b, type);

	nftmsg_attr(b, NFTA_DATA_VALUE, data, len);
	nftmsg_nest_end(b, at);
}

void nftparts_load_meta(struct nftmsg *b, uint32_t key)
{
	struct nftparts_expr e = nftparts_open(b, "meta");

	nftmsg_u32(b, NFTA_META_DREG, NFT_REG_1);
	nftmsg_u32(b, NFTA_META_KEY, key);
	nftparts_close(b, e);
}

void nftparts_load_value(struct nftmsg *b, const void *data, size_t len)
{
	struct nftparts_expr e = nftparts_open(b, "immediate");

	nftmsg_u32(b, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	nftparts_value(b, NFTA_IMMEDIATE_DATA, data, len);
	nftparts_close(b, e);
}

void nftparts_equals(struct nftmsg *b, const void *data, size_t len)
{
	struct nftparts_expr e = nftparts_open(b, "cmp");

	nftmsg_u32(b, NFTA_CMP_SREG, NFT_REG_1);
	nftmsg_u32(b, NFTA_CMP_OP, NFT_CMP_EQ);
	nftparts_value(b, NFTA_CMP_DATA, data, len);
	nftparts_close(b, e);
}

void nftparts_set_mark(struct nftmsg *b, uint32_t mark)
{
	struct nftparts_expr e;

	nftparts_load_value(b, &mark, sizeof(mark)); /* host order, as the kernel keeps it */
	e = nftparts_open(b, "meta");
	nftmsg_u32(b, NFTA_META_KEY, NFT_META_MARK);
	nftmsg_u32(b, NFTA_META_SREG, NFT_REG_1);
	nftparts_close(b, e);
}

void nftparts_accept(struct nftmsg *b)
{
	struct nftparts_expr e = nftparts_open(b, "immediate");
	size_t data, verdict;

	nftmsg_u32(b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = nftmsg_nest(b, NFTA_IMMEDIATE_DATA);
	verdict = nftmsg_nest(b, NFTA_DATA_VERDICT);
	nftmsg_u32(b, NFTA_VERDICT_CODE, NF_ACCEPT);
	nftmsg_nest_end(b, verdict);
	nftmsg_nest_end(b, data);
	nftparts_close(b, e);
}
