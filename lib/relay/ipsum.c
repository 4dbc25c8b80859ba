// SPDX-License-Identifier: Apache-2.0
/* ipsum.c - checksums and IP headers of packets that are made here */
#include "lib/relay/ipsum.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <string.h>
#include <sys/socket.h>

uint32_t ipsum_add(uint32_t acc, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (; n > 1; n -= 2, p += 2)
		acc += (uint32_t)p[0] << 8 | p[1];
	return n ? acc + ((uint32_t)p[0] << 8) : acc;
}

uint16_t ipsum_fold(uint32_t acc)
{
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return htons((uint16_t)~acc);
}

uint32_t ipsum_pseudo(uint16_t family, const void *from, const void *to, uint8_t proto, size_t len)
{
	size_t n = family == AF_INET ? 4 : 16;

	return ipsum_add(ipsum_add(0, from, n), to, n) + proto + (uint32_t)len;
}

static size_t put_head4(const struct ipsum_head *h, uint8_t *ret)
{
	struct iphdr ip = { .version = 4,
			    .ihl = 5,
			    .tos = h->tos,
			    .tot_len = htons((uint16_t)(sizeof(ip) + h->len)),
			    .id = htons(h->id),
			    .frag_off = htons(h->id ? 0 : IP_DF),
			    .ttl = h->ttl,
			    .protocol = h->proto };

	memcpy(&ip.saddr, h->from, 4);
	memcpy(&ip.daddr, h->to, 4);
	ip.check = ipsum_fold(ipsum_add(0, &ip, sizeof(ip)));
	memcpy(ret, &ip, sizeof(ip));
	return sizeof(ip);
}

static size_t put_head6(const struct ipsum_head *h, uint8_t *ret)
{
	struct ip6_hdr ip = { 0 };

	ip.ip6_flow = htonl(6u << 28 | (uint32_t)h->tos << 20);
	ip.ip6_plen = htons((uint16_t)h->len);
	ip.ip6_nxt = h->proto;
	ip.ip6_hlim = h->ttl;
	memcpy(&ip.ip6_src, h->from, 16);
	memcpy(&ip.ip6_dst, h->to, 16);
	memcpy(ret, &ip, sizeof(ip));
	return sizeof(ip);
}

size_t ipsum_put_head(const struct ipsum_head *h, uint8_t *ret)
{
	return h->family == AF_INET ? put_head4(h, ret) : put_head6(h, ret);
}
