// SPDX-License-Identifier: Apache-2.0
/*
 * udpoutmap.c - an address and port of the child, and the host's socket that stands for it
 *
 * The socket is not connected, so that one port faces all peers and anybody may answer. It sets DF:
 * the first datagram that is longer than its path is an error with the true MTU, which the child is
 * told; then it is sent again in fragments, because nobody can see whether the child meant DF.
 *
 * A mapping ends after 30 s without an answer, 180 s with one, 10 s after the answer of a name
 * server. When there are too many, those of whoever has more than a quarter go first; among
 * them those without an answer when they are many, else those that were silent the longest.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/policy/policy.h"
#include "lib/relay/udpout_impl.h"

#define MAP_BUFFER \
	(4 * 1024 * 1024) /* bytes; the kernel cuts it to net.core.rmem_max, wmem_max \
			   */
#define HEADERS4 28
#define HEADERS6 48
#define MANY 1000 /* datagrams: from then on they come from those who are known, as a rule */
#define MTU_KNOWN_MS 600000 /* as long as the kernel keeps one */

static const unsigned silence_ms[] = {
	[UDP_UNANSWERED] = 30000, [UDP_BRIEF] = 10000, [UDP_ANSWERED] = 180000
};
static_assert(ARRAY_SIZE(silence_ms) == UDP_NAGES, "a limit for each age");

static struct udpout_map *map_of(struct udp_entry *e)
{
	return container_of(e, struct udpout_map, entry);
}

/* --- from the host ---------------------------------------------------------------------------- */

int udpout_seen(const struct udpout *u, const union sock_addr *host, struct net_addr *ret)
{
	struct net_addr final, own;
	const bool v6 = host->sa.sa_family == AF_INET6;

	addr_from_sock(host, ret);
	ret->scope = 0;
	own = *ret;
	if (u->plan->host_loopback) {
		const struct in_addr loopback = { htonl(INADDR_LOOPBACK) };

		if (v6 && IN6_IS_ADDR_LOOPBACK(&host->in6.sin6_addr))
			memcpy(ret->addr, &u->plan->gateway6, sizeof(u->plan->gateway6));
		else if (!v6 && host->in.sin_addr.s_addr == loopback.s_addr)
			memcpy(ret->addr, &u->plan->gateway, sizeof(u->plan->gateway));
	}
	/* a host of a network that overlaps ours must not pass for the gateway */
	return policy_judge(u->plan, u->hosts, ret->family, ret->addr, IPPROTO_UDP, ret->port,
			    &final) == POLICY_ALLOWED &&
			       memcmp(final.addr, own.addr, v6 ? 16 : 4) == 0
		       ? 0
		       : -EACCES;
}

static void map_answered(struct udpout_map *m)
{
	udptable_touch(&m->all->mappings, &m->entry, m->all->loop->now_ms,
		       m->brief ? UDP_BRIEF : UDP_ANSWERED);
}

static void map_deliver(struct udpout_map *m, unsigned first, unsigned n)
{
	struct udpout *u = m->all;
	const union sock_addr *host = &u->io->name[first];
	const struct udpio_info *info = &u->io->info[first];
	struct udpout_pair *p;
	struct net_addr peer;

	if (udpout_seen(u, host, &peer) < 0) {
		u->counts.dropped += udpio_count(u->io, first, n);
		return;
	}
	map_answered(m);
	p = udpout_pair_get(m, &peer, host, u->io->in[first].msg_hdr.msg_namelen);
	if (p && !p->known &&
	    info->has_local) { /* it began: it shall hear from the address that it knows */
		p->by_peer = true;
		memcpy(p->local, info->local, sizeof(p->local));
	}
	udpout_to_child(m, p, &peer, first, n);
}

static bool same_peer(const struct udpio *io, unsigned a, unsigned b)
{
	return io->in[a].msg_hdr.msg_namelen == io->in[b].msg_hdr.msg_namelen &&
	       memcmp(&io->name[a], &io->name[b], io->in[a].msg_hdr.msg_namelen) == 0;
}

/* where a datagram hit matters for new peers only, and finding it out takes time for each */
static void map_count(struct udpout_map *m, int n)
{
	if (m->in >= MANY || n <= 0)
		return;
	m->in += (unsigned)n;
	if (m->in >= MANY)
		udpio_set_local(m->watch.fd, m->child.family, false);
}

static int on_host_ready(struct watch *w, uint32_t events)
{
	struct udpout_map *m = container_of(w, struct udpout_map, watch);
	struct udpio *io = m->all->io;
	uint32_t mtu = 0;
	int n;

	if (events & EPOLLERR)
		udpout_drain(m, &mtu);
	n = udpio_recv(io, w->fd, &m->from);
	map_count(m, n);
	for (int first = 0, i; first < n && m->watch.fd >= 0; first = i) {
		for (i = first + 1; i < n && same_peer(io, (unsigned)first, (unsigned)i);)
			i++;
		map_deliver(m, (unsigned)first, (unsigned)(i - first));
	}
	return 0;
}

/* --- to the host ------------------------------------------------------------------------------ */

/* whether the socket sets DF, and says what does not fit */
static void map_cut(struct udpout_map *m, bool cuts)
{
	const int v4 = cuts ? IP_PMTUDISC_DONT : IP_PMTUDISC_DO;
	const int v6 = cuts ? IPV6_PMTUDISC_DONT : IPV6_PMTUDISC_DO;

	if (m->cuts == cuts)
		return;
	m->cuts = cuts;
	if (m->child.family == AF_INET6)
		setsockopt(m->watch.fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof(v6));
	else
		setsockopt(m->watch.fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof(v4));
}

struct sending {
	const struct udpout_way *way;
	bool from_local; /* from the address of the host that the peer knows */
	bool lost;       /* which the host has no more, it seems */
};

/* a pending error is one of an earlier datagram: it is taken, and this one goes out after all */
static enum udpio_verdict on_send_failed(void *owner, int error, const struct iovec *data)
{
	struct sending *s = owner;
	const struct udpout_way *way = s->way;
	struct udpout_map *m = way->map;
	uint32_t mtu = 0;

	/* kernels differ in how they say that the host has not that address */
	s->lost = s->from_local &&
		  (error == EINVAL || error == EADDRNOTAVAIL || error == ENETUNREACH);
	if (s->lost)
		return UDPIO_STOP;
	switch (error) {
	case EAGAIN:
		return UDPIO_STOP;
	case ENOBUFS:
	case ENOMEM:
		return UDPIO_DROP;
	case EMSGSIZE:
		udpout_drain(m, &mtu);
		if (m->cuts)
			return UDPIO_DROP; /* longer than anything can be */
		if (mtu)
			udpout_too_long(way, mtu, data);
		map_cut(m, true);
		return UDPIO_RETRY;
	default:
		if (udpout_drain(m, &mtu) > 0)
			return UDPIO_RETRY;
		udpout_refuse(m->all, &m->child, &way->peer, error, data);
		return UDPIO_STOP;
	}
}

/* known to be longer than its path */
static bool is_long(const struct udpout_way *way, unsigned first)
{
	const struct udpout *u = way->map->all;
	const struct udpout_pair *p = way->pair;
	const struct udpio *io = u->io;
	size_t len = io->info[first].segment ? io->info[first].segment : io->iov[first].iov_len;

	return p && p->mtu && u->loop->now_ms - p->mtu_ms < MTU_KNOWN_MS &&
	       len + (way->peer.family == AF_INET6 ? HEADERS6 : HEADERS4) > p->mtu;
}

void udpout_map_send(const struct udpout_way *way, unsigned first, unsigned n)
{
	struct udpout_map *m = way->map;
	struct udpout *u = m->all;
	const uint16_t bundle_max = m->bundle_max;
	struct udpio_way out = {
		.fd = m->watch.fd,
		.to = &way->host,
		.to_len = way->host_len,
		.family = m->child.family,
		.ttl = way->ttl == UDPOUT_HOPS || !way->ttl ? 0 : (uint8_t)(way->ttl - 1),
		.local = way->pair && way->pair->by_peer ? way->pair->local : NULL,
		.bundle_max = &m->bundle_max,
	};
	struct sending s = { .way = way, .from_local = out.local };
	unsigned sent;

	m->out_ms = u->loop->now_ms;
	udpio_went_back(&m->from, n);
	if (way->peer.port != NET_DNS_PORT)
		m->brief = false;
	udptable_touch(&u->mappings, &m->entry, u->loop->now_ms,
		       m->entry.age == UDP_BRIEF ? UDP_UNANSWERED : m->entry.age);
	if (is_long(way, first))
		map_cut(m, true);
	sent = udpio_send(u->io, first, n, &out, on_send_failed, &s);
	if (s.lost && sent == 0) {
		s.from_local = false;
		out.local = NULL;
		m->bundle_max = bundle_max;
		sent = udpio_send(u->io, first, n, &out, on_send_failed, &s);
		way->pair->by_peer = sent == 0; /* 0: there is no network at all */
	}
	map_cut(m, false);
	u->counts.out += sent;
	u->counts.dropped += udpio_count(u->io, first, n) - sent;
}

/* --- the table -------------------------------------------------------------------------------- */

void udpout_map_end(struct udpout_map *m)
{
	struct udpout *u = m->all;
	int fd = m->watch.fd;
	struct list *e;

	while ((e = list_first(&m->pairs)))
		udpout_pair_end(container_of(e, struct udpout_pair, by_map));
	watch_remove(&m->watch);
	m->watch.fd = -1;
	close(fd);
	u->forward->lent--;
	udptable_remove(&u->mappings, &m->entry);
}

static int on_sweep_due(struct timer *t);

static void sweep_set(struct udpout *u)
{
	uint64_t now = u->loop->now_ms, due = UINT64_MAX;

	for (int age = 0; age < UDP_NAGES; age++) {
		const struct udp_entry *e = udptable_oldest(&u->mappings, (enum udp_age)age);

		if (e && e->used_ms + silence_ms[age] < due)
			due = e->used_ms + silence_ms[age];
	}
	if (due != UINT64_MAX && (!u->sweep.loop || u->sweep.due_ms > due))
		timer_set(u->loop, &u->sweep, due > now ? due - now : 0, on_sweep_due);
}

static int on_sweep_due(struct timer *t)
{
	struct udpout *u = container_of(t, struct udpout, sweep);
	struct udp_entry *e;

	for (int age = 0; age < UDP_NAGES; age++) {
		while ((e = udptable_oldest(&u->mappings, (enum udp_age)age)) &&
		       e->used_ms + silence_ms[age] <= u->loop->now_ms)
			udpout_map_end(map_of(e));
	}
	sweep_set(u);
	return 0;
}

/* bound to the child's port when it is free; the fd or a negative errno */
static int host_socket(const struct net_addr *child)
{
	const int on = 1, v4 = IP_PMTUDISC_DO, v6 = IPV6_PMTUDISC_DO, buffer = MAP_BUFFER;
	const bool is_v6 = child->family == AF_INET6;
	struct net_addr any = { .family = child->family, .port = child->port };
	autoclose int fd = socket(child->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	union sock_addr sa;
	socklen_t len = addr_to_sock(&any, &sa);

	if (fd < 0)
		return -errno;
	if (is_v6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof(v6));
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof(v4));
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	udpio_set_options(fd, child->family, false);
	udpio_set_local(fd, child->family, true);
	if (bind(fd, &sa.sa, len) < 0) { /* taken, or not for users */
		any.port = 0;
		len = addr_to_sock(&any, &sa);
		if (bind(fd, &sa.sa, len) < 0)
			return -errno;
	}
	return take_fd(&fd);
}

static bool evict(struct udpout *u, const uint8_t client[static 16])
{
	struct udp_entry *e = udptable_oldest_of_all(&u->mappings, client);

	if (!e)
		return false;
	udpout_map_end(map_of(e));
	u->counts.evicted++;
	if (!u->full_said)
		log_warning("network",
			    "%u ports of the child talk UDP at once: those that are silent the "
			    "longest are forgotten (raise the limit of open files or "
			    "net.ipv4.ip_local_port_range to have more)",
			    u->mappings.n + 1);
	u->full_said = true;
	return true;
}

/* the fd; -1: nothing can be given up for it, or connections have all that there is */
static int socket_for(struct udpout *u, const struct net_addr *child,
		      const uint8_t client[static 16])
{
	int fd;

	if (!forward_lends(u->forward, u->forward->lent))
		return -1;
	while (udptable_victim(&u->mappings, client) || !forward_lends(u->forward, 0)) {
		if (!evict(u, client))
			return -1;
	}
	fd = host_socket(child);
	if ((fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS) && evict(u, client))
		fd = host_socket(child);
	return fd < 0 ? -1 : fd;
}

struct udpout_map *udpout_map_get(struct udpout *u, const struct net_addr *child)
{
	struct udp_key key = { .client_port = child->port };
	struct udp_entry *e;
	struct udpout_map *m;
	autoclose int fd = -1;

	addr_map(child, key.client);
	e = udptable_find(&u->mappings, &key);
	if (e)
		return map_of(e);
	fd = socket_for(u, child, key.client);
	e = fd < 0 ? NULL : udptable_add(&u->mappings, &key, u->loop->now_ms);
	if (!e)
		return NULL;
	m = map_of(e);
	m->all = u;
	m->child = *child;
	m->bundle_max = UINT16_MAX;
	m->brief = true;
	list_init(&m->pairs);
	if (watch_add(u->loop, &m->watch, fd, EPOLLIN, on_host_ready) < 0) {
		udptable_remove(&u->mappings, e);
		return NULL;
	}
	take_fd(&fd);
	u->forward->lent++;
	u->counts.mappings++;
	sweep_set(u);
	return m;
}
