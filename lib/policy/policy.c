// SPDX-License-Identifier: Apache-2.0
/*
 * policy.c - which destinations the child may reach
 *
 * Order: our own three addresses first (they are inside ranges that are refused as a whole), then
 * the tables of ranges, first match wins, then everything else is allowed as it is.
 *
 * The host treats more than 127.0.0.1 as itself: Linux connects 0.0.0.0 and :: to loopback, and an
 * IPv6 socket reaches IPv4 through ::ffff:a.b.c.d. A literal of that kind is refused whether the
 * host's loopback is open or not: the one door to it is the gateway address, so that what a rule
 * or a log says about the gateway is the whole truth.
 *
 * Allowed on purpose: the host's own addresses that are not loopback (as with rootful Docker), but
 * with --deny-host-addrs; and 169.254/16 (metadata services of clouds are there, users need them).
 * The gateway address is no address of the host: whether that door is open is said by another flag.
 */
#include "lib/policy/policy.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/policy/hosts.h"

struct range4 {
	uint32_t addr; /* host order */
	uint8_t prefix;
	enum policy_verdict verdict;
};

struct range6 {
	uint8_t addr[16];
	uint8_t prefix;
	enum policy_verdict verdict;
};

static const char *const names[] = {
	[POLICY_ALLOWED] = "allowed",
	[POLICY_DNS] = "name server of the virtual network",
	[POLICY_REFUSED_NET] = "refused: the host itself or a family that is off",
	[POLICY_REFUSED_HOST] = "refused: nobody has this address of the virtual network",
	[POLICY_REFUSED_PROHIBITED] = "refused: reserved or without a meaning on the host",
	[POLICY_SILENT] = "dropped: broadcast or multicast",
};
static_assert(ARRAY_SIZE(names) == POLICY_NVERDICTS, "a name for each verdict");

static const struct range4 ranges4[] = {
	{ 0x00000000, 8, POLICY_REFUSED_NET },        /* 0.0.0.0/8: Linux takes it for loopback */
	{ 0x7f000000, 8, POLICY_REFUSED_NET },        /* 127.0.0.0/8 */
	{ 0xe0000000, 4, POLICY_SILENT },             /* 224.0.0.0/4: multicast */
	{ 0xffffffff, 32, POLICY_SILENT },            /* libslirp would map it to 127.0.0.1 */
	{ 0xf0000000, 4, POLICY_REFUSED_PROHIBITED }, /* 240.0.0.0/4: reserved */
};

/* ::/96 and ::ffff:0:0/96 carry an IPv4 address and are judged in judge6() */
static const struct range6 ranges6[] = {
	{ { [8] = 0xff, [9] = 0xff }, 96, POLICY_REFUSED_PROHIBITED }, /* ::ffff:0:0:0/96, SIIT */
	{ { 0xff }, 8, POLICY_SILENT },                                /* multicast */
	{ { 0xfe, 0x80 }, 10, POLICY_REFUSED_PROHIBITED }, /* link-local: a frame has no scope */
	{ { 0xfe, 0xc0 }, 10, POLICY_REFUSED_PROHIBITED }, /* site-local, deprecated */
};

const char *policy_verdict_name(enum policy_verdict v)
{
	return (unsigned)v < POLICY_NVERDICTS ? names[v] : "?";
}

static bool in_prefix4(uint32_t addr, uint32_t net, unsigned prefix)
{
	uint32_t mask = prefix ? UINT32_MAX << (32 - prefix) : 0;

	return prefix <= 32 && ((addr ^ net) & mask) == 0;
}

static bool in_prefix6(const uint8_t addr[16], const uint8_t net[16], unsigned prefix)
{
	unsigned bytes = prefix / 8, bits = prefix % 8;

	if (prefix > 128 || memcmp(addr, net, bytes) != 0)
		return false;
	return !bits || ((addr[bytes] ^ net[bytes]) >> (8 - bits)) == 0;
}

static enum policy_verdict judge_dns(uint8_t ipproto, uint16_t port)
{
	bool asks = ipproto == IPPROTO_TCP || ipproto == IPPROTO_UDP;

	return asks && port == NET_DNS_PORT ? POLICY_DNS : POLICY_REFUSED_NET;
}

static enum policy_verdict judge4(const struct net_plan *plan, const struct in_addr *dst,
				  uint8_t ipproto, uint16_t port, struct net_addr *final)
{
	uint32_t addr = ntohl(dst->s_addr), net = ntohl(plan->network.s_addr);

	/* the gateway may be the name server as well */
	if (dst->s_addr == plan->dns.s_addr && judge_dns(ipproto, port) == POLICY_DNS)
		return POLICY_DNS;
	if (dst->s_addr == plan->gateway.s_addr) {
		struct in_addr loopback = { htonl(INADDR_LOOPBACK) };

		memcpy(final->addr, &loopback, sizeof(loopback));
		return plan->host_loopback ? POLICY_ALLOWED : POLICY_REFUSED_NET;
	}
	if (dst->s_addr == plan->dns.s_addr)
		return POLICY_REFUSED_NET;
	for (size_t i = 0; i < ARRAY_SIZE(ranges4); i++) {
		if (in_prefix4(addr, ranges4[i].addr, ranges4[i].prefix))
			return ranges4[i].verdict;
	}
	if (in_prefix4(addr, net, plan->prefix)) {
		uint32_t hosts = plan->prefix < 32 ? UINT32_MAX >> plan->prefix : 0;

		return hosts > 1 && (addr & hosts) == hosts ? POLICY_SILENT : POLICY_REFUSED_HOST;
	}
	memcpy(final->addr, dst, sizeof(*dst));
	return POLICY_ALLOWED;
}

/* an IPv4 address dressed as IPv6 is never allowed; what it hides decides the answer */
static enum policy_verdict judge_embedded4(const uint8_t addr[4])
{
	return addr[0] == 0 || addr[0] == 127 ? POLICY_REFUSED_NET : POLICY_REFUSED_PROHIBITED;
}

static enum policy_verdict judge6(const struct net_plan *plan, const struct in6_addr *dst,
				  uint8_t ipproto, uint16_t port, struct net_addr *final)
{
	if (!plan->ipv6)
		return POLICY_REFUSED_NET;
	if (IN6_ARE_ADDR_EQUAL(dst, &plan->gateway6)) {
		memcpy(final->addr, &in6addr_loopback, sizeof(in6addr_loopback));
		return plan->host_loopback ? POLICY_ALLOWED : POLICY_REFUSED_NET;
	}
	if (IN6_ARE_ADDR_EQUAL(dst, &plan->dns6))
		return judge_dns(ipproto, port);
	/* ::/96 (with :: and ::1) and ::ffff:0:0/96; ::1 and :: have 0.x.x.x as last four bytes */
	if (in_prefix6(dst->s6_addr, in6addr_any.s6_addr, 96) || IN6_IS_ADDR_V4MAPPED(dst))
		return judge_embedded4(dst->s6_addr + 12);
	for (size_t i = 0; i < ARRAY_SIZE(ranges6); i++) {
		if (in_prefix6(dst->s6_addr, ranges6[i].addr, ranges6[i].prefix))
			return ranges6[i].verdict;
	}
	if (in_prefix6(dst->s6_addr, plan->network6.s6_addr, plan->prefix6))
		return POLICY_REFUSED_HOST;
	memcpy(final->addr, dst, sizeof(*dst));
	return POLICY_ALLOWED;
}

/* by the gateway address: there is no other way */
static bool is_loopback(const struct net_addr *a)
{
	const struct in6_addr *a6 = (const void *)a->addr;

	return a->family == AF_INET ? a->addr[0] == 127 : IN6_IS_ADDR_LOOPBACK(a6);
}

enum policy_verdict policy_judge(const struct net_plan *plan, const struct policy_hosts *hosts,
				 int family, const void *dst, uint8_t ipproto, uint16_t port,
				 struct net_addr *ret_final)
{
	struct net_addr final = { .family = (uint16_t)family, .port = port };
	enum policy_verdict v = POLICY_REFUSED_PROHIBITED;

	if (family == AF_INET) {
		struct in_addr addr;

		memcpy(&addr, dst, sizeof(addr));
		v = judge4(plan, &addr, ipproto, port, &final);
	} else if (family == AF_INET6) {
		struct in6_addr addr;

		memcpy(&addr, dst, sizeof(addr));
		v = judge6(plan, &addr, ipproto, port, &final);
	}
	if (v == POLICY_ALLOWED && !is_loopback(&final) &&
	    policy_is_hosts(hosts, family, final.addr))
		v = POLICY_REFUSED_NET;
	*ret_final = v == POLICY_ALLOWED ? final : (struct net_addr){ 0 };
	return v;
}
