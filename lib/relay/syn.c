// SPDX-License-Identifier: Apache-2.0
/*
 * syn.c - the first packet of a TCP connection
 *
 * The packets are root's of the child: every length is checked against what was read, and what is
 * not exactly a SYN is none. Headers are copied out of the bytes, so alignment does not matter.
 */
#include "lib/relay/syn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/relay/ipsum.h"

#define HOPS 64

/* 0 when it is right, else what the field should be, in network order */
static uint16_t checksum(uint16_t family, const uint8_t *src, const uint8_t *dst, uint8_t proto,
			 const void *data, size_t n)
{
	return ipsum_fold(ipsum_add(ipsum_pseudo(family, src, dst, proto, n), data, n));
}

/* --- reading -------------------------------------------------------------------------------- */

/* @ret_tcp: where the TCP header starts; @ret_end: where the packet ends. -EBADMSG: not for us */
static int parse_ip4(const uint8_t *pkt, size_t n, struct syn_key *k, size_t *ret_tcp,
		     size_t *ret_end)
{
	struct iphdr ip;
	size_t head, end;

	if (n < sizeof(ip))
		return -EBADMSG;
	memcpy(&ip, pkt, sizeof(ip));
	head = ip.ihl * 4u;
	end = ntohs(ip.tot_len);
	if (head != sizeof(ip) || end > n || head > end || ip.protocol != IPPROTO_TCP ||
	    (ntohs(ip.frag_off) & (IP_MF | IP_OFFMASK)) || ipsum_fold(ipsum_add(0, pkt, head)))
		return -EBADMSG;
	k->family = AF_INET;
	memcpy(k->src, &ip.saddr, 4);
	memcpy(k->dst, &ip.daddr, 4);
	*ret_tcp = head;
	*ret_end = end;
	return 0;
}

static int parse_ip6(const uint8_t *pkt, size_t n, struct syn_key *k, size_t *ret_tcp,
		     size_t *ret_end)
{
	struct ip6_hdr ip;

	if (n < sizeof(ip))
		return -EBADMSG;
	memcpy(&ip, pkt, sizeof(ip));
	*ret_tcp = sizeof(ip);
	*ret_end = sizeof(ip) + ntohs(ip.ip6_plen);
	if (*ret_end > n || ip.ip6_nxt != IPPROTO_TCP)
		return -EBADMSG;
	k->family = AF_INET6;
	memcpy(k->src, &ip.ip6_src, 16);
	memcpy(k->dst, &ip.ip6_dst, 16);
	return 0;
}

/* lengths and checksums of the headers when there is nothing behind them */
static void cut_data(struct syn *s, size_t tcp)
{
	struct tcphdr th;

	if (s->key.family == AF_INET) {
		struct iphdr ip;

		memcpy(&ip, s->bytes, sizeof(ip));
		ip.tot_len = htons(s->len);
		ip.check = 0;
		memcpy(s->bytes, &ip, sizeof(ip));
		ip.check = ipsum_fold(ipsum_add(0, s->bytes, tcp));
		memcpy(s->bytes, &ip, sizeof(ip));
	} else {
		uint16_t plen = htons((uint16_t)(s->len - tcp));

		memcpy(s->bytes + offsetof(struct ip6_hdr, ip6_plen), &plen, sizeof(plen));
	}
	memcpy(&th, s->bytes + tcp, sizeof(th));
	th.check = 0;
	memcpy(s->bytes + tcp, &th, sizeof(th));
	th.check = checksum(s->key.family, s->key.src, s->key.dst, IPPROTO_TCP, s->bytes + tcp,
			    s->len - tcp);
	memcpy(s->bytes + tcp, &th, sizeof(th));
}

int syn_parse(const uint8_t *pkt, size_t n, struct syn *ret)
{
	size_t tcp = 0, end = 0, head;
	struct tcphdr th;
	int r = -EBADMSG;

	ret->key = (struct syn_key){ 0 };
	if (n && pkt[0] >> 4 == 4)
		r = parse_ip4(pkt, n, &ret->key, &tcp, &end);
	else if (n && pkt[0] >> 4 == 6)
		r = parse_ip6(pkt, n, &ret->key, &tcp, &end);
	if (r < 0 || end - tcp < sizeof(th))
		return -EBADMSG;
	memcpy(&th, pkt + tcp, sizeof(th));
	head = th.doff * 4u;
	if (!th.syn || th.ack || th.rst || th.fin || head < sizeof(th) || head > end - tcp)
		return -EBADMSG;
	if (checksum(ret->key.family, ret->key.src, ret->key.dst, IPPROTO_TCP, pkt + tcp,
		     end - tcp))
		return -EBADMSG;
	ret->key.sport = ntohs(th.source);
	ret->key.dport = ntohs(th.dest);
	ret->isn = ntohl(th.seq);
	ret->hops = pkt[ret->key.family == AF_INET6 ? offsetof(struct ip6_hdr, ip6_hlim)
						    : offsetof(struct iphdr, ttl)];
	ret->len = (uint16_t)(tcp + head);
	memcpy(ret->bytes, pkt, ret->len);
	if (ret->len < end)
		cut_data(ret, tcp);
	return 0;
}

/* --- answers -------------------------------------------------------------------------------- */

/* the header for @len bytes behind it, towards the client; its length */
static size_t put_ip(const struct syn_key *to, const uint8_t *from, uint8_t proto, size_t len,
		     uint8_t *out)
{
	const struct ipsum_head h = { .family = to->family,
				      .proto = proto,
				      .ttl = HOPS,
				      .len = (uint32_t)len,
				      .from = from,
				      .to = to->src };

	return ipsum_put_head(&h, out);
}

size_t syn_refuse(const struct syn *s, uint8_t *ret)
{
	const struct syn_key *k = &s->key;
	struct tcphdr th = { .source = htons(k->dport),
			     .dest = htons(k->sport),
			     .ack_seq = htonl(s->isn + 1),
			     .doff = sizeof(th) / 4,
			     .rst = 1,
			     .ack = 1 };
	size_t head = put_ip(k, k->dst, IPPROTO_TCP, sizeof(th), ret);

	th.check = checksum(k->family, k->dst, k->src, IPPROTO_TCP, &th, sizeof(th));
	memcpy(ret + head, &th, sizeof(th));
	return head + sizeof(th);
}

/* the packet is quoted as it came */
static size_t put_error(const struct syn *s, const uint8_t *from, uint8_t type, uint8_t code,
			uint8_t *ret)
{
	bool v6 = s->key.family == AF_INET6;
	uint8_t icmp[8 + SYN_MAX] = { type, code };
	size_t len = 8u + s->len, head;
	uint16_t check;

	memcpy(icmp + 8, s->bytes, s->len);
	check = v6 ? checksum(AF_INET6, from, s->key.src, IPPROTO_ICMPV6, icmp, len)
		   : ipsum_fold(ipsum_add(0, icmp, len));
	memcpy(icmp + 2, &check, sizeof(check));
	head = put_ip(&s->key, from, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, len, ret);
	memcpy(ret + head, icmp, len);
	return head + len;
}

size_t syn_unreachable(const struct syn *s, const struct net_plan *plan, enum syn_error error,
		       uint8_t *ret)
{
	/* Linux knows address-unreachable as EHOSTUNREACH, as host-unreachable of IPv4 */
	static const struct {
		uint8_t code, type6, code6;
	} told[SYN_NERRORS] = {
		[SYN_NO_ROUTE] = { ICMP_NET_UNREACH, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE },
		[SYN_NO_HOST] = { ICMP_HOST_UNREACH, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR },
		[SYN_PROHIBITED] = { ICMP_PKT_FILTERED, ICMP6_DST_UNREACH,
				     ICMP6_DST_UNREACH_ADMIN },
		[SYN_NO_PROTOCOL] = { ICMP_PROT_UNREACH, ICMP6_PARAM_PROB,
				      ICMP6_PARAMPROB_NEXTHEADER },
	};
	bool v6 = s->key.family == AF_INET6;

	return put_error(s, v6 ? plan->gateway6.s6_addr : (const uint8_t *)&plan->gateway,
			 v6 ? told[error].type6 : ICMP_DEST_UNREACH,
			 v6 ? told[error].code6 : told[error].code, ret);
}

size_t syn_expired(const struct syn *s, const void *from, uint8_t *ret)
{
	return put_error(s, from,
			 s->key.family == AF_INET6 ? ICMP6_TIME_EXCEEDED : ICMP_TIME_EXCEEDED, 0,
			 ret);
}
