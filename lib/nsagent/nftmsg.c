// SPDX-License-Identifier: Apache-2.0
/*
 * nftmsg.c - messages to nf_tables, a batch of them
 *
 * Raw messages: the libraries for them carry a licence that would decide ours. Numbers in
 * attributes are big-endian.
 */
#include "lib/nsagent/nftmsg.h"

#include <arpa/inet.h>
#include <assert.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

/* @data NULL: zeros. The recipe is of a fixed size that fits */
static void nftmsg_put(struct nftmsg *b, const void *data, size_t len)
{
	size_t padded = NLMSG_ALIGN(len);

	assert(b->len + padded <= sizeof(b->data));
	memset(b->data + b->len, 0, padded);
	if (data && len)
		memcpy(b->data + b->len, data, len);
	b->len += padded;
}

void nftmsg_attr(struct nftmsg *b, uint16_t type, const void *data, size_t len)
{
	const struct nlattr a = { .nla_len = (uint16_t)(sizeof(a) + len), .nla_type = type };

	nftmsg_put(b, &a, sizeof(a));
	nftmsg_put(b, data, len);
}

void nftmsg_text(struct nftmsg *b, uint16_t type, const char *text)
{
	nftmsg_attr(b, type, text, strlen(text) + 1);
}

void nftmsg_u32(struct nftmsg *b, uint16_t type, uint32_t value)
{
	value = htonl(value);
	nftmsg_attr(b, type, &value, sizeof(value));
}

size_t nftmsg_nest(struct nftmsg *b, uint16_t type)
{
	size_t at = b->len;

	nftmsg_attr(b, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void nftmsg_nest_end(struct nftmsg *b, size_t at)
{
	uint16_t len = (uint16_t)(b->len - at);

	memcpy(b->data + at, &len, sizeof(len));
}

static void message(struct nftmsg *b, uint16_t type, uint16_t flags, uint8_t family, uint16_t res)
{
	const struct nlmsghdr h = { .nlmsg_type = type,
				    .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
				    .nlmsg_seq = b->seq++ };
	const struct nfgenmsg g = { .nfgen_family = family,
				    .version = NFNETLINK_V0,
				    .res_id = htons(res) };

	b->msg = b->len;
	nftmsg_put(b, &h, sizeof(h));
	nftmsg_put(b, &g, sizeof(g));
}

void nftmsg_end(struct nftmsg *b)
{
	uint32_t len = (uint32_t)(b->len - b->msg);

	memcpy(b->data + b->msg, &len, sizeof(len));
}

void nftmsg_ask(struct nftmsg *b)
{
	struct nlmsghdr h;

	memcpy(&h, b->data + b->msg, sizeof(h));
	h.nlmsg_flags |= NLM_F_ACK;
	memcpy(b->data + b->msg, &h, sizeof(h));
}

void nftmsg_edge(struct nftmsg *b, uint16_t type)
{
	message(b, type, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	nftmsg_end(b);
}

void nftmsg_command(struct nftmsg *b, uint16_t type, uint16_t flags, const char *name)
{
	assert(b->seq < NFTMSG_MAX);
	b->name[b->seq] = name;
	message(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, NFPROTO_INET, 0);
}
