// SPDX-License-Identifier: Apache-2.0
/*
 * slirp4netns.c - --port-driver=slirp4netns: the program slirp4netns publishes, asked by its API
 *
 * One connection a request: JSON, end of writing, the answer, end of file. slirp4netns stops its
 * network meanwhile, so it answers at once or never: two seconds are waited for all of the answer,
 * while which the parent does nothing else. After that its life is ended: what it has done with the
 * request nobody knows. Its ids are its own; a new life of it gets every port of the table again,
 * under new ones.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/gotext.h"
#include "lib/base/jsonfree.h"
#include "lib/base/list.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/base/str.h"
#include "lib/ipc/statenames.h"
#include "portdrivers/hostsock.h"
#include "portdrivers/portdriver.h"

#define ANSWER_S 2
#define ANSWER_MAX 4096 /* bytes */
#define NOT_THERE (-1)  /* in place of slirp4netns' id */

struct published {
	struct list link;
	uint32_t id;
	json_int_t
		theirs; /* slirp4netns' id, or NOT_THERE: this life of it does not have the port */
	struct port_spec spec;
};

struct port_run {
	struct port_env env;
	bool up; /* there is a slirp4netns that can be asked */
	struct list ports;
};

/* --- its API ------------------------------------------------------------------------------ */

/* 0, or a negative errno; the socket is the caller's */
static int open_api(const struct port_run *run, int *ret)
{
	const struct timeval limit = { .tv_sec = ANSWER_S };
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = str_format(sa.sun_path, sizeof(sa.sun_path), "%s/" STATE_S4NN_SOCK,
			   run->env.state_dir);

	if (fd < 0)
		return -errno;
	if (r < 0)
		return r;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno; /* it has accepted nobody meanwhile */
	*ret = take_fd(&fd);
	return 0;
}

/* up to the end of file, however slowly it comes: the bytes, or a negative errno */
static ssize_t read_answer(int fd, char *ret, size_t size, uint64_t deadline_ms)
{
	size_t got = 0;

	while (got < size) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t now = clock_ms();
		ssize_t n;

		if (now >= deadline_ms)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)(deadline_ms - now)) < 0 && errno != EINTR)
			return -errno;
		if (!p.revents)
			continue;
		n = recv(fd, ret + got, size - got, MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		if (n > 0)
			got += (size_t)n;
	}
	return (ssize_t)got;
}

/* @text to it, its answer to @ret; 0 or a negative errno */
static int exchange(const struct port_run *run, const char *text, char *ret, size_t size)
{
	uint64_t deadline_ms = clock_ms() + ANSWER_S * 1000;
	autoclose int fd = -1;
	ssize_t n;
	int r = open_api(run, &fd);

	if (r == 0) /* by one call: it answers and closes when it has read once */
		r = fd_write_all(fd, text, strlen(text));
	if (r < 0)
		return r;
	shutdown(fd, SHUT_WR); /* it may have closed already */
	n = read_answer(fd, ret, size - 1, deadline_ms);
	if (n < 0)
		return (int)n;
	ret[n] = '\0';
	return 0;
}

/* @request is consumed. @ret: what stands at "return" */
static int ask(struct port_run *run, json_t *request, json_t **ret, struct err *err)
{
	autojson json_t *req = request, *answer = NULL;
	autofree char *json = req ? json_dumps(req, JSON_COMPACT) : NULL;
	autofree char *text = json ? str_dup_format("%s\n", json) : NULL;
	char buf[ANSWER_MAX], plain[256];
	const char *desc;
	int r;

	if (!text)
		return err_set(err, ENOMEM, "asking slirp4netns");
	if (!run->up)
		return err_say(err, EAGAIN,
			       "slirp4netns has died and is being started again, try again");
	r = exchange(run, text, buf, sizeof(buf));
	if (r < 0)
		err_set(err, -r, "asking slirp4netns at '%s/" STATE_S4NN_SOCK "'",
			run->env.state_dir);
	if (r == -ETIMEDOUT) {
		run->up = false; /* one such wait a life */
		run->env.network_lost(run->env.network_arg, err);
	}
	if (r < 0)
		return r;
	answer = json_loads(buf, 0, NULL);
	*ret = json_incref(json_object_get(answer, "return"));
	if (*ret)
		return 0;
	desc = json_string_value(json_object_get(json_object_get(answer, "error"), "desc"));
	str_printable(plain, sizeof(plain), desc ? desc : buf, strlen(desc ? desc : buf));
	if (desc) /* as Go prints it */
		return err_say(err, EINVAL, "reply.Error: map[desc:%s]", plain);
	return err_say(err, EPROTO, "unexpected reply: %s", plain);
}

/* --- ports -------------------------------------------------------------------------------- */

static int check_spec(const struct port_spec *s, struct err *err)
{
	char q[GO_QUOTE_MAX];

	if (str_ends(s->proto, "6"))
		return err_say(err, EPROTONOSUPPORT, "unsupported protocol %s",
			       go_quote(q, sizeof(q), s->proto));
	if (!str_starts(s->proto, "tcp") && !str_starts(s->proto, "udp"))
		return err_say(err, EPROTONOSUPPORT, "unsupported port protocol %s", s->proto);
	if (strchr(s->child_ip, ':'))
		return err_say(err, EINVAL, "unsupported IP (v6?): %s", s->child_ip);
	if (s->given_fd)
		return err_say(err, EINVAL,
			       "slirp4netns takes no socket of systemd: --port-driver=builtin with "
			       "the built-in network does");
	if (s->udp_idle)
		return err_say(err, EINVAL,
			       "slirp4netns has its own time of silence for UDP, and takes no "
			       "other (udpIdle)");
	if (s->more || s->others || s->parent_port == 0)
		return err_say(err, EINVAL,
			       "slirp4netns knows neither ranges nor any free port: name one");
	return 0;
}

/* what would have been slirp4netns' errno, when it is still so */
static void explain(const struct port_run *run, const struct port_spec *s, struct err *err)
{
	struct err why = { 0 };
	int fd = -1;

	if (hostsock_open(s, run->env.named_rootlesskit, &fd, &why) == 0) {
		close(fd);
		return;
	}
	err_wrap(&why, -why.code, "%s", err->msg);
	*err = why;
}

static int publish(struct port_run *run, struct published *p, struct err *err)
{
	const struct port_spec *s = &p->spec;
	char child_ip[INET_ADDRSTRLEN];
	autojson json_t *answer = NULL;
	const json_t *id;
	int r;

	inet_ntop(AF_INET, &run->env.child_ip, child_ip, sizeof(child_ip));
	r = ask(run,
		json_pack("{s:s,s:{s:s,s:s,s:i,s:s,s:i}}", "execute", "add_hostfwd", "arguments",
			  "proto", str_starts(s->proto, "udp") ? "udp" : "tcp", "host_addr",
			  s->parent_ip, "host_port", s->parent_port, "guest_addr",
			  *s->child_ip ? s->child_ip : child_ip, "guest_port", s->child_port),
		&answer, err);
	if (r == -EINVAL)
		explain(run, s, err);
	if (r < 0)
		return r;
	id = json_object_get(answer, "id");
	if (!json_is_integer(id))
		return err_say(err, EPROTO, "unexpected id in the reply of slirp4netns");
	p->theirs = json_integer_value(id);
	return 0;
}

static int slirp4netns_parent_start(struct event_base *base, const struct port_env *env,
				    struct port_run **ret, struct err *err)
{
	struct port_run *run = calloc(1, sizeof(*run));

	(void)base;
	if (!run)
		return err_set(err, ENOMEM, "starting port driver slirp4netns");
	run->env = *env;
	run->up = true; /* ports are started when the network is ready */
	list_init(&run->ports);
	*ret = run;
	return 0;
}

static int slirp4netns_parent_add(struct port_run *run, uint32_t id, struct port_spec *spec,
				  struct err *err)
{
	autofree struct published *p = NULL;
	int r = check_spec(spec, err);

	if (r < 0)
		return r;
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(err, ENOMEM, "publishing port %d", spec->parent_port);
	p->id = id;
	p->spec = *spec;
	r = publish(run, p, err);
	if (r < 0)
		return r;
	list_append(&run->ports, &take_ptr(p)->link);
	return 0;
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

/* its answer to an id that it does not have, or not any more */
static bool lacks_id(const struct err *err)
{
	return strstr(err->msg, "remove_hostfwd: bad arguments.id");
}

/* it has no way to let connections go on */
static int slirp4netns_parent_remove(struct port_run *run, uint32_t id, uint32_t drain_ms,
				     port_removed_fn *done, void *arg, struct err *err)
{
	struct published *p = find(run, id);
	autojson json_t *answer = NULL;
	int r = 0;

	(void)drain_ms;
	if (!p)
		return err_say(err, ENOENT, "unknown id: %u", id);
	if (run->up && p->theirs != NOT_THERE) /* what is dead publishes nothing */
		r = ask(run,
			json_pack("{s:s,s:{s:I}}", "execute", "remove_hostfwd", "arguments", "id",
				  p->theirs),
			&answer, err);
	/* a life that does not answer ends, and the next one does not get it */
	if (r < 0 && r != -ETIMEDOUT && !lacks_id(err))
		return r;
	list_remove(&p->link);
	free(p);
	if (done)
		done(arg);
	return 0;
}

/* a removal is done when parent_remove() returns */
static void slirp4netns_parent_removed(struct port_run *run, uint32_t id)
{
	(void)run;
	(void)id;
}

static void slirp4netns_parent_gone(struct port_run *run)
{
	run->up = false;
}

/* a port that somebody else has taken meanwhile is said and goes on missing */
static int slirp4netns_parent_up(struct port_run *run, int relay_sock, struct err *err)
{
	struct list *l;

	(void)relay_sock;
	run->up = true;
	list_for_each (l, &run->ports) /* an old id may be another port's now */
		container_of(l, struct published, link)->theirs = NOT_THERE;
	list_for_each (l, &run->ports) {
		struct published *p = container_of(l, struct published, link);
		int r = publish(run, p, err);

		if (r < 0 && r != -EINVAL)
			return err_wrap(err, r, "publishing port %d again", p->spec.parent_port);
		if (r < 0)
			log_warning("port", "port %d is not published any more: %s",
				    p->spec.parent_port, err->msg);
	}
	*err = (struct err){ 0 };
	return 0;
}

static int slirp4netns_parent_ask_stats(struct port_run *run, const struct worker_stats_req *req)
{
	(void)run;
	(void)req;
	return -ENOTSUP;
}

/* slirp4netns ends next, and its sockets with it */
static void slirp4netns_parent_stop(struct port_run *run)
{
	struct list *l;

	if (!run)
		return;
	while ((l = list_first(&run->ports))) {
		struct published *p = container_of(l, struct published, link);

		list_remove(&p->link);
		free(p);
	}
	free(run);
}

static const char *const protos[] = { "tcp", "tcp4", "udp", "udp4", NULL };

extern const struct port_driver port_slirp4netns;
const struct port_driver port_slirp4netns = {
	.name = "slirp4netns",
	.net = "slirp4netns",
	.flags = PORT_F_PUBLISH | PORT_F_NETWORK,
	.protos = protos,
	.parent_start = slirp4netns_parent_start,
	.parent_add = slirp4netns_parent_add,
	.parent_remove = slirp4netns_parent_remove,
	.parent_removed = slirp4netns_parent_removed,
	.parent_relay_gone = slirp4netns_parent_gone,
	.parent_relay_up = slirp4netns_parent_up,
	.parent_ask_stats = slirp4netns_parent_ask_stats,
	.parent_stop = slirp4netns_parent_stop,
};
