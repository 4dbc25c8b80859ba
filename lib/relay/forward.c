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

struct port {
	struct forward *forward;
	struct list entry;
	struct flow_port of_flows;
	struct acceptor acceptor;
	struct deferred deferred;
};

bool forward_has_room(const struct forward *f)
{
	unsigned n = f->flows.n + f->flows.held;

	return n < f->flows_max && 2 * (n + 1) + f->nports + f->lent <= f->fds_max;
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

static void port_end(struct port *p)
{
	struct forward *f = p->forward;
	struct list *e;

	acceptor_stop(&p->acceptor);
	while ((e = list_first(&p->of_flows.flows)))
		flow_reset(container_of(e, struct flow, entry));
	list_remove(&p->entry);
	f->nports--;
	loop_defer_free(f->loop, &p->deferred, port_free);
}

static struct port *port_find(struct forward *f, uint32_t id)
{
	struct list *e;

	list_for_each (e, &f->ports) {
		struct port *p = container_of(e, struct port, entry);

		if (p->of_flows.spec.id == id)
			return p;
	}
	return NULL;
}

static bool spec_valid(const struct worker_port *spec)
{
	if (spec->protocol != IPPROTO_TCP || !spec->ntargets ||
	    spec->ntargets > WORKER_TARGETS_MAX || spec->show_client > 1)
		return false;
	for (size_t i = 0; i < spec->ntargets; i++) {
		if (!addr_valid(&spec->target[i]))
			return false;
	}
	return true;
}

int forward_add(struct forward *f, const struct worker_port *spec, int listener, struct err *err)
{
	autoclose int fd = listener;
	autofree struct port *p = NULL;
	int r;

	/* it may be shut down already: then its removal is on the way */
	if (!spec_valid(spec) || port_find(f, spec->id) || !acceptor_is_tcp(fd))
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

unsigned forward_stats(const struct forward *f, uint32_t after, struct worker_port_stats *ret,
		       unsigned max)
{
	const struct list *e, *i;
	unsigned n = 0;

	list_for_each (e, &f->ports) {
		const struct port *p = container_of(e, struct port, entry);

		if (p->of_flows.spec.id <= after)
			continue;
		if (n == max)
			break;
		ret[n] = p->of_flows.stats;
		ret[n].id = p->of_flows.spec.id;
		list_for_each (i, &p->of_flows.flows) {
			const struct flow *fl = container_of(i, struct flow, entry);

			ret[n].active++;
			ret[n].bytes_in += fl->pump.dir[FLOW_CLIENT].moved;
			ret[n].bytes_out += fl->pump.dir[FLOW_TARGET].moved;
		}
		n++;
	}
	return n;
}

void forward_remove(struct forward *f, uint32_t id)
{
	struct port *p = port_find(f, id);

	if (p)
		port_end(p);
}

int forward_init(struct forward *f, struct loop *l, struct sources *sources, unsigned fds_max,
		 unsigned flows_max, unsigned pipes, struct err *err)
{
	*f = (struct forward){ .loop = l,
			       .fds_max = fds_max,
			       .flows_max = flows_max ? flows_max : fds_max / 2 };
	list_init(&f->ports);
	return flows_init(&f->flows, l, sources, pipes, err);
}

void forward_done(struct forward *f)
{
	struct list *e;

	if (!f->loop)
		return;
	while ((e = list_first(&f->ports)))
		port_end(container_of(e, struct port, entry));
	flows_done(&f->flows);
}
