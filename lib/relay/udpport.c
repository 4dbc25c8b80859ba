// SPDX-License-Identifier: Apache-2.0
/*
 * udpport.c - published UDP ports
 *
 * The parent binds the sockets; here they are read, a batch a wakeup, so that no port starves the
 * others. Datagrams of one client that follow each other are passed on by one call. Nothing here
 * waits: a client without a socket in the child yet has its first datagrams held in its flow.
 */
#include "lib/relay/udpport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"

#define PORT_BUFFER (4 * 1024 * 1024) /* bytes, of all clients of a port */

static void key_make(const struct udp_port *p, unsigned i, struct udp_key *ret)
{
	const struct udpio *io = p->all->io;
	struct net_addr client;

	addr_from_sock(&io->name[i], &client);
	*ret = (struct udp_key){ .port_id = p->spec.id,
				 .part = p->spec.part,
				 .client_port = client.port,
				 .scope = client.scope };
	addr_map(&client, ret->client);
	if (io->info[i].has_local)
		memcpy(ret->local, io->info[i].local, sizeof(ret->local));
}

/* how many messages from @first on, of @n, are of the flow @f of @key; *ret_next: the key of the
   one behind them */
static int run_length(struct udp_port *p, const struct udp_flow *f, const struct udp_key *key,
		      int first, int n, struct udp_key *ret_next)
{
	int i = first + 1;

	for (; i < n; i++) {
		key_make(p, (unsigned)i, ret_next);
		if (memcmp(key, ret_next, sizeof(*key)) != 0 &&
		    (!f || udpflow_find(p, ret_next) != f))
			break;
	}
	return i - first;
}

static int on_port_ready(struct watch *w, uint32_t events)
{
	struct udp_port *p = container_of(w, struct udp_port, watch);
	struct udp_key key, next;
	int n = udpio_recv(p->all->io, w->fd, &p->from), run;

	if (events & EPOLLERR)
		fd_take_error(w->fd);
	if (n > 0)
		key_make(p, 0, &next);
	for (int first = 0; first < n; first += run) {
		struct udp_flow *f;

		key = next;
		f = udpflow_get(p, &key, (unsigned)first);
		run = run_length(p, p->is_tunnel ? f : NULL, &key, first, n, &next);
		if (f)
			udpflow_send(f, (unsigned)first, (unsigned)run);
		else
			p->counts.dropped +=
				udpio_count(p->all->io, (unsigned)first, (unsigned)run);
	}
	return 0;
}

static void port_free(struct deferred *d)
{
	free(container_of(d, struct udp_port, deferred));
}

static void port_end(struct udp_port *p)
{
	struct list *e;
	int fd = p->watch.fd;

	watch_remove(&p->watch);
	close(fd);
	while ((e = list_first(&p->flows)))
		udpflow_end(container_of(e, struct udp_flow, by_port));
	list_remove(&p->entry);
	log_debug("ports", "port %u: %llu refusals, %llu datagrams dropped, %llu clients forgotten",
		  p->spec.id, (unsigned long long)p->stats.refused,
		  (unsigned long long)p->counts.dropped, (unsigned long long)p->counts.evicted);
	loop_defer_free(p->all->loop, &p->deferred, port_free);
}

/* ids, and the parts of one, come in their order: so none comes twice */
static bool is_next(const struct udp_ports *u, const struct worker_port *spec)
{
	const struct worker_port *last;

	if (list_empty(&u->ports))
		return true;
	last = &container_of(u->ports.prev, struct udp_port, entry)->spec;
	return spec->id > last->id || (spec->id == last->id && spec->part > last->part);
}

/* the family of a bound UDP socket; AF_UNSPEC: it is something else */
static int socket_family(int fd)
{
	union sock_addr a = { 0 };
	socklen_t len = sizeof(a), plen = sizeof(int);
	int protocol = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &plen) < 0 ||
	    protocol != IPPROTO_UDP || getsockname(fd, &a.sa, &len) < 0)
		return AF_UNSPEC;
	return a.sa.sa_family == AF_INET || a.sa.sa_family == AF_INET6 ? a.sa.sa_family : AF_UNSPEC;
}

int udpports_add(struct udp_ports *u, const struct worker_port *spec, int sock, struct err *err)
{
	autoclose int fd = sock;
	autofree struct udp_port *p = NULL;
	int family = socket_family(fd), r;

	if (!source_spec_valid(spec, IPPROTO_UDP) || !is_next(u, spec) || family == AF_UNSPEC)
		return err_say(err, EPROTO, "port %u of the parent: not a new, bound UDP port",
			       spec->id);
	if (!u->flows.io) /* pages that no datagram has reached are never touched */
		u->flows.io = calloc(1, sizeof(*u->flows.io));
	p = calloc(1, sizeof(*p));
	if (!p || !u->flows.io)
		return err_set(err, ENOMEM, "port %u", spec->id);
	u->flows.io->loop = u->flows.loop;
	p->all = &u->flows;
	p->spec = *spec;
	p->family = family;
	p->from.bundles = true; /* who opened it decides: it may be somebody else's after us */
	list_init(&p->flows);
	udpflows_limits(p);
	udp_set_options(fd, family, PORT_BUFFER);
	udpio_set_options(fd, family, false);
	if (family == AF_INET6) /* its clients may be of IPv4 all the same */
		udpio_set_options(fd, AF_INET, false);
	r = watch_add(u->flows.loop, &p->watch, fd, EPOLLIN, on_port_ready);
	if (r < 0)
		return err_set(err, -r, "watching port %u", spec->id);
	take_fd(&fd);
	sources_warm(u->flows.sources, spec, SOCK_DGRAM);
	list_append(&u->ports, &p->entry);
	take_ptr(p);
	return 0;
}

unsigned udpports_stats(const struct udp_ports *u, uint32_t after, struct worker_port_stats *ret,
			unsigned max)
{
	const struct list *e, *i;
	unsigned n = 0;

	list_for_each (e, &u->ports) {
		const struct udp_port *p = container_of(e, struct udp_port, entry);

		if (p->spec.id <= after)
			continue;
		if (n == 0 || ret[n - 1].id != p->spec.id) {
			if (n == max)
				break;
			ret[n++] = (struct worker_port_stats){ .id = p->spec.id };
		}
		worker_stats_add(&ret[n - 1], &p->stats);
		list_for_each (i, &p->flows)
			ret[n - 1].active++;
	}
	return n;
}

void udpports_remove(struct udp_ports *u, uint32_t id)
{
	struct list *e, *next;

	list_for_each_safe (e, next, &u->ports) {
		struct udp_port *p = container_of(e, struct udp_port, entry);

		if (p->spec.id == id)
			port_end(p);
	}
}

int udpports_init(struct udp_ports *u, struct loop *l, struct sources *sources, unsigned flows_max,
		  struct err *err)
{
	list_init(&u->ports);
	return udpflows_init(&u->flows, l, sources, flows_max, err);
}

void udpports_done(struct udp_ports *u)
{
	struct list *e;

	if (!u->flows.loop)
		return;
	while ((e = list_first(&u->ports)))
		port_end(container_of(e, struct udp_port, entry));
	udpflows_done(&u->flows);
}
