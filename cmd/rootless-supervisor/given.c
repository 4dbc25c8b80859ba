// SPDX-License-Identifier: Apache-2.0
/*
 * given.c - sockets that systemd passes: those that are published ports, and the command's
 *
 * systemd's protocol: LISTEN_FDS descriptors from 3 on, their names in LISTEN_FDNAMES. One name may
 * stand for several sockets (those of one unit): all of them are the port. It runs before anything
 * else is open, and before there are other processes.
 */
#include "cmd/rootless-supervisor/given.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

#define NAME_MAX_LEN 256 /* systemd's limit is 255 */

struct given {
	int n;
	char *text;            /* LISTEN_FDNAMES, cut at its colons */
	char *name[GIVEN_MAX]; /* "unknown" without one, as sd_listen_fds_with_names() says */
	bool taken[GIVEN_MAX];
};

int given_count(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t p, n;

	if (!pid || !fds || str_to_u64(pid, INT32_MAX, &p) < 0 ||
	    str_to_u64(fds, GIVEN_MAX, &n) < 0)
		return 0;
	for (int i = 0; i < (int)n; i++) {
		if (fcntl(GIVEN_FIRST + i, F_GETFD) < 0)
			return 0;
	}
	return (int)n;
}

/* sd_listen_fds() */
static bool is_for_us(void)
{
	const char *pid = getenv("LISTEN_PID");
	uint64_t p;

	return pid && str_to_u64(pid, INT32_MAX, &p) == 0 && (pid_t)p == getpid();
}

static int read_names(struct given *g)
{
	static char unknown[] = "unknown";
	const char *names = getenv("LISTEN_FDNAMES");
	char *rest = NULL;

	/* unlike what is only passed on, as RootlessKit does: another's are not ours to take */
	g->n = is_for_us() ? given_count() : 0;
	g->text = rest = strdup(names ? names : "");
	if (!rest)
		return -ENOMEM;
	for (int i = 0; i < g->n; i++) {
		char *name = strsep(&rest, ":");

		g->name[i] = name && *name ? name : unknown;
	}
	return 0;
}

static int sock_int(int fd, int level, int name)
{
	int v = 0;
	socklen_t len = sizeof(v);

	return getsockopt(fd, level, name, &v, &len) < 0 ? -1 : v;
}

/* proto, address and port of the host as the API shows them; -EINVAL: no such socket is a port */
static int describe(int fd, struct port_spec *s)
{
	struct sockaddr_in6 a = { 0 };
	const struct sockaddr_in *in = (const struct sockaddr_in *)&a;
	socklen_t len = sizeof(a);
	bool v6, only, tcp = sock_int(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP;

	if (!tcp && sock_int(fd, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_UDP)
		return -EINVAL;
	if (tcp && sock_int(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1)
		return -EINVAL;
	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0 || a.sin6_port == 0)
		return -EINVAL;
	v6 = a.sin6_family == AF_INET6;
	only = v6 && sock_int(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 1;
	str_format(s->proto, sizeof(s->proto), "%s%s", tcp ? "tcp" : "udp",
		   !v6    ? "4"
		   : only ? "6"
			  : "");
	/* "" is every address of both families, as of ports that are named by their number */
	if (!v6 || only || !IN6_IS_ADDR_UNSPECIFIED(&a.sin6_addr))
		inet_ntop(a.sin6_family,
			  v6 ? (const void *)&a.sin6_addr : (const void *)&in->sin_addr,
			  s->parent_ip, sizeof(s->parent_ip));
	s->parent_port = ntohs(a.sin6_port);
	return 0;
}

/* "@NAME:[CHILDIP:]CHILDPORT" */
static int read_text(const char *text, char name[static NAME_MAX_LEN], struct port_spec *ret,
		     struct err *err)
{
	const char *colon = strchr(text, ':');
	autofree char *spec = colon ? str_dup_format(":1:%s/tcp", colon + 1) : NULL;

	if (!spec || colon - text > NAME_MAX_LEN ||
	    str_format(name, NAME_MAX_LEN, "%.*s", (int)(colon - text - 1), text + 1) <= 0 ||
	    port_spec_parse(ret, spec, PORT_RULES_OURS, NULL) < 0)
		return err_say(
			err, EINVAL,
			"invalid PortSpec string: \"%s\": a socket of systemd is published by "
			"@NAME:[CHILDIP:]CHILDPORT",
			text);
	return 0;
}

static int publish_one(struct options *o, struct given *g, int i, const struct port_spec *spec,
		       struct err *err)
{
	struct port_spec *more = reallocarray(o->publish, o->npublish + 1, sizeof(*o->publish)), *s;
	int fd = fcntl(GIVEN_FIRST + i, F_DUPFD_CLOEXEC, GIVEN_FIRST + g->n);

	if (!more || fd < 0) {
		if (fd >= 0)
			close(fd);
		o->publish = more ? more : o->publish;
		return err_set(err, more ? errno : ENOMEM, "keeping the socket '%s'", g->name[i]);
	}
	o->publish = more;
	s = &o->publish[o->npublish];
	*s = *spec;
	s->given_fd = fd;
	if (describe(fd, s) < 0) {
		close(fd);
		return err_say(
			err, EINVAL,
			"the socket '%s' of systemd is no listening TCP or bound UDP socket: "
			"only such can be published (ListenStream= or ListenDatagram= with a "
			"port)",
			g->name[i]);
	}
	o->npublish++;
	g->taken[i] = true;
	return 0;
}

static int publish_named(struct options *o, struct given *g, const char *text, struct err *err)
{
	char name[NAME_MAX_LEN];
	struct port_spec spec;
	int r = read_text(text, name, &spec, err), found = 0;

	for (int i = 0; i < g->n && r == 0; i++) {
		if (g->taken[i] || strcmp(g->name[i], name) != 0)
			continue;
		found++;
		r = publish_one(o, g, i, &spec, err);
	}
	if (r == 0 && !found)
		return err_say(
			err, ENOENT,
			"systemd has not passed a socket '%s' (there are %d in all%s): set "
			"FileDescriptorName=%s in its socket unit, and Sockets= in the service",
			name, g->n,
			g->n || given_count() == 0 ? "" : ", LISTEN_PID names another process",
			name);
	return r;
}

/* what is left is the command's */
static int move_up(const struct given *g)
{
	autofree char *names = NULL;
	char number[16];
	int n = 0;

	for (int i = 0; i < g->n; i++) {
		char *longer;

		if (g->taken[i])
			continue;
		if (i != n && dup2(GIVEN_FIRST + i, GIVEN_FIRST + n) < 0)
			return -errno;
		longer = str_dup_format("%s%s%s", names ? names : "", n ? ":" : "", g->name[i]);
		if (!longer)
			return -ENOMEM;
		free(names);
		names = longer;
		n++;
	}
	for (int i = n; i < g->n; i++)
		close(GIVEN_FIRST + i);
	if (n == 0)
		return unsetenv("LISTEN_FDS") < 0 || unsetenv("LISTEN_PID") < 0 ||
				       unsetenv("LISTEN_FDNAMES") < 0
			       ? -errno
			       : 0;
	snprintf(number, sizeof(number), "%d", n);
	if (setenv("LISTEN_FDS", number, 1) < 0)
		return -errno;
	return getenv("LISTEN_FDNAMES") && setenv("LISTEN_FDNAMES", names, 1) < 0 ? -errno : 0;
}

int given_take(struct options *o, struct err *err)
{
	struct given g = { 0 };
	int r;

	if (!o->npublish_given)
		return 0;
	r = read_names(&g);
	if (r < 0)
		return err_set(err, -r, "reading LISTEN_FDNAMES");
	for (size_t i = 0; i < o->npublish_given && r == 0; i++)
		r = publish_named(o, &g, o->publish_given[i], err);
	if (r == 0 && (r = move_up(&g)) < 0)
		err_set(err, -r, "passing on the other sockets of systemd");
	free(g.text);
	return r;
}
