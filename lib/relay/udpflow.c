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
 * A flow ends after 30 s of silence without and 90 s with an answer, when the table is full, and
 * when its socket brings neither data nor an error: the child's side has the socket too, and could
 * make it readable for ever.
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

static const unsigned silence_ms[] = {
	[UDP_UNANSWERED] = 30000, [UDP_BRIEF] = 30000, [UDP_ANSWERED] = 90000
};
static_assert(ARRAY_SIZE(silence_ms) == UDP_NAGES, "a limit for each age");

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

static struct udp_flow *flow_of(struct udp_entry *e)
{
	return container_of(e, struct udp_flow, entry);
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

	if (f->state != UDP_OPEN)
		flow_set_state(f, UDP_OPEN);
	f->refused = f->careful = 0;
	udphold_clear(&u->store, &f->hold);
	udptable_touch(&u->table, &f->entry, u->loop->now_ms, UDP_ANSWERED);
}

/* the first @n of the batch leave from the address that the client knows */
static void flow_answer(struct udp_flow *f, unsigned n)
{
	struct udp_port *p = f->port;
	struct mmsghdr *m = p->all->batch->msg;

	for (unsigned i = 0; i < n; i++) {
		m[i].msg_hdr.msg_name = &f->client;
		m[i].msg_hdr.msg_namelen = f->client_len;
		m[i].msg_hdr.msg_control = f->from_len ? f->from : NULL;
		m[i].msg_hdr.msg_controllen = f->from_len;
		m[i].msg_hdr.msg_flags = 0;
	}
	while (n) {
		int r = sendmmsg(p->watch.fd, m, n, SEND_FLAGS);
		unsigned done = r > 0 ? (unsigned)r : errno == EAGAIN ? n : 1;

		if (r <= 0)
			p->counts.dropped += done;
		for (unsigned i = 0; r > 0 && i < done; i++)
			p->stats.bytes_out += m[i].msg_len;
		m += done;
		n -= done;
	}
}

static void flow_refused(struct udp_flow *f);

static int on_flow_ready(struct watch *w, uint32_t events)
{
	struct udp_flow *f = container_of(w, struct udp_flow, watch);
	int error = events & EPOLLERR ? fd_take_error(w->fd) : 0;
	int n = udpbatch_recv(f->port->all->batch, w->fd, false);

	if (n > 0) {
		flow_answer(f, (unsigned)n);
		flow_answered(f);
	} else if (n < 0 && !error) {
		error = -n;
	}
	if (events & (EPOLLHUP | EPOLLRDHUP) || (n <= 0 && !error))
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
		f->source++;
		return flow_take(f);
	}
	udp_set_options(fd, target_of(f)->family, FLOW_BUFFER);
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
	int fd = sockpool_take(source_pool(s, f->source), target_of(f)->family, SOCK_DGRAM,
			       &f->wait);

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

static void flow_hold(struct udp_flow *f, const struct mmsghdr *m)
{
	const struct iovec *iov = m->msg_hdr.msg_iov;
	int r = udphold_put(&f->port->all->store, &f->hold, iov->iov_base, iov->iov_len);

	if (f->state == UDP_WAITING && r)
		f->port->counts.dropped += r > 0 ? (unsigned)r : 1;
}

/* how many are done with, sent or dropped; 0: the flow waits for a socket or has ended */
static unsigned flow_transmit(struct udp_flow *f, struct mmsghdr *m, unsigned n)
{
	unsigned done;

	if (!f->careful && f->hold.n)
		udphold_clear(&f->port->all->store, &f->hold);
	/* a refusal here is one of an earlier datagram: this one was not sent */
	for (int tries = 0; tries <= WORKER_TARGETS_MAX; tries++) {
		int r = sendmmsg(f->watch.fd, m, f->careful ? 1 : n, SEND_FLAGS);

		if (r > 0) {
			for (int i = 0; i < r; i++)
				f->port->stats.bytes_in += m[i].msg_len;
			if (f->careful) {
				flow_hold(f, m);
				f->careful--;
			}
			return (unsigned)r;
		}
		if (!is_refusal(errno))
			break;
		flow_refused(f);
		if (f->state == UDP_FREE || f->state == UDP_WAITING)
			return 0;
	}
	done = errno == EAGAIN ? n : 1;
	f->port->counts.dropped += done;
	return done;
}

void udpflow_send(struct udp_flow *f, unsigned first, unsigned n)
{
	struct udp_flows *u = f->port->all;
	struct mmsghdr *m = &u->batch->msg[first];

	for (unsigned i = 0; i < n; i++) {
		struct msghdr *h = &m[i].msg_hdr;

		h->msg_name = h->msg_control = NULL;
		h->msg_namelen = 0;
		h->msg_controllen = 0;
		h->msg_flags = 0;
	}
	udptable_touch(&u->table, &f->entry, u->loop->now_ms, f->entry.age);
	while (n && f->state != UDP_FREE) {
		unsigned done = 1;

		if (f->state == UDP_WAITING)
			flow_hold(f, m);
		else
			done = flow_transmit(f, m, n);
		m += done;
		n -= done;
	}
}

/* --- the table of flows ------------------------------------------------------------------- */

static int on_sweep_due(struct timer *t);

/* due when the next flow may have been silent for long enough */
static void sweep_set(struct udp_flows *u)
{
	uint64_t now = u->loop->now_ms, due = UINT64_MAX;

	for (int age = 0; age < UDP_NAGES; age++) {
		const struct udp_entry *e = udptable_oldest(&u->table, age);

		if (e && e->used_ms + silence_ms[age] < due)
			due = e->used_ms + silence_ms[age];
	}
	if (due != UINT64_MAX && (!u->sweep.loop || u->sweep.due_ms > due))
		timer_set(u->loop, &u->sweep, due > now ? due - now : 0, on_sweep_due);
}

static int on_sweep_due(struct timer *t)
{
	struct udp_flows *u = container_of(t, struct udp_flows, sweep);
	struct udp_entry *e;

	for (int age = 0; age < UDP_NAGES; age++) {
		while ((e = udptable_oldest(&u->table, age)) &&
		       e->used_ms + silence_ms[age] <= u->loop->now_ms)
			udpflow_end(flow_of(e));
	}
	sweep_set(u);
	return 0;
}

static void make_room(struct udp_flows *u, const struct udp_key *key)
{
	struct udp_entry *e;

	while ((e = udptable_victim(&u->table, key->client))) {
		flow_of(e)->port->counts.evicted++;
		udpflow_end(flow_of(e));
		if (!u->full_said)
			log_warning("ports",
				    "UDP ports have clients at %u ports at once, or %u at one "
				    "address: those that are silent the longest are forgotten",
				    u->table.max, u->table.max / UDP_CLIENT_SHARE);
		u->full_said = true;
	}
}

struct udp_flow *udpflow_get(struct udp_port *p, const struct udp_key *key, unsigned i)
{
	struct udp_flows *u = p->all;
	struct udp_entry *e = udptable_find(&u->table, key);
	struct udp_flow *f;

	if (e)
		return flow_of(e);
	make_room(u, key);
	e = udptable_add(&u->table, key, u->loop->now_ms);
	if (!e)
		return NULL;
	f = flow_of(e);
	f->port = p;
	p->stats.accepted++;
	f->watch.fd = -1;
	f->wait.on_socket = on_socket;
	f->client = u->batch->name[i];
	f->client_len = u->batch->msg[i].msg_hdr.msg_namelen;
	f->from_len = (uint8_t)udpbatch_source(f->from, p->family, key->local, key->scope);
	f->peer = f->client;
	addr_unmap(&f->peer);
	f->target = (uint8_t)source_target(u->sources, &p->spec, &f->peer);
	f->source = source_first(u->sources, &p->spec, &f->peer, target_of(f));
	f->careful = p->spec.ntargets > 1 ? CAREFUL : 0;
	udphold_init(&f->hold);
	list_init(&f->wait.entry);
	list_append(&p->flows, &f->by_port);
	if (flow_take(f) < 0)
		flow_refused(f);
	if (f->state == UDP_FREE)
		return NULL;
	sweep_set(u);
	return f;
}

int udpflows_init(struct udp_flows *u, struct loop *l, struct sources *sources, unsigned flows_max,
		  struct err *err)
{
	unsigned most = flows_max < UDP_FLOWS_MAX ? flows_max : UDP_FLOWS_MAX;
	int r;

	*u = (struct udp_flows){ .sources = sources };
	udphold_store_init(&u->store);
	r = udptable_init(&u->table, most, sizeof(struct udp_flow));
	if (r == 0)
		r = udptable_init(&u->claims, most, sizeof(struct udp_entry));
	if (r < 0) {
		udptable_done(&u->table);
		return err_set(err, -r, "table of UDP flows");
	}
	u->loop = l;
	return 0;
}

void udpflows_done(struct udp_flows *u)
{
	if (!u->loop)
		return;
	timer_cancel(&u->sweep);
	udptable_done(&u->table);
	udptable_done(&u->claims);
	udphold_store_done(&u->store);
	free(u->batch);
	*u = (struct udp_flows){ 0 };
}
