// SPDX-License-Identifier: Apache-2.0
/*
 * flow.c - one connection to a published port
 *
 *   FREE -> WAITING -> CONNECTING -> OPEN -> FREE
 *              ^            |
 *              +- refused --+  (next target; after the last one: reset)
 *              +- silence, or the client's address cannot be had: next source (source.h)
 *
 * WAITING is skipped when the pool has a socket; flow_start_open() goes from FREE to OPEN. What
 * refuses is believed: only where nothing is heard the client's address is given up. Flows
 * come from slabs and go back to a free list: watches and timers of a flow are removed before, so
 * nothing of the round can reach the next user.
 */
#include "lib/relay/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/fd.h"
#include "lib/relay/addr.h"
#include "lib/relay/tcpopt.h"

#define SLAB_FLOWS 32
#define SOCKET_WAIT_MS 2000
#define CONNECT_MS 5000
#define LASTING_MS 10000       /* a connection that is open for so long needs keepalive */
#define CLIENT_CONNECT_MS 1300 /* with the client's address; a SYN is repeated after 1 s */

struct flow_slab {
	struct flow_slab *next;
	unsigned first; /* place of its first flow */
	struct flow flow[SLAB_FLOWS];
};

/* from which states a state may be entered */
static const unsigned may_follow[] = {
	[FLOW_FREE] = 1u << FLOW_WAITING | 1u << FLOW_CONNECTING | 1u << FLOW_OPEN,
	[FLOW_WAITING] = 1u << FLOW_FREE | 1u << FLOW_CONNECTING,
	[FLOW_CONNECTING] = 1u << FLOW_WAITING,
	[FLOW_OPEN] = 1u << FLOW_FREE | 1u << FLOW_CONNECTING,
};
static_assert(ARRAY_SIZE(may_follow) == FLOW_NSTATES, "a row for each state");

static void flow_set_state(struct flow *f, enum flow_state state)
{
	assert(may_follow[state] & 1u << f->state);
	f->state = state;
}

static struct flow *flow_alloc(struct flows *fs)
{
	struct flow *f;

	if (list_empty(&fs->free)) {
		struct flow_slab *s = calloc(1, sizeof(*s));

		if (!s)
			return NULL;
		s->next = fs->slabs;
		s->first = fs->slabs ? fs->slabs->first + SLAB_FLOWS : 0;
		fs->slabs = s;
		for (size_t i = 0; i < SLAB_FLOWS; i++)
			list_append(&fs->free, &s->flow[i].entry);
	}
	f = container_of(fs->free.prev, struct flow, entry); /* the one used last is warm */
	list_remove(&f->entry);
	memset(f, 0, sizeof(*f));
	f->all = fs;
	f->began_s = (uint32_t)(fs->loop->now_ms / 1000);
	fs->n++;
	return f;
}

static void side_close(struct pump_side *s, bool reset)
{
	int fd = s->watch.fd;

	if (fd < 0)
		return;
	if (s->is_target) /* the agent that made it may have it still */
		watch_remove(&s->watch);
	else
		watch_forget(&s->watch);
	s->watch.fd = -1;
	if (reset)
		tcp_close_reset(fd);
	else
		close(fd);
}

static void count_end(const struct flow *f)
{
	struct worker_port_stats *s = &f->port->stats;

	s->bytes_in += f->pump.dir[FLOW_CLIENT].moved;
	s->bytes_out += f->pump.dir[FLOW_TARGET].moved;
	if (f->state == FLOW_OPEN || !f->error)
		return;
	s->refused++;
	s->last_error = (uint32_t)f->error;
}

static void flow_end(struct flow *f, bool reset)
{
	struct flows *fs = f->all;

	if (f->port)
		count_end(f);
	flow_set_state(f, FLOW_FREE);
	timer_cancel(&f->timer);
	list_remove(&f->wait.entry);
	list_remove(&f->again);
	pump_drop(&fs->shared, &f->pump);
	side_close(&f->pump.side[FLOW_CLIENT], reset);
	side_close(&f->pump.side[FLOW_TARGET], reset);
	list_remove(&f->entry);
	fs->n--;
	if (f->on_end)
		f->on_end(f->owner, f);
	list_append(&fs->free, &f->entry);
}

void flow_close(struct flow *f)
{
	flow_end(f, false);
}

void flow_reset(struct flow *f)
{
	flow_end(f, true);
}

static void flow_pump(struct flow *f)
{
	struct flows *fs = f->all;
	int r = pump_run(&fs->shared, &f->pump);

	if (r < 0 || r == PUMP_DONE) {
		flow_end(f, r < 0);
	} else if (r == PUMP_AGAIN && list_empty(&f->again)) {
		if (!fs->again_told)
			eventfd_write(fs->again_watch.fd, 1);
		fs->again_told = true;
		list_append(&fs->again, &f->again);
	}
}

/* each flow of the list gets one more turn; those who still have more wait for the next round */
static int on_again_ready(struct watch *w, uint32_t events)
{
	struct flows *fs = container_of(w, struct flows, again_watch);
	struct list *last = fs->again.prev, *e;
	eventfd_t n;

	(void)events;
	while ((e = list_first(&fs->again))) {
		bool is_last = e == last;

		list_remove(e);
		flow_pump(container_of(e, struct flow, again));
		if (is_last)
			break;
	}
	if (list_empty(&fs->again)) {
		eventfd_read(w->fd, &n);
		fs->again_told = false;
	}
	return 0;
}

/* --- connecting --------------------------------------------------------------------------- */

static void flow_try(struct flow *f);

static const struct net_addr *target_of(const struct flow *f)
{
	return &f->port->spec.target[f->target];
}

static void flow_next_target(struct flow *f)
{
	side_close(&f->pump.side[FLOW_TARGET], true);
	timer_cancel(&f->timer);
	if (f->state == FLOW_CONNECTING)
		flow_set_state(f, FLOW_WAITING);
	if (++f->tried >= f->port->spec.ntargets) {
		flow_reset(f);
		return;
	}
	f->target = (uint8_t)((f->target + 1) % f->port->spec.ntargets);
	f->source = source_first(f->all->sources, &f->port->spec, &f->client, target_of(f));
	flow_try(f);
}

/* the same target, without what this source needs */
static void flow_next_source(struct flow *f)
{
	side_close(&f->pump.side[FLOW_TARGET], true);
	timer_cancel(&f->timer);
	if (f->state == FLOW_CONNECTING)
		flow_set_state(f, FLOW_WAITING);
	f->source = source_next(f->all->sources, &f->port->spec, target_of(f), f->source);
	flow_try(f);
}

/* another address may do better only where this one was not there */
static void flow_connect_failed(struct flow *f, int error)
{
	bool refused = error == ECONNREFUSED || error == ENETUNREACH || error == EHOSTUNREACH;

	f->error = error;

	if (f->source == SOURCE_CLIENT && error == ETIMEDOUT)
		clientroute_is_silent(&f->all->sources->routes, &f->client, IPPROTO_TCP);
	/* EADDRNOTAVAIL: a connection with these addresses exists. One that has ended does not
	   count, as both ends have timestamps */
	if (f->source == SOURCE_CLIENT && !refused)
		flow_next_source(f);
	else if (refused || error == ETIMEDOUT || error == EADDRNOTAVAIL)
		flow_next_target(f);
	else
		flow_reset(f);
}

static int on_side_ready(struct watch *w, uint32_t events)
{
	struct pump_side *side = container_of(w, struct pump_side, watch);
	struct flow *f = side->is_target ? container_of(side, struct flow, pump.side[FLOW_TARGET])
					 : container_of(side, struct flow, pump.side[FLOW_CLIENT]);

	pump_note(side, events);
	flow_pump(f);
	return 0;
}

static int on_lasts(struct timer *t)
{
	const struct flow *f = container_of(t, struct flow, timer);

	tcp_set_keepalive(f->pump.side[FLOW_TARGET].watch.fd);
	return 0;
}

static void flow_open(struct flow *f)
{
	struct pump_side *client = &f->pump.side[FLOW_CLIENT];
	struct pump_side *target = &f->pump.side[FLOW_TARGET];

	if (f->port)
		timer_set(f->all->loop, &f->timer, LASTING_MS, on_lasts);
	flow_set_state(f, FLOW_OPEN);
	if (watch_add(f->all->loop, &client->watch, client->watch.fd, PUMP_EVENTS, on_side_ready) <
	    0) {
		flow_reset(f);
		return;
	}
	target->watch.on_ready = on_side_ready;
	client->readable = true; /* most clients have sent their request by now */
	client->writable = target->writable = true;
	flow_pump(f);
}

static int on_target_ready(struct watch *w, uint32_t events)
{
	struct flow *f = container_of(w, struct flow, pump.side[FLOW_TARGET].watch);
	const int error = events & (EPOLLERR | EPOLLHUP) ? fd_take_error(w->fd) : 0;

	if (error) {
		flow_connect_failed(f, error);
	} else if (events & EPOLLOUT) {
		pump_note(&f->pump.side[FLOW_TARGET], events);
		flow_open(f);
	}
	return 0;
}

static int on_connect_due(struct timer *t)
{
	flow_connect_failed(container_of(t, struct flow, timer), ETIMEDOUT);
	return 0;
}

static void flow_connect(struct flow *f)
{
	struct pump_side *target = &f->pump.side[FLOW_TARGET];
	union sock_addr addr;
	socklen_t len = addr_to_sock(target_of(f), &addr);

	if (connect(target->watch.fd, &addr.sa, len) < 0 && errno != EINPROGRESS) {
		flow_connect_failed(f, errno);
		return;
	}
	timer_set(f->all->loop, &f->timer,
		  f->source == SOURCE_CLIENT ? CLIENT_CONNECT_MS : CONNECT_MS, on_connect_due);
	if (watch_add(f->all->loop, &target->watch, target->watch.fd, PUMP_EVENTS,
		      on_target_ready) < 0)
		flow_reset(f);
}

/* @fd: of the pool of its source; consumed */
static void flow_bind(struct flow *f, int fd)
{
	int r;

	flow_set_state(f, FLOW_CONNECTING);
	f->pump.side[FLOW_TARGET].watch.fd = fd;
	r = source_bind(f->all->sources, f->source, fd, target_of(f)->family, &f->client);
	if (r == 0)
		flow_connect(f);
	else if (f->source == SOURCE_CHILD)
		flow_reset(f);
	else
		flow_next_source(f);
}

static void on_socket(struct sockpool_wait *w, int fd)
{
	struct flow *f = container_of(w, struct flow, wait);

	if (fd >= 0)
		flow_bind(f, fd);
	else if (f->source != SOURCE_CHILD)
		flow_next_source(f);
	else
		flow_next_target(f);
}

static int on_wait_due(struct timer *t)
{
	struct flow *f = container_of(t, struct flow, timer);

	f->error = ETIMEDOUT;
	flow_reset(f);
	return 0;
}

/* asks for a socket of the current target's family and connects when there is one */
static void flow_try(struct flow *f)
{
	int fd = source_take(f->all->sources, f->source, target_of(f)->family, SOCK_STREAM,
			     &f->wait);

	if (fd >= 0)
		flow_bind(f, fd);
	else if (fd == -EAGAIN)
		timer_set(f->all->loop, &f->timer, SOCKET_WAIT_MS, on_wait_due);
	else if (f->source != SOURCE_CHILD)
		flow_next_source(f);
	else {
		f->error = -fd;
		flow_reset(f);
	}
}

/* one with a client in @flows; NULL: none, and the client was reset */
static struct flow *flow_new(struct flows *fs, struct list *flows, int client)
{
	struct flow *f = flow_alloc(fs);

	if (!f) {
		tcp_close_reset(client);
		return NULL;
	}
	f->pump.side[FLOW_CLIENT].watch.fd = client;
	f->pump.side[FLOW_TARGET].watch.fd = -1;
	f->pump.side[FLOW_TARGET].is_target = true;
	list_init(&f->wait.entry);
	list_init(&f->again);
	list_append(flows, &f->entry);
	return f;
}

void flow_start(struct flows *fs, struct flow_port *port, int client, const union sock_addr *peer)
{
	struct flow *f = flow_new(fs, &port->flows, client);

	port->stats.accepted++;

	if (!f)
		return;
	f->port = port;
	f->client = *peer;
	f->target = (uint8_t)source_target(fs->sources, &port->spec, peer);
	f->source = source_first(fs->sources, &port->spec, peer, target_of(f));
	f->wait.on_socket = on_socket;
	flow_set_state(f, FLOW_WAITING);
	flow_try(f);
}

void flow_start_open(struct flows *fs, struct list *flows, int client, int target,
		     flow_end_fn *on_end, void *owner)
{
	struct flow *f = flow_new(fs, flows, client);
	struct pump_side *side;

	if (!f) {
		tcp_close_reset(target);
		on_end(owner, NULL);
		return;
	}
	f->on_end = on_end;
	f->owner = owner;
	side = &f->pump.side[FLOW_TARGET];
	side->watch.fd = target;
	if (watch_add(fs->loop, &side->watch, target, PUMP_EVENTS, on_side_ready) < 0) {
		flow_set_state(f, FLOW_OPEN);
		flow_reset(f);
		return;
	}
	flow_open(f);
}

/* --- all flows ---------------------------------------------------------------------------- */

int flows_init(struct flows *fs, struct loop *l, struct sources *sources, unsigned pipes,
	       struct err *err)
{
	int fd, r;

	*fs = (struct flows){ .loop = l, .sources = sources, .again_watch = WATCH_INIT };
	list_init(&fs->free);
	list_init(&fs->again);
	pipepool_init(&fs->shared.pipes, pipes);
	fs->shared.buf = malloc(PUMP_BUF);
	if (!fs->shared.buf)
		return err_set(err, ENOMEM, "copy buffer");
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return err_set(err, errno, "eventfd");
	r = watch_add(l, &fs->again_watch, fd, EPOLLIN, on_again_ready);
	return r < 0 ? err_set(err, -r, "watching the eventfd") : 0;
}

unsigned flows_visit(const struct flows *fs, unsigned below, unsigned looks, flow_visit_fn *visit,
		     void *arg)
{
	for (const struct flow_slab *s = fs->slabs; s; s = s->next) {
		unsigned end = s->first + SLAB_FLOWS;

		for (end = end < below ? end : below; end > s->first; end--) {
			const struct flow *f = &s->flow[end - 1 - s->first];

			if (!looks--)
				return end;
			if (f->state != FLOW_FREE && !visit(f, arg))
				return end - 1;
		}
	}
	return 0;
}

void flows_done(struct flows *fs)
{
	if (!fs->loop)
		return;
	watch_remove(&fs->again_watch);
	cleanup_closep(&fs->again_watch.fd);
	while (fs->slabs) {
		struct flow_slab *s = fs->slabs;

		fs->slabs = s->next;
		free(s);
	}
	pipepool_done(&fs->shared.pipes);
	free(fs->shared.buf);
	*fs = (struct flows){ 0 };
}
