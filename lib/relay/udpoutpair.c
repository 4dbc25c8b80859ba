// SPDX-License-Identifier: Apache-2.0
/*
 * udpoutpair.c - a mapping and one peer; what goes to the child
 *
 * What comes from a peer has its address as the source. The first datagrams are written into the
 * tun as packets, so that a question and its answer cost no socket. A busy pair gets a transparent
 * socket: there is a queue for it alone, and bundles pass both ways. When all such sockets are in
 * use, one that was silent for a while changes hands; else the pair goes on without. It does so,
 * too, when a published port has a socket for the same two addresses: the kernel would give what
 * the child says to one of both, and a client of the port must hear from the port.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/policy/hosts.h"
#include "lib/relay/udpflow.h"
#include "lib/relay/udpout_impl.h"
#include "lib/relay/udppkt.h"

#define BUSY 3          /* messages, either way: more than a question and its answer */
#define QUIET_MS 1000   /* a socket that was not used for so long may change hands */
#define SILENCE_MS 5000 /* from a port of the child that refuses what it gets: it is closed */
#define PAIR_BUFFER (4 * 1024 * 1024)

static struct udpout_pair *pair_of(struct udp_entry *e)
{
	return container_of(e, struct udpout_pair, entry);
}

/* how many sockets are bound to this peer's address, and perhaps to a few others' */
static uint16_t *of_peer(struct udpout *u, const struct udp_key *key)
{
	uint64_t h = u->mappings.seed ^ key->port_id, word;

	for (size_t i = 0; i < sizeof(key->local); i += sizeof(word)) {
		memcpy(&word, key->local + i, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	return &u->of_peer[h % ARRAY_SIZE(u->of_peer)];
}

static void pair_close(struct udpout_pair *p)
{
	struct udpout *u = p->map->all;
	int fd = p->watch.fd;

	list_remove(&p->wait.entry);
	p->seen = 0;
	if (fd < 0)
		return;
	watch_remove(&p->watch);
	p->watch.fd = -1;
	close(fd);
	u->pair_sockets--;
	u->forward->lent--;
	--*of_peer(u, &p->entry.key);
}

void udpout_pair_end(struct udpout_pair *p)
{
	pair_close(p);
	list_remove(&p->by_map);
	udptable_remove(&p->map->all->pairs, &p->entry);
}

/* --- the socket ------------------------------------------------------------------------------- */

/* the child's port is closed for this peer; for all when the child is silent too: then peers shall
   hear it from the host's kernel */
static void pair_refused(struct udpout_pair *p)
{
	struct udpout_map *m = p->map;

	if (m->all->loop->now_ms - m->out_ms >= SILENCE_MS)
		udpout_map_end(m);
	else
		udpout_pair_end(p);
}

static bool same_run(const struct udpio *io, int a, int b)
{
	return io->info[a].ttl == io->info[b].ttl;
}

static int on_pair_ready(struct watch *w, uint32_t events)
{
	struct udpout_pair *p = container_of(w, struct udpout_pair, watch);
	struct udpout *u = p->map->all;
	struct udpout_way way = {
		.map = p->map, .pair = p, .peer = p->peer, .host = p->host, .host_len = p->host_len
	};
	const int error = events & EPOLLERR ? fd_take_error(w->fd) : 0;
	const int n = udpio_recv(u->io, w->fd, &p->from);

	if (error == ECONNREFUSED && n <= 0) {
		pair_refused(p);
		return 0;
	}
	/* the child's side has the socket too: it could make it readable for ever */
	if (n <= 0 && !error) {
		udpout_pair_end(p);
		return 0;
	}
	if (n > 0)
		udpout_pair_used(p, (unsigned)n);
	for (int first = 0, i; first < n; first = i) {
		for (i = first + 1; i < n && same_run(u->io, first, i);)
			i++;
		way.ttl = u->io->info[first].ttl;
		if (way.ttl == 1)
			udpout_expire(u, &p->map->child, &p->peer, &u->io->iov[first]);
		else
			udpout_map_send(&way, (unsigned)first, (unsigned)(i - first));
	}
	return 0;
}

/* @fd: unbound and transparent; consumed */
static int pair_attach(struct udpout_pair *p, int sock)
{
	struct udpout *u = p->map->all;
	autoclose int fd = sock;
	union sock_addr peer, child;
	socklen_t peer_len = addr_to_sock(&p->peer, &peer);
	socklen_t child_len = addr_to_sock(&p->map->child, &child);

	udp_set_options(fd, p->peer.family, PAIR_BUFFER);
	udpio_set_options(fd, p->peer.family, true);
	if (bind(fd, &peer.sa, peer_len) < 0 || connect(fd, &child.sa, child_len) < 0)
		return -1;
	if (watch_add(u->loop, &p->watch, fd, EPOLLIN, on_pair_ready) < 0) {
		p->watch.fd = -1; /* it is closed here */
		return -1;
	}
	p->from = (struct udpio_from){ 0 };
	take_fd(&fd);
	u->pair_sockets++;
	u->forward->lent++;
	++*of_peer(u, &p->entry.key);
	return 0;
}

/* whether there may be one more; the oldest pair gives its socket up when it does not use it */
static bool has_room(struct udpout *u)
{
	struct udp_entry *e;
	struct udpout_pair *p;

	if (u->pair_sockets < u->pair_sockets_max && forward_lends(u->forward, 0))
		return true;
	e = udptable_oldest(&u->pairs, UDP_ANSWERED); /* those with a socket */
	if (!e || u->loop->now_ms - e->used_ms < QUIET_MS)
		return false;
	p = pair_of(e);
	pair_close(p);
	udptable_touch(&u->pairs, e, e->used_ms, UDP_UNANSWERED);
	return true;
}

static bool may_have_socket(struct udpout_pair *p)
{
	struct udpout *u = p->map->all;

	return *of_peer(u, &p->entry.key) < UDPOUT_OF_PEER && has_room(u);
}

/* many may have waited for it: whether there is room is asked again */
static void on_socket(struct sockpool_wait *w, int sock)
{
	struct udpout_pair *p = container_of(w, struct udpout_pair, wait);
	struct udpout *u = p->map->all;
	autoclose int fd = sock;

	if (fd >= 0 && !may_have_socket(p))
		return;
	p->no_socket = fd < 0 || pair_attach(p, take_fd(&fd)) < 0;
	if (!p->no_socket)
		udptable_touch(&u->pairs, &p->entry, u->loop->now_ms, UDP_ANSWERED);
}

static void pair_ask(struct udpout_pair *p)
{
	struct udpout *u = p->map->all;
	int fd;

	if (u->is_claimed && u->is_claimed(u->claims_arg, &p->peer, &p->map->child)) {
		p->no_socket = true;
		return;
	}
	if (u->pool->is_short || !may_have_socket(p))
		return;
	fd = sockpool_take(u->pool, p->peer.family, SOCK_DGRAM, &p->wait);
	if (fd == -EAGAIN)
		return;
	on_socket(&p->wait, fd);
}

void udpout_pair_used(struct udpout_pair *p, unsigned messages)
{
	struct udpout *u = p->map->all;

	p->known = true;
	if (p->watch.fd < 0 && !p->no_socket && list_empty(&p->wait.entry)) {
		p->seen =
			(uint8_t)(p->seen + messages < UINT8_MAX ? p->seen + messages : UINT8_MAX);
		if (p->seen >= BUSY)
			pair_ask(p);
	}
	udptable_touch(&u->pairs, &p->entry, u->loop->now_ms,
		       p->watch.fd >= 0 ? UDP_ANSWERED : UDP_UNANSWERED);
}

static struct udp_key key_of(const struct net_addr *child, const struct net_addr *peer)
{
	struct udp_key key = { .client_port = child->port, .port_id = peer->port };

	addr_map(child, key.client);
	addr_map(peer, key.local);
	return key;
}

void udpout_yield(struct udpout *u, const struct net_addr *peer, const struct net_addr *child)
{
	const struct udp_key key = key_of(child, peer);
	struct udp_entry *e = udptable_find(&u->pairs, &key);

	if (!e)
		return;
	pair_close(pair_of(e));
	pair_of(e)->no_socket = true;
	udptable_touch(&u->pairs, e, e->used_ms, UDP_UNANSWERED);
}

void udpout_hosts_changed(struct udpout *u)
{
	struct list *e, *next;

	for (int age = 0; u->loop && age < UDP_NAGES; age++) {
		for (e = u->pairs.ages[age].next; e != &u->pairs.ages[age]; e = next) {
			struct udpout_pair *p = pair_of(container_of(e, struct udp_entry, by_age));
			const union sock_addr *host = &p->host;

			next = e->next;
			if (policy_is_hosts(u->hosts, p->peer.family,
					    p->peer.family == AF_INET6
						    ? (const void *)&host->in6.sin6_addr
						    : (const void *)&host->in.sin_addr))
				udpout_pair_end(p);
		}
	}
}

struct udpout_pair *udpout_pair_find(const struct udpout_map *m, const struct net_addr *peer)
{
	const struct udp_key key = key_of(&m->child, peer);
	struct udp_entry *e = udptable_find(&m->all->pairs, &key);

	return e ? pair_of(e) : NULL;
}

struct udpout_pair *udpout_pair_get(struct udpout_map *m, const struct net_addr *peer,
				    const union sock_addr *host, socklen_t host_len)
{
	struct udpout *u = m->all;
	const struct udp_key key = key_of(&m->child, peer);
	struct udp_entry *e;
	struct udpout_pair *p;

	if (peer->port == NET_DNS_PORT)
		return NULL;
	e = udptable_find(&u->pairs, &key);
	if (e)
		return pair_of(e);
	while ((e = udptable_victim(&u->pairs, key.client)))
		udpout_pair_end(pair_of(e));
	e = udptable_add(&u->pairs, &key, u->loop->now_ms);
	if (!e)
		return NULL;
	p = pair_of(e);
	p->map = m;
	p->watch.fd = -1;
	p->wait.on_socket = on_socket;
	p->peer = *peer;
	p->host = *host;
	p->host_len = host_len;
	p->bundle_max = UINT16_MAX;
	/* a socket for this address would be taken for the one that gets everything else */
	p->no_socket = peer->port == u->wild_port;
	list_init(&p->wait.entry);
	list_append(&m->pairs, &p->by_map);
	return p;
}

/* --- to the child ----------------------------------------------------------------------------- */

static enum udpio_verdict on_send_failed(void *owner, int error, const struct iovec *data)
{
	(void)data;
	if (error != ECONNREFUSED)
		return error == EAGAIN ? UDPIO_STOP : UDPIO_DROP;
	*(bool *)owner = true; /* of an earlier one */
	return UDPIO_RETRY;
}

static unsigned write_packets(struct udpout_map *m, const struct net_addr *peer, unsigned first,
			      unsigned n)
{
	struct udpout *u = m->all;
	unsigned sent = 0;

	for (unsigned i = first; i < first + n; i++) {
		struct udppkt pkt = { .from = *peer, .to = m->child, .tos = u->io->info[i].tos };
		struct iovec one;

		for (size_t at = 0; udpio_next(u->io, i, &at, &one);) {
			pkt.data = one.iov_base;
			pkt.len = one.iov_len;
			sent += udppkt_write(u->tun, &pkt, u->plan->mtu) == 0;
		}
	}
	return sent;
}

void udpout_to_child(struct udpout_map *m, struct udpout_pair *p, const struct net_addr *peer,
		     unsigned first, unsigned n)
{
	struct udpout *u = m->all;
	bool refused = false;
	unsigned sent;

	if (p)
		udpout_pair_used(p, n);
	if (p && p->watch.fd >= 0) {
		const struct udpio_way way = { .fd = p->watch.fd,
					       .family = peer->family,
					       .bundle_max = &p->bundle_max };

		udpio_went_back(&p->from, n);
		sent = udpio_send(u->io, first, n, &way, on_send_failed, &refused);
	} else {
		udpio_went_back(&u->wild_from[peer->family == AF_INET6], n);
		sent = write_packets(m, peer, first, n);
	}
	u->counts.in += sent;
	u->counts.dropped += udpio_count(u->io, first, n) - sent;
	if (refused)
		pair_refused(p);
}
