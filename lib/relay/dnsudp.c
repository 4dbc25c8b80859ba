// SPDX-License-Identifier: Apache-2.0
/*
 * dnsudp.c - DNS over UDP
 *
 * Each query gets sockets of its own to the servers (connected, a random port) and a random id, so
 * that an answer cannot be guessed by others; the question is compared as well. A server that is
 * silent for 1.5 s or refused by ICMP is followed by the next, and may still answer; the one that
 * answered last is asked first. One that answers with a failure is passed on only when no other
 * server, asked once, has a better answer. After 5 s, or when every server refused, the client gets
 * SERVFAIL. Answers pass unchanged but for the id. What is kept is bounded: queries in all and of
 * one client, and their sockets; the oldest query gives way.
 */
#include "lib/relay/dnsudp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/relay/addr.h"
#include "lib/relay/dnsmsg.h"

#define BATCH 16
#define QUERY_MAX 4096   /* bytes; longer ones are dropped: such questions come by TCP */
#define ANSWER_MAX 65536 /* more than UDP can carry */
#define FAILURE_MAX 4096 /* longer ones are passed on at once */
#define ANSWERS_A_TURN 8 /* datagrams read from one server socket in a turn */
#define TOTAL_MS 5000

struct dns_batch {
	struct mmsghdr hdr[BATCH];
	struct iovec iov[BATCH];
	union sock_addr from[BATCH];
	uint8_t query[BATCH][QUERY_MAX];
	uint8_t answer[ANSWER_MAX];
};

struct dns_line { /* from a query to a server */
	struct dns_query *query;
	struct watch watch; /* fd -1: none */
	struct net_addr server;
};

struct dns_query {
	struct dnsudp *dns;
	const struct dnsudp_sock *sock; /* where it came in */
	struct list entry;
	struct dns_line line[WORKER_DNS_MAX];
	struct dns_line *asked; /* the last one */
	struct timer timer;
	struct deferred deferred;
	uint64_t deadline_ms;
	uint32_t turn;    /* servers are asked from here on, modulo their number */
	uint32_t refused; /* servers that refused or failed one after the other */
	uint8_t *failure; /* the first answer that says so; malloc'ed */
	size_t failure_len;
	union sock_addr client;
	socklen_t client_len;
	uint16_t client_id;
	uint16_t len;
	uint8_t msg[]; /* with our id */
};

static uint16_t random_id(struct dnsudp *d)
{
	if (!d->nids) {
		ssize_t n = getrandom(d->ids, sizeof(d->ids), 0);

		d->nids = n > 0 ? (unsigned)n / sizeof(d->ids[0]) : 0;
	}
	return d->nids ? d->ids[--d->nids] : (uint16_t)d->loop->now_ms;
}

static void query_free(struct deferred *d)
{
	struct dns_query *q = container_of(d, struct dns_query, deferred);

	free(q->failure);
	free(q);
}

static void line_hang_up(struct dns_line *l)
{
	if (l->watch.fd < 0)
		return;
	watch_remove(&l->watch);
	close(l->watch.fd);
	l->watch.fd = -1;
	l->query->dns->nfds--;
}

static void query_hang_up(struct dns_query *q)
{
	for (size_t i = 0; i < ARRAY_SIZE(q->line); i++)
		line_hang_up(&q->line[i]);
}

static void query_end(struct dns_query *q)
{
	query_hang_up(q);
	timer_cancel(&q->timer);
	list_remove(&q->entry);
	q->dns->n--;
	loop_defer_free(q->dns->loop, &q->deferred, query_free);
}

/* @msg: gets the client's id back. A full or failing socket loses it: the client asks again */
static void query_reply(struct dns_query *q, uint8_t *msg, size_t len)
{
	dnsmsg_set_id(msg, q->client_id);
	sendto(q->sock->watch.fd, msg, len, MSG_DONTWAIT | MSG_NOSIGNAL, &q->client.sa,
	       q->client_len);
	query_end(q);
}

/* --- asking ------------------------------------------------------------------------------- */

static int on_server_ready(struct watch *w, uint32_t events);

static int line_connect(struct dns_line *l, const struct net_addr *server)
{
	const int on = 1, v6 = server->family == AF_INET6;
	struct dnsudp *d = l->query->dns;
	union sock_addr addr;
	socklen_t len = addr_to_sock(server, &addr);
	autoclose int fd = -1;
	int r;

	line_hang_up(l);
	if (d->nfds >= d->max)
		query_hang_up(l->query);
	fd = socket(server->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* unreachable networks and hosts are told too, not only refused ports */
	setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &on,
		   sizeof(on));
	if (connect(fd, &addr.sa, len) < 0)
		return -errno;
	r = watch_add(d->loop, &l->watch, fd, EPOLLIN, on_server_ready);
	if (r < 0) {
		l->watch.fd = -1;
		return r;
	}
	l->server = *server;
	d->nfds++;
	take_fd(&fd);
	return 0;
}

/* the line to @server, or one that can become it */
static struct dns_line *query_line(struct dns_query *q, const struct net_addr *server)
{
	struct dns_line *other = &q->line[q->turn % ARRAY_SIZE(q->line)];

	for (size_t i = 0; i < ARRAY_SIZE(q->line); i++) {
		struct dns_line *l = &q->line[i];

		if (l->watch.fd >= 0 && addr_equal(server, &l->server))
			return l;
		if (l->watch.fd < 0)
			other = l;
	}
	return other;
}

static int query_send(struct dns_query *q, const struct net_addr *server)
{
	struct dns_line *l = query_line(q, server);
	int r = 0;

	if (l->watch.fd < 0 || !addr_equal(server, &l->server))
		r = line_connect(l, server);
	if (r < 0)
		return r;
	q->asked = l;
	if (send(l->watch.fd, q->msg, q->len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno == EAGAIN)
		return 0; /* or lost on the way, like any datagram */
	r = -errno;
	line_hang_up(l);
	return r;
}

static void query_give_up(struct dns_query *q)
{
	q->dns->failed++;
	if (q->failure)
		query_reply(q, q->failure, q->failure_len);
	else
		query_reply(q, q->msg, dnsmsg_fail(q->msg, q->len));
}

static int on_silence(struct timer *t);

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
		timer_set(q->dns->loop, &q->timer, left < DNS_SILENCE_MS ? left : DNS_SILENCE_MS,
			  on_silence);
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

static int on_silence(struct timer *t)
{
	struct dns_query *q = container_of(t, struct dns_query, timer);

	dns_servers_doubt(q->dns->servers, &q->asked->server, q->dns->loop->now_ms);
	q->refused = q->failure ? q->refused + 1 : 0;
	q->turn++;
	query_ask(q);
	return 0;
}

/* --- answers ------------------------------------------------------------------------------ */

static void line_refused(struct dns_line *l)
{
	struct dns_query *q = l->query;

	dns_servers_doubt(q->dns->servers, &l->server, q->dns->loop->now_ms);
	line_hang_up(l);
	if (l == q->asked)
		query_ask_next(q);
}

/* true: it is kept, and the next server was asked for a better one */
static bool line_failed(struct dns_line *l, const uint8_t *answer, size_t len)
{
	struct dns_query *q = l->query;

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
	struct dns_query *q = l->query;

	if (dnsmsg_is_failure(answer) && line_failed(l, answer, len))
		return;
	if (!q->failure) /* else it is good for this question only */
		dns_servers_good(q->dns->servers, DNS_UDP, &l->server);
	query_reply(q, answer, len);
}

static int on_server_ready(struct watch *w, uint32_t events)
{
	struct dns_line *l = container_of(w, struct dns_line, watch);
	const struct dns_query *q = l->query;
	uint8_t *answer = q->dns->batch->answer;

	(void)events;
	for (int i = 0; i < ANSWERS_A_TURN; i++) {
		ssize_t n = recv(w->fd, answer, ANSWER_MAX, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0) {
			line_refused(l);
			return 0;
		}
		if (dnsmsg_answers(q->msg, q->len, answer, (size_t)n)) {
			line_answered(l, answer, (size_t)n);
			return 0;
		}
	}
	return 0;
}

/* --- queries ------------------------------------------------------------------------------ */

static void end_oldest(struct dnsudp *d)
{
	query_end(container_of(d->queries.next, struct dns_query, entry));
}

/* a place for one more query of @client: the oldest gives way, silently, as it is late anyway */
static void make_room(struct dnsudp *d, const union sock_addr *client)
{
	struct dns_query *oldest = NULL;
	unsigned n = 0;
	struct list *e;

	while (d->nfds >= d->max)
		end_oldest(d);
	if (d->n < d->max / 4)
		return;
	list_for_each (e, &d->queries) {
		struct dns_query *q = container_of(e, struct dns_query, entry);

		if (!addr_same_host(&q->client, client))
			continue;
		n++;
		if (!oldest)
			oldest = q;
	}
	if (oldest && n >= d->max / 4)
		query_end(oldest);
	else if (d->n >= d->max)
		end_oldest(d);
}

static void query_start(const struct dnsudp_sock *sock, const uint8_t *msg, size_t len,
			const struct msghdr *from)
{
	struct dnsudp *d = sock->all;
	struct dns_query *q;

	make_room(d, from->msg_name);
	q = malloc(sizeof(*q) + len);
	if (!q)
		return;
	*q = (struct dns_query){ .dns = d,
				 .sock = sock,
				 .deadline_ms = d->loop->now_ms + TOTAL_MS,
				 .turn = d->servers->good[DNS_UDP],
				 .client_len = from->msg_namelen,
				 .client_id = dnsmsg_id(msg),
				 .len = (uint16_t)len };
	for (size_t i = 0; i < ARRAY_SIZE(q->line); i++)
		q->line[i] = (struct dns_line){ .query = q, .watch = WATCH_INIT };
	memcpy(&q->client, from->msg_name, sizeof(q->client));
	memcpy(q->msg, msg, len);
	dnsmsg_set_id(q->msg, random_id(d));
	list_append(&d->queries, &q->entry);
	d->n++;
	d->asked++;
	query_ask(q);
}

static int on_queries_ready(struct watch *w, uint32_t events)
{
	struct dnsudp_sock *sock = container_of(w, struct dnsudp_sock, watch);
	struct dns_batch *b = sock->all->batch;
	int n;

	for (int i = 0; i < BATCH; i++) {
		b->iov[i] = (struct iovec){ b->query[i], QUERY_MAX };
		b->hdr[i].msg_hdr = (struct msghdr){ .msg_name = &b->from[i],
						     .msg_namelen = sizeof(b->from[i]),
						     .msg_iov = &b->iov[i],
						     .msg_iovlen = 1 };
	}
	n = recvmmsg(w->fd, b->hdr, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		const struct msghdr *h = &b->hdr[i].msg_hdr;

		if (!(h->msg_flags & MSG_TRUNC) && h->msg_namelen &&
		    dnsmsg_is_query(b->query[i], b->hdr[i].msg_len))
			query_start(sock, b->query[i], b->hdr[i].msg_len, h);
	}
	if (events & (EPOLLHUP | EPOLLRDHUP)) {
		log_warning("dns", "a socket in the gateway was shut down from the child's side: "
				   "host names are not resolved there any more");
		watch_remove(w);
	}
	return 0;
}

void dnsudp_ask_again(struct dnsudp *d)
{
	struct list *e, *next;

	list_for_each_safe (e, next, &d->queries) {
		struct dns_query *q = container_of(e, struct dns_query, entry);

		query_hang_up(q);
		timer_cancel(&q->timer);
		q->refused = 0;
		q->turn = d->servers->good[DNS_UDP];
		query_ask(q);
	}
}

/* --- all ---------------------------------------------------------------------------------- */

void dnsudp_init(struct dnsudp *d, struct loop *l, struct dns_servers *servers, unsigned max)
{
	*d = (struct dnsudp){ .loop = l, .servers = servers, .max = max };
	list_init(&d->queries);
}

int dnsudp_add(struct dnsudp *d, int fd)
{
	struct dnsudp_sock *s = &d->sock[d->nsocks];
	int r;

	if (d->nsocks == DNSUDP_SOCKS_MAX)
		return -EPROTO;
	if (!d->batch)
		d->batch = calloc(1, sizeof(*d->batch));
	if (!d->batch)
		return -ENOMEM;
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
		query_end(container_of(e, struct dns_query, entry));
	for (unsigned i = 0; i < d->nsocks; i++) {
		watch_remove(&d->sock[i].watch);
		close(d->sock[i].watch.fd);
	}
	free(d->batch);
	d->batch = NULL;
}
