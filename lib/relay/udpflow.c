// SPDX-License-Identifier: Apache-2.0
/*
 * udpflow.c - one client of a published UDP port
 *
 *   FREE -> WAITING -> TRYING -> OPEN -> FREE
 *              ^        |  ^      |
 *              +--------+  +------+   refused: the next target, with another socket when it is of
 *                                     another family
 *
 * UDP has no handshake: that a target is there shows in its answer, that it is not in an ICMP error
 * of the child's kernel, which is an error of the connected socket. So with two targets the first
 * datagrams go out one by one and are held; when they are refused, the next target gets them. When
 * all have refused, they are dropped, as the network would, and the next datagram tries again: a
 * server that comes back is found at once.
 *
 * A flow ends when it was silent for long or its place is needed (udpflows.c), and when its socket
 * brings neither data nor an error again and again: the child's side has the socket too, and could
 * make it readable for ever. Once is nothing: the refusal that epoll has told of is met by the
 * client's next datagram when that is served first.
 */
#include "lib/relay/udpflow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/relay/udpclaim.h"

#define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)
#define FLOW_EVENTS (EPOLLIN | EPOLLRDHUP)
#define FLOW_BUFFER (1024 * 1024)
#define CAREFUL UDPHOLD_DATAGRAMS /* a server that took so many without a refusal is there */
#define EMPTY_MAX 16              /* events in a row that brought nothing */

/* from which states a state may be entered */
static const unsigned may_follow[] = {
	[UDP_FREE] = 1u << UDP_WAITING | 1u << UDP_TRYING | 1u << UDP_OPEN,
	[UDP_WAITING] = 1u << UDP_FREE | 1u << UDP_TRYING | 1u << UDP_WAITING,
	[UDP_TRYING] = 1u << UDP_WAITING | 1u << UDP_TRYING | 1u << UDP_OPEN,
	[UDP_OPEN] = 1u << UDP_TRYING,
};
static_assert(ARRAY_SIZE(may_follow) == UDP_NSTATES, "a row for each state");

static void flow_set_state(struct udp_flow *f, enum udp_state state)
{
	assert(may_follow[state] & 1u << f->state);
	f->state = state;
}

/* the target is not there, or not yet */
static bool is_refusal(int error)
{
	return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
	       error == EADDRNOTAVAIL;
}

static const struct net_addr *target_of(const struct udp_flow *f)
{
	return &f->port->spec.target[f->target];
}

static void flow_close(struct udp_flow *f)
{
	int fd = f->watch.fd;

	list_remove(&f->wait.entry);
	f->connected = false;
	if (f->claim)
		udptable_remove(&f->port->all->claims, f->claim);
	f->claim = NULL;
	if (fd < 0)
		return;
	watch_remove(&f->watch);
	f->watch.fd = -1;
	close(fd);
}

void udpflow_end(struct udp_flow *f)
{
	struct udp_flows *u = f->port->all;

	flow_set_state(f, UDP_FREE);
	flow_close(f);
	udphold_clear(&u->store, &f->hold);
	list_remove(&f->by_port);
	udptable_remove(&u->table, &f->entry);
}

/* --- from the target to the client -------------------------------------------------------- */

static void flow_answered(struct udp_flow *f)
{
	struct udp_flows *u = f->port->all;

	const bool is_first = f->state != UDP_OPEN;

	if (is_first)
		flow_set_state(f, UDP_OPEN);
	f->refused = f->careful = 0;
	udphold_clear(&u->store, &f->hold);
	udptable_touch(&u->table, &f->entry, u->loop->now_ms, UDP_ANSWERED);
	if (is_first)
		udpflows_due(f);
}

static enum udpio_verdict on_answer_failed(void *owner, int error, const struct iovec *data)
{
	(void)owner;
	(void)data;
	return error == EAGAIN ? UDPIO_STOP : UDPIO_DROP;
}

/* the first @n of the batch leave from the address that the client knows */
static void flow_answer(struct udp_flow *f, unsigned n)
{
	struct udp_port *p = f->port;
	struct udpio *io = p->all->io;
	const struct udpio_way way = { .fd = p->watch.fd,
				       .to = &f->client,
				       .to_len = f->client_len,
				       .family = p->family,
				       .local = f->has_local ? f->entry.key.local : NULL,
				       .scope = f->entry.key.scope,
				       .bytes = &p->stats.bytes_out,
				       .bundle_max = &f->answer_max };

	udpio_went_back(&p->from, n);
	p->counts.dropped +=
		udpio_count(io, 0, n) - udpio_send(io, 0, n, &way, on_answer_failed, NULL);
}

static void flow_refused(struct udp_flow *f);

static int on_flow_ready(struct watch *w, uint32_t events)
{
	struct udp_flow *f = container_of(w, struct udp_flow, watch);
	int error = events & EPOLLERR ? fd_take_error(w->fd) : 0;
	int n = udpio_recv(f->port->all->io, w->fd, &f->from);

	if (n > 0) {
		flow_answer(f, (unsigned)n);
		flow_answered(f);
	} else if (n < 0 && !error) {
		error = -n;
	}
	f->empty = n > 0 || error ? 0 : (uint8_t)(f->empty + 1);
	if (events & (EPOLLHUP | EPOLLRDHUP) || f->empty == EMPTY_MAX)
		udpflow_end(f);
	else if (is_refusal(error)) {
		f->port->stats.last_error = (uint32_t)error;
		flow_refused(f);
	}
	return 0;
}

/* --- targets ------------------------------------------------------------------------------ */

/* 0; -1: the target cannot be reached. A second connect() takes a new source address */
static int flow_connect(struct udp_flow *f)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	union sock_addr addr;
	socklen_t len = addr_to_sock(target_of(f), &addr);

	flow_set_state(f, UDP_TRYING);
	f->connected = (!f->connected || connect(f->watch.fd, &none, sizeof(none)) == 0) &&
		       connect(f->watch.fd, &addr.sa, len) == 0;
	return f->connected ? 0 : -1;
}

static int flow_take(struct udp_flow *f);

/* @fd: of the pool of its source; consumed. As flow_connect() */
static int flow_attach(struct udp_flow *f, int fd)
{
	struct udp_flows *u = f->port->all;

	struct net_addr client;

	if (f->source == SOURCE_CLIENT && u->on_claim) {
		addr_from_sock(&f->peer, &client);
		u->on_claim(u->claim_arg, &client, target_of(f));
	}
	if (f->source == SOURCE_CLIENT)
		f->claim = udpclaim_make(&u->claims, &f->entry.key, target_of(f), u->loop->now_ms);
	if ((f->source == SOURCE_CLIENT && !f->claim) ||
	    source_bind(u->sources, f->source, fd, target_of(f)->family, &f->peer) < 0) {
		close(fd);
		flow_close(f);
		if (f->source == SOURCE_CHILD)
			return -1;
		f->source = source_next(u->sources, &f->port->spec, target_of(f), f->source);
		return flow_take(f);
	}
	udp_set_options(fd, target_of(f)->family, FLOW_BUFFER);
	udpio_set_options(fd, target_of(f)->family, false);
	f->from = (struct udpio_from){ 0 };
	f->bundle_max = UINT16_MAX;
	if (watch_add(f->port->all->loop, &f->watch, fd, FLOW_EVENTS, on_flow_ready) < 0) {
		close(fd);
		f->watch.fd = -1;
		udpflow_end(f);
		return 0;
	}
	return flow_connect(f);
}

/* sends what is held; -1: refused meanwhile. Nothing is held any longer where that is no use */
static int flow_flush(struct udp_flow *f)
{
	struct udphold_chunk *c = NULL;
	struct iovec iov[UDPHOLD_CHUNKS];

	while ((c = udphold_next(&f->hold, c))) {
		struct msghdr h = { .msg_iov = iov, .msg_iovlen = udphold_iov(c, iov) };

		ssize_t n = sendmsg(f->watch.fd, &h, SEND_FLAGS);

		if (n >= 0) {
			f->port->stats.bytes_in += (uint64_t)n;
			continue;
		}
		if (f->careful && is_refusal(errno))
			return -1;
		f->port->counts.dropped++;
	}
	if (!f->careful)
		udphold_clear(&f->port->all->store, &f->hold);
	return 0;
}

/* gets a socket for the current target; as flow_connect(). The flow may wait or be at its end
 * afterwards */
static int flow_take(struct udp_flow *f)
{
	struct sources *s = f->port->all->sources;
	int fd = source_take(s, f->source, target_of(f)->family, SOCK_DGRAM, &f->wait);

	flow_set_state(f, UDP_WAITING);
	if (fd >= 0)
		return flow_attach(f, fd);
	if (fd == -EAGAIN)
		return 0;
	if (f->source == SOURCE_CHILD) {
		udpflow_end(f); /* the agent is gone */
		return 0;
	}
	f->source = SOURCE_CHILD;
	return flow_take(f);
}

static int flow_next_target(struct udp_flow *f)
{
	const struct worker_port *spec = &f->port->spec;
	uint16_t family = target_of(f)->family;
	enum source source = f->source;
	int r;

	f->target = (uint8_t)((f->target + 1) % spec->ntargets);
	f->source = source_first(f->port->all->sources, spec, &f->peer, target_of(f));
	f->careful = CAREFUL;
	/* an address that was bound stays with its socket */
	if (f->watch.fd >= 0 && target_of(f)->family == family && source == SOURCE_CHILD &&
	    f->source == SOURCE_CHILD) {
		r = flow_connect(f);
	} else {
		flow_close(f);
		if (f->state == UDP_OPEN)
			flow_set_state(f, UDP_TRYING);
		r = flow_take(f);
	}
	return r == 0 && f->state == UDP_TRYING ? flow_flush(f) : r;
}

/* the current target refused, or there is no socket for it */
static void flow_refused(struct udp_flow *f)
{
	struct udp_flows *u = f->port->all;

	do {
		f->port->stats.refused++;
		if (++f->refused >= f->port->spec.ntargets) {
			f->refused = 0; /* the next datagram tries them all again */
			udphold_clear(&u->store, &f->hold);
			if (!f->connected)
				udpflow_end(f);
			return;
		}
		udptable_touch(&u->table, &f->entry, u->loop->now_ms, UDP_UNANSWERED);
		udpflows_due(f);
	} while (flow_next_target(f) < 0);
}

static void on_socket(struct sockpool_wait *w, int fd)
{
	struct udp_flow *f = container_of(w, struct udp_flow, wait);
	int r = -1;

	if (fd >= 0) {
		r = flow_attach(f, fd);
	} else if (f->source != SOURCE_CHILD) { /* the gateway's agent is gone */
		f->source = SOURCE_CHILD;
		r = flow_take(f);
	}
	if (r == 0 && f->state == UDP_TRYING)
		r = flow_flush(f);
	if (r < 0)
		flow_refused(f);
}

/* --- from the client to the target -------------------------------------------------------- */

static void flow_hold(struct udp_flow *f, const struct iovec *one)
{
	int r = udphold_put(&f->port->all->store, &f->hold, one->iov_base, one->iov_len);

	if (f->state == UDP_WAITING && r)
		f->port->counts.dropped += r > 0 ? (unsigned)r : 1;
}

/* false: the flow waits for a socket or has ended, and the datagram is neither sent nor dropped */
static bool flow_transmit(struct udp_flow *f, const struct iovec *one)
{
	/* a refusal here is one of an earlier datagram: this one was not sent */
	for (int tries = 0; tries <= WORKER_TARGETS_MAX; tries++) {
		ssize_t n = send(f->watch.fd, one->iov_base, one->iov_len, SEND_FLAGS);

		if (n >= 0) {
			f->port->stats.bytes_in += (uint64_t)n;
			if (f->careful) {
				flow_hold(f, one);
				f->careful--;
			}
			return true;
		}
		if (!is_refusal(errno))
			break;
		flow_refused(f);
		if (f->state == UDP_FREE || f->state == UDP_WAITING)
			return false;
	}
	f->port->counts.dropped++;
	return true;
}

/* the first datagram of message @i; the message that is next */
static unsigned flow_send_one(struct udp_flow *f, unsigned i)
{
	struct udpio *io = f->port->all->io;
	struct iovec one;
	size_t at = 0;

	udpio_next(io, i, &at, &one);
	if (f->state == UDP_WAITING)
		flow_hold(f, &one);
	else if (!flow_transmit(f, &one))
		return i;
	return udpio_cut(io, i, at) ? i : i + 1;
}

static enum udpio_verdict on_send_failed(void *owner, int error, const struct iovec *data)
{
	const void **refused = owner;

	if (!is_refusal(error))
		return error == EAGAIN ? UDPIO_STOP : UDPIO_DROP;
	*refused = data->iov_base;
	return UDPIO_STOP;
}

/* messages @first to @end - 1 until the target refuses one; the message that is next */
static unsigned flow_send_all(struct udp_flow *f, unsigned first, unsigned end)
{
	struct udp_port *p = f->port;
	struct udpio *io = p->all->io;
	const struct udpio_way way = { .fd = f->watch.fd,
				       .family = target_of(f)->family,
				       .bytes = &p->stats.bytes_in,
				       .bundle_max = &f->bundle_max };
	unsigned lost = udpio_count(io, first, end - first);
	const void *refused = NULL;

	udphold_clear(&p->all->store, &f->hold);
	udpio_went_back(&f->from, end - first);
	lost -= udpio_send(io, first, end - first, &way, on_send_failed, &refused);
	if (!refused) {
		p->counts.dropped += lost;
		return end;
	}
	first = udpio_cut_before(io, refused);
	p->counts.dropped += lost - udpio_count(io, first, end - first);
	flow_refused(f);
	if (f->state == UDP_FREE || f->state == UDP_WAITING)
		return first;
	return flow_send_one(f, first); /* which ends where a refusal comes at once, and again */
}

void udpflow_send(struct udp_flow *f, unsigned first, unsigned n)
{
	struct udp_port *p = f->port;
	struct udp_flows *u = p->all;
	const unsigned end = first + n;

	udptable_touch(&u->table, &f->entry, u->loop->now_ms, f->entry.age);
	while (first < end && f->state != UDP_FREE) {
		if (f->state == UDP_WAITING || f->careful)
			first = flow_send_one(f, first);
		else
			first = flow_send_all(f, first, end);
	}
	if (first < end) /* it has ended: there is no socket to be had */
		p->counts.dropped += udpio_count(u->io, first, end - first);
}

void udpflow_start(struct udp_flow *f)
{
	f->target = (uint8_t)source_target(f->port->all->sources, &f->port->spec, &f->peer);
	f->source = source_first(f->port->all->sources, &f->port->spec, &f->peer, target_of(f));
	f->careful = f->port->spec.ntargets > 1 ? CAREFUL : 0;
	f->wait.on_socket = on_socket;
	if (flow_take(f) < 0)
		flow_refused(f);
}
