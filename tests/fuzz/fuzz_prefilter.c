// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_prefilter.c - a frame that passes is one that libslirp may see
 *
 * The input is a byte of options and then frames, each behind two bytes of length and, as an option
 * says, the header of the gateway's tap. What passes has consistent lengths, no fragment, no urgent
 * data, an address that the policy allows, and in the end a checksum. Each frame is also taken for
 * one of libslirp: what the kernel is told about it stays within it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/slirp/answer.h"
#include "lib/slirp/guests.h"
#include "lib/slirp/offload.h"
#include "lib/slirp/prefilter.h"

#define OPTION_LOOPBACK 1
#define OPTION_DIRECT 2
#define OPTION_IPV6 4
#define OPTION_VNET 8
#define OPTION_SMALL 16
#define OPTION_SERVES 32 /* the program slirp4netns: a direct tap without headers */

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
	if (options & OPTION_SMALL)
		p.mtu = 1280;
	return p;
}

/* not judged by the policy: it is libslirp's own */
static bool is_lease(const struct prefilter *pf, const struct frame_info *in)
{
	return pf->serves && in->family == AF_INET && in->proto == IPPROTO_UDP &&
	       in->l4_len >= UDP_LEN + 240 && get_be16(in->l4 + 2) == 67;
}

static void check_passed(const struct prefilter *pf, const struct frame *f,
			 const struct frame_info *in)
{
	const uint8_t *end = f->data + f->len;
	struct net_addr final;
	enum policy_verdict v;

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
	v = policy_judge(&pf->plan, pf->hosts, in->family, in->dst, in->proto, in->dport, &final);
	if (in->opens)
		assert(v == POLICY_ALLOWED || (v == POLICY_DNS && pf->serves_dns));
	else
		assert(in->proto == IPPROTO_TCP || in->proto == IPPROTO_ICMP ||
		       in->proto == IPPROTO_ICMPV6 || is_lease(pf, in));
}

static void check_taken(struct offload *o, const struct virtio_net_hdr *vnet,
			const struct frame_info *in)
{
	size_t len = in->proto == IPPROTO_UDP && in->l4_len >= UDP_LEN ? get_be16(in->l4 + 4)
								       : in->l4_len;
	size_t at = in->proto == IPPROTO_TCP ? 16 : 6;
	uint32_t sum;

	offload_take(o, vnet, in);
	if (!(vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return;
	assert(in->proto == IPPROTO_TCP || in->proto == IPPROTO_UDP);
	if (in->proto == IPPROTO_UDP && in->family == AF_INET && get_be16(in->l4 + at) == 0)
		return;
	sum = checksum_add((uint32_t)len + in->proto, in->src, in->family == AF_INET ? 8 : 32);
	assert(checksum_fold(checksum_add(sum, in->l4, len)) == 0);
}

static void check_given(struct offload *o, const uint8_t *data, size_t len)
{
	struct offload_out out;
	const struct virtio_net_hdr *v = &out.vnet;

	offload_give(o, data, len, &out);
	assert(out.nheaders + out.nrest == len && out.nheaders <= sizeof(out.headers));
	assert(v->hdr_len <= len);
	if (v->flags)
		assert(v->csum_start + v->csum_offset + 2u <= out.nheaders);
	if (v->gso_type)
		assert(v->flags && v->gso_size >= 8 && v->gso_size <= o->mtu && v->gso_size < len);
}

/* of the exact size, so that each byte read behind the end is found */
static uint8_t *copy_of(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert(copy);
	if (len)
		memcpy(copy, data, len);
	return copy;
}

struct target {
	struct prefilter pf;
	struct guests guests;
	struct offload *offload;
	bool vnet;
};

static void judge(struct target *t, struct frame *f)
{
	uint8_t answer[ANSWER_MAX], hello[GUESTS_FRAME_MAX];
	enum policy_verdict why = POLICY_ALLOWED;
	struct frame_info in = { 0 };
	size_t n;

	switch (prefilter_judge(&t->pf, f, 0, &in, &why)) {
	case FRAME_PASS:
		check_passed(&t->pf, f, &in);
		if (in.family)
			guests_introduce(&t->guests, in.family, in.src, hello);
		if (in.family && f->vnet)
			check_taken(t->offload, f->vnet, &in);
		break;
	case FRAME_ANSWER:
		assert(why > POLICY_DNS && why < POLICY_SILENT);
		n = answer_unreachable(&t->pf.plan, f, &in, why, answer);
		assert(n > ETH_LEN && n <= ANSWER_MAX);
		break;
	case FRAME_HELD:
	case FRAME_DROP:
	case FRAME_NVERDICTS:
		break;
	}
}

static void feed(struct target *t, const uint8_t *data, size_t len)
{
	struct virtio_net_hdr vnet = { 0 };
	uint8_t answer[ANSWER_MAX], hello[GUESTS_FRAME_MAX], *copy;
	struct frame f = { .vnet = t->vnet ? &vnet : NULL };

	if (t->vnet) {
		size_t n = len < sizeof(vnet) ? len : sizeof(vnet);

		memcpy(&vnet, data, n);
		data += n;
		len -= n;
	}
	copy = copy_of(data, len);
	guests_take(&t->guests, copy, len);
	(void)answer_relabel(&t->pf.plan, copy, len, answer);
	check_given(t->offload, copy, len);
	f.data = copy;
	f.len = len;
	judge(t, &f);
	while (guests_next_answer(&t->guests, hello))
		;
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mac[NET_MAC_LEN] = { 2 };
	static struct offload offload; /* its table is large: made once, and only a cache */
	uint8_t options = size ? data[0] : 0;
	struct net_plan p = make_plan(options);
	struct target t = { .vnet = options & OPTION_VNET };

	prefilter_init(&t.pf, &p, options & OPTION_DIRECT);
	t.pf.serves = t.pf.serves_dns =
		options & OPTION_SERVES && options & OPTION_DIRECT && !t.vnet;
	guests_init(&t.guests, &p, mac);
	if (!offload.mtu)
		assert(offload_init(&offload, p.mtu) == 0);
	offload.mtu = p.mtu;
	t.offload = &offload;
	for (size_t at = 1; at + 2 <= size;) {
		size_t len = get_be16(data + at);

		at += 2;
		if (len > size - at)
			len = size - at;
		feed(&t, data + at, len);
		at += len;
	}
	prefilter_done(&t.pf);
	return 0;
}
