// SPDX-License-Identifier: Apache-2.0
/*
 * dnsports.c - the sockets that questions leave from
 *
 * A port is a socket connected to a server, from a random port that the kernel chose. Many
 * questions share it, so that a batch of them is one call each way, but not for long: after
 * PORT_QUESTIONS or PORT_LIFE_MS it takes no more, and is closed with its last answer. Who wants to
 * guess an answer without seeing the questions has no more time to find the port than that.
 *
 *   open -> retired -> closed
 *
 * An error of the socket is the server's: all that is under way on the port was refused, and who
 * asks decides what that is worth, as it may be meant for one of them only. When there
 * are too many ports the oldest is closed, and what is under way on it has to wait until it is
 * asked again: it is late anyway.
 */
#include "lib/relay/dnsports.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/relay/addr.h"

#define BATCH DNSPORTS_BATCH
#define PORT_QUESTIONS 128
#define PORT_LIFE_MS 1000
#define ANSWER_MAX 65536 /* bytes; more than UDP can carry */
#define BUFFER (1 << 20) /* for bursts of large answers */

struct dns_port {
	struct dns_ports *all;
	struct watch watch;
	struct list entry;         /* of all->open or all->retired */
	struct list unsent_entry;  /* of all->unsent, when it has some */
	struct list unsent, asked; /* struct dns_line */
	struct net_addr server;
	uint64_t retires_ms;
	unsigned left; /* questions that it takes; 0: retired */
	bool closed;
	struct deferred deferred;
};

struct dns_ports_io {
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec iov[BATCH];
	uint8_t answer[BATCH][ANSWER_MAX];
};

/* --- ports ---------------------------------------------------------------------------------- */

static void port_free(struct deferred *d)
{
	free(container_of(d, struct dns_port, deferred));
}

static void port_close_unused(struct dns_port *port)
{
	if (port->closed || port->left || !list_empty(&port->unsent) || !list_empty(&port->asked))
		return;
	port->closed = true;
	watch_forget(&port->watch);
	close(port->watch.fd);
	list_remove(&port->entry);
	port->all->n--;
	loop_defer_free(port->all->loop, &port->deferred, port_free);
}

static void port_retire(struct dns_port *port)
{
	if (!port->left)
		return;
	port->left = 0;
	list_remove(&port->entry);
	list_append(&port->all->retired, &port->entry);
	port_close_unused(port);
}

void dnsports_retire(struct dns_ports *p)
{
	struct list *e;

	while ((e = list_first(&p->open)))
		port_retire(container_of(e, struct dns_port, entry));
}

static int on_old(struct timer *t)
{
	struct dns_ports *p = container_of(t, struct dns_ports, timer);
	struct list *e;

	while ((e = list_first(&p->open))) {
		struct dns_port *port = container_of(e, struct dns_port, entry);

		if (port->retires_ms > p->loop->now_ms) {
			timer_set(p->loop, t, port->retires_ms - p->loop->now_ms, on_old);
			break;
		}
		port_retire(port);
	}
	return 0;
}

void dnsline_leave(struct dns_line *l)
{
	struct dns_port *port = l->port;

	if (!port)
		return;
	l->port = NULL;
	list_remove(&l->entry);
	if (list_empty(&port->unsent))
		list_remove(&port->unsent_entry);
	port_close_unused(port);
}

static struct dns_line *port_first_line(const struct dns_port *port)
{
	struct list *e = list_first(&port->asked);

	if (!e)
		e = list_first(&port->unsent);
	return e ? container_of(e, struct dns_line, entry) : NULL;
}

static void close_oldest(struct dns_ports *p)
{
	const struct list *from = list_empty(&p->retired) ? &p->open : &p->retired;
	struct dns_port *port = container_of(from->next, struct dns_port, entry);
	struct dns_line *l;

	port_retire(port);
	while ((l = port_first_line(port)))
		dnsline_leave(l);
}

static void port_refused(struct dns_port *port)
{
	struct dns_line *l;

	port_retire(port);
	while ((l = port_first_line(port))) {
		dnsline_leave(l);
		port->all->on_refused(l);
	}
}

static int connected_socket(const struct net_addr *server)
{
	const int on = 1, buffer = BUFFER, v6 = server->family == AF_INET6;
	union sock_addr addr;
	socklen_t len = addr_to_sock(server, &addr);
	autoclose int fd = socket(server->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* unreachable networks and hosts are told too, not only refused ports */
	setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &on,
		   sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	if (connect(fd, &addr.sa, len) < 0)
		return -errno;
	return take_fd(&fd);
}

static int on_port_ready(struct watch *w, uint32_t events);

static int port_open(struct dns_ports *p, const struct net_addr *server, struct dns_port **ret)
{
	autofree void *memory = calloc(1, sizeof(struct dns_port));
	struct dns_port *port = memory;
	autoclose int fd = -1;
	int r;

	if (!port)
		return -ENOMEM;
	while (p->n >= p->max)
		close_oldest(p);
	fd = connected_socket(server);
	if (fd < 0)
		return fd;
	r = watch_add(p->loop, &port->watch, fd, EPOLLIN, on_port_ready);
	if (r < 0)
		return r;
	port->all = p;
	port->server = *server;
	port->retires_ms = p->loop->now_ms + PORT_LIFE_MS;
	port->left = PORT_QUESTIONS;
	list_init(&port->unsent_entry);
	list_init(&port->unsent);
	list_init(&port->asked);
	list_append(&p->open, &port->entry);
	p->n++;
	if (!p->timer.loop)
		timer_set(p->loop, &p->timer, PORT_LIFE_MS, on_old);
	take_fd(&fd);
	*ret = take_ptr(memory);
	return 0;
}

/* --- asking --------------------------------------------------------------------------------- */

static int port_to(struct dns_ports *p, const struct net_addr *server, struct dns_port **ret)
{
	struct list *e;

	list_for_each (e, &p->open) {
		*ret = container_of(e, struct dns_port, entry);
		if (addr_equal(server, &(*ret)->server))
			return 0;
	}
	return port_open(p, server, ret);
}

int dnsports_ask(struct dns_ports *p, struct dns_line *l, const struct net_addr *server,
		 const struct iovec *msg)
{
	struct dns_port *port = l->port;
	int r = port ? 0 : port_to(p, server, &port);

	if (r < 0)
		return r;
	if (l->port)
		list_remove(&l->entry);
	l->port = port;
	l->server = *server;
	l->msg = *msg;
	list_append(&port->unsent, &l->entry);
	list_remove(&port->unsent_entry);
	list_append(&p->unsent, &port->unsent_entry);
	if (port->left == 1)
		port_retire(port);
	else if (port->left)
		port->left--;
	return 0;
}

/* what is reported of one datagram only, and is of no use here */
static void forget_errors(const struct dns_port *port)
{
	uint8_t byte;

	while (recv(port->watch.fd, &byte, 1, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0)
		;
}

/* the first @n of those that wait to be sent are */
static void port_sent(struct dns_port *port, unsigned n)
{
	while (n--) {
		struct list *e = port->unsent.next;

		list_remove(e);
		list_append(&port->asked, e);
	}
	if (list_empty(&port->unsent))
		list_remove(&port->unsent_entry);
}

static void port_flush(struct dns_port *port)
{
	struct dns_ports *p = port->all;
	struct dns_line *l;
	unsigned n = 0;
	struct list *e;
	int r;

	list_for_each (e, &port->unsent) {
		if (n == BATCH)
			break;
		l = container_of(e, struct dns_line, entry);
		p->io->out[n++].msg_hdr = (struct msghdr){ .msg_iov = &l->msg, .msg_iovlen = 1 };
	}
	r = sendmmsg(port->watch.fd, p->io->out, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (r > 0) {
		port_sent(port, (unsigned)r);
	} else if (errno == EAGAIN || errno == ENOBUFS) { /* lost on the way, like any datagram */
		port_sent(port, n);
	} else if (errno == EMSGSIZE) {
		forget_errors(port);
		l = container_of(port->unsent.next, struct dns_line, entry);
		dnsline_leave(l);
		p->on_refused(l);
	} else {
		port_refused(port);
	}
}

void dnsports_flush(struct dns_ports *p)
{
	struct list *e;

	while ((e = list_first(&p->unsent)))
		port_flush(container_of(e, struct dns_port, unsent_entry));
}

/* --- answers -------------------------------------------------------------------------------- */

static int on_port_ready(struct watch *w, uint32_t events)
{
	struct dns_port *port = container_of(w, struct dns_port, watch);
	struct dns_ports *p = port->all;
	int n = recvmmsg(w->fd, p->io->in, BATCH, MSG_DONTWAIT, NULL);

	if (n > 0)
		p->on_answers(p, port, p->io->in, (unsigned)n);
	else if (errno != EAGAIN && errno != EMSGSIZE)
		port_refused(port);
	else if (events & EPOLLERR)
		forget_errors(port);
	dnsports_flush(p);
	return 0;
}

/* --- all ------------------------------------------------------------------------------------ */

void dnsports_init(struct dns_ports *p, struct loop *l, unsigned max)
{
	*p = (struct dns_ports){ .loop = l, .max = max };
	list_init(&p->open);
	list_init(&p->retired);
	list_init(&p->unsent);
}

int dnsports_make_room(struct dns_ports *p)
{
	struct dns_ports_io *io = p->io ? p->io : calloc(1, sizeof(*io));

	if (!io)
		return -ENOMEM;
	for (int i = 0; i < BATCH; i++) {
		io->iov[i] = (struct iovec){ io->answer[i], ANSWER_MAX };
		io->in[i].msg_hdr = (struct msghdr){ .msg_iov = &io->iov[i], .msg_iovlen = 1 };
	}
	p->io = io;
	return 0;
}

void dnsports_done(struct dns_ports *p)
{
	if (!p->loop)
		return;
	dnsports_retire(p);
	timer_cancel(&p->timer);
	free(p->io);
	p->io = NULL;
}
