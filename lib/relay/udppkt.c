// SPDX-License-Identifier: Apache-2.0
/*
 * udppkt.c - datagrams and ICMP errors about them, as packets for the tun of the gateway
 *
 * They come from any address, so no socket could send them. The gateway's kernel forwards them to
 * the child: it cuts IPv4 in fragments where that is needed (DF is not set), of IPv6 it may not.
 */
#include "lib/relay/udppkt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "lib/base/cleanup.h"
#include "lib/relay/ipsum.h"

#define HOPS 64
#define TOS_CONTROL 0xc0 /* internetwork control, as routers mark their errors */
#define ICMP_HEAD 8

/* of packets that may be cut: two with the same number at once could be mixed up */
static uint16_t next_id(void)
{
	static uint16_t id;

	return ++id ? id : ++id;
}

static int write_parts(int tun, const struct iovec *iov, int n)
{
	ssize_t r;

	do
		r = writev(tun, iov, n);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static struct udphdr make_udp(const struct net_addr *from, const struct net_addr *to, size_t len)
{
	return (struct udphdr){ .source = htons(from->port),
				.dest = htons(to->port),
				.len = htons((uint16_t)(sizeof(struct udphdr) + len)) };
}

static struct ipsum_head make_head(const struct udppkt *p, uint8_t proto, size_t len)
{
	return (struct ipsum_head){
		.family = p->from.family,
		.proto = proto,
		.ttl = HOPS,
		.tos = p->tos,
		.id = next_id(),
		.len = (uint32_t)len,
		.from = p->from.addr,
		.to = p->to.addr,
	};
}

/* every fragment but the last is a multiple of 8 bytes */
static int write_fragments(int tun, const struct udppkt *p, const struct udphdr *uh, uint32_t mtu)
{
	const size_t part = (mtu - sizeof(struct ip6_hdr) - sizeof(struct ip6_frag)) & ~(size_t)7;
	const size_t whole = sizeof(*uh) + p->len;
	const uint32_t id = htonl((uint32_t)next_id() << 16 | next_id());
	int r = 0;

	for (size_t at = 0; at < whole && r == 0; at += part) {
		const size_t len = whole - at < part ? whole - at : part;
		const bool last = at + len == whole;
		struct ip6_frag frag = { .ip6f_nxt = IPPROTO_UDP,
					 .ip6f_offlg =
						 htons((uint16_t)at) | (last ? 0 : IP6F_MORE_FRAG),
					 .ip6f_ident = id };
		struct ipsum_head h = make_head(p, IPPROTO_FRAGMENT, sizeof(frag) + len);
		uint8_t head[IPSUM_HEAD_MAX];
		struct iovec iov[4] = { { head, ipsum_put_head(&h, head) },
					{ &frag, sizeof(frag) } };
		int n = 2;

		if (at == 0)
			iov[n++] = (struct iovec){ (void *)(uintptr_t)uh, sizeof(*uh) };
		iov[n].iov_base = (void *)((uintptr_t)p->data + (at ? at - sizeof(*uh) : 0));
		iov[n++].iov_len = at ? len : len - sizeof(*uh);
		r = write_parts(tun, iov, n);
	}
	return r;
}

int udppkt_write(int tun, const struct udppkt *p, uint32_t mtu)
{
	struct udphdr uh = make_udp(&p->from, &p->to, p->len);
	struct ipsum_head h = make_head(p, IPPROTO_UDP, sizeof(uh) + p->len);
	uint8_t head[IPSUM_HEAD_MAX];
	struct iovec iov[] = { { head, 0 },
			       { &uh, sizeof(uh) },
			       { (void *)(uintptr_t)p->data, p->len } };
	uint32_t acc;

	if (p->len > UDPPKT_DATA_MAX)
		return -EMSGSIZE;
	acc = ipsum_pseudo(h.family, h.from, h.to, IPPROTO_UDP, h.len);
	uh.check = ipsum_fold(ipsum_add(ipsum_add(acc, &uh, sizeof(uh)), p->data, p->len));
	if (!uh.check)
		uh.check = 0xffff; /* 0 means that there is none */
	if (h.family == AF_INET6 && sizeof(struct ip6_hdr) + h.len > mtu)
		return write_fragments(tun, p, &uh, mtu);
	iov[0].iov_len = ipsum_put_head(&h, head);
	return write_parts(tun, iov, ARRAY_SIZE(iov));
}

size_t udppkt_make_error(const struct udppkt_error *e, uint8_t *ret)
{
	const bool v6 = e->from.family == AF_INET6;
	const size_t quoted = e->len < UDPPKT_QUOTED ? e->len : UDPPKT_QUOTED;
	const struct udphdr uh = make_udp(&e->from, &e->to, e->whole);
	const struct ipsum_head inner = { .family = e->from.family,
					  .proto = IPPROTO_UDP,
					  .ttl = 1,
					  .len = (uint32_t)(sizeof(uh) + e->whole),
					  .from = e->from.addr,
					  .to = e->to.addr };
	struct ipsum_head outer = { .family = e->from.family,
				    .proto = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
				    .ttl = HOPS,
				    .tos = TOS_CONTROL,
				    .from = e->offender,
				    .to = e->from.addr };
	uint8_t icmp[UDPPKT_ERROR_MAX] = { e->type, e->code };
	const uint32_t info = htonl(e->info);
	size_t n = ICMP_HEAD, head;
	uint16_t check;

	memcpy(icmp + 4, &info, sizeof(info));
	n += ipsum_put_head(&inner, icmp + n);
	memcpy(icmp + n, &uh, sizeof(uh));
	n += sizeof(uh);
	if (quoted)
		memcpy(icmp + n, e->data, quoted);
	n += quoted;
	check = ipsum_fold(ipsum_add(
		v6 ? ipsum_pseudo(AF_INET6, e->offender, e->from.addr, IPPROTO_ICMPV6, n) : 0, icmp,
		n));
	memcpy(icmp + 2, &check, sizeof(check));
	outer.len = (uint32_t)n;
	head = ipsum_put_head(&outer, ret);
	memcpy(ret + head, icmp, n);
	return head + n;
}
