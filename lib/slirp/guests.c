// SPDX-License-Identifier: Apache-2.0
/*
 * guests.c - answers libslirp's questions for hardware addresses behind the gateway (slirp only)
 *
 * libslirp holds back a packet for a guest it has not met, asks once, and drops it after a second.
 * So each sender is introduced before its first frame goes in. Its tables have 16 entries that are
 * overwritten in a ring; guest_table follows them, because nobody else adds to them. With more
 * guests than that it does ask: the question is kept and answered when libslirp's call has
 * returned (it is not made to be entered twice).
 */
#include "lib/slirp/guests.h"

#include <string.h>
#include <sys/socket.h>

#define ARP_FRAME_LEN (ETH_LEN + 28)
#define NA_LEN 32 /* header, target, option with the hardware address */

void guests_init(struct guests *g, const struct net_plan *plan, const uint8_t mac[NET_MAC_LEN])
{
	*g = (struct guests){ .plan = *plan };
	memcpy(g->mac, mac, NET_MAC_LEN);
}

static size_t addr_len(uint16_t family)
{
	return family == AF_INET ? 4 : 16;
}

static struct guest_table *table_of(struct guests *g, uint16_t family)
{
	return &g->known[family == AF_INET6];
}

static bool is_known(struct guest_table *t, uint16_t family, const uint8_t *addr)
{
	size_t n = addr_len(family);

	if (t->entry[t->last].family && memcmp(t->entry[t->last].addr, addr, n) == 0)
		return true;
	for (uint32_t i = 0; i < GUESTS_KNOWN; i++) {
		if (t->entry[i].family && memcmp(t->entry[i].addr, addr, n) == 0) {
			t->last = i;
			return true;
		}
	}
	return false;
}

static void remember(struct guests *g, uint16_t family, const uint8_t *addr)
{
	struct guest_table *t = table_of(g, family);

	if (is_known(t, family, addr))
		return;
	if (t->entry[t->next].family)
		g->crowded = true;
	t->entry[t->next] = (struct guest){ .family = family };
	memcpy(t->entry[t->next].addr, addr, addr_len(family));
	t->last = t->next;
	t->next = (t->next + 1) % GUESTS_KNOWN;
}

static void put_link(const struct guests *g, uint8_t *buf, uint16_t ethertype)
{
	net_plan_slirp_mac(&g->plan, buf);
	memcpy(buf + NET_MAC_LEN, g->mac, NET_MAC_LEN);
	put_be16(buf + 12, ethertype);
}

static size_t build_arp_reply(const struct guests *g, const uint8_t *addr, uint8_t *buf)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, 2 }; /* Ethernet, IPv4, reply */
	uint8_t *arp = buf + ETH_LEN;

	put_link(g, buf, ETHERTYPE_ARP);
	memcpy(arp, head, sizeof(head));
	memcpy(arp + 8, g->mac, NET_MAC_LEN);
	memcpy(arp + 14, addr, 4);
	memcpy(arp + 18, buf, NET_MAC_LEN);
	memcpy(arp + 24, &g->plan.gateway, 4);
	return ARP_FRAME_LEN;
}

static size_t build_advertisement(const struct guests *g, const uint8_t *addr, uint8_t *buf)
{
	uint8_t *ip = buf + ETH_LEN, *icmp = ip + IP6_LEN;

	memset(ip, 0, IP6_LEN + NA_LEN);
	put_link(g, buf, ETHERTYPE_IP6);
	ip[0] = 0x60;
	put_be16(ip + 4, NA_LEN);
	ip[6] = IPPROTO_ICMPV6;
	ip[7] = 255;
	memcpy(ip + 8, addr, 16);
	memcpy(ip + 24, &g->plan.gateway6, 16);
	icmp[0] = ICMP6_NEIGHBOUR_ADVERT;
	icmp[4] = 0x60; /* solicited, override */
	memcpy(icmp + 8, addr, 16);
	icmp[24] = 2; /* target's hardware address, one unit of 8 bytes */
	icmp[25] = 1;
	memcpy(icmp + 26, g->mac, NET_MAC_LEN);
	checksum_icmp6(ip);
	return ETH_LEN + IP6_LEN + NA_LEN;
}

static size_t build(const struct guests *g, uint16_t family, const uint8_t *addr, uint8_t *buf)
{
	return family == AF_INET ? build_arp_reply(g, addr, buf)
				 : build_advertisement(g, addr, buf);
}

size_t guests_introduce(struct guests *g, uint16_t family, const uint8_t *addr, uint8_t *buf)
{
	if (is_known(table_of(g, family), family, addr))
		return 0;
	remember(g, family, addr);
	return build(g, family, addr, buf);
}

static void ask(struct guests *g, uint16_t family, const uint8_t *addr)
{
	struct guest *a;

	for (uint32_t i = 0; i < g->nasked; i++) {
		a = &g->asked[i];
		if (a->family == family && memcmp(a->addr, addr, addr_len(family)) == 0)
			return;
	}
	if (g->nasked == GUESTS_ASKED_MAX)
		return;
	a = &g->asked[g->nasked++];
	*a = (struct guest){ .family = family };
	memcpy(a->addr, addr, addr_len(family));
}

bool guests_take(struct guests *g, const uint8_t *data, size_t len)
{
	const uint8_t *ip = data + ETH_LEN;

	if (len < ETH_LEN)
		return true;
	if (frame_ethertype(data) == ETHERTYPE_ARP) {
		if (len >= ARP_FRAME_LEN && get_be16(ip + 6) == 1)
			ask(g, AF_INET, ip + 24);
		return true;
	}
	if (frame_ethertype(data) != ETHERTYPE_IP6 || len < ETH_LEN + IP6_LEN + 24 ||
	    ip[6] != IPPROTO_ICMPV6)
		return false;
	switch (ip[IP6_LEN]) {
	case ICMP6_NEIGHBOUR_SOLICIT:
		ask(g, AF_INET6, ip + IP6_LEN + 8);
		return true;
	case ICMP6_ROUTER_ADVERT:
	case ICMP6_NEIGHBOUR_ADVERT:
		return true;
	default:
		return false;
	}
}

size_t guests_next_answer(struct guests *g, uint8_t *buf)
{
	struct guest a;

	if (!g->nasked)
		return 0;
	a = g->asked[0];
	g->nasked--;
	memmove(g->asked, g->asked + 1, g->nasked * sizeof(g->asked[0]));
	remember(g, a.family, a.addr);
	return build(g, a.family, a.addr, buf);
}
