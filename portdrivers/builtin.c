// SPDX-License-Identifier: Apache-2.0
/*
 * builtin.c - --port-driver=builtin: we bind the host port, the relay serves it
 *
 * The parent binds in the host netns (hostsock.c), passes the socket to the relay and keeps its own
 * duplicate. When a TCP port is removed, shutdown() on that stops every duplicate at once; a UDP
 * socket has nothing alike. A removed port stays here until the relay has said that it closed its
 * own or has died, or until ports.c stops waiting.
 *
 * While there is no relay the kernel queues connections and datagrams at our duplicates; the next
 * relay finds them.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/base/list.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/base/str.h"
#include "lib/ipc/worker.h"
#include "portdrivers/hostsock.h"
#include "portdrivers/portdriver.h"

#define RELAY_WAIT_MS 1000 /* for room in the relay's socket */

struct published {
	struct list link;
	struct worker_port msg; /* as the relay is told */
	int fd;                 /* listening or bound; the relay has a duplicate */
	bool removing;          /* waits for the relay's word */
	port_removed_fn *done;  /* only while removing; may be NULL */
	void *arg;
};

struct port_run {
	struct port_env env;
	struct list ports;
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
	if (env->source_ip_transparent && env->have_child_ip && hostsock_is_loopback(&wanted))
		add_own(env, ret);
	ret->target[ret->ntargets++] = wanted;
	for (int i = 0; i < ret->ntargets; i++)
		ret->target[i].port = (uint16_t)s->child_port;
}

/* msg_send() that waits a little for room: publishing thousands of ports outruns the relay */
static int tell_relay(const struct port_run *run, uint16_t type, const void *payload, const int *fd)
{
	uint64_t now = clock_ms(), end = now + RELAY_WAIT_MS;
	struct pollfd p = { .fd = run->env.relay_sock, .events = POLLOUT };
	int r;

	if (p.fd < 0)
		return -EPIPE;
	for (;;) {
		r = msg_send(p.fd, &worker_proto, type, payload, fd, fd ? 1 : 0);
		if (r != -EAGAIN)
			return r;
		now = clock_ms();
		if (now >= end)
			return -ETIMEDOUT;
		poll(&p, 1, (int)(end - now)); /* a failure shows in the next round */
	}
}

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
	if (p->msg.protocol == IPPROTO_TCP)
		shutdown(p->fd, SHUT_RD);
}

static void published_free(struct published *p)
{
	list_remove(&p->link);
	close(p->fd);
	free(p);
}

static int builtin_parent_start(const struct port_env *env, struct port_run **ret, struct err *err)
{
	struct port_run *run;

	if (env->relay_sock < 0)
		return err_say(err, ENOTCONN, "port driver builtin needs the relay process");
	run = calloc(1, sizeof(*run));
	if (!run)
		return err_set(err, ENOMEM, "starting port driver builtin");
	run->env = *env;
	list_init(&run->ports);
	*ret = run;
	return 0;
}

static int builtin_parent_add(struct port_run *run, uint32_t id, const struct port_spec *spec,
			      struct err *err)
{
	bool tcp = str_starts(spec->proto, "tcp");
	autofree struct published *p = NULL;
	autoclose int fd = -1;
	int r;

	if (!tcp && !str_starts(spec->proto, "udp"))
		return err_say(err, EPROTONOSUPPORT, "unsupported port protocol %s", spec->proto);
	r = hostsock_open(spec, run->env.named_rootlesskit, &fd, err);
	if (r < 0)
		return r;
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(err, ENOMEM, "publishing port %d", spec->parent_port);
	p->msg = (struct worker_port){ .id = id, .protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP };
	choose_targets(&run->env, spec, &p->msg);
	r = tell_relay(run, WORKER_PORT_ADD, &p->msg, &fd);
	if (r < 0 && !msg_peer_gone(r)) /* the next relay is told of every port */
		return err_set(err, -r, "handing port %d to the relay process", spec->parent_port);
	p->fd = take_fd(&fd);
	list_append(&run->ports, &take_ptr(p)->link);
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

static int builtin_parent_remove(struct port_run *run, uint32_t id, port_removed_fn *done,
				 void *arg, struct err *err)
{
	struct worker_port_id msg = { .id = id };
	struct published *p = find(run, id);
	int r;

	if (!p || p->removing)
		return err_say(err, ENOENT, "unknown id: %u", id);
	published_shut(p);
	p->removing = true;
	p->done = done;
	p->arg = arg;
	r = tell_relay(run, WORKER_PORT_REMOVE, &msg, NULL);
	if (run->env.relay_sock < 0) {
		builtin_parent_removed(run, id);
	} else if (r < 0 && !msg_peer_gone(r)) {
		log_warning("port", "telling the relay to close port %u: %s, not waiting for it",
			    id, strerror(-r));
		builtin_parent_removed(run, id);
	}
	return 0;
}

static void builtin_parent_relay_gone(struct port_run *run)
{
	struct list *l, *next;

	run->env.relay_sock = -1;
	for (l = run->ports.next; l != &run->ports; l = next) {
		const struct published *p = container_of(l, struct published, link);

		next = l->next;
		if (p->removing)
			builtin_parent_removed(run, p->msg.id);
	}
}

static int builtin_parent_relay_up(struct port_run *run, int relay_sock, struct err *err)
{
	struct list *l;
	int r;

	run->env.relay_sock = relay_sock;
	list_for_each (l, &run->ports) {
		const struct published *p = container_of(l, struct published, link);

		r = tell_relay(run, WORKER_PORT_ADD, &p->msg, &p->fd);
		if (r < 0)
			return err_set(err, -r, "handing the ports to the new relay");
	}
	return 0;
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
	free(run);
}

static const char *const protos[] = { "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", NULL };
static const char *const protos4[] = { "tcp", "tcp4", "udp", "udp4", NULL };

#define DEEDS \
	.flags = PORT_F_RELAY | PORT_F_PUBLISH, .parent_start = builtin_parent_start, \
	.parent_add = builtin_parent_add, .parent_remove = builtin_parent_remove, \
	.parent_removed = builtin_parent_removed, .parent_relay_gone = builtin_parent_relay_gone, \
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
