// SPDX-License-Identifier: Apache-2.0
/*
 * builtin.c - --port-driver=builtin: we bind the host port, the relay accepts on it
 *
 * The parent binds and listens in the host netns, passes the socket to the relay and keeps its own
 * duplicate: shutdown() on it stops every duplicate at once when the port is removed. A removed
 * port stays here until the relay has said that it closed its own, or until ports.c stops waiting.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/goerr.h"
#include "lib/base/list.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/base/str.h"
#include "lib/ipc/worker.h"
#include "portdrivers/portdriver.h"

#define RELAY_WAIT_MS 1000 /* for room in the relay's socket */
#define BACKLOG_DEFAULT 128
#define PRIVILEGED_DEFAULT 1024
#define ADDR_TEXT_MAX (PORT_IP_MAX + 16)

struct published {
	struct list link;
	uint32_t id;
	int fd;                /* the listener; the relay has a duplicate */
	bool removing;         /* waits for the relay's word */
	port_removed_fn *done; /* only while removing; may be NULL */
	void *arg;
};

struct port_run {
	struct port_env env;
	int backlog;
	struct list ports;
};

/* where a spec listens, as Go's net.Listen() would choose it */
struct endpoint {
	struct net_addr addr;
	bool dual;                /* one IPv6 socket that takes IPv4 as well */
	char text[ADDR_TEXT_MAX]; /* for messages */
};

/* a small number in /proc, or @fallback */
static int read_proc_number(const char *path, int fallback)
{
	autofree char *text = NULL;
	uint64_t v;

	if (fd_read_file(AT_FDCWD, path, 64, &text) < 0)
		return fallback;
	text[strcspn(text, "\n")] = '\0';
	return str_to_u64(text, UINT16_MAX, &v) < 0 ? fallback : (int)v;
}

/* an address without its port; ::ffff:1.2.3.4 is the IPv4 address that it means */
static int parse_ip(const char *text, struct net_addr *ret)
{
	struct in6_addr in6;

	memset(ret, 0, sizeof(*ret));
	ret->family = AF_INET;
	if (inet_pton(AF_INET, text, ret->addr) == 1)
		return 0;
	if (inet_pton(AF_INET6, text, &in6) != 1)
		return -EINVAL;
	if (IN6_IS_ADDR_V4MAPPED(&in6)) {
		memcpy(ret->addr, in6.s6_addr + 12, 4);
		return 0;
	}
	ret->family = AF_INET6;
	memcpy(ret->addr, in6.s6_addr, sizeof(ret->addr));
	return 0;
}

static bool is_unspecified(const struct net_addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->addr, zero, a->family == AF_INET ? 4 : 16) == 0;
}

static bool is_loopback(const struct net_addr *a)
{
	struct in6_addr in6;

	if (a->family == AF_INET)
		return a->addr[0] == 127;
	memcpy(&in6, a->addr, sizeof(in6));
	return IN6_IS_ADDR_LOOPBACK(&in6);
}

static void set_loopback(struct net_addr *a, sa_family_t family)
{
	memset(a, 0, sizeof(*a));
	a->family = family;
	if (family == AF_INET6) {
		a->addr[15] = 1;
	} else {
		a->addr[0] = 127;
		a->addr[3] = 1;
	}
}

static void endpoint_name(struct endpoint *e, const char *parent_ip)
{
	char ip[INET6_ADDRSTRLEN] = "";

	if (*parent_ip)
		inet_ntop(e->addr.family, e->addr.addr, ip, sizeof(ip));
	str_format(e->text, sizeof(e->text), e->addr.family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip,
		   e->addr.port);
}

/* Go's rules: a wildcard without a family is both; "::" is also IPv4's wildcard */
static int endpoint_resolve(const struct port_spec *s, struct endpoint *ret, struct err *err)
{
	char want = s->proto[3];
	bool any;

	*ret = (struct endpoint){ 0 };
	if (parse_ip(*s->parent_ip ? s->parent_ip : "::", &ret->addr) < 0)
		return err_say(err, EINVAL, "listen %s: address %s: no suitable address found",
			       s->proto, s->parent_ip);
	any = is_unspecified(&ret->addr);
	if (any && ret->addr.family == AF_INET6 && want != '6')
		ret->addr.family = AF_INET;
	if ((want == '4' && ret->addr.family != AF_INET) ||
	    (want == '6' && ret->addr.family != AF_INET6))
		return err_say(err, EINVAL, "listen %s: address %s: no suitable address found",
			       s->proto, s->parent_ip);
	ret->addr.port = (uint16_t)s->parent_port;
	if (*s->parent_ip)
		endpoint_name(ret, s->parent_ip);
	else
		str_format(ret->text, sizeof(ret->text), ":%d", s->parent_port);
	ret->dual = any && !want;
	return 0;
}

/* Go's "listen tcp4 0.0.0.0:80: bind: permission denied", with what to do about a small number */
static int listen_failed(const struct port_run *run, const struct port_spec *s,
			 const struct endpoint *e, const char *call, int errnum, struct err *err)
{
	char why[GO_STRERROR_MAX];
	int start;

	go_strerror(errnum, why);
	if (errnum == EACCES || errnum == EPERM) {
		start = read_proc_number("/proc/sys/net/ipv4/ip_unprivileged_port_start",
					 PRIVILEGED_DEFAULT);
		if (s->parent_port < start)
			return err_say(
				err, errnum,
				"cannot expose privileged port %d, you can add "
				"'net.ipv4.ip_unprivileged_port_start=%d' to "
				"/etc/sysctl.conf (currently %d)%s, or choose a larger port "
				"number (>= %d): listen %s %s: %s: %s",
				s->parent_port, s->parent_port, start,
				run->env.named_rootlesskit
					? ", or set CAP_NET_BIND_SERVICE on rootlesskit binary"
					: "",
				start, s->proto, e->text, call, why);
	}
	return err_say(err, errnum, "listen %s %s: %s: %s", s->proto, e->text, call, why);
}

static socklen_t to_sockaddr(const struct endpoint *e, sa_family_t family,
			     struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *in = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = family;
	if (family == AF_INET6) {
		in6->sin6_port = htons(e->addr.port);
		memcpy(&in6->sin6_addr, e->addr.addr, sizeof(in6->sin6_addr));
		return sizeof(*in6);
	}
	in->sin_port = htons(e->addr.port);
	memcpy(&in->sin_addr, e->addr.addr, sizeof(in->sin_addr));
	return sizeof(*in);
}

/* the options that must be set before bind(); -1 with errno */
static int set_options(int fd, sa_family_t family, bool dual)
{
	int on = 1, v6only = !dual;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -1;
	if (family != AF_INET6)
		return 0;
	return setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
}

static int listener_open(const struct port_run *run, const struct port_spec *s, int *ret,
			 struct err *err)
{
	const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	sa_family_t family;
	struct sockaddr_storage ss;
	struct endpoint e;
	autoclose int fd = -1;
	socklen_t len;
	int r;

	r = endpoint_resolve(s, &e, err);
	if (r < 0)
		return r;
	family = e.dual ? AF_INET6 : (sa_family_t)e.addr.family;
	fd = socket(family, type, 0);
	if (fd < 0 && e.dual && errno == EAFNOSUPPORT) { /* a kernel without IPv6 */
		family = AF_INET;
		fd = socket(family, type, 0);
	}
	if (fd < 0)
		return listen_failed(run, s, &e, "socket", errno, err);
	if (set_options(fd, family, e.dual) < 0)
		return listen_failed(run, s, &e, "setsockopt", errno, err);
	len = to_sockaddr(&e, family, &ss);
	if (bind(fd, (struct sockaddr *)&ss, len) < 0)
		return listen_failed(run, s, &e, "bind", errno, err);
	if (listen(fd, run->backlog) < 0)
		return listen_failed(run, s, &e, "listen", errno, err);
	*ret = take_fd(&fd);
	return 0;
}

/* without a child address: a loopback parent address means the same one inside, "::" means ::1 */
static void default_target(const struct port_spec *s, struct net_addr *ret)
{
	struct net_addr parent;

	set_loopback(ret, AF_INET);
	if (!*s->parent_ip || parse_ip(s->parent_ip, &parent) < 0)
		return;
	if (is_loopback(&parent))
		*ret = parent;
	else if (parent.family == AF_INET6 && is_unspecified(&parent))
		set_loopback(ret, AF_INET6);
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

	if (!*s->child_ip || parse_ip(s->child_ip, &wanted) < 0)
		default_target(s, &wanted);
	ret->ntargets = 0;
	if (env->source_ip_transparent && env->have_child_ip && is_loopback(&wanted)) {
		struct net_addr *first = &ret->target[ret->ntargets++];

		first->family = AF_INET;
		memcpy(first->addr, &env->child_ip, sizeof(env->child_ip));
	}
	ret->target[ret->ntargets++] = wanted;
	for (int i = 0; i < ret->ntargets; i++)
		ret->target[i].port = (uint16_t)s->child_port;
}

/* msg_send() that waits a little for room: publishing thousands of ports outruns the relay */
static int tell_relay(int sock, uint16_t type, const void *payload, const int *fd)
{
	uint64_t now = clock_ms(), end = now + RELAY_WAIT_MS;
	struct pollfd p = { .fd = sock, .events = POLLOUT };
	int r;

	for (;;) {
		r = msg_send(sock, &worker_proto, type, payload, fd, fd ? 1 : 0);
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

		if (p->id == id)
			return p;
	}
	return NULL;
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
	run->backlog = read_proc_number("/proc/sys/net/core/somaxconn", BACKLOG_DEFAULT);
	list_init(&run->ports);
	*ret = run;
	return 0;
}

static int builtin_parent_add(struct port_run *run, uint32_t id, const struct port_spec *spec,
			      struct err *err)
{
	struct worker_port msg = { .id = id, .protocol = IPPROTO_TCP };
	struct published *p;
	autoclose int fd = -1;
	int r;

	if (str_starts(spec->proto, "udp"))
		return err_say(err, EPROTONOSUPPORT,
			       "unsupported port protocol %s: this build does not support UDP yet",
			       spec->proto);
	if (!str_starts(spec->proto, "tcp"))
		return err_say(err, EPROTONOSUPPORT, "unsupported port protocol %s", spec->proto);
	r = listener_open(run, spec, &fd, err);
	if (r < 0)
		return r;
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(err, ENOMEM, "publishing port %d", spec->parent_port);
	choose_targets(&run->env, spec, &msg);
	r = tell_relay(run->env.relay_sock, WORKER_PORT_ADD, &msg, &fd);
	if (r < 0) {
		free(p);
		return err_set(err, -r, "handing port %d to the relay process", spec->parent_port);
	}
	p->id = id;
	p->fd = take_fd(&fd);
	list_append(&run->ports, &p->link);
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
	shutdown(p->fd, SHUT_RD); /* every duplicate stops listening, this instant */
	p->removing = true;
	p->done = done;
	p->arg = arg;
	r = tell_relay(run->env.relay_sock, WORKER_PORT_REMOVE, &msg, NULL);
	if (r < 0) {
		log_warning("port", "telling the relay to close port %u: %s, not waiting for it",
			    id, strerror(-r));
		builtin_parent_removed(run, id);
	}
	return 0;
}

static void builtin_parent_stop(struct port_run *run)
{
	struct list *l;

	if (!run)
		return;
	while ((l = list_first(&run->ports))) {
		struct published *p = container_of(l, struct published, link);

		shutdown(p->fd, SHUT_RD);
		p->removing = true;
		builtin_parent_removed(run, p->id);
	}
	free(run);
}

static const char *const protos[] = { "tcp", "tcp4", "tcp6", NULL };

extern const struct port_driver port_builtin;
const struct port_driver port_builtin = {
	.name = "builtin",
	.flags = PORT_F_RELAY | PORT_F_PUBLISH,
	.protos = protos,
	.parent_start = builtin_parent_start,
	.parent_add = builtin_parent_add,
	.parent_remove = builtin_parent_remove,
	.parent_removed = builtin_parent_removed,
	.parent_stop = builtin_parent_stop,
};
