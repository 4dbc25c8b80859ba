// SPDX-License-Identifier: Apache-2.0
/*
 * dnsudp.c - DNS over UDP
 *
 * Each query has a random id that no other one under way has (dnsquery.c), and leaves from a random
 * port that is not used for long (dnsports.c), so that an answer cannot be guessed by others; the
 * question is compared as well. A server that is silent for 1.5 s or refused by ICMP is followed by
 * the next, and may still answer; the one that answered last is asked first. One that answers with
 * a failure is passed on only when no other server, asked once, has a better answer. After 5 s, or
 * when every server refused twice, the client gets SERVFAIL. Twice, as one error tells of all
 * questions of its port, though it may be meant for one of them: that of another client, or one
 * that a full queue on the way has refused. Answers pass unchanged but for the id.
 * Queries and answers that come together go on together; no query has a socket or a timer of its
 * own.
 */
#include "lib/relay/dnsudp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/relay/addr.h"
#include "lib/relay/dnsmsg.h"
#include "lib/relay/dnsquery.h"

#define BATCH DNSPORTS_BATCH
#define QUERY_MAX 4096   /* bytes; longer ones are dropped: such questions come by TCP */
#define FAILURE_MAX 4096 /* longer ones are passed on at once */
#define TOTAL_MS 5000

struct dns_batch {
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec in_iov[BATCH], out_iov[BATCH];
	union sock_addr from[BATCH], to[BATCH];
	int out_fd[BATCH];
	unsigned nout;
	uint8_t query[BATCH][QUERY_MAX];
};

/* @msg: gets the client's id back. A full or failing socket loses it: the client asks again */
static void query_reply(struct dns_query *q, uint8_t *msg, size_t len)
{
	dnsmsg_set_id(msg, q->client_id);
	sendto(q->sock->watch.fd, msg, len, MSG_DONTWAIT | MSG_NOSIGNAL, &q->client.sa,
	       q->client_len);
}

/* the same by replies_send(); @msg stays as it is until then */
static void query_reply_later(struct dns_query *q, uint8_t *msg, size_t len)
{
	struct dns_batch *b = q->dns->batch;
	const unsigned i = b->nout++;

	dnsmsg_set_id(msg, q->client_id);
	b->to[i] = q->client;
	b->out_fd[i] = q->sock->watch.fd;
	b->out_iov[i] = (struct iovec){ msg, len };
	b->out[i].msg_hdr = (struct msghdr){ .msg_name = &b->to[i],
					     .msg_namelen = q->client_len,
					     .msg_iov = &b->out_iov[i],
					     .msg_iovlen = 1 };
}

static void replies_send(struct dns_batch *b)
{
	unsigned i = 0, end;

	while (i < b->nout) {
		int r;

		for (end = i + 1; end < b->nout && b->out_fd[end] == b->out_fd[i];)
			end++;
		r = sendmmsg(b->out_fd[i], b->out + i, end - i, MSG_DONTWAIT | MSG_NOSIGNAL);
		i += r > 0 ? (unsigned)r : 1;
	}
	b->nout = 0;
}

/* --- asking ------------------------------------------------------------------------------- */

/* the line to @server, or one that can become it */
static struct dns_line *query_line(struct dns_query *q, const struct net_addr *server)
{
	struct dns_line *other = &q->line[q->turn % ARRAY_SIZE(q->line)];

	for (size_t i = 0; i < ARRAY_SIZE(q->line); i++) {
		struct dns_line *l = &q->line[i];

		if (l->port && addr_equal(server, &l->server))
			return l;
		if (!l->port)
			other = l;
	}
	return other;
}

static int query_send(struct dns_query *q, const struct net_addr *server)
{
	const struct iovec msg = { q->msg, q->len };
	struct dns_line *l = query_line(q, server);
	int r;

	if (!addr_equal(server, &l->server))
		dnsline_leave(l);
	r = dnsports_ask(&q->dns->ports, l, server, &msg);
	if (r == 0)
		q->asked = l;
	return r;
}

static void query_give_up(struct dns_query *q)
{
	q->dns->failed++;
	if (q->failure)
		query_reply(q, q->failure, q->failure_len);
	else
		query_reply(q, q->msg, dnsmsg_fail(q->msg, q->len));
	dnsquery_end(q);
}

static int on_silence(struct timer *t);

/* most wait equally long: the place is near the end */
static void query_wait(struct dns_query *q, uint64_t ms)
{
	struct dnsudp *d = q->dns;
	struct list *before;

	list_remove(&q->due_entry);
	q->due_ms = d->loop->now_ms + ms;
	before = d->due.prev;
	while (before != &d->due &&
	       container_of(before, struct dns_query, due_entry)->due_ms > q->due_ms)
		before = before->prev;
	list_append(before->next, &q->due_entry);
	if (!d->timer.loop || d->timer.due_ms > q->due_ms)
		timer_set(d->loop, &d->timer, ms, on_silence);
}

/* ask the next server that does not refuse at once */
static void query_ask(struct dns_query *q)
{
	struct dns_servers *s = q->dns->servers;
	uint64_t now = q->dns->loop->now_ms;
	uint64_t left = q->deadline_ms > now ? q->deadline_ms - now : 0;

	for (; left && q->refused < s->list.count; q->refused++, q->turn++) {
		uint32_t i = q->turn % s->list.count;

		if (q->failure && dns_servers_doubted(s, i, now))
			continue; /* a second opinion does not take long */
		if (query_send(q, &s->list.server[i]) < 0) {
			dns_servers_doubt(s, &s->list.server[i], now);
			continue;
		}
		query_wait(q, left < DNS_SILENCE_MS ? left : DNS_SILENCE_MS);
		return;
	}
	query_give_up(q);
}

/* the server that was asked last refused, or failed */
static void query_ask_next(struct dns_query *q)
{
	q->refused++;
	q->turn++;
	query_ask(q);
}

static void query_silent(struct dns_query *q)
{
	dns_servers_doubt(q->dns->servers, &q->asked->server, q->dns->loop->now_ms);
	q->refused = q->failure ? q->refused + 1 : 0;
	q->turn++;
	query_ask(q);
}

static int on_silence(struct timer *t)
{
	struct dnsudp *d = container_of(t, struct dnsudp, timer);
	struct list *e;

	while ((e = list_first(&d->due))) {
		struct dns_query *q = container_of(e, struct dns_query, due_entry);

		if (q->due_ms > d->loop->now_ms) {
			timer_set(d->loop, t, q->due_ms - d->loop->now_ms, on_silence);
			break;
		}
		query_silent(q);
	}
	dnsports_flush(&d->ports);
	return 0;
}

/* --- answers ------------------------------------------------------------------------------ */

static void on_refused(struct dns_line *l)
{
	struct dns_query *q = l->owner;

	dns_servers_doubt(q->dns->servers, &l->server, q->dns->loop->now_ms);
	if (l != q->asked)
		return;
	if (q->refused + 1 >= q->dns->servers->list.count && !q->asked_twice && !q->failure) {
		q->asked_twice = true;
		q->refused = 0;
		q->turn++;
		query_ask(q);
		return;
	}
	query_ask_next(q);
}

/* true: it is kept, and the next server was asked for a better one */
static bool line_failed(struct dns_line *l, const uint8_t *answer, size_t len)
{
	struct dns_query *q = l->owner;

	if (len > FAILURE_MAX)
		return false;
	if (!q->failure) {
		q->failure = malloc(len);
		if (!q->failure)
			return false;
		memcpy(q->failure, answer, len);
		q->failure_len = len;
	}
	if (l == q->asked)
		query_ask_next(q);
	return true;
}

static void line_answered(struct dns_line *l, uint8_t *answer, size_t len)
{
	struct dns_query *q = l->owner;

	if (dnsmsg_is_failure(answer) && line_failed(l, answer, len))
		return;
	if (!q->failure) /* else it is good for this question only */
		dns_servers_good(q->dns->servers, DNS_UDP, &l->server);
	query_reply_later(q, answer, len);
	dnsquery_end(q);
}

/* the line that a message from @port answers, or NULL */
static struct dns_line *find_line(struct dnsudp *d, const struct dns_port *port, const uint8_t *msg,
				  size_t len)
{
	struct dns_query *q = len >= DNS_HEADER ? dnsquery_find(d, dnsmsg_id(msg)) : NULL;

	if (!q || !dnsmsg_answers(q->msg, q->len, msg, len))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(q->line); i++) {
		if (q->line[i].port == port)
			return &q->line[i];
	}
	return NULL;
}

static void on_answers(struct dns_ports *p, const struct dns_port *from, const struct mmsghdr *msg,
		       unsigned n)
{
	struct dnsudp *d = container_of(p, struct dnsudp, ports);

	for (unsigned i = 0; i < n; i++) {
		uint8_t *answer = msg[i].msg_hdr.msg_iov->iov_base;
		struct dns_line *l = find_line(d, from, answer, msg[i].msg_len);

		if (l)
			line_answered(l, answer, msg[i].msg_len);
	}
	replies_send(d->batch);
}

/* --- queries ------------------------------------------------------------------------------ */

static void query_start(const struct dnsudp_sock *sock, const uint8_t *msg, size_t len,
			const struct msghdr *from)
{
	struct dnsudp *d = sock->all;
	struct dns_query *q = dnsquery_new(d, msg, len, from);

	if (!q)
		return;
	q->sock = sock;
	q->deadline_ms = d->loop->now_ms + TOTAL_MS;
	q->turn = d->servers->good[DNS_UDP];
	d->asked++;
	query_ask(q);
}

static int on_queries_ready(struct watch *w, uint32_t events)
{
	struct dnsudp_sock *sock = container_of(w, struct dnsudp_sock, watch);
	struct dns_batch *b = sock->all->batch;
	int n;

	for (int i = 0; i < BATCH; i++)
		b->in[i].msg_hdr = (struct msghdr){ .msg_name = &b->from[i],
						    .msg_namelen = sizeof(b->from[i]),
						    .msg_iov = &b->in_iov[i],
						    .msg_iovlen = 1 };
	n = recvmmsg(w->fd, b->in, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		const struct msghdr *h = &b->in[i].msg_hdr;

		if (!(h->msg_flags & MSG_TRUNC) && h->msg_namelen &&
		    dnsmsg_is_query(b->query[i], b->in[i].msg_len))
			query_start(sock, b->query[i], b->in[i].msg_len, h);
	}
	dnsports_flush(&sock->all->ports);
	if (events & (EPOLLHUP | EPOLLRDHUP)) {
		log_warning("dns", "a socket in the gateway was shut down from the child's side: "
				   "host names are not resolved there any more");
		watch_remove(w);
	}
	return 0;
}

void dnsudp_ask_again(struct dnsudp *d)
{
	struct list *e, old;

	list_for_each (e, &d->queries)
		dnsquery_hang_up(container_of(e, struct dns_query, entry));
	dnsports_retire(&d->ports);
	list_init(&old);
	while ((e = list_first(&d->queries))) {
		list_remove(e);
		list_append(&old, e);
	}
	while ((e = list_first(&old))) {
		struct dns_query *q = container_of(e, struct dns_query, entry);

		list_remove(e);
		list_append(&d->queries, e);
		q->refused = 0;
		q->asked_twice = false;
		q->turn = d->servers->good[DNS_UDP];
		query_ask(q);
	}
	dnsports_flush(&d->ports);
}

/* --- all ---------------------------------------------------------------------------------- */

void dnsudp_init(struct dnsudp *d, struct loop *l, struct dns_servers *servers,
		 const struct dns_limits *max)
{
	*d = (struct dnsudp){ .loop = l, .servers = servers, .max = max->queries };
	list_init(&d->queries);
	list_init(&d->due);
	list_init(&d->spare);
	dnsports_init(&d->ports, l, max->ports);
	d->ports.on_answers = on_answers;
	d->ports.on_refused = on_refused;
}

static int make_batch(struct dnsudp *d)
{
	if (d->batch)
		return 0;
	d->batch = calloc(1, sizeof(*d->batch));
	if (!d->batch)
		return -ENOMEM;
	for (int i = 0; i < BATCH; i++)
		d->batch->in_iov[i] = (struct iovec){ d->batch->query[i], QUERY_MAX };
	return dnsports_make_room(&d->ports);
}

int dnsudp_add(struct dnsudp *d, int fd)
{
	struct dnsudp_sock *s = &d->sock[d->nsocks];
	int r;

	if (d->nsocks == DNSUDP_SOCKS_MAX)
		return -EPROTO;
	r = make_batch(d);
	if (r < 0)
		return r;
	s->all = d;
	r = watch_add(d->loop, &s->watch, fd, EPOLLIN | EPOLLRDHUP, on_queries_ready);
	if (r == 0)
		d->nsocks++;
	return r;
}

void dnsudp_done(struct dnsudp *d)
{
	struct list *e;

	if (!d->loop)
		return;
	while ((e = list_first(&d->queries)))
		dnsquery_end(container_of(e, struct dns_query, entry));
	dnsquery_free_spare(d);
	timer_cancel(&d->timer);
	dnsports_done(&d->ports);
	for (unsigned i = 0; i < d->nsocks; i++) {
		watch_remove(&d->sock[i].watch);
		close(d->sock[i].watch.fd);
	}
	free(d->batch);
	d->batch = NULL;
}
