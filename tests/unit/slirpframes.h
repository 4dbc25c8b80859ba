/* SPDX-License-Identifier: Apache-2.0 */
/* slirpframes.h - frames as a guest of slirp sends them; for test_prefilter.c and test_slirp.c */
#ifndef RK_TESTS_SLIRPFRAMES_H
#define RK_TESTS_SLIRPFRAMES_H

#include <arpa/inet.h>
#include <check.h>
#include <string.h>

#include "lib/slirp/frame.h"

#define GUEST "10.0.2.100"
#define GUEST6 "fd00::100"

static const uint8_t guest_mac[NET_MAC_LEN] = { 2, 0, 0, 0, 0, 0x64 };

static inline struct net_plan make_plan(bool host_loopback)
{
	struct net_plan p = { .mtu = 65520, .prefix = 24, .ipv6 = 1, .prefix6 = 64 };

	p.host_loopback = host_loopback;
	inet_pton(AF_INET, GUEST, &p.address);
	inet_pton(AF_INET, "10.0.2.2", &p.gateway);
	inet_pton(AF_INET, "10.0.2.3", &p.dns);
	inet_pton(AF_INET, "10.0.2.0", &p.network);
	inet_pton(AF_INET6, GUEST6, &p.address6);
	inet_pton(AF_INET6, "fd00::2", &p.gateway6);
	inet_pton(AF_INET6, "fd00::3", &p.dns6);
	inet_pton(AF_INET6, "fd00::", &p.network6);
	return p;
}

static inline void put_addr(int family, const char *text, uint8_t *to)
{
	ck_assert_int_eq(inet_pton(family, text, to), 1);
}

/* the transport checksum, whose field is at @at in the header; covers both families */
static inline void put_l4_checksum(uint8_t *frame, size_t l4_len, size_t at)
{
	bool v4 = frame_ethertype(frame) == ETHERTYPE_IP4;
	uint8_t *ip = frame + ETH_LEN, *l4 = ip + (v4 ? IP4_LEN : IP6_LEN);
	uint8_t proto = v4 ? ip[9] : ip[6];
	uint32_t sum = 0;

	if (proto != IPPROTO_ICMP)
		sum = checksum_add((uint32_t)l4_len + proto, ip + (v4 ? 12 : 8), v4 ? 8 : 32);
	put_be16(l4 + at, 0);
	put_be16(l4 + at, checksum_fold(checksum_add(sum, l4, l4_len)));
}

/* link and network header; the caller has put @l4_len bytes behind them */
static inline size_t put_headers(uint8_t *frame, const char *src, const char *dst, uint8_t proto,
				 size_t l4_len)
{
	static const uint8_t gateway_mac[] = { 0x52, 0x55, 10, 0, 2, 2 };
	bool v4 = !strchr(dst, ':');
	uint8_t *ip = frame + ETH_LEN;

	memcpy(frame, gateway_mac, NET_MAC_LEN);
	memcpy(frame + NET_MAC_LEN, guest_mac, NET_MAC_LEN);
	put_be16(frame + 12, v4 ? ETHERTYPE_IP4 : ETHERTYPE_IP6);
	if (!v4) {
		memset(ip, 0, IP6_LEN);
		ip[0] = 0x60;
		put_be16(ip + 4, (uint16_t)l4_len);
		ip[6] = proto;
		ip[7] = 64;
		put_addr(AF_INET6, src, ip + 8);
		put_addr(AF_INET6, dst, ip + 24);
		return ETH_LEN + IP6_LEN + l4_len;
	}
	memset(ip, 0, IP4_LEN);
	ip[0] = 0x45;
	put_be16(ip + 2, (uint16_t)(IP4_LEN + l4_len));
	ip[8] = 64;
	ip[9] = proto;
	put_addr(AF_INET, src, ip + 12);
	put_addr(AF_INET, dst, ip + 16);
	checksum_ip4(ip);
	return ETH_LEN + IP4_LEN + l4_len;
}

static inline uint8_t *l4_of(uint8_t *frame, const char *dst)
{
	return frame + ETH_LEN + (strchr(dst, ':') ? IP6_LEN : IP4_LEN);
}

static inline size_t make_udp(uint8_t *frame, const char *src, uint16_t sport, const char *dst,
			      uint16_t dport, const void *data, size_t len)
{
	uint8_t *udp = l4_of(frame, dst);
	size_t total = put_headers(frame, src, dst, IPPROTO_UDP, UDP_LEN + len);

	put_be16(udp, sport);
	put_be16(udp + 2, dport);
	put_be16(udp + 4, (uint16_t)(UDP_LEN + len));
	memcpy(udp + UDP_LEN, data, len);
	put_l4_checksum(frame, UDP_LEN + len, 6);
	return total;
}

struct segment {
	uint16_t sport, dport, urgent;
	uint32_t seq, ack;
	uint8_t flags;
	const void *data;
	size_t len;
};

static inline void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, (uint16_t)(v >> 16));
	put_be16(p + 2, (uint16_t)v);
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

static inline size_t make_tcp(uint8_t *frame, const char *src, const char *dst,
			      const struct segment *s)
{
	uint8_t *tcp = l4_of(frame, dst);
	size_t total = put_headers(frame, src, dst, IPPROTO_TCP, TCP_LEN + s->len);

	put_be16(tcp, s->sport);
	put_be16(tcp + 2, s->dport);
	put_be32(tcp + 4, s->seq);
	put_be32(tcp + 8, s->ack);
	tcp[12] = TCP_LEN / 4 << 4;
	tcp[13] = s->flags;
	put_be16(tcp + 14, 32000);
	put_be16(tcp + 18, s->urgent);
	if (s->len)
		memcpy(tcp + TCP_LEN, s->data, s->len);
	put_l4_checksum(frame, TCP_LEN + s->len, 16);
	return total;
}

static inline size_t make_syn(uint8_t *frame, const char *dst, uint16_t dport)
{
	struct segment s = { .sport = 40000, .dport = dport, .seq = 1000, .flags = TCP_SYN };

	return make_tcp(frame, strchr(dst, ':') ? GUEST6 : GUEST, dst, &s);
}

static inline size_t make_echo(uint8_t *frame, const char *dst, size_t len)
{
	bool v4 = !strchr(dst, ':');
	uint8_t *icmp = l4_of(frame, dst);
	size_t total = put_headers(frame, v4 ? GUEST : GUEST6, dst,
				   v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, ICMP_LEN + len);

	memset(icmp, 0, ICMP_LEN + len);
	icmp[0] = v4 ? ICMP4_ECHO_REQUEST : ICMP6_ECHO_REQUEST;
	put_be16(icmp + 4, 7);
	put_be16(icmp + 6, 1);
	put_l4_checksum(frame, ICMP_LEN + len, 2);
	return total;
}

#endif
