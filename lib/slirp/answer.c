// SPDX-License-Identifier: Apache-2.0
/*
 * answer.c - the ICMP error that tells a sender why its packet went nowhere (slirp only)
 *
 * The packet is quoted as far as the limits allow: 576 bytes in all for IPv4 (RFC 1812), 1280 for
 * IPv6 (RFC 4443). Its ports, or its echo id, are in the first eight bytes behind the header.
 *
 * libslirp hands on ICMP errors that its UDP sockets met with the address of the host that sent
 * them. For a closed port of the host's loopback that is 127.0.0.1, which every kernel drops: the
 * child would wait instead of seeing "connection refused". Its own errors of IPv6 (no route on the
 * host) come from fe80::2, which the gateway's kernel may not forward. Both come from the gateway.
 *
 * A connection that ends before it stands is a reset by libslirp, whatever the reason. What the
 * host would not call refused is told as what it is, from the gateway: the sender is not known.
 */
#include "lib/slirp/answer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER4_MAX 576
#define ANSWER6_MAX 1280
#define ANSWER_HOPS 64
#define TOS_CONTROL 0xc0 /* internetwork control, as routers mark their errors */

#define ICMP4_UNREACHABLE 3
#define ICMP6_UNREACHABLE 1

static uint8_t code4(enum policy_verdict why)
{
	return why == POLICY_REFUSED_NET ? 0 : why == POLICY_REFUSED_HOST ? 1 : 13;
}

static uint8_t code6(enum policy_verdict why)
{
	return why == POLICY_REFUSED_NET ? 0 : why == POLICY_REFUSED_HOST ? 3 : 1;
}

static void put_link(const struct frame *f, uint8_t *buf)
{
	memcpy(buf, f->data + NET_MAC_LEN, NET_MAC_LEN);
	memcpy(buf + NET_MAC_LEN, f->data, NET_MAC_LEN);
	memcpy(buf + 12, f->data + 12, 2);
}

static size_t quote(const struct frame *f, uint8_t *to, size_t max)
{
	size_t n = f->len - ETH_LEN < max ? f->len - ETH_LEN : max;

	memcpy(to, f->data + ETH_LEN, n);
	return n;
}

static void put_header(uint8_t *icmp, const struct answer_error *what)
{
	icmp[0] = what->type;
	icmp[1] = what->code;
	put_be16(icmp + 4, (uint16_t)(what->rest >> 16));
	put_be16(icmp + 6, (uint16_t)what->rest);
}

static size_t build4(const struct net_plan *plan, const struct frame *f,
		     const struct frame_info *info, const struct answer_error *what, uint8_t *ip)
{
	uint8_t *icmp = ip + IP4_LEN;
	size_t n = ICMP_LEN + quote(f, icmp + ICMP_LEN, ANSWER4_MAX - IP4_LEN - ICMP_LEN);

	memset(ip, 0, IP4_LEN + ICMP_LEN);
	ip[0] = 0x45;
	ip[1] = TOS_CONTROL;
	put_be16(ip + 2, (uint16_t)(IP4_LEN + n));
	ip[8] = ANSWER_HOPS;
	ip[9] = IPPROTO_ICMP;
	memcpy(ip + 12, what->from ? what->from : &plan->gateway, 4);
	memcpy(ip + 16, info->src, 4);
	checksum_ip4(ip);
	put_header(icmp, what);
	put_be16(icmp + 2, checksum_fold(checksum_add(0, icmp, n)));
	return IP4_LEN + n;
}

static size_t build6(const struct net_plan *plan, const struct frame *f,
		     const struct frame_info *info, const struct answer_error *what, uint8_t *ip)
{
	uint8_t *icmp = ip + IP6_LEN;
	size_t n = ICMP_LEN + quote(f, icmp + ICMP_LEN, ANSWER6_MAX - IP6_LEN - ICMP_LEN);

	memset(ip, 0, IP6_LEN + ICMP_LEN);
	ip[0] = 0x60;
	put_be16(ip + 4, (uint16_t)n);
	ip[6] = IPPROTO_ICMPV6;
	ip[7] = ANSWER_HOPS;
	memcpy(ip + 8, what->from ? what->from : &plan->gateway6, 16);
	memcpy(ip + 24, info->src, 16);
	put_header(icmp, what);
	checksum_icmp6(ip);
	return IP6_LEN + n;
}

size_t answer_error(const struct net_plan *plan, const struct frame *f,
		    const struct frame_info *info, const struct answer_error *what, uint8_t *buf)
{
	put_link(f, buf);
	if (info->family == AF_INET)
		return ETH_LEN + build4(plan, f, info, what, buf + ETH_LEN);
	return ETH_LEN + build6(plan, f, info, what, buf + ETH_LEN);
}

size_t answer_unreachable(const struct net_plan *plan, const struct frame *f,
			  const struct frame_info *info, enum policy_verdict why, uint8_t *buf)
{
	const bool v4 = info->family == AF_INET;
	const struct answer_error what = { .type = v4 ? ICMP4_UNREACHABLE : ICMP6_UNREACHABLE,
					   .code = v4 ? code4(why) : code6(why) };

	return answer_error(plan, f, info, &what, buf);
}

static bool refusal_of(int error, enum policy_verdict *ret)
{
	switch (error) {
	case EHOSTUNREACH:
	case EHOSTDOWN:
		*ret = POLICY_REFUSED_HOST;
		return true;
	case ENETUNREACH:
	case ENETDOWN:
		*ret = POLICY_REFUSED_NET;
		return true;
	case EACCES:
	case EPERM:
		*ret = POLICY_REFUSED_PROHIBITED;
		return true;
	default:
		return false;
	}
}

/* an acknowledgement of a SYN and nothing more: libslirp has sent nothing else about it */
static bool resets_syn(const uint8_t *tcp)
{
	return (tcp[13] & (TCP_RST | TCP_ACK | TCP_SYN | TCP_FIN)) == (TCP_RST | TCP_ACK) &&
	       memcmp(tcp + 4, "\0\0\0\0", 4) == 0;
}

/* the SYN that a reset is about, as far as it is known from that */
static void make_syn(const uint8_t *data, size_t ip_len, uint8_t *syn)
{
	const bool v6 = ip_len == IP6_LEN;
	const size_t n = v6 ? 16 : 4;
	const uint8_t *from = data + ETH_LEN + (v6 ? 8 : 12), *reset = data + ETH_LEN + ip_len;
	uint8_t *to = syn + ETH_LEN + (v6 ? 8 : 12), *tcp = syn + ETH_LEN + ip_len;
	const uint32_t ack = (uint32_t)get_be16(reset + 8) << 16 | get_be16(reset + 10);

	put_link(&(const struct frame){ .data = (uint8_t *)data }, syn);
	memcpy(syn + ETH_LEN, data + ETH_LEN, ip_len);
	memcpy(to, from + n, n);
	memcpy(to + n, from, n);
	if (!v6)
		checksum_ip4(syn + ETH_LEN);
	memset(tcp, 0, TCP_LEN);
	memcpy(tcp, reset + 2, 2);
	memcpy(tcp + 2, reset, 2);
	put_be16(tcp + 4, (uint16_t)((ack - 1) >> 16));
	put_be16(tcp + 6, (uint16_t)(ack - 1));
	tcp[12] = TCP_LEN / 4 << 4;
	tcp[13] = TCP_SYN;
}

size_t answer_failed(const struct net_plan *plan, const uint8_t *data, size_t len, int error,
		     uint8_t *buf)
{
	const bool v6 = len >= ETH_LEN && frame_ethertype(data) == ETHERTYPE_IP6;
	const size_t ip_len = v6 ? IP6_LEN : IP4_LEN;
	uint8_t syn[ETH_LEN + IP6_LEN + TCP_LEN];
	struct frame f = { .data = syn, .len = ETH_LEN + ip_len + TCP_LEN };
	struct frame_info in = { .family = v6 ? AF_INET6 : AF_INET };
	enum policy_verdict why;

	if (len < f.len || (!v6 && frame_ethertype(data) != ETHERTYPE_IP4) ||
	    data[ETH_LEN + (v6 ? 6 : 9)] != IPPROTO_TCP || !resets_syn(data + ETH_LEN + ip_len) ||
	    !refusal_of(error, &why))
		return 0;
	make_syn(data, ip_len, syn);
	in.src = syn + ETH_LEN + (v6 ? 8 : 12);
	return answer_unreachable(plan, &f, &in, why, buf);
}

/* loopback, and libslirp's own link-local address: no kernel forwards a packet from either */
static bool is_unroutable6(const uint8_t *src)
{
	return memcmp(src, &in6addr_loopback, 16) == 0 ||
	       (src[0] == 0xfe && (src[1] & 0xc0) == 0x80);
}

/* a router's own words must come from its link-local address (RFC 4861, 6.1.2) */
static bool is_discovery(const uint8_t *icmp)
{
	return icmp[0] >= ICMP6_ROUTER_SOLICIT && icmp[0] <= ICMP6_NEIGHBOUR_ADVERT;
}

size_t answer_relabel(const struct net_plan *plan, const uint8_t *data, size_t len, uint8_t *buf)
{
	const uint8_t *from = data + ETH_LEN;
	uint8_t *ip = buf + ETH_LEN;

	if (len < ETH_LEN + IP4_LEN || len > ANSWER_MAX)
		return 0;
	if (frame_ethertype(data) == ETHERTYPE_IP4 && from[0] == 0x45 && from[9] == IPPROTO_ICMP &&
	    from[12] == 127) {
		memcpy(buf, data, len);
		memcpy(ip + 12, &plan->gateway, 4);
		checksum_ip4(ip);
		return len;
	}
	if (frame_ethertype(data) == ETHERTYPE_IP6 && len >= ETH_LEN + IP6_LEN + ICMP_LEN &&
	    from[6] == IPPROTO_ICMPV6 && is_unroutable6(from + 8) &&
	    !is_discovery(from + IP6_LEN) && get_be16(from + 4) == len - ETH_LEN - IP6_LEN) {
		memcpy(buf, data, len);
		memcpy(ip + 8, &plan->gateway6, 16);
		checksum_icmp6(ip);
		return len;
	}
	return 0;
}
