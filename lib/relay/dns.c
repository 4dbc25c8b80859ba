// SPDX-License-Identifier: Apache-2.0
/*
 * dns.c - relays DNS over UDP
 *
 * Each query gets a socket of its own to the server (connected, a random port) and a random id, so
 * that an answer cannot be guessed by others; the question is compared as well. A server that is
 * silent for 1.5 s or refused by ICMP is followed by the next; the one that answered last is asked
 * first. After 5 s, or when every server refused, the client gets SERVFAIL. Answers pass unchanged
 * but for the id. What is kept is bounded: queries in all and of one client; the oldest gives way.
 */
#include "lib/relay/dns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/relay/addr.h"
#include "lib/relay/dnsmsg.h"

#define BATCH 16
#define QUERY_MAX 4096   /* bytes; longer ones are dropped: such questions come by TCP */
#define ANSWER_MAX 65536 /* more than UDP can carry */
#define ANSWERS_A_TURN 8 /* datagrams read from one server socket in a turn */
#define SILENCE_MS 1500
#define TOTAL_MS 5000

struct dns_batch {
	struct mmsghdr hdr[BATCH];
	struct iovec iov[BATCH];
	union sock_addr from[BATCH];
	uint8_t query[BATCH][QUERY_MAX];
	uint8_t answer[ANSWER_MAX];
};

struct dns_query {
	struct dns *dns;
	struct list entry;
	struct watch watch; /* the socket to the server; fd -1: none */
	struct timer timer;
	struct deferred deferred;
	struct net_addr server; /* that the socket is connected to */
	uint64_t deadline_ms;
	uint32_t turn;    /* servers are asked from here on, modulo their number */
	uint32_t refused; /* servers that refused one after the other */
	union sock_addr client;
	socklen_t client_len;
	uint16_t client_id;
	uint16_t len;
	uint8_t msg[]; /* with our id */
};

static uint16_t random_id(struct dns *d)
{
	if (!d->nids) {
		ssize_t n = getrandom(d->ids, sizeof(d->ids), 0);

		d->nids = n > 0 ? (unsigned)n / sizeof(d->ids[0]) : 0;
	}
	return d->nids ? d->ids[--d->nids] : (uint16_t)d->loop->now_ms;
}

static void query_free(struct deferred *q)
{
	free(container_of(q, struct dns_query, deferred));
}

static void query_hang_up(struct dns_query *q)
{
	watch_remove(&q->watch);
	cleanup_closep(&q->watch.fd);
	q->watch.fd = -1;
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
	sendto(q->dns->watch.fd, msg, len, MSG_DONTWAIT | MSG_NOSIGNAL, &q->client.sa,
	       q->client_len);
	query_end(q);
}

static int on_server_ready(struct watch *w, uint32_t events);

static int query_connect(struct dns_query *q, const struct net_addr *server)
{
	const int on = 1, v6 = server->family == AF_INET6;
	union sock_addr addr;
	socklen_t len = addr_to_sock(server, &addr);
	autoclose int fd = -1;
	int r;

	query_hang_up(q);
	fd = socket(server->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* unreachable networks and hosts are told too, not only refused ports */
	setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &on,
		   sizeof(on));
	if (connect(fd, &addr.sa, len) < 0)
		return -errno;
	r = watch_add(q->dns->loop, &q->watch, fd, EPOLLIN, on_server_ready);
	if (r < 0) {
		q->watch.fd = -1;
		return r;
	}
	q->server = *server;
	take_fd(&fd);
	return 0;
}

static int query_send(struct dns_query *q, const struct net_addr *server)
{
	int r = 0;

	if (q->watch.fd < 0 || !addr_equal(server, &q->server))
		r = query_connect(q, server);
	if (r == 0 && send(q->watch.fd, q->msg, q->len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		r = -errno;
	return r == -EAGAIN ? 0 : r; /* lost on the way, like any datagram */
}

static int on_silence(struct timer *t);

/* ask the next server that does not refuse at once */
static void query_ask(struct dns_query *q)
{
	struct dns *d = q->dns;
	uint64_t left = q->deadline_ms > d->loop->now_ms ? q->deadline_ms - d->loop->now_ms : 0;

	for (; left && q->refused < d->servers.count; q->refused++, q->turn++) {
		if (query_send(q, &d->servers.server[q->turn % d->servers.count]) < 0) {
			query_hang_up(q);
			continue;
		}
		timer_set(d->loop, &q->timer, left < SILENCE_MS ? left : SILENCE_MS, on_silence);
		return;
	}
	query_reply(q, q->msg, dnsmsg_fail(q->msg, q->len));
}

static int on_silence(struct timer *t)
{
	struct dns_query *q = container_of(t, struct dns_query, timer);

	q->refused = 0;
	q->turn++;
	query_ask(q);
	return 0;
}

static void note_good(struct dns *d, const struct net_addr *server)
{
	for (uint32_t i = 0; i < d->servers.count; i++) {
		if (addr_equal(server, &d->servers.server[i])) {
			d->good = i;
			return;
		}
	}
}

static int on_server_ready(struct watch *w, uint32_t events)
{
	struct dns_query *q = container_of(w, struct dns_query, watch);
	uint8_t *answer = q->dns->batch->answer;

	(void)events;
	for (int i = 0; i < ANSWERS_A_TURN; i++) {
		ssize_t n = recv(w->fd, answer, ANSWER_MAX, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0) {
			query_hang_up(q);
			q->refused++;
			q->turn++;
			query_ask(q);
			return 0;
		}
		if (!dnsmsg_answers(q->msg, q->len, answer, (size_t)n))
			continue;
		note_good(q->dns, &q->server);
		query_reply(q, answer, (size_t)n);
		return 0;
	}
	return 0;
}

static bool same_client(const union sock_addr *a, const union sock_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	return a->sa.sa_family == AF_INET6
		       ? memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0
		       : a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}

/* a place for one more query of @client: the oldest gives way, silently, as it is late anyway */
static void make_room(struct dns *d, const union sock_addr *client)
{
	struct dns_query *oldest = NULL;
	unsigned n = 0;
	struct list *e;

	if (d->n < d->max / 4)
		return;
	list_for_each (e, &d->queries) {
		struct dns_query *q = container_of(e, struct dns_query, entry);

		if (!same_client(&q->client, client))
			continue;
		n++;
		if (!oldest)
			oldest = q;
	}
	if (oldest && n >= d->max / 4)
		query_end(oldest);
	else if (d->n >= d->max)
		query_end(container_of(d->queries.next, struct dns_query, entry));
}

static void query_start(struct dns *d, const uint8_t *msg, size_t len, const struct msghdr *from)
{
	struct dns_query *q;

	make_room(d, from->msg_name);
	q = malloc(sizeof(*q) + len);
	if (!q)
		return;
	*q = (struct dns_query){ .dns = d,
				 .watch = WATCH_INIT,
				 .deadline_ms = d->loop->now_ms + TOTAL_MS,
				 .turn = d->good,
				 .client_len = from->msg_namelen,
				 .client_id = dnsmsg_id(msg),
				 .len = (uint16_t)len };
	memcpy(&q->client, from->msg_name, sizeof(q->client));
	memcpy(q->msg, msg, len);
	dnsmsg_set_id(q->msg, random_id(d));
	list_append(&d->queries, &q->entry);
	d->n++;
	query_ask(q);
}

static int on_dns_ready(struct watch *w, uint32_t events)
{
	struct dns *d = container_of(w, struct dns, watch);
	struct dns_batch *b = d->batch;
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
			query_start(d, b->query[i], b->hdr[i].msg_len, h);
	}
	if (events & (EPOLLHUP | EPOLLRDHUP)) {
		log_warning("dns", "the socket in the gateway was shut down from the child's side: "
				   "host names are not resolved any more");
		watch_remove(w);
	}
	return 0;
}

static int int_option(int fd, int name)
{
	int v = -1;
	socklen_t len = sizeof(v);

	return getsockopt(fd, SOL_SOCKET, name, &v, &len) < 0 ? -1 : v;
}

int dns_init(struct dns *d, struct loop *l, int fd, unsigned max, struct err *err)
{
	int r;

	*d = (struct dns){ .loop = l, .max = max };
	list_init(&d->queries);
	d->watch.fd = fd;
	if (fd < 0)
		return 0;
	if (int_option(fd, SO_TYPE) != SOCK_DGRAM || int_option(fd, SO_PROTOCOL) != IPPROTO_UDP)
		return err_say(err, EPROTO, "dns: the gateway's descriptor is not a UDP socket");
	d->batch = calloc(1, sizeof(*d->batch));
	if (!d->batch)
		return err_set(err, ENOMEM, "dns: buffers");
	r = watch_add(l, &d->watch, fd, EPOLLIN | EPOLLRDHUP, on_dns_ready);
	return r < 0 ? err_set(err, -r, "dns: watching the gateway's socket") : 0;
}

void dns_done(struct dns *d)
{
	struct list *e;

	if (!d->loop)
		return;
	while ((e = list_first(&d->queries)))
		query_end(container_of(e, struct dns_query, entry));
	watch_remove(&d->watch);
	cleanup_closep(&d->watch.fd);
	free(d->batch);
	d->batch = NULL;
}

int dns_set_servers(struct dns *d, const struct worker_dns *servers)
{
	if (servers->count > WORKER_DNS_MAX)
		return -EPROTO;
	for (uint32_t i = 0; i < servers->count; i++) {
		if (!addr_valid(&servers->server[i]))
			return -EPROTO;
	}
	if (memcmp(&d->servers, servers, sizeof(*servers)) == 0)
		return 0;
	d->servers = *servers;
	d->good = 0;
	return 0;
}
