// SPDX-License-Identifier: Apache-2.0
/*
 * dnstcp.c - DNS over TCP
 *
 * A connection of the child is accepted, then one is made to the server that UDP has its answers
 * from; when it refuses or does not answer within 1.5 s, to the next, once each. Only then bytes
 * are passed, by the same pump as those of published ports, and never looked into. A connection
 * without a byte for 10 s is closed. What is kept is bounded: connections in all and of one client;
 * the oldest gives way.
 *
 *   dnstcp_conn: accepted -> connecting -> its flow runs -> freed by the flow's end
 */
#include "lib/relay/dnstcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/relay/addr.h"
#include "lib/relay/tcpopt.h"

#define IDLE_MS 10000

struct dnstcp_conn {
	struct dnstcp *all;
	struct list entry;
	struct watch watch; /* the socket to the server while it connects; fd -1: none */
	struct timer timer; /* of the connect, then of idleness */
	struct deferred deferred;
	int client; /* -1: it is the flow's */
	struct net_addr server;
	union sock_addr peer;
	uint32_t turn, tried;
	struct list flow; /* one or none */
};

static void conn_free(struct deferred *d)
{
	free(container_of(d, struct dnstcp_conn, deferred));
}

static void conn_hang_up(struct dnstcp_conn *c)
{
	watch_remove(&c->watch);
	cleanup_closep(&c->watch.fd);
	c->watch.fd = -1;
	timer_cancel(&c->timer);
}

/* the client sees a reset, unless it belongs to a flow, which has ended */
static void conn_end(struct dnstcp_conn *c)
{
	conn_hang_up(c);
	if (c->client >= 0)
		tcp_close_reset(c->client);
	list_remove(&c->entry);
	c->all->n--;
	loop_defer_free(c->all->loop, &c->deferred, conn_free);
}

static void on_flow_end(void *owner, const struct flow *f)
{
	(void)f;
	conn_end(owner);
}

static struct flow *conn_flow(struct dnstcp_conn *c)
{
	struct list *e = list_first(&c->flow);

	return e ? container_of(e, struct flow, entry) : NULL;
}

static void conn_drop(struct dnstcp_conn *c)
{
	struct flow *f = conn_flow(c);

	if (f)
		flow_reset(f);
	else
		conn_end(c);
}

/* --- idleness ----------------------------------------------------------------------------- */

/* milliseconds since a byte came or went, as the kernel has counted them */
static uint32_t quiet_ms(int fd)
{
	struct tcp_info ti;
	socklen_t len = sizeof(ti);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len) < 0)
		return IDLE_MS;
	return ti.tcpi_last_data_recv < ti.tcpi_last_data_sent ? ti.tcpi_last_data_recv
							       : ti.tcpi_last_data_sent;
}

static int on_idle_due(struct timer *t)
{
	struct dnstcp_conn *c = container_of(t, struct dnstcp_conn, timer);
	struct flow *f = conn_flow(c);
	uint32_t client, server, quiet;

	if (!f)
		return 0;
	client = quiet_ms(f->pump.side[FLOW_CLIENT].watch.fd);
	server = quiet_ms(f->pump.side[FLOW_TARGET].watch.fd);
	quiet = client < server ? client : server;
	if (quiet >= IDLE_MS)
		flow_close(f);
	else
		timer_set(c->all->loop, t, IDLE_MS - quiet, on_idle_due);
	return 0;
}

/* --- connecting --------------------------------------------------------------------------- */

static void conn_open(struct dnstcp_conn *c)
{
	int client = take_fd(&c->client), server = c->watch.fd;

	watch_remove(&c->watch);
	c->watch.fd = -1;
	dns_servers_good(c->all->servers, DNS_TCP, &c->server);
	timer_set(c->all->loop, &c->timer, IDLE_MS, on_idle_due);
	flow_start_open(c->all->flows, &c->flow, client, server, on_flow_end, c);
}

static void conn_try(struct dnstcp_conn *c);

static void conn_next(struct dnstcp_conn *c)
{
	conn_hang_up(c);
	c->turn++;
	c->tried++;
	conn_try(c);
}

static int on_server_ready(struct watch *w, uint32_t events)
{
	struct dnstcp_conn *c = container_of(w, struct dnstcp_conn, watch);

	if (fd_take_error(w->fd))
		conn_next(c);
	else if (events & EPOLLOUT)
		conn_open(c);
	return 0;
}

static int on_connect_due(struct timer *t)
{
	conn_next(container_of(t, struct dnstcp_conn, timer));
	return 0;
}

static int conn_connect(struct dnstcp_conn *c)
{
	union sock_addr addr;
	socklen_t len = addr_to_sock(&c->server, &addr);
	autoclose int fd = socket(c->server.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	tcp_set_options(fd);
	if (connect(fd, &addr.sa, len) < 0 && errno != EINPROGRESS)
		return -errno;
	r = watch_add(c->all->loop, &c->watch, fd, EPOLLOUT, on_server_ready);
	if (r < 0) {
		c->watch.fd = -1;
		return r;
	}
	take_fd(&fd);
	timer_set(c->all->loop, &c->timer, DNS_SILENCE_MS, on_connect_due);
	return 0;
}

/* the next server that does not refuse at once */
static void conn_try(struct dnstcp_conn *c)
{
	const struct worker_dns *list = &c->all->servers->list;

	for (; c->tried < list->count; c->tried++, c->turn++) {
		c->server = list->server[c->turn % list->count];
		if (conn_connect(c) == 0)
			return;
	}
	conn_end(c);
}

/* --- accepting ---------------------------------------------------------------------------- */

static const char *no_room(struct acceptor *a)
{
	(void)a;
	return NULL; /* the oldest gives way */
}

static void on_pause(struct acceptor *a, const char *why)
{
	(void)a;
	log_debug("dns", "connections wait: %s", why);
}

/* a place for one more connection of @client */
static void make_room(struct dnstcp *d, const union sock_addr *client)
{
	struct dnstcp_conn *oldest = NULL;
	unsigned n = 0;
	struct list *e;

	if (d->n < d->max / 4)
		return;
	list_for_each (e, &d->conns) {
		struct dnstcp_conn *c = container_of(e, struct dnstcp_conn, entry);

		if (!addr_same_host(&c->peer, client))
			continue;
		n++;
		if (!oldest)
			oldest = c;
	}
	if (oldest && n >= d->max / 4)
		conn_drop(oldest);
	else if (d->n >= d->max)
		conn_drop(container_of(d->conns.next, struct dnstcp_conn, entry));
}

static void conn_start(struct dnstcp *d, int client)
{
	struct dnstcp_conn *c = calloc(1, sizeof(*c));
	socklen_t len = sizeof(c->peer);

	if (!c || getpeername(client, &c->peer.sa, &len) < 0) {
		tcp_close_reset(client);
		free(c);
		return;
	}
	make_room(d, &c->peer);
	c->all = d;
	c->watch.fd = -1;
	c->client = client;
	c->turn = d->servers->good[DNS_TCP];
	list_init(&c->flow);
	list_append(&d->conns, &c->entry);
	d->n++;
	conn_try(c);
}

static void on_accept(struct acceptor *a, int fd)
{
	conn_start(a->owner, fd);
}

void dnstcp_init(struct dnstcp *d, struct loop *l, struct dns_servers *servers, struct flows *flows,
		 unsigned max)
{
	*d = (struct dnstcp){ .loop = l, .servers = servers, .flows = flows, .max = max };
	list_init(&d->conns);
}

int dnstcp_add(struct dnstcp *d, int listener)
{
	unsigned i = d->nlisteners;
	int r;

	if (i == DNSTCP_LISTENERS_MAX)
		return -EPROTO;
	d->listener[i] = (struct acceptor){
		.owner = d, .no_room = no_room, .on_accept = on_accept, .on_pause = on_pause
	};
	r = acceptor_start(&d->listener[i], d->loop, listener);
	if (r == 0)
		d->nlisteners++;
	return r;
}

void dnstcp_done(struct dnstcp *d)
{
	struct list *e;

	if (!d->loop)
		return;
	while ((e = list_first(&d->conns)))
		conn_drop(container_of(e, struct dnstcp_conn, entry));
	for (unsigned i = 0; i < d->nlisteners; i++)
		acceptor_stop(&d->listener[i]);
}
