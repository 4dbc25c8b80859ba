// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_prefilter.c - a frame that passes is one that libslirp may see
 *
 * The input is a byte of options and then frames, each behind two bytes of length. What passes has
 * consistent lengths, no fragment, no urgent data, and an address that the policy allows.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/slirp/answer.h"
#include "lib/slirp/guests.h"
#include "lib/slirp/prefilter.h"

#define OPTION_LOOPBACK 1
#define OPTION_DIRECT 2
#define OPTION_IPV6 4

static const uint8_t gateway6[16] = { 0xfd, [15] = 2 }, dns6[16] = { 0xfd, [15] = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct net_plan make_plan(uint8_t options)
{
	struct net_plan p = { .mtu = 65520, .prefix = 24, .prefix6 = 64 };

	p.network.s_addr = htonl(0x0a000200);
	p.gateway.s_addr = htonl(0x0a000202);
	p.dns.s_addr = htonl(0x0a000203);
	p.address.s_addr = htonl(0x0a000264);
	memcpy(&p.gateway6, gateway6, sizeof(gateway6));
	memcpy(&p.dns6, dns6, sizeof(dns6));
	p.network6.s6_addr[0] = 0xfd;
	p.host_loopback = options & OPTION_LOOPBACK ? 1 : 0;
	p.ipv6 = options & OPTION_IPV6 ? 1 : 0;
	return p;
}

static void check_passed(const struct prefilter *pf, const struct frame *f,
			 const struct frame_info *in)
{
	const uint8_t *end = f->data + f->len;
	struct net_addr final;

	assert(f->len >= ETH_LEN && f->len <= FRAME_MAX);
	if (!in->family) {
		assert(pf->direct && f->len >= ETH_LEN + 28);
		return;
	}
	assert(in->l4 > f->data && in->l4 + in->l4_len == end);
	if (in->family == AF_INET) {
		assert(f->data[ETH_LEN] == 0x45);
		assert(get_be16(f->data + ETH_LEN + 2) == f->len - ETH_LEN);
		assert(!(get_be16(f->data + ETH_LEN + 6) & (IP4_MORE_FRAGMENTS | IP4_OFFSET)));
	} else {
		assert(pf->plan.ipv6);
		assert(get_be16(f->data + ETH_LEN + 4) == f->len - ETH_LEN - IP6_LEN);
	}
	if (in->proto == IPPROTO_TCP)
		assert(in->l4_len >= TCP_LEN && !(in->l4[13] & TCP_URG));
	if (in->opens)
		assert(policy_judge(&pf->plan, in->family, in->dst, in->proto, in->dport, &final) ==
		       POLICY_ALLOWED);
	else
		assert(in->proto == IPPROTO_TCP || in->proto == IPPROTO_ICMP ||
		       in->proto == IPPROTO_ICMPV6);
}

static void feed(struct prefilter *pf, struct guests *g, const uint8_t *data, size_t len)
{
	/* of the exact size, so that each byte read behind the end is found */
	uint8_t *copy = malloc(len ? len : 1), answer[ANSWER_MAX], hello[GUESTS_FRAME_MAX];
	struct frame f = { .data = copy, .len = len };
	enum policy_verdict why = POLICY_ALLOWED;
	struct frame_info in = { 0 };
	size_t n;

	assert(copy);
	if (len)
		memcpy(copy, data, len);
	guests_take(g, copy, len);
	(void)answer_relabel(&pf->plan, copy, len, answer);
	switch (prefilter_judge(pf, &f, 0, &in, &why)) {
	case FRAME_PASS:
		check_passed(pf, &f, &in);
		if (in.family)
			guests_introduce(g, in.family, in.src, hello);
		break;
	case FRAME_ANSWER:
		assert(why > POLICY_DNS && why < POLICY_SILENT);
		n = answer_unreachable(&pf->plan, &f, &in, why, answer);
		assert(n > ETH_LEN && n <= ANSWER_MAX);
		break;
	case FRAME_HELD:
	case FRAME_DROP:
	case FRAME_NVERDICTS:
		break;
	}
	while (guests_next_answer(g, hello))
		;
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mac[NET_MAC_LEN] = { 2 };
	struct net_plan p = make_plan(size ? data[0] : 0);
	struct prefilter pf;
	struct guests g;

	prefilter_init(&pf, &p, size && (data[0] & OPTION_DIRECT));
	guests_init(&g, &p, mac);
	for (size_t at = 1; at + 2 <= size;) {
		size_t len = get_be16(data + at);

		at += 2;
		if (len > size - at)
			len = size - at;
		feed(&pf, &g, data + at, len);
		at += len;
	}
	prefilter_done(&pf);
	return 0;
}
