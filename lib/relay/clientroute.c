// SPDX-License-Identifier: Apache-2.0
/*
 * clientroute.c - ask the child's routing table how it answers a client
 *
 * By the gateway, or in the child's netns itself: there a rule leads what has NET_SHOW_MARK to
 * NET_SHOW_TABLE, so the table says whether that still holds, and whether a client's address is
 * one of the child's. A server's UDP datagram gets its mark only after a route was found for it, so
 * there must be one, and the address that it gives must be the one that our socket is connected to.
 *
 * A server behind the child, on a bridge there, is one to which the child forwards what comes in
 * by its uplink: its interface, forwarding and reverse path filter have the kernel's own word.
 *
 * The kernel answers RTM_GETROUTE inside of the call that asks, so nothing waits: what is not there
 * when the question is sent does not come. Answers are kept until the same socket tells of a change
 * of routes, rules or addresses.
 *
 * Root in the child has the socket too, and may change its routes at will. All that hangs on the
 * answer is which source address a connection into the child has; both are ours to give.
 */
#include "lib/relay/clientroute.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/ipc/netplan.h"

#define ANSWER_MAX 4096 /* bytes; a longer message is one that we do not look into */
#define READ_BATCH 64
#define SILENT_MS 30000

#define KEPT_BEHIND 255 /* no protocol that is asked for: what is kept is of a server */

struct question {
	struct nlmsghdr hdr;
	struct rtmsg rt;
	struct rtattr mark_attr;
	uint32_t mark;
	struct rtattr iif_attr;
	uint32_t iif;
	struct {
		struct rtattr attr;
		uint8_t ip[16];
	} addr[2]; /* of IPv4 the second begins 12 bytes earlier */
};

enum verdict {
	PENDING,
	BY_GATEWAY,
	BY_MARK,  /* to our sockets in the child's netns */
	FROM_OWN, /* somewhere else, from the child's own address */
	BEHIND,   /* forwarded */
	OTHERWISE
};

static size_t ip_of(const union sock_addr *a, const void **ret)
{
	*ret = a->sa.sa_family == AF_INET6 ? (const void *)&a->in6.sin6_addr
					   : (const void *)&a->in.sin_addr;
	return a->sa.sa_family == AF_INET6 ? 16 : 4;
}

/* addresses for which no table is asked: what they mean depends on the interface */
static bool is_special(const union sock_addr *a)
{
	const struct in6_addr *a6 = &a->in6.sin6_addr;
	uint32_t a4;

	if (a->sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(a6) || IN6_IS_ADDR_UNSPECIFIED(a6) ||
		       IN6_IS_ADDR_LINKLOCAL(a6) || IN6_IS_ADDR_MULTICAST(a6) ||
		       IN6_IS_ADDR_V4MAPPED(a6);
	a4 = ntohl(a->in.sin_addr.s_addr);
	return a->sa.sa_family != AF_INET || a4 >> 24 == 127 || a4 >> 24 == 0 || a4 >> 28 >= 0xe;
}

static void forget(struct clientroutes *c)
{
	if (++c->generation == 0) { /* after 2^32 changes: no old answer may look new */
		memset(c->kept, 0, sizeof(c->kept));
		c->generation = 1;
	}
}

/* --- what the kernel says ----------------------------------------------------------------- */

static bool attr_is(const struct rtattr *a, const void *data, size_t size)
{
	return a && RTA_PAYLOAD(a) == size && memcmp(RTA_DATA(a), data, size) == 0;
}

static uint32_t attr_u32(const struct rtattr *a)
{
	uint32_t v = 0;

	if (a && RTA_PAYLOAD(a) == sizeof(v))
		memcpy(&v, RTA_DATA(a), sizeof(v));
	return v;
}

static enum verdict verdict_by(struct clientroutes *c, const struct rtmsg *rt,
			       const struct rtattr *const attr[static RTA_MAX + 1])
{
	const bool v6 = rt->rtm_family == AF_INET6;
	const uint32_t oif = attr_u32(attr[RTA_OIF]);

	if (rt->rtm_type == RTN_LOCAL)
		return c->inside && attr_u32(attr[RTA_TABLE]) == NET_SHOW_TABLE ? BY_MARK
										: OTHERWISE;
	if (c->inside)
		return (v6 ? attr_is(attr[RTA_PREFSRC], &c->own6, sizeof(c->own6))
			   : attr_is(attr[RTA_PREFSRC], &c->own, sizeof(c->own)))
			       ? FROM_OWN
			       : OTHERWISE;
	if (c->forwards)
		return oif && oif != c->uplink ? BEHIND : OTHERWISE;
	if (v6 ? !attr_is(attr[RTA_GATEWAY], &c->gateway6, sizeof(c->gateway6))
	       : !attr_is(attr[RTA_GATEWAY], &c->gateway, sizeof(c->gateway)))
		return OTHERWISE;
	c->uplink = oif;
	return BY_GATEWAY;
}

static enum verdict verdict_of(struct clientroutes *c, const struct nlmsghdr *h)
{
	const struct rtattr *attr[RTA_MAX + 1] = { 0 };
	const struct rtmsg *rt = NLMSG_DATA(h);
	int len = (int)RTM_PAYLOAD(h);

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*rt)) ||
	    (rt->rtm_type != RTN_UNICAST && rt->rtm_type != RTN_LOCAL))
		return OTHERWISE;
	for (const struct rtattr *a = RTM_RTA(rt); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
		if (a->rta_type <= RTA_MAX)
			attr[a->rta_type] = a;
	}
	return verdict_by(c, rt, attr);
}

/* one record: answers to the last question end the wait, all else is a change */
static enum verdict read_record(struct clientroutes *c, const void *data, size_t n)
{
	const struct nlmsghdr *h = data;
	int left = (int)n;

	for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_seq == c->seq && h->nlmsg_type == NLMSG_ERROR)
			return OTHERWISE;
		if (h->nlmsg_seq == c->seq && h->nlmsg_type == RTM_NEWROUTE)
			return verdict_of(c, h);
		forget(c);
	}
	return PENDING;
}

static void lose_socket(struct clientroutes *c)
{
	watch_remove(&c->watch);
	cleanup_closep(&c->watch.fd);
	c->watch.fd = -1;
	forget(c);
}

/* what is there, up to an answer; PENDING: there was none */
static enum verdict read_some(struct clientroutes *c)
{
	union {
		struct nlmsghdr align;
		uint8_t bytes[ANSWER_MAX];
	} buf;

	for (int i = 0; i < READ_BATCH; i++) {
		struct sockaddr_nl from = { 0 };
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(c->watch.fd, &buf, sizeof(buf), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &len);
		enum verdict v;

		if (n < 0 && errno == ENOBUFS) { /* changes were lost */
			forget(c);
			continue;
		}
		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				lose_socket(c);
			return PENDING;
		}
		if (from.nl_pid) /* no word of the kernel */
			continue;
		v = read_record(c, &buf, (size_t)n);
		if (v != PENDING)
			return v;
	}
	return PENDING;
}

static int on_change(struct watch *w, uint32_t events)
{
	struct clientroutes *c = container_of(w, struct clientroutes, watch);

	(void)events;
	c->seq++; /* a late answer is none */
	read_some(c);
	return 0;
}

/* @from: NULL, or where what the child forwards comes from, by its uplink */
static enum verdict ask(struct clientroutes *c, const union sock_addr *to, uint32_t mark,
			const void *from)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const void *ip;
	const size_t size = ip_of(to, &ip), one = sizeof(struct rtattr) + size;
	const uint16_t rta_len = (uint16_t)RTA_LENGTH(size);
	struct question q = {
		.hdr = { .nlmsg_len = (uint32_t)(offsetof(struct question, addr) +
						 (from ? 2 * one : one)),
			 .nlmsg_type = RTM_GETROUTE,
			 .nlmsg_flags = NLM_F_REQUEST,
			 .nlmsg_seq = ++c->seq },
		.rt = { .rtm_family = (uint8_t)to->sa.sa_family,
			.rtm_dst_len = (uint8_t)(size * 8),
			.rtm_src_len = (uint8_t)(from ? size * 8 : 0),
			.rtm_flags = c->inside ? RTM_F_LOOKUP_TABLE : 0 },
		.mark_attr = { .rta_type = RTA_MARK, .rta_len = RTA_LENGTH(sizeof(q.mark)) },
		.mark = mark,
		.iif_attr = { .rta_type = RTA_IIF, .rta_len = RTA_LENGTH(sizeof(q.iif)) },
		.iif = from ? c->uplink : 0,
		.addr[0].attr = { .rta_type = RTA_DST, .rta_len = rta_len },
	};
	struct rtattr src = { .rta_type = RTA_SRC, .rta_len = rta_len };
	uint8_t *second = (uint8_t *)q.addr + one;

	memcpy(q.addr[0].ip, ip, size);
	if (from) {
		memcpy(second, &src, sizeof(src));
		memcpy(second + sizeof(src), from, size);
	}
	c->forwards = from;
	if (sendto(c->watch.fd, &q, q.hdr.nlmsg_len, MSG_DONTWAIT, (const struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		return PENDING;
	return read_some(c);
}

/* PENDING: nobody knows */
static enum verdict judge(struct clientroutes *c, const union sock_addr *client, int protocol)
{
	enum verdict v;

	if (!c->inside)
		return ask(c, client, 0, NULL);
	v = ask(c, client, NET_SHOW_MARK, NULL);
	if (v != BY_MARK || protocol != IPPROTO_UDP)
		return v;
	v = ask(c, client, 0, NULL);
	return v == FROM_OWN ? BY_MARK : v == PENDING ? PENDING : OTHERWISE;
}

/* --- what is remembered ------------------------------------------------------------------- */

static struct clientroute *place_of(struct clientroutes *c, const uint8_t addr[static 16],
				    uint8_t protocol)
{
	uint64_t h = c->seed + protocol, word;

	for (size_t i = 0; i < 16; i += sizeof(word)) {
		memcpy(&word, addr + i, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	return &c->kept[(h >> 32) & (CLIENTROUTES_KEPT - 1)];
}

static void key_of(const union sock_addr *client, uint8_t ret[static 16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const void *ip;
	size_t size = ip_of(client, &ip);

	memcpy(ret, mapped, sizeof(mapped));
	memcpy(ret + 16 - size, ip, size);
}

static void keep(struct clientroutes *c, const uint8_t addr[static 16], uint8_t protocol,
		 bool comes_back, uint64_t until_ms)
{
	struct clientroute *e = place_of(c, addr, protocol);

	*e = (struct clientroute){ .generation = c->generation,
				   .comes_back = comes_back,
				   .protocol = protocol,
				   .until_ms = until_ms };
	memcpy(e->addr, addr, sizeof(e->addr));
}

/* by the gateway all go alike */
static uint8_t kept_protocol(const struct clientroutes *c, int protocol)
{
	return c->inside ? (uint8_t)protocol : 0;
}

/* what is remembered of an address; its key is filled in either case */
static const struct clientroute *kept_of(const struct clientroutes *c, const union sock_addr *a,
					 uint8_t protocol, uint8_t ret_key[static 16])
{
	const struct clientroute *e;

	key_of(a, ret_key);
	e = place_of((struct clientroutes *)c, ret_key, protocol);
	return e->generation == c->generation && e->protocol == protocol &&
			       memcmp(e->addr, ret_key, sizeof(e->addr)) == 0 &&
			       (!e->until_ms || c->loop->now_ms < e->until_ms)
		       ? e
		       : NULL;
}

bool clientroute_is_back(struct clientroutes *c, const union sock_addr *client, int protocol)
{
	const uint8_t kept = kept_protocol(c, protocol);
	const struct clientroute *e;
	enum verdict v;
	uint8_t key[16];

	if (!c->loop || c->watch.fd < 0 || is_special(client))
		return false;
	e = kept_of(c, client, kept, key);
	if (e)
		return e->comes_back;
	v = judge(c, client, protocol);
	if (v != PENDING)
		keep(c, key, kept, v == BY_GATEWAY || v == BY_MARK, 0);
	return v == BY_GATEWAY || v == BY_MARK;
}

bool clientroute_is_behind(struct clientroutes *c, const struct net_addr *target)
{
	const struct clientroute *e;
	union sock_addr a;
	enum verdict v;
	uint8_t key[16];

	if (!c->loop || c->watch.fd < 0 || c->inside || !c->uplink)
		return false;
	addr_to_sock(target, &a);
	if (is_special(&a))
		return false;
	e = kept_of(c, &a, KEPT_BEHIND, key);
	if (e)
		return e->comes_back;
	v = ask(c, &a, 0,
		a.sa.sa_family == AF_INET6 ? (const void *)&c->gateway6
					   : (const void *)&c->gateway);
	if (v != PENDING)
		keep(c, key, KEPT_BEHIND, v == BEHIND, 0);
	return v == BEHIND;
}

void clientroute_is_silent(struct clientroutes *c, const union sock_addr *client, int protocol)
{
	uint8_t key[16];

	if (!c->loop)
		return;
	key_of(client, key);
	keep(c, key, kept_protocol(c, protocol), false, c->loop->now_ms + SILENT_MS);
}

static void on_socket(struct sockpool_wait *w, int fd)
{
	struct clientroutes *c = container_of(w, struct clientroutes, wait);

	if (fd < 0)
		return; /* the pool has said why */
	c->watch.fd = fd;
	if (watch_add(c->loop, &c->watch, fd, EPOLLIN, on_change) < 0)
		lose_socket(c);
}

void clientroutes_init(struct clientroutes *c, struct loop *l, struct sockpool *child, bool inside,
		       const struct net_plan *plan)
{
	*c = (struct clientroutes){ .loop = l,
				    .watch = WATCH_INIT,
				    .wait.on_socket = on_socket,
				    .inside = inside,
				    .gateway = plan->gateway,
				    .gateway6 = plan->gateway6,
				    .own = plan->address,
				    .own6 = plan->address6,
				    .generation = 1 };
	list_init(&c->wait.entry);
	if (getrandom(&c->seed, sizeof(c->seed), 0) != (ssize_t)sizeof(c->seed))
		c->seed = clock_ms();
	c->seq = (uint32_t)(c->seed >> 32);
	sockpool_take(child, AF_NETLINK, SOCK_RAW, &c->wait);
}

bool clientroutes_settled(const struct clientroutes *c)
{
	return !c->loop || list_empty(&c->wait.entry);
}

void clientroutes_done(struct clientroutes *c)
{
	if (!c->loop)
		return;
	list_remove(&c->wait.entry);
	watch_remove(&c->watch);
	cleanup_closep(&c->watch.fd);
	*c = (struct clientroutes){ 0 };
}
