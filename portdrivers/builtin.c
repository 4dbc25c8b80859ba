// SPDX-License-Identifier: Apache-2.0
/*
 * builtin.c - --port-driver=builtin: we bind the host port, the relay serves it
 *
 * The parent binds in the host netns (hostsock.c), passes the socket to the relay and keeps its own
 * duplicate. When a TCP port is removed, shutdown() on that stops every duplicate at once; a UDP
 * socket has nothing alike. A removed port stays here until the relay has said that it closed its
 * own, or has died.
 *
 * The relay may be slow, or hang: what its socket has no room for waits in run->untold, in order,
 * and is told when there is room. Nobody waits for that: the port is listening.
 *
 * While there is no relay the kernel queues connections and datagrams at our duplicates; the next
 * relay finds them.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/base/list.h"
#include "lib/base/str.h"
#include "lib/ipc/worker.h"
#include "portdrivers/hostsock.h"
#include "portdrivers/portdriver.h"

#define RETRY_MS 20 /* when the relay could not be told for another reason than a full socket */

struct published {
	struct list link;
	struct list untold;     /* in run->untold while the relay lacks a message about it */
	struct worker_port msg; /* as the relay is told, of the first port */
	uint32_t drain_ms;
	uint16_t nports, told; /* told: of this relay */
	bool removing;         /* waits for the relay's word */
	bool given;            /* somebody else holds the socket as well, and goes on with it */
	port_removed_fn *done; /* only while removing; may be NULL */
	void *arg;
	int fd[]; /* listening or bound, one a port; the relay has duplicates */
};

struct port_run {
	struct event_base *base;
	struct port_env env;
	struct list ports;
	struct list untold; /* of published.untold */
	struct event *room; /* the relay's socket takes more; NULL: no relay */
	struct event *retry;
};

/* without a child address: a loopback parent address means the same one inside, "::" means ::1 */
static void default_target(const struct port_spec *s, struct net_addr *ret)
{
	struct net_addr parent;

	hostsock_set_loopback(ret, AF_INET);
	if (!*s->parent_ip || hostsock_parse_ip(s->parent_ip, &parent) < 0)
		return;
	if (hostsock_is_loopback(&parent))
		*ret = parent;
	else if (parent.family == AF_INET6 && hostsock_is_unspecified(&parent))
		hostsock_set_loopback(ret, AF_INET6);
}

static void add_own(const struct port_env *env, struct worker_port *ret)
{
	struct net_addr *t;

	if (env->have_child_ip6) {
		t = &ret->target[ret->ntargets++];
		t->family = AF_INET6;
		memcpy(t->addr, &env->child_ip6, sizeof(env->child_ip6));
	}
	t = &ret->target[ret->ntargets++];
	t->family = AF_INET;
	memcpy(t->addr, &env->child_ip, sizeof(env->child_ip));
}

/*
 * The real client can be shown only to a server on the child's own address, so that is tried before
 * the loopback address that a client without other knowledge posts. Any other posted address is
 * meant as it stands.
 */
static void choose_targets(const struct port_env *env, const struct port_spec *s,
			   struct worker_port *ret)
{
	struct net_addr wanted;

	if (!*s->child_ip || hostsock_parse_ip(s->child_ip, &wanted) < 0)
		default_target(s, &wanted);
	ret->ntargets = 0;
	ret->show_client = env->source_ip_transparent;
	if (hostsock_is_loopback(&wanted) && env->have_child_ip &&
	    (env->source_ip_transparent || !env->loopback))
		add_own(env, ret);
	if (!hostsock_is_loopback(&wanted) || env->loopback)
		ret->target[ret->ntargets++] = wanted;
	for (int i = 0; i < ret->ntargets; i++)
		ret->target[i].port = (uint16_t)s->child_port;
}

/* --- telling the relay, which may have no room for it now ---------------------------------- */

static int tell_one(const struct port_run *run, struct published *p)
{
	struct worker_port_remove remove = { p->msg.id, p->drain_ms };
	struct worker_port part = p->msg;
	int r;

	if (p->removing)
		return msg_send(run->env.relay_sock, &worker_proto, WORKER_PORT_REMOVE, &remove,
				NULL, 0);
	part.part = p->told;
	for (int i = 0; i < part.ntargets; i++)
		part.target[i].port = (uint16_t)(part.target[i].port + p->told);
	r = msg_send(run->env.relay_sock, &worker_proto, WORKER_PORT_ADD, &part, &p->fd[p->told],
		     1);
	if (r == 0)
		p->told++;
	return r;
}

/* in order, as far as there is room; what is left is told when there is more, or a little later.
 * Negative: the relay is gone, and nobody but the next one needs to be told */
static int tell(struct port_run *run)
{
	const struct timeval later = { .tv_usec = RETRY_MS * 1000 };
	struct list *l;

	while (run->env.relay_sock >= 0 && (l = list_first(&run->untold))) {
		struct published *p = container_of(l, struct published, untold);
		int r = tell_one(run, p);

		if (msg_peer_gone(r))
			return r;
		if (r == -EAGAIN)
			return event_add(run->room, NULL);
		if (r < 0)
			return event_add(run->retry, &later);
		if (p->removing || p->told == p->nports)
			list_remove(&p->untold);
	}
	return 0;
}

static void on_room(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	tell(arg);
}

/* to the end of those that wait */
static int tell_of(struct port_run *run, struct published *p)
{
	if (run->env.relay_sock < 0)
		return 0;
	list_remove(&p->untold);
	list_append(&run->untold, &p->untold);
	return tell(run);
}

static int watch_room(struct port_run *run)
{
	run->room = event_new(run->base, run->env.relay_sock, EV_WRITE, on_room, run);
	return run->room ? 0 : -ENOMEM;
}

/* --- the table ---------------------------------------------------------------------------- */

static struct published *find(const struct port_run *run, uint32_t id)
{
	struct list *l;

	list_for_each (l, &run->ports) {
		struct published *p = container_of(l, struct published, link);

		if (p->msg.id == id)
			return p;
	}
	return NULL;
}

/* every duplicate stops listening, this instant */
static void published_shut(const struct published *p)
{
	if (p->msg.protocol != IPPROTO_TCP || p->given)
		return;
	for (int i = 0; i < p->nports; i++)
		shutdown(p->fd[i], SHUT_RD);
}

static struct published *published_free(struct published *p)
{
	if (!p)
		return NULL;
	list_remove(&p->link);
	list_remove(&p->untold);
	for (int i = 0; i < p->nports; i++)
		close(p->fd[i]);
	free(p);
	return NULL;
}

DEFINE_FREEP(struct published *, published_free)

static struct published *published_new(uint32_t id, bool tcp, int nports)
{
	struct published *p = calloc(1, sizeof(*p) + (size_t)nports * sizeof(p->fd[0]));

	if (!p)
		return NULL;
	list_init(&p->link);
	list_init(&p->untold);
	p->msg = (struct worker_port){ .id = id, .protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP };
	return p;
}

/* the first of the ports that would do which nobody has; the last one's error when there is none */
static int open_any(struct published *p, struct port_spec *spec, bool named_rootlesskit,
		    struct err *err)
{
	struct port_spec one = *spec;
	struct err said = { 0 };
	int r = -EADDRINUSE;

	for (int i = 0; i <= spec->others && r == -EADDRINUSE; i++) {
		one.parent_port = spec->parent_port + i;
		r = hostsock_open(&one, named_rootlesskit, &p->fd[0], &said);
	}
	if (r < 0) {
		if (err)
			*err = said;
		return r;
	}
	p->nports = 1;
	spec->parent_port = one.parent_port;
	spec->others = 0;
	return 0;
}

/* @spec has the port that was found, when any would do */
static int open_all(struct published *p, struct port_spec *spec, bool named_rootlesskit,
		    struct err *err)
{
	struct port_spec one = *spec;

	if (spec->given_fd) {
		int r = hostsock_adopt(spec->given_fd, p->msg.protocol == IPPROTO_UDP);

		if (r < 0)
			return err_set(err, -r, "using the socket that was passed for port %d",
				       spec->parent_port);
		p->fd[0] = spec->given_fd;
		p->nports = 1;
		p->given = true;
		spec->given_fd = 0;
		return 0;
	}
	if (spec->others)
		return open_any(p, spec, named_rootlesskit, err);
	for (int i = 0; i <= spec->more; i++) {
		int r = hostsock_open(&one, named_rootlesskit, &p->fd[i], err);

		if (r < 0)
			return r;
		p->nports = (uint16_t)(i + 1);
		one.parent_port++;
	}
	if (spec->parent_port == 0) {
		int port = hostsock_port(p->fd[0]);

		if (port < 0)
			return err_set(err, -port, "reading the port that was found");
		spec->parent_port = port;
	}
	return 0;
}

/* --- the driver --------------------------------------------------------------------------- */

static void builtin_parent_stop(struct port_run *run);

static int builtin_parent_start(struct event_base *base, const struct port_env *env,
				struct port_run **ret, struct err *err)
{
	struct port_run *run;

	if (env->relay_sock < 0)
		return err_say(err, ENOTCONN, "port driver builtin needs the relay process");
	run = calloc(1, sizeof(*run));
	if (!run)
		return err_set(err, ENOMEM, "starting port driver builtin");
	run->base = base;
	run->env = *env;
	list_init(&run->ports);
	list_init(&run->untold);
	run->retry = evtimer_new(base, on_room, run);
	if (!run->retry || watch_room(run) < 0) {
		builtin_parent_stop(run);
		return err_set(err, ENOMEM, "starting port driver builtin");
	}
	*ret = run;
	return 0;
}

static int builtin_parent_add(struct port_run *run, uint32_t id, struct port_spec *spec,
			      struct err *err)
{
	bool tcp = str_starts(spec->proto, "tcp");
	AUTO(published_freep) struct published *p = NULL;
	int r;

	if (!tcp && !str_starts(spec->proto, "udp"))
		return err_say(err, EPROTONOSUPPORT, "unsupported port protocol %s", spec->proto);
	p = published_new(id, tcp, spec->more + 1);
	if (!p)
		return err_set(err, ENOMEM, "publishing port %d", spec->parent_port);
	r = open_all(p, spec, run->env.named_rootlesskit, err);
	if (r < 0)
		return r;
	choose_targets(&run->env, spec, &p->msg);
	p->msg.idle_ms =
		tcp ? 0 : 1000 * (uint32_t)(spec->udp_idle ? spec->udp_idle : run->env.udp_idle);
	list_append(&run->ports, &p->link);
	tell_of(run, take_ptr(p)); /* a relay that is gone: the next one is told of every port */
	return 0;
}

static void builtin_parent_removed(struct port_run *run, uint32_t id)
{
	struct published *p = find(run, id);
	port_removed_fn *done;
	void *arg;

	if (!p || !p->removing)
		return; /* the relay is late, or lies: nothing to do either way */
	done = p->done;
	arg = p->arg;
	published_free(p);
	if (done)
		done(arg);
}

static int builtin_parent_remove(struct port_run *run, uint32_t id, uint32_t drain_ms,
				 port_removed_fn *done, void *arg, struct err *err)
{
	struct published *p = find(run, id);

	if (!p || p->removing)
		return err_say(err, ENOENT, "unknown id: %u", id);
	published_shut(p);
	p->removing = true;
	p->drain_ms = drain_ms;
	p->done = done;
	p->arg = arg;
	if (run->env.relay_sock < 0 || p->told == 0) /* there is none, or it knows nothing of it */
		builtin_parent_removed(run, id);
	else
		tell_of(run, p); /* one that is gone: parent_relay_gone() follows */
	return 0;
}

static bool builtin_parent_is_free(struct port_run *run, uint32_t id)
{
	struct published *p = find(run, id);

	if (!p || p->msg.protocol != IPPROTO_TCP)
		return !p;
	p->done = NULL; /* shut down: whoever wants it can bind it */
	return true;
}

static void builtin_parent_relay_gone(struct port_run *run)
{
	struct list *l, *next;

	if (run->room)
		event_free(run->room);
	run->room = NULL;
	evtimer_del(run->retry);
	run->env.relay_sock = -1;
	list_for_each_safe (l, next, &run->ports) {
		struct published *p = container_of(l, struct published, link);

		list_remove(&p->untold);
		p->told = 0;
		if (p->removing)
			builtin_parent_removed(run, p->msg.id);
	}
}

static int builtin_parent_relay_up(struct port_run *run, int relay_sock, struct err *err)
{
	struct list *l;
	int r;

	run->env.relay_sock = relay_sock;
	r = watch_room(run);
	list_for_each (l, &run->ports)
		list_append(&run->untold, &container_of(l, struct published, link)->untold);
	if (r == 0)
		r = tell(run);
	return r < 0 ? err_set(err, -r, "handing the ports to the new relay") : 0;
}

static int builtin_parent_ask_stats(struct port_run *run, const struct worker_stats_req *req)
{
	if (run->env.relay_sock < 0)
		return -EPIPE;
	return msg_send(run->env.relay_sock, &worker_proto, WORKER_STATS_REQ, req, NULL, 0);
}

static void builtin_parent_stop(struct port_run *run)
{
	struct list *l;

	if (!run)
		return;
	while ((l = list_first(&run->ports))) {
		struct published *p = container_of(l, struct published, link);

		published_shut(p);
		p->removing = true;
		builtin_parent_removed(run, p->msg.id);
	}
	if (run->room)
		event_free(run->room);
	if (run->retry)
		event_free(run->retry);
	free(run);
}

static const char *const protos[] = { "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", NULL };
static const char *const protos4[] = { "tcp", "tcp4", "udp", "udp4", NULL };

#define DEEDS \
	.flags = PORT_F_RELAY | PORT_F_PUBLISH, .parent_start = builtin_parent_start, \
	.parent_add = builtin_parent_add, .parent_remove = builtin_parent_remove, \
	.parent_removed = builtin_parent_removed, .parent_is_free = builtin_parent_is_free, \
	.parent_relay_gone = builtin_parent_relay_gone, \
	.parent_relay_up = builtin_parent_relay_up, .parent_ask_stats = builtin_parent_ask_stats, \
	.parent_stop = builtin_parent_stop

extern const struct port_driver port_builtin;
const struct port_driver port_builtin = { .name = "builtin", .protos = protos, DEEDS };

/* the port drivers of the networks of those names, which are the built-in one as well */
extern const struct port_driver port_gvisor, port_own_slirp4netns;
const struct port_driver port_gvisor = {
	.name = "gvisor-tap-vsock", .net = "gvisor-tap-vsock", .protos = protos4, DEEDS
};
const struct port_driver port_own_slirp4netns = {
	.name = "slirp4netns", .net = "slirp4netns", .protos = protos4, DEEDS
};
