// SPDX-License-Identifier: Apache-2.0
/*
 * offload.c - large segments and unfinished checksums on the tap of the gateway (slirp only)
 *
 * The cost of this network is the number of frames, not of bytes. So both kernels and libslirp
 * handle TCP segments as large as they like, whatever the MTU, and the kernel cuts them where they
 * become packets:
 *
 * child -> host. The kernel hands over the child's segments uncut (TSO), with the checksum of the
 * pseudo-header only. libslirp wants a right one: it is computed here. UDP over IPv4 can do
 * without.
 *
 * host -> child. libslirp cuts by the MSS that the child's SYN announces; it is shown a larger one,
 * and the true one (flowmss.h) goes to the kernel as gso_size of each segment. If it is not known,
 * it is the size that every host must take. Checksums are left to the kernel, which computes them
 * where a packet leaves the machine, that is, never. libslirp in turn announces its own MSS from
 * its own MTU; the child sees the one of the virtual network.
 *
 * Datagrams that are longer than the MTU: IPv4 is cut by the kernel of the gateway, as a router
 * does; for IPv6, where routers must not, the header asks for it (UFO).
 */
#include "lib/slirp/offload.h"

#include <string.h>
#include <sys/socket.h>

#define TCP_SUM_AT 16 /* of the checksum in the header */
#define UDP_SUM_AT 6

#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_MSS 2
#define OPTION_MSS_LEN 4

#define MSS_ANY4 536 /* what every host takes (RFC 9293, 3.7.1) */
#define MSS_ANY6 1220
#define MSS_LEAST 88      /* a smaller one is not believed; as in Linux */
#define WINDOW 65535      /* the largest without the option to scale it, which libslirp lacks */
#define MSS_LARGE 65535   /* libslirp takes its own limit then */
#define FRAGMENT_HEADER 8 /* of IPv6 */
#define IP4_DONT_FRAGMENT 0x4000

/*
 * libslirp tells of a window that has opened again when it has grown by two of its own segments,
 * and not before. The child's kernel waits until a segment of its own fits. So two of libslirp's
 * must not be longer than what is missing of the window then: or both wait for 200 ms, again and
 * again (seen with slirp4netns at an MTU of 65520). It is the smaller one of the child that leaves
 * room for large ones of libslirp, and costs nothing: they travel in bundles.
 */
static uint32_t child_segment(uint32_t mtu, size_t ip_len)
{
	uint32_t segment = mtu - (uint32_t)ip_len - TCP_LEN;

	return segment < WINDOW / 4 ? segment : WINDOW / 4;
}

uint32_t offload_segment(uint32_t mtu)
{
	return (WINDOW - child_segment(mtu, IP4_LEN)) / 2;
}

int offload_init(struct offload *o, uint32_t mtu)
{
	o->mtu = mtu;
	return flowmss_init(&o->flows);
}

void offload_done(struct offload *o)
{
	flowmss_done(&o->flows);
}

/* --- from the child ----------------------------------------------------------------------- */

bool offload_is_sane(const struct virtio_net_hdr *vnet, size_t len)
{
	bool partial = vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;

	if (partial && (size_t)vnet->csum_start + vnet->csum_offset + 2 > len)
		return false;
	switch (vnet->gso_type) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return partial && vnet->gso_size;
	default:
		return false; /* we have not asked for it */
	}
}

bool offload_fits(const struct virtio_net_hdr *vnet, const struct frame *f,
		  const struct frame_info *in)
{
	uint16_t at = in->proto == IPPROTO_TCP ? TCP_SUM_AT : UDP_SUM_AT;
	uint8_t large = in->family == AF_INET ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;

	if (vnet->gso_type != VIRTIO_NET_HDR_GSO_NONE &&
	    (vnet->gso_type != large || in->proto != IPPROTO_TCP))
		return false;
	if (!(vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return true;
	return (in->proto == IPPROTO_TCP || in->proto == IPPROTO_UDP) &&
	       f->data + vnet->csum_start == in->l4 && vnet->csum_offset == at;
}

static uint32_t sum_pseudo(uint8_t family, const uint8_t *src, uint8_t proto, size_t len)
{
	/* source and destination are neighbours in both headers */
	return checksum_add((uint32_t)len + proto, src, family == AF_INET ? 8 : 32);
}

static void complete_checksum(const struct frame_info *in)
{
	bool tcp = in->proto == IPPROTO_TCP;
	uint8_t *field = in->l4 + (tcp ? TCP_SUM_AT : UDP_SUM_AT);
	size_t len = tcp ? in->l4_len : get_be16(in->l4 + 4);
	uint16_t sum;

	put_be16(field, 0);
	if (!tcp && in->family == AF_INET)
		return; /* none: allowed, and nobody has to look at each byte */
	sum = checksum_fold(checksum_add(sum_pseudo((uint8_t)in->family, in->src, in->proto, len),
					 in->l4, len));
	put_be16(field, sum ? sum : 0xffff);
}

/* the word at @at of the TCP header; an odd place swaps what it adds to the sum */
static void replace_word(uint8_t *tcp, size_t at, uint16_t value)
{
	uint16_t before = get_be16(tcp + at);

	put_be16(tcp + at, value);
	if (at & 1) {
		before = (uint16_t)(before << 8 | before >> 8);
		value = (uint16_t)(value << 8 | value >> 8);
	}
	checksum_replace(tcp + TCP_SUM_AT, before, value);
}

/* where the value of the MSS option is, from the start of the header; 0: there is none */
static size_t find_mss(const uint8_t *tcp, size_t header)
{
	size_t at = TCP_LEN;

	while (at + 1 < header && tcp[at] != OPTION_END) {
		size_t n = tcp[at] == OPTION_NOP ? 1 : tcp[at + 1];

		if (n == 0 || (n == 1 && tcp[at] != OPTION_NOP) || at + n > header)
			return 0;
		if (tcp[at] == OPTION_MSS && n == OPTION_MSS_LEN)
			return at + 2;
		at += n;
	}
	return 0;
}

static size_t tcp_header_len(const uint8_t *tcp)
{
	return (size_t)(tcp[12] >> 4) * 4;
}

static uint16_t mss_of_any(uint16_t family)
{
	return family == AF_INET ? MSS_ANY4 : MSS_ANY6;
}

static void raise_mss(struct offload *o, const struct frame_info *in)
{
	struct flowmss_key k = flowmss_make_key(in->family, in->src, in->dst, in->sport, in->dport);
	size_t at = find_mss(in->l4, tcp_header_len(in->l4));
	uint16_t mss = at ? get_be16(in->l4 + at) : mss_of_any(in->family);

	flowmss_put(&o->flows, &k, mss > MSS_LEAST ? mss : MSS_LEAST);
	if (at)
		replace_word(in->l4, at, MSS_LARGE);
}

void offload_take(struct offload *o, const struct virtio_net_hdr *vnet, const struct frame_info *in)
{
	if (in->proto == IPPROTO_TCP && in->opens)
		raise_mss(o, in);
	if (vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		complete_checksum(in);
}

/* --- to the child ------------------------------------------------------------------------- */

/* what libslirp has put into a frame; it makes neither IPv4 options nor extension headers */
struct packet {
	uint16_t family;
	uint8_t proto;
	bool fragment;
	uint8_t *ip, *l4;         /* in the copy of the headers */
	const uint8_t *src, *dst; /* there too */
	size_t ip_len, l4_len;    /* header; transport header and data */
};

/* Return: false when it is neither TCP nor UDP of sound lengths: it goes out as it is */
static bool read_packet(uint8_t *headers, size_t len, struct packet *ret)
{
	uint8_t *ip = headers + ETH_LEN;
	bool v4;

	if (len < ETH_LEN + IP4_LEN)
		return false;
	v4 = frame_ethertype(headers) == ETHERTYPE_IP4;
	if (v4 ? ip[0] != 0x45 : frame_ethertype(headers) != ETHERTYPE_IP6)
		return false;
	*ret = (struct packet){ .family = v4 ? AF_INET : AF_INET6,
				.proto = ip[v4 ? 9 : 6],
				.ip = ip,
				.ip_len = v4 ? IP4_LEN : IP6_LEN };
	if (len < ETH_LEN + ret->ip_len)
		return false;
	ret->fragment = v4 && (get_be16(ip + 6) & (IP4_MORE_FRAGMENTS | IP4_OFFSET));
	ret->src = ip + (v4 ? 12 : 8);
	ret->dst = ret->src + (v4 ? 4 : 16);
	ret->l4 = ip + ret->ip_len;
	ret->l4_len = len - ETH_LEN - ret->ip_len;
	if (ret->proto == IPPROTO_TCP)
		return ret->l4_len >= TCP_LEN && tcp_header_len(ret->l4) >= TCP_LEN &&
		       tcp_header_len(ret->l4) <= ret->l4_len;
	return ret->proto == IPPROTO_UDP && (ret->fragment || ret->l4_len >= UDP_LEN);
}

static void leave_checksum(const struct packet *p, size_t at, struct virtio_net_hdr *vnet)
{
	uint32_t sum = sum_pseudo((uint8_t)p->family, p->src, p->proto, p->l4_len);

	vnet->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	vnet->csum_start = (uint16_t)(ETH_LEN + p->ip_len);
	vnet->csum_offset = (uint16_t)at;
	put_be16(p->l4 + at, (uint16_t)~checksum_fold(sum));
}

/* bytes of TCP data in a packet to this guest */
static size_t segment_size(struct offload *o, const struct packet *p, size_t most)
{
	struct flowmss_key k =
		flowmss_make_key(p->family, p->dst, p->src, get_be16(p->l4 + 2), get_be16(p->l4));
	size_t mss = flowmss_get(&o->flows, &k);

	if (!mss)
		mss = mss_of_any(p->family);
	return mss < most ? mss : most;
}

static void give_tcp(struct offload *o, const struct packet *p, struct virtio_net_hdr *vnet)
{
	size_t header = tcp_header_len(p->l4), data = p->l4_len - header, size;
	size_t most = o->mtu - p->ip_len - TCP_LEN, at;

	if (p->l4[13] & TCP_SYN) {
		at = find_mss(p->l4, header);
		if (at)
			put_be16(p->l4 + at, (uint16_t)child_segment(o->mtu, p->ip_len));
	}
	leave_checksum(p, TCP_SUM_AT, vnet);
	vnet->hdr_len = (uint16_t)(ETH_LEN + p->ip_len + header);
	if (data <= MSS_LEAST && data <= most)
		return;
	size = segment_size(o, p, most);
	if (data <= size)
		return;
	vnet->gso_type = p->family == AF_INET ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	vnet->gso_size = (uint16_t)size;
}

static void give_udp(const struct offload *o, const struct packet *p, struct virtio_net_hdr *vnet)
{
	bool large = p->ip_len + p->l4_len > o->mtu;
	uint16_t field = get_be16(p->ip + 6);

	if (large && p->family == AF_INET && (field & IP4_DONT_FRAGMENT)) {
		/* libslirp's own wish: the packet from which the data is has come whole */
		put_be16(p->ip + 6, field & (uint16_t)~IP4_DONT_FRAGMENT);
		checksum_ip4(p->ip);
	}
	if (p->fragment)
		return;
	leave_checksum(p, UDP_SUM_AT, vnet);
	vnet->hdr_len = (uint16_t)(ETH_LEN + p->ip_len + UDP_LEN);
	if (large && p->family == AF_INET6) {
		vnet->gso_type = VIRTIO_NET_HDR_GSO_UDP;
		vnet->gso_size = (uint16_t)((o->mtu - IP6_LEN - FRAGMENT_HEADER) & ~7u);
	}
}

void offload_give(struct offload *o, const uint8_t *data, size_t len, struct offload_out *ret)
{
	size_t n = len < sizeof(ret->headers) ? len : sizeof(ret->headers);
	struct packet p;

	ret->vnet = (struct virtio_net_hdr){ 0 };
	ret->nheaders = n;
	ret->rest = data + n;
	ret->nrest = len - n;
	memcpy(ret->headers, data, n);
	if (!read_packet(ret->headers, len, &p))
		return;
	if (p.proto == IPPROTO_TCP)
		give_tcp(o, &p, &ret->vnet);
	else
		give_udp(o, &p, &ret->vnet);
}
