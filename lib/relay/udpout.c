// SPDX-License-Identifier: Apache-2.0
/*
 * udpout.c - UDP out of the child by the kernel: what comes from the gateway
 *
 * tproxy of nf_tables gives each datagram of the child to the transparent socket that is connected
 * for its two addresses, else to the one of its family that is bound to none, with the destination
 * that was meant. The policy judges each destination, as the host would use it, before anything is
 * sent there. What a datagram meets on its way comes back as an ICMP error.
 *
 * Everything that the child can make us hold is bounded: mappings and sockets by descriptors, what
 * waits in a socket by its buffer, errors by tokens.
 */
#include "lib/relay/udpout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/relay/udpflow.h"
#include "lib/relay/udpout_impl.h"

#define WILD_BUFFER (4 * 1024 * 1024) /* bytes; the kernel cuts it to net.core.rmem_max */

static bool same_run(const struct udpio *io, unsigned a, unsigned b)
{
	const struct udpio_info *ia = &io->info[a], *ib = &io->info[b];

	return ia->ttl == ib->ttl && ia->has_dst && ib->has_dst &&
	       memcmp(&io->name[a], &io->name[b], io->in[a].msg_hdr.msg_namelen) == 0 &&
	       memcmp(&ia->dst, &ib->dst, io->in[a].msg_hdr.msg_namelen) == 0;
}

/* one source, one destination */
static void do_run(struct udpout *u, unsigned first, unsigned n)
{
	const struct udpio_info *info = &u->io->info[first];
	struct udpout_way way = { .ttl = info->ttl };
	const struct iovec *data = &u->io->iov[first];
	struct net_addr child, host;

	addr_from_sock(&u->io->name[first], &child);
	addr_from_sock(&info->dst, &way.peer);
	if (!info->has_dst || child.scope || !child.port || !way.peer.port) {
		u->counts.dropped += udpio_count(u->io, first, n);
		return;
	}
	if (udpout_judge(u, &child, &way.peer, data, &host) < 0) {
		u->counts.refused += udpio_count(u->io, first, n);
		return;
	}
	if (way.ttl == 1) {
		udpout_expire(u, &child, &way.peer, data);
		return;
	}
	way.host_len = addr_to_sock(&host, &way.host);
	way.map = udpout_map_get(u, &child);
	if (!way.map) {
		u->counts.dropped += udpio_count(u->io, first, n);
		return;
	}
	way.pair = udpout_pair_get(way.map, &way.peer, &way.host, way.host_len);
	if (way.pair)
		udpout_pair_used(way.pair, n);
	udpout_map_send(&way, first, n);
}

static void wild_read(struct udpout *u, int i, uint32_t events)
{
	const int fd = u->wild[i].fd, n = udpio_recv(u->io, fd, &u->wild_from[i]);

	if (events & EPOLLERR)
		fd_take_error(fd);
	if ((events & EPOLLHUP) && n <= 0) { /* the child's side has shut it down, for ever */
		log_warning("network", "the gateway's socket was shut down: no more UDP out");
		watch_remove(&u->wild[i]);
		return;
	}
	for (int first = 0, end; first < n; first = end) {
		for (end = first + 1; end < n && same_run(u->io, (unsigned)first, (unsigned)end);)
			end++;
		do_run(u, (unsigned)first, (unsigned)(end - first));
	}
}

static int on_wild4_ready(struct watch *w, uint32_t events)
{
	wild_read(container_of(w, struct udpout, wild[0]), 0, events);
	return 0;
}

static int on_wild6_ready(struct watch *w, uint32_t events)
{
	wild_read(container_of(w, struct udpout, wild[1]), 1, events);
	return 0;
}

/* @fd: consumed */
static int wild_start(struct udpout *u, int i, int sock, struct err *err)
{
	autoclose int fd = sock;
	const int family = i == 0 ? AF_INET : AF_INET6;
	union sock_addr own = { 0 };
	socklen_t len = sizeof(own);
	int r;

	if (getsockname(fd, &own.sa, &len) < 0)
		return err_set(err, errno, "the address of the transparent UDP socket");
	if (own.sa.sa_family != family)
		return err_say(err, EPROTO, "the transparent UDP socket is of another kind");
	u->wild_port = ntohs(i == 0 ? own.in.sin_port : own.in6.sin6_port);
	udp_set_options(fd, family, WILD_BUFFER);
	udpio_set_options(fd, family, true);
	r = udpio_set_original(fd, family);
	if (r == 0)
		r = watch_add(u->loop, &u->wild[i], fd, EPOLLIN,
			      i == 0 ? on_wild4_ready : on_wild6_ready);
	if (r < 0)
		return err_set(err, -r, "watching the transparent UDP socket");
	take_fd(&fd);
	return 0;
}

int udpout_init(struct udpout *u, struct loop *l, const struct net_plan *plan, const int *fds,
		struct sockpool *pool, struct forward *f, unsigned max, struct err *err)
{
	const int wild[] = { fds[NET_ACCEL_UDP4], fds[NET_ACCEL_UDP6] };
	int r;

	*u = (struct udpout){ .loop = l,
			      .plan = plan,
			      .pool = pool,
			      .forward = f,
			      .tun = fds[NET_ACCEL_TUN],
			      .wild = { WATCH_INIT, WATCH_INIT },
			      .pair_sockets_max = max / 4 ? max / 4 : 1 };
	max = max < UDPOUT_MAX ? max : UDPOUT_MAX;
	r = udptable_init(&u->mappings, max, sizeof(struct udpout_map));
	if (r == 0)
		r = udptable_init(&u->pairs, 2 * max, sizeof(struct udpout_pair));
	u->mappings.lends = u->pairs.lends = true;
	u->io = calloc(1,
		       sizeof(*u->io)); /* pages that no datagram has reached are never touched */
	if (r == 0 && !u->io)
		r = -ENOMEM;
	if (u->io)
		u->io->loop = l;
	if (r < 0)
		err_set(err, -r, "tables of UDP out");
	for (int i = 0; i < 2 && wild[i] >= 0; i++) {
		if (r == 0)
			r = wild_start(u, i, wild[i], err);
		else
			close(wild[i]);
	}
	return r;
}

void udpout_done(struct udpout *u)
{
	const struct udpout_counts *c = &u->counts;
	struct udp_entry *e;

	if (!u->loop)
		return;
	for (int age = 0; age < UDP_NAGES; age++) {
		while (u->mappings.n && (e = udptable_oldest(&u->mappings, (enum udp_age)age)))
			udpout_map_end(container_of(e, struct udpout_map, entry));
	}
	for (int i = 0; i < 2; i++) {
		watch_remove(&u->wild[i]);
		cleanup_closep(&u->wild[i].fd);
	}
	log_debug(
		"network",
		"UDP out: %llu mappings, %llu datagrams out, %llu in, %llu refused, %llu dropped, "
		"%llu errors told, %llu mappings forgotten",
		(unsigned long long)c->mappings, (unsigned long long)c->out,
		(unsigned long long)c->in, (unsigned long long)c->refused,
		(unsigned long long)c->dropped, (unsigned long long)c->errors,
		(unsigned long long)c->evicted);
	timer_cancel(&u->sweep);
	udptable_done(&u->mappings);
	udptable_done(&u->pairs);
	free(u->io);
	*u = (struct udpout){ 0 };
}
