// SPDX-License-Identifier: Apache-2.0
/*
 * sockpool.c - unbound sockets of another netns
 *
 * The agent lives on the child's side, root there can make it send anything. So each socket is
 * looked at: a TCP socket that does not listen, a UDP or an rtnetlink socket, as asked for, of one
 * and the same netns which is not ours. With that the worst it can do is what the child may do
 * anyway, talk inside its own netns. Its duplicates share O_NONBLOCK with ours: a child that clears
 * it can make our calls wait and so hurt its own ports, nobody else's.
 *
 * The agent is two processes with the same socket. When the first dies the second says so, and what
 * was asked for is asked for again; when both are dead the socket is at its end. One that hangs is
 * found out by the parent; until then who waits for a socket waits ANSWER_MS, not longer.
 */
#include "lib/relay/sockpool.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/ipc/nsagent.h"
#include "lib/relay/tcpopt.h"

#define RETRY_MS 100   /* after an answer without a usable socket */
#define ANSWER_MS 1800 /* a busy machine has taken half a second; less than flows would wait */
#define LATE_MS 500    /* our own timer comes so late: we were stopped, and the agent with us */

static const struct kind_spec {
	uint16_t family, type;
	int protocol;
	uint16_t transparent;
} kind_spec[] = {
	{ AF_INET, SOCK_STREAM, IPPROTO_TCP, 0 },   { AF_INET6, SOCK_STREAM, IPPROTO_TCP, 0 },
	{ AF_INET, SOCK_DGRAM, IPPROTO_UDP, 0 },    { AF_INET6, SOCK_DGRAM, IPPROTO_UDP, 0 },
	{ AF_INET, SOCK_STREAM, IPPROTO_TCP, 1 },   { AF_INET6, SOCK_STREAM, IPPROTO_TCP, 1 },
	{ AF_INET, SOCK_DGRAM, IPPROTO_UDP, 1 },    { AF_INET6, SOCK_DGRAM, IPPROTO_UDP, 1 },
	{ AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, 0 },
};
static_assert(ARRAY_SIZE(kind_spec) == SOCKPOOL_NKINDS, "what each kind is");

static struct sockpool_kind *kind_of(struct sockpool *p, int family, int type)
{
	bool transparent = type & SOCKPOOL_TRANSPARENT;

	if (family == AF_NETLINK)
		return &p->kind[SOCKPOOL_NKINDS - 1];
	type &= ~SOCKPOOL_TRANSPARENT;
	return &p->kind[(transparent ? 4 : 0) + (type == SOCK_DGRAM ? 2 : 0) +
			(family == AF_INET6)];
}

static const struct kind_spec *spec_of(const struct sockpool *p, const struct sockpool_kind *k)
{
	return &kind_spec[k - p->kind];
}

static int on_retry_due(struct timer *t);
static int on_no_answer(struct timer *t);

static void agent_gone(struct sockpool *p, const char *why)
{
	watch_remove(&p->watch);
	timer_cancel(&p->retry);
	timer_cancel(&p->answer);
	close(p->agent);
	p->agent = -1;
	p->is_short = false;
	log_debug("ports",
		  "the agent in %s %s: connections that need a socket of it are reset, open ones "
		  "go on",
		  p->where, why);
	for (size_t i = 0; i < SOCKPOOL_NKINDS; i++) {
		struct sockpool_kind *k = &p->kind[i];
		struct list *e;

		while (k->n)
			close(k->fds[--k->n]);
		while ((e = list_first(&k->waiters))) {
			struct sockpool_wait *w = container_of(e, struct sockpool_wait, entry);

			list_remove(e);
			w->on_socket(w, -EPIPE);
		}
	}
}

static bool is_low(const struct sockpool *p, const struct sockpool_kind *k)
{
	return spec_of(p, k)->family == AF_NETLINK ? !list_empty(&k->waiters) : k->n <= p->low;
}

/* asks for a batch when the stock is low and no request is under way */
static void refill(struct sockpool *p, struct sockpool_kind *k)
{
	struct nsagent_sockets req = { .family = spec_of(p, k)->family,
				       .socktype = spec_of(p, k)->type,
				       .count = (uint16_t)p->ask,
				       .transparent = spec_of(p, k)->transparent };

	if (p->agent < 0 || k->asked || !k->wanted || !is_low(p, k) || p->retry.loop)
		return;
	if (req.family == AF_NETLINK)
		req.count = 1;
	if (msg_send(p->agent, &nsagent_proto, NSAGENT_SOCKETS_REQ, &req, NULL, 0) < 0)
		timer_set(p->loop, &p->retry, RETRY_MS,
			  on_retry_due); /* EOF is told by the watch */
	else
		k->asked = true;
	if (k->asked && !p->answer.loop)
		timer_set(p->loop, &p->answer, ANSWER_MS, on_no_answer);
}

static void refill_all(struct sockpool *p)
{
	for (size_t i = 0; i < SOCKPOOL_NKINDS; i++)
		refill(p, &p->kind[i]);
}

static int on_retry_due(struct timer *t)
{
	refill_all(container_of(t, struct sockpool, retry));
	return 0;
}

static int int_option(int fd, int name)
{
	int v = -1;
	socklen_t len = sizeof(v);

	return getsockopt(fd, SOL_SOCKET, name, &v, &len) < 0 ? -1 : v;
}

static uint64_t netns_cookie(int fd)
{
	uint64_t v = 0;
	socklen_t len = sizeof(v);

	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &v, &len) < 0 ? 0 : v;
}

static bool acceptable(struct sockpool *p, const struct sockpool_kind *k, int fd)
{
	const struct kind_spec *want = spec_of(p, k);
	uint64_t cookie = netns_cookie(fd);

	if (int_option(fd, SO_DOMAIN) != want->family || int_option(fd, SO_TYPE) != want->type ||
	    int_option(fd, SO_PROTOCOL) != want->protocol || int_option(fd, SO_ACCEPTCONN) != 0 ||
	    !(fcntl(fd, F_GETFL) & O_NONBLOCK))
		return false;
	if (!cookie || cookie == p->own_cookie || (p->cookie && cookie != p->cookie))
		return false;
	p->cookie = cookie;
	return true;
}

static void stock(struct sockpool *p, struct sockpool_kind *k, int fd)
{
	if (!acceptable(p, k, fd)) {
		close(fd);
		if (!p->refusal_said)
			log_warning("ports",
				    "the agent in %s sent a socket of another kind or namespace: "
				    "refused",
				    p->where);
		p->refusal_said = true;
		return;
	}
	if (spec_of(p, k)->type == SOCK_STREAM)
		tcp_set_first(fd);
	k->fds[k->n++] = fd;
}

static void serve_waiters(struct sockpool_kind *k)
{
	struct list *e;

	while (k->n && (e = list_first(&k->waiters))) {
		struct sockpool_wait *w = container_of(e, struct sockpool_wait, entry);

		list_remove(e);
		w->on_socket(w, k->fds[--k->n]);
	}
}

/* what stays wrong however often one asks: those who wait try another family */
static void fail_waiters(struct sockpool_kind *k, int r)
{
	struct list now;

	if (list_empty(&k->waiters))
		return;
	now = k->waiters;
	now.next->prev = now.prev->next = &now;
	list_init(&k->waiters);
	while (!list_empty(&now)) {
		struct sockpool_wait *w = container_of(now.next, struct sockpool_wait, entry);

		list_remove(&w->entry);
		w->on_socket(w, r);
	}
}

/* what was asked for may never be answered; or it is, and nobody waits for that */
static void forget_asked(struct sockpool *p)
{
	p->strays = true;
	for (size_t i = 0; i < SOCKPOOL_NKINDS; i++)
		p->kind[i].asked = false;
}

/* from now on those that are asked for have ANSWER_MS */
static void time_answers(struct sockpool *p)
{
	timer_cancel(&p->answer);
	for (size_t i = 0; i < SOCKPOOL_NKINDS; i++) {
		if (p->kind[i].asked)
			timer_set(p->loop, &p->answer, ANSWER_MS, on_no_answer);
	}
}

/* it hangs, or a word of it was lost: ask once more, no more than that. Nobody waits longer, but
 * who wants to hear of routes: nothing depends on when */
static int on_no_answer(struct timer *t)
{
	struct sockpool *p = container_of(t, struct sockpool, answer);

	if (p->loop->now_ms - t->due_ms > LATE_MS) {
		time_answers(p);
		return 0;
	}
	if (!p->silence_said)
		log_warning("ports",
			    "the agent in %s does not answer: new connections go on without a "
			    "socket of it if they can, else they are reset",
			    p->where);
	p->silence_said = true;
	if (!p->silent)
		forget_asked(p);
	p->silent = true;
	for (size_t i = 0; i < SOCKPOOL_NKINDS; i++) {
		if (kind_spec[i].family != AF_NETLINK)
			fail_waiters(&p->kind[i], -ETIMEDOUT);
	}
	refill_all(p);
	time_answers(p);
	return 0;
}

/* the second process of the agent has taken over. There is no third. 0 or -EPROTO */
static int ask_again(struct sockpool *p)
{
	if (p->taken_over)
		return -EPROTO;
	p->taken_over = true;
	forget_asked(p);
	refill_all(p);
	time_answers(p);
	return 0;
}

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
	       error == ETOOMANYREFS;
}

static int take_answer(struct sockpool *p, struct msg *m)
{
	const struct nsagent_sockets *ans = (const void *)m->payload;
	struct sockpool_kind *k = kind_of(
		p, ans->family, ans->socktype | (ans->transparent == 1 ? SOCKPOOL_TRANSPARENT : 0));
	unsigned before = k->n;

	if (m->type != NSAGENT_SOCKETS_ANS || ans->family != spec_of(p, k)->family ||
	    ans->socktype != spec_of(p, k)->type ||
	    ans->transparent != spec_of(p, k)->transparent || m->nfds > p->batch ||
	    !(k->asked || p->strays))
		return -EPROTO;
	k->asked = p->silent = false;
	time_answers(p);
	for (size_t i = 0; i < m->nfds && k->n < p->batch + p->low; i++)
		stock(p, k, msg_take_fd(m, i));
	if (k->n == before) {
		if (!p->error_said)
			log_warning("ports", "no sockets of %s: %s", p->where,
				    ans->error ? strerror(ans->error) : "none was usable");
		p->error_said = true;
		timer_set(p->loop, &p->retry, RETRY_MS, on_retry_due);
		p->is_short = is_shortage(ans->error);
		if (!p->is_short) {
			k->wanted = false; /* until the next connection asks */
			fail_waiters(k, ans->error ? -(int)ans->error : -EPROTO);
		}
		return 0;
	}
	p->is_short = false;
	p->ask = p->ask * 2 < p->batch ? p->ask * 2 : p->batch;
	serve_waiters(k);
	refill(p, k);
	return 0;
}

/* our own table was full when an answer came, whose is not known: ask again later, for all kinds;
 * so from now on an answer may come for which nobody waits */
static void answer_lost(struct sockpool *p)
{
	p->is_short = true;
	p->ask = p->ask > 1 ? p->ask / 2 : 1;
	forget_asked(p);
	time_answers(p);
	timer_set(p->loop, &p->retry, RETRY_MS, on_retry_due);
}

static int on_agent_ready(struct watch *w, uint32_t events)
{
	struct sockpool *p = container_of(w, struct sockpool, watch);
	struct msg m;
	int r;

	(void)events;
	r = msg_recv(p->agent, &nsagent_proto, ROLE_NSAGENT, NSAGENT_UP, MSG_DONTWAIT, &m);
	if (r == -EAGAIN)
		return 0;
	if (r == -EMFILE) {
		answer_lost(p);
		return 0;
	}
	if (r > 0) {
		r = m.type == NSAGENT_AGAIN ? ask_again(p) : take_answer(p, &m);
		msg_close_fds(&m);
		if (r == 0)
			return 0;
	}
	agent_gone(p, r == 0 ? "has ended" : r == -EPROTO ? "broke its protocol" : "failed");
	return 0;
}

int sockpool_init(struct sockpool *p, struct loop *l, const char *where, int agent, unsigned batch,
		  struct err *err)
{
	autoclose int own = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = 0;

	*p = (struct sockpool){
		.loop = l,
		.where = where,
		.agent = agent,
		.batch = batch,
		.ask = batch,
		.low = batch / 4,
	};
	for (size_t i = 0; i < SOCKPOOL_NKINDS; i++)
		list_init(&p->kind[i].waiters);
	p->own_cookie = own < 0 ? 0 : netns_cookie(own);
	if (!p->own_cookie)
		r = err_set(err, errno, "reading the cookie of the host's network namespace");
	else if (agent >= 0)
		r = watch_add(l, &p->watch, agent, EPOLLIN, on_agent_ready);
	if (r < 0)
		sockpool_done(p);
	return r < 0 ? err_wrap(err, r, "socket pool") : 0;
}

void sockpool_done(struct sockpool *p)
{
	watch_remove(&p->watch);
	timer_cancel(&p->retry);
	timer_cancel(&p->answer);
	for (size_t i = 0; i < SOCKPOOL_NKINDS; i++) {
		while (p->kind[i].n)
			close(p->kind[i].fds[--p->kind[i].n]);
	}
	cleanup_closep(&p->agent);
	p->agent = -1;
}

void sockpool_warm(struct sockpool *p, int family, int type)
{
	struct sockpool_kind *k = kind_of(p, family, type);

	k->wanted = true;
	refill(p, k);
}

int sockpool_take(struct sockpool *p, int family, int type, struct sockpool_wait *w)
{
	struct sockpool_kind *k = kind_of(p, family, type);
	int fd = -EAGAIN;

	if (p->agent < 0)
		return -EPIPE;
	if (k->n)
		fd = k->fds[--k->n];
	else
		list_append(&k->waiters, &w->entry);
	sockpool_warm(p, family, type);
	return fd;
}
