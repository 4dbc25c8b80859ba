// SPDX-License-Identifier: Apache-2.0
/*
 * forward.c - published TCP ports
 *
 * The parent makes the listeners; here they are accepted from. When the most flows are open or
 * descriptors are short, clients wait in the kernel's queue: the port is never closed for it.
 */
#include "lib/relay/forward.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/relay/acceptor.h"
#include "lib/relay/addr.h"

#define DRAIN_TICK_MS 1000 /* a port whose connections have ended is kept so long at most */

struct port {
	struct forward *forward;
	struct list entry;
	struct flow_port of_flows;
	struct acceptor acceptor;
	struct timer drain;      /* looks after those that are draining */
	uint64_t drain_until_ms; /* loop time */
	struct deferred deferred;
};

unsigned forward_descriptors(const struct forward *f)
{
	return 2 * (f->flows.n + f->flows.held) + f->nports + f->lent;
}

bool forward_lends(const struct forward *f, unsigned back)
{
	return forward_descriptors(f) + 2 - back <= f->fds_max;
}

bool forward_has_room(const struct forward *f)
{
	return f->flows.n + f->flows.held < f->flows_max && forward_lends(f, 0);
}

static const char *forward_full(struct acceptor *a)
{
	const struct forward *f = ((const struct port *)a->owner)->forward;
	bool full = f->flows.sources->child->is_short || f->flows.sources->gateway->is_short ||
		    !forward_has_room(f);

	return full ? "no more descriptors" : NULL;
}

static void on_pause(struct acceptor *a, const char *why)
{
	struct forward *f = ((struct port *)a->owner)->forward;

	if (!f->full_said)
		log_warning("ports",
			    "%s with %u connections open: more wait until one ends (raise the "
			    "limit of open files to have more at once)",
			    why, f->flows.n);
	f->full_said = true;
}

static void on_accept(struct acceptor *a, int fd)
{
	struct port *p = a->owner;

	addr_unmap(&a->peer);
	flow_start(&p->forward->flows, &p->of_flows, fd, &a->peer);
}

static void port_free(struct deferred *d)
{
	free(container_of(d, struct port, deferred));
}

/* its place, and what is left of its connections */
static void port_end(struct port *p)
{
	struct forward *f = p->forward;
	struct list *e;

	timer_cancel(&p->drain);
	while ((e = list_first(&p->of_flows.flows)))
		flow_reset(container_of(e, struct flow, entry));
	list_remove(&p->entry);
	loop_defer_free(f->loop, &p->deferred, port_free);
}

static void port_close(struct port *p)
{
	acceptor_stop(&p->acceptor);
	p->forward->nports--;
}

static int on_drain_tick(struct timer *t)
{
	struct port *p = container_of(t, struct port, drain);
	uint64_t now = p->forward->loop->now_ms, left = p->drain_until_ms - now;

	if (list_empty(&p->of_flows.flows) || now >= p->drain_until_ms)
		port_end(p);
	else
		timer_set(p->forward->loop, t,
			  left < DRAIN_TICK_MS ? (unsigned)left : DRAIN_TICK_MS, on_drain_tick);
	return 0;
}

/* no new connections; those that are there have @ms left */
static void port_drain(struct port *p, uint32_t ms)
{
	struct forward *f = p->forward;

	list_remove(&p->entry);
	list_append(&f->draining, &p->entry);
	p->drain_until_ms = f->loop->now_ms + ms;
	on_drain_tick(&p->drain);
}

/* ids, and the parts of one, come in their order: so none comes twice */
static bool is_next(const struct forward *f, const struct worker_port *spec)
{
	const struct worker_port *last;

	if (list_empty(&f->ports))
		return true;
	last = &container_of(f->ports.prev, struct port, entry)->of_flows.spec;
	return spec->id > last->id || (spec->id == last->id && spec->part > last->part);
}

int forward_add(struct forward *f, const struct worker_port *spec, int listener, struct err *err)
{
	autoclose int fd = listener;
	autofree struct port *p = NULL;
	int r;

	/* it may be shut down already: then its removal is on the way */
	if (!source_spec_valid(spec, IPPROTO_TCP) || !is_next(f, spec) || !acceptor_is_tcp(fd))
		return err_say(err, EPROTO,
			       "port %u of the parent: not a new port with a TCP socket", spec->id);
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(err, ENOMEM, "port %u", spec->id);
	p->forward = f;
	p->of_flows.spec = *spec;
	list_init(&p->of_flows.flows);
	p->acceptor = (struct acceptor){
		.owner = p, .no_room = forward_full, .on_accept = on_accept, .on_pause = on_pause
	};
	r = acceptor_start(&p->acceptor, f->loop, fd);
	if (r < 0)
		return err_set(err, -r, "watching port %u", spec->id);
	take_fd(&fd);
	sources_warm(f->flows.sources, spec, SOCK_STREAM);
	list_append(&f->ports, &p->entry);
	f->nports++;
	take_ptr(p);
	return 0;
}

static void add_stats(struct worker_port_stats *to, const struct port *p)
{
	const struct list *i;

	worker_stats_add(to, &p->of_flows.stats);
	list_for_each (i, &p->of_flows.flows) {
		const struct flow *fl = container_of(i, struct flow, entry);

		to->active++;
		to->bytes_in += fl->pump.dir[FLOW_CLIENT].moved;
		to->bytes_out += fl->pump.dir[FLOW_TARGET].moved;
	}
}

unsigned forward_stats(const struct forward *f, uint32_t after, struct worker_port_stats *ret,
		       unsigned max)
{
	const struct list *e;
	unsigned n = 0;

	list_for_each (e, &f->ports) {
		const struct port *p = container_of(e, struct port, entry);

		if (p->of_flows.spec.id <= after)
			continue;
		if (n == 0 || ret[n - 1].id != p->of_flows.spec.id) {
			if (n == max)
				break;
			ret[n++] = (struct worker_port_stats){ .id = p->of_flows.spec.id };
		}
		add_stats(&ret[n - 1], p);
	}
	return n;
}

unsigned forward_nflows(const struct forward *f)
{
	const struct list *const lists[] = { &f->ports, &f->draining };
	const struct list *e;
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		list_for_each (e, lists[i])
			n += list_count(&container_of(e, struct port, entry)->of_flows.flows);
	}
	return n;
}

void forward_remove(struct forward *f, uint32_t id, uint32_t drain_ms)
{
	struct list *e, *next;

	list_for_each_safe (e, next, &f->ports) {
		struct port *p = container_of(e, struct port, entry);

		if (p->of_flows.spec.id != id)
			continue;
		port_close(p);
		if (drain_ms)
			port_drain(p, drain_ms);
		else
			port_end(p);
	}
}

int forward_init(struct forward *f, struct loop *l, struct sources *sources, unsigned fds_max,
		 unsigned flows_max, unsigned pipes, struct err *err)
{
	*f = (struct forward){ .loop = l,
			       .fds_max = fds_max,
			       .flows_max = flows_max ? flows_max : fds_max / 2 };
	list_init(&f->ports);
	list_init(&f->draining);
	return flows_init(&f->flows, l, sources, pipes, err);
}

void forward_done(struct forward *f)
{
	struct list *e;

	if (!f->loop)
		return;
	while ((e = list_first(&f->ports))) {
		port_close(container_of(e, struct port, entry));
		port_end(container_of(e, struct port, entry));
	}
	while ((e = list_first(&f->draining)))
		port_end(container_of(e, struct port, entry));
	flows_done(&f->flows);
}
