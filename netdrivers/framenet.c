// SPDX-License-Identifier: Apache-2.0
/*
 * framenet.c - a program that is a network behind a unix socket, whatever it wants to hear first
 *
 * Which address the child has only the program's DHCP tells, so it is asked on that connection,
 * before the child's interface is made; then frames.c carries the frames. A next life serves the
 * interface that there is.
 *
 *   CONNECT -> TALK -> ( LEASE -> TAP -> ) CARRIED -> CLOSED; TALK, LEASE -> CLOSED
 */
#include "netdrivers/framenet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/dhcpmsg.h"
#include "lib/base/loop.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "netdrivers/helper.h"
#include "netdrivers/program.h"

#define CONNECT_MS 10000 /* until it listens */
#define RETRY_MS 20      /* between two tries to connect */
#define DISCOVER_MS 1000 /* between two questions for the address */
#define CLOSED_MS 2000   /* from the end of its connection to its own */
#define XID 1
#define PREFIX 24
#define STOP_MS 2000 /* for the process that carries frames to be gone */

enum state {
	CONNECT, /* the timer tries until the program listens */
	TALK,    /* the dialect's */
	LEASE,   /* frames; the timer asks for the address, or has them carried */
	TAP,     /* the agent makes the interface; nothing is read */
	CARRIED, /* by the other process */
	CLOSED,  /* an end of file was seen; the program's own end may say why, or the timer */
};

struct net_run {
	struct framenet pub;
	struct helper *helper;
	enum state state;
	int sock;
	pid_t frames; /* 0: not started, or reaped */
	struct event *timer, *readable;
	uint64_t deadline_ms;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	uint8_t mac[6];
};

static void failed(struct net_run *run, const struct err *why)
{
	if (run->readable)
		event_del(run->readable);
	event_del(run->timer);
	run->pub.env->on_ended(run->pub.env->arg, why);
}

static void set_timer(struct net_run *run, unsigned ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_add(run->timer, &tv);
}

/* its connection is gone: what it says at its own end is more than we know */
static void closed(struct net_run *run)
{
	event_del(run->readable);
	run->state = CLOSED;
	set_timer(run, CLOSED_MS);
}

static void talk_failed(struct net_run *run, const struct err *why)
{
	if (why->code == EPIPE || why->code == ECONNRESET)
		closed(run);
	else
		failed(run, why);
}

static struct net_run *run_of(struct framenet *f)
{
	return container_of(f, struct net_run, pub);
}

static void expect(struct net_run *run, enum state state, size_t bytes)
{
	run->state = state;
	run->pub.have = 0;
	run->pub.need = bytes;
}

void framenet_expect(struct framenet *f, size_t bytes)
{
	expect(run_of(f), TALK, bytes);
}

/* less than the socket holds when it is empty: it is sent at once, or the peer is another program
 */
int framenet_say(struct framenet *f, const void *data, size_t len, struct err *err)
{
	ssize_t n = send(run_of(f)->sock, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n == (ssize_t)len)
		return 0;
	return err_set(err, n < 0 ? errno : EIO, "sending to %s", f->dialect->name);
}

static int say_discover(struct net_run *run, struct err *err)
{
	struct dhcp_ask ask = { .type = DHCP_DISCOVER, .xid = XID };
	uint8_t m[2 + ETH_HLEN + DHCPMSG_MAX] = { 0 }, *frame = m + 2;
	size_t len;

	memcpy(ask.mac, run->mac, 6);
	len = ETH_HLEN + dhcpmsg_build(&ask, frame + ETH_HLEN);
	m[0] = (uint8_t)len;
	m[1] = (uint8_t)(len >> 8);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, run->mac, 6);
	frame[12] = 8; /* IPv4 */
	return framenet_say(&run->pub, m, 2 + len, err);
}

/* --- what is heard ------------------------------------------------------------------------ */

static int carry(struct net_run *run, struct err *err)
{
	int r;

	event_del(run->readable);
	r = frames_start(run->pub.env->starter, run->pub.env->tap, run->sock, &run->frames, err);
	if (r < 0)
		return r;
	run->state = CARRIED;
	run->pub.env->on_ready(run->pub.env->arg);
	return 0;
}

/* the first frame: a question for the address, when there is none yet */
static int begin(struct net_run *run, struct err *err)
{
	if (run->pub.env->tap >= 0)
		return carry(run, err);
	set_timer(run, DISCOVER_MS);
	return say_discover(run, err);
}

int framenet_interface(struct framenet *f, const uint8_t mac[6], unsigned pause_ms, struct err *err)
{
	struct net_run *run = run_of(f);

	if (f->env->tap >= 0 && memcmp(mac, f->env->mac, 6) != 0)
		return err_say(err, EADDRNOTAVAIL, "%s gave another hardware address than before",
			       f->dialect->name);
	memcpy(run->mac, mac, 6);
	expect(run, LEASE, 2);
	if (!pause_ms)
		return begin(run, err);
	if (f->env->tap >= 0) /* no half of a frame is to be read when they are handed over */
		event_del(run->readable);
	set_timer(run, pause_ms);
	return 0;
}

static bool is_for_us(const struct net_run *run, const uint8_t *frame)
{
	static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	return memcmp(frame, everybody, 6) == 0 || memcmp(frame, run->mac, 6) == 0;
}

static int hear_frame(struct net_run *run, struct err *err)
{
	size_t len = run->pub.buf[0] | (size_t)run->pub.buf[1] << 8;
	const uint8_t *frame = run->pub.buf + 2;
	struct dhcp_answer a;
	struct net_plan plan = *run->pub.env->plan;

	(void)err;
	if (run->pub.have == 2 && len) {
		run->pub.need = 2 + len;
		return 0;
	}
	expect(run, LEASE, 2);
	if (len <= ETH_HLEN || !is_for_us(run, frame) || frame[12] != 8 || frame[13] != 0 ||
	    dhcpmsg_parse(frame + ETH_HLEN, len - ETH_HLEN, XID, run->mac, &a) < 0 ||
	    !a.address.s_addr || !(run->pub.dialect->gateway || a.router.s_addr))
		return 0;
	plan.address = a.address;
	plan.prefix = PREFIX;
	plan.network.s_addr = a.address.s_addr & htonl(0xffffff00);
	plan.gateway.s_addr = plan.dns.s_addr =
		run->pub.dialect->gateway ? htonl(run->pub.dialect->gateway) : a.router.s_addr;
	run->state = TAP;
	event_del(run->readable); /* what comes now, the interface gets */
	event_del(run->timer);
	run->pub.env->on_plan(run->pub.env->arg, &plan, run->mac);
	return 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct net_run *run = arg;
	struct err err = { 0 };
	ssize_t n =
		recv(fd, run->pub.buf + run->pub.have, run->pub.need - run->pub.have, MSG_DONTWAIT);
	int r = 0;

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		err_set(&err, n < 0 ? errno : ECONNRESET, "talking to %s", run->pub.dialect->name);
		talk_failed(run, &err);
		return;
	}
	run->pub.have += (size_t)n;
	if (run->pub.have < run->pub.need)
		return;
	if (run->state == TALK)
		r = run->pub.dialect->heard(&run->pub, &err);
	else if (run->state == LEASE)
		r = hear_frame(run, &err);
	if (r < 0)
		talk_failed(run, &err);
}

/* --- a life of it ------------------------------------------------------------------------- */

/* Return: 1 when it does not listen yet */
static int try_connect(struct net_run *run, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int r;

	memcpy(addr.sun_path, run->path, sizeof(addr.sun_path));
	if (connect(run->sock, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		if (clock_ms() < run->deadline_ms)
			return 1;
		return err_say(err, ETIMEDOUT,
			       "connecting to %s: last error: %s: context deadline exceeded",
			       run->path, strerror(errno));
	}
	r = event_assign(run->readable, run->pub.env->base, run->sock, EV_READ | EV_PERSIST,
			 on_readable, run);
	if (r < 0 || event_add(run->readable, NULL) < 0)
		return err_set(err, ENOMEM, "watching %s", run->pub.dialect->name);
	return run->pub.dialect->greet(&run->pub, err);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct net_run *run = arg;
	struct err err = { 0 };
	int r;

	(void)fd;
	(void)what;
	if (run->state == CLOSED) {
		err_say(&err, ECONNRESET, "%s has closed its connection", run->pub.dialect->name);
		failed(run, &err);
		return;
	}
	if (run->state == CONNECT) {
		r = try_connect(run, &err);
		if (r > 0)
			set_timer(run, RETRY_MS);
	} else {
		r = begin(run, &err);
	}
	if (r < 0)
		talk_failed(run, &err);
}

static int start_program(struct net_run *run, struct err *err)
{
	const struct framenet_dialect *d = run->pub.dialect;
	const struct net_env *env = run->pub.env;
	char path[PATH_MAX], text[FRAMENET_ARGS_MAX][FRAMENET_ARG_MAX] = { 0 };
	char *argv[FRAMENET_ARGS_MAX + 2] = { path };
	const struct helper_spec spec = { .base = env->base,
					  .starter = env->starter,
					  .carry = frames_carry,
					  .name = d->name,
					  .argv = argv,
					  .on_ended = env->on_ended,
					  .arg = env->arg };
	int r = program_find(d->binary(env->options), path, err);

	if (r < 0)
		return r;
	if (str_format(run->path, sizeof(run->path), "%s/%s", env->state_dir, d->socket) < 0)
		return err_say(err, ENAMETOOLONG,
			       "state directory '%s' is too long for the socket of %s, whose path "
			       "has %zu bytes at most; --state-dir chooses another",
			       env->state_dir, d->name, sizeof(run->path) - 1);
	if (unlink(run->path) < 0 && errno != ENOENT) /* of the life before */
		return err_set(err, errno, "removing '%s'", run->path);
	d->args(env, run->path, text);
	for (int i = 0; i < FRAMENET_ARGS_MAX && text[i][0]; i++)
		argv[i + 1] = text[i];
	return helper_start(&spec, &run->helper, err);
}

int framenet_probe(const struct framenet_dialect *d, const struct options *o,
		   uint32_t *ret_features, struct err *err)
{
	char path[PATH_MAX];

	*ret_features = 0;
	return program_find(d->binary(o), path, err);
}

void framenet_stop(struct net_run *run)
{
	if (!run)
		return;
	if (run->timer)
		event_free(run->timer);
	if (run->readable)
		event_free(run->readable);
	if (run->frames > 0) {
		kill(run->frames, SIGKILL);
		proc_wait_within(run->frames, STOP_MS, NULL);
	}
	if (run->sock >= 0)
		close(run->sock);
	helper_stop(run->helper);
	free(run);
}

int framenet_start(const struct framenet_dialect *d, const struct net_env *env,
		   struct net_run **ret, struct err *err)
{
	struct net_run *run = calloc(1, sizeof(*run));
	int r;

	if (!run)
		return err_set(err, ENOMEM, "starting %s", d->name);
	run->pub.env = env;
	run->pub.dialect = d;
	run->deadline_ms = clock_ms() + CONNECT_MS;
	run->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	run->timer = evtimer_new(env->base, on_timer, run);
	run->readable = event_new(env->base, -1, 0, on_readable, run);
	if (run->sock < 0 || !run->timer || !run->readable)
		r = err_set(err, ENOMEM, "starting %s", d->name);
	else
		r = start_program(run, err);
	if (r < 0) {
		framenet_stop(run);
		return r;
	}
	set_timer(run, 0);
	*ret = run;
	return 0;
}

void framenet_tap(struct net_run *run)
{
	struct err err = { 0 };

	if (run->state == TAP && carry(run, &err) < 0)
		failed(run, &err);
}

bool framenet_reaped(struct net_run *run, pid_t pid, int status)
{
	struct err err = { 0 };

	if (pid != run->frames)
		return helper_reaped(run->helper, pid, status);
	run->frames = 0;
	if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		closed(run);
		return true;
	}
	if (WIFEXITED(status))
		err_set(&err, WEXITSTATUS(status), "carrying frames of %s", run->pub.dialect->name);
	else
		err_say(&err, ECHILD, "the process that carries frames was killed by signal %d",
			WTERMSIG(status));
	failed(run, &err);
	return true;
}
