// SPDX-License-Identifier: Apache-2.0
/*
 * forward.c - published TCP ports
 *
 * The parent makes the listeners; here they are accepted from, a batch a wakeup. When descriptors
 * or memory are short, or the most flows are open, a listener rests for 100 ms: its clients wait in
 * the kernel's queue, the port is never closed for it.
 */
#include "lib/relay/forward.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/relay/addr.h"
#include "lib/relay/tcpopt.h"

#define ACCEPT_BATCH 64
#define PAUSE_MS 100

struct port {
	struct forward *forward;
	struct list entry;
	struct worker_port spec;
	struct watch watch;
	struct timer pause;
	struct list flows;
	struct deferred deferred;
	bool inherits; /* every connection in the queue has the listener's options */
};

static bool forward_full(const struct forward *f)
{
	return f->flows.n >= f->flows_max || f->flows.pool->is_short ||
	       2 * (f->flows.n + 1) + f->nports > f->fds_max;
}

static int on_pause_due(struct timer *t)
{
	struct port *p = container_of(t, struct port, pause);

	return watch_set(&p->watch, EPOLLIN);
}

static int port_pause(struct port *p, const char *why)
{
	struct forward *f = p->forward;

	if (!f->full_said)
		log_warning("ports",
			    "%s with %u connections open: more wait until one ends (raise the "
			    "limit of open files to have more at once)",
			    why, f->flows.n);
	f->full_said = true;
	timer_set(f->loop, &p->pause, PAUSE_MS, on_pause_due);
	return watch_set(&p->watch, 0);
}

static int accept_failed(struct port *p, int error)
{
	switch (error) {
	case EAGAIN:
		p->inherits = true;
		return 0;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return port_pause(p, strerror(error));
	case EINVAL: /* the parent has shut the listener down; its message follows */
	case EBADF:
	case ENOTSOCK:
		watch_remove(&p->watch);
		return 0;
	default: /* an error of that one connection, or of the network: the next may do */
		return 0;
	}
}

static int on_listener_ready(struct watch *w, uint32_t events)
{
	struct port *p = container_of(w, struct port, watch);
	struct forward *f = p->forward;

	(void)events;
	for (int n = 0; n < ACCEPT_BATCH; n++) { /* bounded: no port starves the others */
		int fd;

		if (forward_full(f))
			return port_pause(p, "no more descriptors");
		fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return accept_failed(p, errno);
		if (!p->inherits)
			tcp_set_options(fd);
		flow_start(&f->flows, &p->flows, &p->spec, fd);
	}
	return 0;
}

static void port_free(struct deferred *d)
{
	free(container_of(d, struct port, deferred));
}

static void port_end(struct port *p)
{
	struct forward *f = p->forward;
	struct list *e;
	int fd = p->watch.fd;

	watch_remove(&p->watch);
	timer_cancel(&p->pause);
	close(fd);
	while ((e = list_first(&p->flows)))
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

		if (p->spec.id == id)
			return p;
	}
	return NULL;
}

static bool spec_valid(const struct worker_port *spec)
{
	if (spec->protocol != IPPROTO_TCP || !spec->ntargets || spec->ntargets > WORKER_TARGETS_MAX)
		return false;
	for (size_t i = 0; i < spec->ntargets; i++) {
		if (!addr_valid(&spec->target[i]))
			return false;
	}
	return true;
}

static bool listens(int fd)
{
	int yes = 0;
	socklen_t len = sizeof(yes);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 && yes;
}

int forward_add(struct forward *f, const struct worker_port *spec, int listener, struct err *err)
{
	autoclose int fd = listener;
	autofree struct port *p = NULL;
	int r;

	if (!spec_valid(spec) || port_find(f, spec->id) || !listens(fd))
		return err_say(err, EPROTO,
			       "port %u of the parent: not a new TCP port with a listener",
			       spec->id);
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(err, ENOMEM, "port %u", spec->id);
	p->forward = f;
	p->spec = *spec;
	list_init(&p->flows);
	tcp_set_options(fd); /* connections inherit them, but for those in the queue already */
	r = fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
	if (r == 0)
		r = watch_add(f->loop, &p->watch, fd, EPOLLIN, on_listener_ready);
	if (r < 0)
		return err_set(err, -r, "watching port %u", spec->id);
	take_fd(&fd);
	for (size_t i = 0; i < spec->ntargets; i++)
		sockpool_warm(f->flows.pool, spec->target[i].family, SOCK_STREAM);
	list_append(&f->ports, &p->entry);
	f->nports++;
	take_ptr(p);
	return 0;
}

void forward_remove(struct forward *f, uint32_t id)
{
	struct port *p = port_find(f, id);

	if (p)
		port_end(p);
}

int forward_init(struct forward *f, struct loop *l, struct sockpool *pool, unsigned fds_max,
		 unsigned flows_max, unsigned pipes, struct err *err)
{
	*f = (struct forward){ .loop = l,
			       .fds_max = fds_max,
			       .flows_max = flows_max ? flows_max : fds_max / 2 };
	list_init(&f->ports);
	return flows_init(&f->flows, l, pool, pipes, err);
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
