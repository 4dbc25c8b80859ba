// SPDX-License-Identifier: Apache-2.0
/*
 * serve.c - servers of all kinds in one process
 *
 * One epoll set holds listeners, UDP sockets and connections. What a peer does not take is kept in
 * a buffer of its connection, and nothing more is read from it until that is gone, so that slow
 * readers are held back as a real server would. A connection is freed when both ways are done.
 */
#include "nsprobe.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "lib/base/cleanup.h"

#define CHUNK 65536

enum kind {
	TCP_ECHO,
	TCP_REPLY,  /* ARG, then end */
	TCP_WHO,    /* address and port of the peer, then end */
	TCP_SINK,   /* at end of file: bytes and checksum */
	TCP_SOURCE, /* ARG is BYTES:SEED */
	TCP_HTTP,   /* ARG is the body; keep-alive */
	TCP_DNS,
	UDP_ECHO,
	UDP_REPLY,
	UDP_WHO,
	UDP_DNS,
	NKINDS
};

static const char *const kind_name[] = { "tcp-echo",   "tcp-reply", "tcp-who", "tcp-sink",
					 "tcp-source", "http",      "tcp-dns", "udp-echo",
					 "udp-reply",  "udp-who",   "udp-dns" };
static_assert(ARRAY_SIZE(kind_name) == NKINDS, "a name for each kind");

struct conn {
	int fd;
	enum kind kind;
	bool listener, ended; /* ended: nothing more is read, close when all is written */
	const char *arg;
	struct addr peer;
	uint8_t *out; /* what was not taken yet */
	size_t nout;
	uint64_t sum, count; /* sink: seen; source: made */
	uint64_t total, seed;
	unsigned match; /* http: how much of CR LF CR LF was seen */
};

static int epfd;
static uint8_t buf[CHUNK];

static void conn_end(struct conn *c)
{
	close(c->fd);
	free(c->out);
	free(c);
}

static void conn_watch(struct conn *c, int op)
{
	struct epoll_event e = { .data.ptr = c };

	e.events = c->nout || (c->kind == TCP_SOURCE && !c->listener) ? EPOLLOUT : EPOLLIN;
	if (epoll_ctl(epfd, op, c->fd, &e) < 0)
		die("epoll_ctl: %s", strerror(errno));
}

/* false: the connection is gone */
static bool conn_write(struct conn *c, const void *data, size_t len)
{
	ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		return false;
	if (n < 0)
		n = 0;
	len -= (size_t)n;
	if (!len)
		return true;
	c->out = realloc(c->out, c->nout + len);
	if (!c->out)
		die("out of memory");
	memcpy(c->out + c->nout, (const char *)data + n, len);
	c->nout += len;
	return true;
}

static bool conn_printf_who(struct conn *c)
{
	char text[80];

	size_t n;

	addr_print(&c->peer, text, sizeof(text) - 1);
	n = strlen(text);
	text[n++] = '\n';
	return conn_write(c, text, n);
}

static bool http_data(struct conn *c, size_t len)
{
	static const char end[] = "\r\n\r\n";
	char text[1024];
	int n = snprintf(
		text, sizeof(text),
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s",
		strlen(c->arg), c->arg);

	for (size_t i = 0; i < len; i++) {
		if (buf[i] == (uint8_t)end[c->match])
			c->match++;
		else
			c->match = buf[i] == '\r';
		if (c->match < 4)
			continue;
		c->match = 0;
		if (!conn_write(c, text, (size_t)n))
			return false;
	}
	return true;
}

static struct addr own_addr(int fd)
{
	struct addr a = { .len = sizeof(a.room) };

	getsockname(fd, &a.sa, &a.len);
	return a;
}

static bool dns_data(struct conn *c, size_t len)
{
	struct addr self = own_addr(c->fd);
	uint8_t answer[16384];
	size_t n;

	if (len < 2 || len < 2u + (unsigned)(buf[0] << 8 | buf[1]))
		return false; /* queries come in one piece here */
	n = dns_answer(buf + 2, len - 2, &c->peer, &self, 1, answer + 2, sizeof(answer) - 2);
	answer[0] = (uint8_t)(n >> 8);
	answer[1] = (uint8_t)n;
	return n && conn_write(c, answer, n + 2);
}

static bool conn_data(struct conn *c, size_t len)
{
	switch (c->kind) {
	case TCP_ECHO:
		return conn_write(c, buf, len);
	case TCP_SINK:
		c->sum = checksum(c->sum, buf, len);
		c->count += len;
		return true;
	case TCP_HTTP:
		return http_data(c, len);
	case TCP_DNS:
		return dns_data(c, len);
	case TCP_REPLY:
	case TCP_WHO:
	case TCP_SOURCE:
	case UDP_ECHO:
	case UDP_REPLY:
	case UDP_WHO:
	case UDP_DNS:
	case NKINDS:
		break; /* what the client of these says is not looked at */
	}
	return true;
}

static bool conn_eof(struct conn *c)
{
	char text[64];
	int n;

	c->ended = true;
	if (c->kind != TCP_SINK)
		return true;
	n = snprintf(text, sizeof(text), "%" PRIu64 " %016" PRIx64 "\n", c->count, c->sum);
	return conn_write(c, text, (size_t)n);
}

static bool conn_flush(struct conn *c)
{
	ssize_t n = send(c->fd, c->out, c->nout, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN;
	c->nout -= (size_t)n;
	memmove(c->out, c->out + n, c->nout);
	return true;
}

static bool source_more(struct conn *c)
{
	size_t n = c->total - c->count < CHUNK ? (size_t)(c->total - c->count) : CHUNK;

	stream_fill(buf, n, c->count, c->seed);
	c->count += n;
	c->ended = c->count == c->total;
	return conn_write(c, buf, n);
}

static bool conn_serve(struct conn *c)
{
	ssize_t n;

	if (c->nout)
		return conn_flush(c);
	if (c->kind == TCP_SOURCE)
		return source_more(c);
	n = recv(c->fd, buf, sizeof(buf), 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	return n ? conn_data(c, (size_t)n) : conn_eof(c);
}

static void on_conn(struct conn *c)
{
	if (!conn_serve(c) || (c->ended && !c->nout)) {
		conn_end(c);
		return;
	}
	conn_watch(c, EPOLL_CTL_MOD);
}

static void on_listener(struct conn *l)
{
	struct conn *c = calloc(1, sizeof(*c));
	int on = 1;

	if (!c)
		die("out of memory");
	*c = *l;
	c->listener = false;
	c->sum = CHECKSUM_INIT;
	c->peer.len = sizeof(c->peer.room);
	c->fd = accept4(l->fd, &c->peer.sa, &c->peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (c->fd < 0) {
		free(c);
		return;
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if ((c->kind == TCP_WHO && !conn_printf_who(c)) ||
	    (c->kind == TCP_REPLY && !conn_write(c, c->arg, strlen(c->arg)))) {
		conn_end(c);
		return;
	}
	if (c->kind == TCP_WHO || c->kind == TCP_REPLY)
		shutdown(c->fd,
			 SHUT_WR); /* what is written is sent first; then wait for their end */
	conn_watch(c, EPOLL_CTL_ADD);
}

static void on_datagram(struct conn *c)
{
	struct addr peer = { .len = sizeof(peer.room) };
	ssize_t n = recvfrom(c->fd, buf, sizeof(buf), 0, &peer.sa, &peer.len);
	struct addr self = own_addr(c->fd);
	uint8_t answer[16384];
	const void *data = buf;
	size_t len = (size_t)n;

	if (n < 0)
		return;
	if (c->kind == UDP_REPLY) {
		data = c->arg;
		len = strlen(c->arg);
	} else if (c->kind == UDP_WHO) {
		addr_print(&peer, (char *)answer, sizeof(answer));
		data = answer;
		len = strlen((const char *)answer);
	} else if (c->kind == UDP_DNS) {
		len = dns_answer(buf, len, &peer, &self, 0, answer, sizeof(answer));
		data = answer;
		if (!len)
			return;
	}
	sendto(c->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT, &peer.sa, peer.len);
}

static void add(enum kind kind, const char *host, const char *port, const char *arg)
{
	struct conn *c = calloc(1, sizeof(*c));
	struct addr a;
	char text[80];
	int on = 1, socktype = kind < UDP_ECHO ? SOCK_STREAM : SOCK_DGRAM;

	if (!c)
		die("out of memory");
	c->kind = kind;
	c->arg = arg ? arg : "hello\n";
	if (kind == TCP_SOURCE && sscanf(c->arg, "%" SCNu64 ":%" SCNu64, &c->total, &c->seed) != 2)
		die("tcp-source wants BYTES:SEED, not '%s'", c->arg);
	c->listener = true;
	addr_parse(&a, host, port);
	c->fd = socket(a.sa.sa_family, socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (socktype == SOCK_STREAM)
		setsockopt(c->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (c->fd < 0 || bind(c->fd, &a.sa, a.len) < 0 ||
	    (socktype == SOCK_STREAM && listen(c->fd, 4096) < 0))
		die("%s on %s port %s: %s", kind_name[kind], host, port, strerror(errno));
	a.len = sizeof(a.room);
	getsockname(c->fd, &a.sa, &a.len);
	addr_print(&a, text, sizeof(text));
	printf("ready %s\n", text);
	conn_watch(c, EPOLL_CTL_ADD);
}

static void add_spec(char *spec)
{
	char *name = strsep(&spec, ","), *host = strsep(&spec, ","), *port = strsep(&spec, ",");

	if (!host || !port)
		die("'%s' is not KIND,ADDR,PORT", name);
	if (strcmp(name, "dns") == 0) {
		add(TCP_DNS, host, port, spec);
		add(UDP_DNS, host, port, spec);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kind_name); i++) {
		if (strcmp(name, kind_name[i]) == 0) {
			add((enum kind)i, host, port, spec);
			return;
		}
	}
	die("no kind of server is called '%s'", name);
}

int probe_serve(int argc, char **argv)
{
	epfd = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 1; i < argc; i++)
		add_spec(argv[i]);
	for (;;) {
		struct epoll_event e[64];
		int n = epoll_wait(epfd, e, ARRAY_SIZE(e), -1);

		for (int i = 0; i < n; i++) {
			struct conn *c = e[i].data.ptr;

			if (!c->listener)
				on_conn(c);
			else if (c->kind < UDP_ECHO)
				on_listener(c);
			else
				on_datagram(c);
		}
	}
}
