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
 */
#include "lib/slirp/answer.h"

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
