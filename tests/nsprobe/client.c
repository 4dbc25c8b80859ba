// SPDX-License-Identifier: Apache-2.0
/* client.c - ask, connect, compare streams, hold many connections */
#include "nsprobe.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define CHUNK 65536
#define STALL_MS 10000 /* nothing moves for so long: the path is dead */

struct target {
	struct addr to, from;
	const struct addr *bind_to; /* NULL, or from */
	int timeout_ms, socktype;
	char **rest; /* arguments behind ADDR PORT; terminated */
};

static void parse(struct target *t, int argc, char **argv)
{
	const char *host = NULL, *port = "0";
	int c;

	*t = (struct target){ .timeout_ms = 5000, .socktype = SOCK_STREAM };
	while ((c = getopt(argc, argv, "+ut:b:p:")) != -1) {
		switch (c) {
		case 'u':
			t->socktype = SOCK_DGRAM;
			break;
		case 't':
			t->timeout_ms = atoi(optarg);
			break;
		case 'b':
			host = optarg;
			break;
		case 'p':
			port = optarg;
			break;
		default:
			exit(2);
		}
	}
	if (argc - optind < 2)
		die("%s wants ADDR PORT", argv[0]);
	addr_parse(&t->to, argv[optind], argv[optind + 1]);
	t->rest = argv + optind + 2;
	if (host || strcmp(port, "0") != 0) {
		addr_parse(&t->from,
			   host ? host : (t->to.sa.sa_family == AF_INET ? "0.0.0.0" : "::"), port);
		t->bind_to = &t->from;
	}
}

static int target_connect(const struct target *t)
{
	int fd = net_connect(&t->to, t->bind_to, t->socktype, t->timeout_ms);

	if (fd < 0)
		fprintf(stderr, "nsprobe: connect: %s\n", strerrorname_np(-fd));
	return fd;
}

static int wait_io(int fd, short events, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n = poll(&p, 1, timeout_ms);

	if (n == 0)
		fprintf(stderr, "nsprobe: nothing came within %d ms\n", timeout_ms);
	return n > 0 ? p.revents : 0;
}

static int failed(const char *what)
{
	fprintf(stderr, "nsprobe: %s: %s\n", what, strerrorname_np(errno));
	return 1;
}

int probe_connect(int argc, char **argv)
{
	struct target t;

	parse(&t, argc, argv);
	autoclose int fd = net_connect(&t.to, t.bind_to, t.socktype, t.timeout_ms);
	puts(fd < 0 ? strerrorname_np(-fd) : "ok");
	return fd < 0;
}

int probe_ask(int argc, char **argv)
{
	static char buf[CHUNK];
	struct target t;
	size_t len;
	ssize_t n;

	parse(&t, argc, argv);
	autoclose int fd = target_connect(&t);
	if (fd < 0)
		return 1;
	len = t.rest[0] ? strlen(t.rest[0]) : 0;
	if ((len || t.socktype == SOCK_DGRAM) && send(fd, t.rest[0], len, MSG_NOSIGNAL) < 0)
		return failed("send");
	if (t.socktype == SOCK_STREAM)
		shutdown(fd, SHUT_WR);
	for (;;) {
		if (!wait_io(fd, POLLIN, t.timeout_ms))
			return 1;
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 0)
			return failed("recv");
		if (n > 0 && fwrite(buf, 1, (size_t)n, stdout) != (size_t)n)
			return failed("stdout");
		if (t.socktype == SOCK_DGRAM && (n == 0 || buf[n - 1] != '\n'))
			putchar('\n');
		if (n == 0 || t.socktype == SOCK_DGRAM)
			return 0;
	}
}

struct stream {
	struct target t;
	int fd;
	uint64_t total, seed;
	uint64_t sent, got, sum;
};

static void stream_open(struct stream *s, int argc, char **argv)
{
	*s = (struct stream){ .sum = CHECKSUM_INIT };
	parse(&s->t, argc, argv);
	if (!s->t.rest[0] || !s->t.rest[1])
		die("%s wants ADDR PORT BYTES SEED", argv[0]);
	s->total = strtoull(s->t.rest[0], NULL, 10);
	s->seed = strtoull(s->t.rest[1], NULL, 10);
	s->fd = target_connect(&s->t);
	if (s->fd < 0)
		exit(1);
}

static int stream_send_some(struct stream *s)
{
	static uint8_t buf[CHUNK];
	size_t len = s->total - s->sent < CHUNK ? (size_t)(s->total - s->sent) : CHUNK;
	ssize_t n;

	stream_fill(buf, len, s->sent, s->seed);
	n = send(s->fd, buf, len, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN ? 0 : -failed("send");
	s->sum = checksum(s->sum, buf, (size_t)n);
	s->sent += (uint64_t)n;
	if (s->sent == s->total)
		shutdown(s->fd, SHUT_WR);
	return 0;
}

/* 1: end of file; 0: go on; negative: wrong */
static int stream_recv_some(struct stream *s)
{
	static uint8_t buf[CHUNK], want[CHUNK];
	ssize_t n = recv(s->fd, buf, sizeof(buf), 0);

	if (n < 0)
		return errno == EAGAIN ? 0 : -failed("recv");
	if (n == 0)
		return 1;
	stream_fill(want, (size_t)n, s->got, s->seed);
	if (memcmp(buf, want, (size_t)n) != 0) {
		fprintf(stderr, "nsprobe: wrong bytes near %" PRIu64 "\n", s->got);
		return -1;
	}
	s->got += (uint64_t)n;
	return 0;
}

static int stream_result(const struct stream *s)
{
	if (s->got != s->total) {
		fprintf(stderr, "nsprobe: %" PRIu64 " of %" PRIu64 " bytes came\n", s->got,
			s->total);
		return 1;
	}
	puts("ok");
	return 0;
}

int probe_send(int argc, char **argv)
{
	struct stream s;
	char want[64], answer[64] = "";

	stream_open(&s, argc, argv);
	while (s.sent < s.total) {
		if (!wait_io(s.fd, POLLOUT, STALL_MS) || stream_send_some(&s) < 0)
			return 1;
	}
	if (!s.total)
		shutdown(s.fd, SHUT_WR);
	snprintf(want, sizeof(want), "%" PRIu64 " %016" PRIx64 "\n", s.total, s.sum);
	for (size_t n = 0; n < strlen(want);) {
		ssize_t r;

		if (!wait_io(s.fd, POLLIN, STALL_MS))
			return 1;
		r = recv(s.fd, answer + n, sizeof(answer) - 1 - n, 0);
		if (r < 0)
			return failed("recv");
		if (r == 0)
			break;
		n += (size_t)r;
	}
	if (strcmp(want, answer) != 0) {
		fprintf(stderr, "nsprobe: sent %s got %s", want, answer);
		return 1;
	}
	puts("ok");
	return 0;
}

int probe_recv(int argc, char **argv)
{
	struct stream s;
	int r = 0;

	stream_open(&s, argc, argv);
	while (r == 0) {
		if (!wait_io(s.fd, POLLIN, STALL_MS))
			return 1;
		r = stream_recv_some(&s);
	}
	return r < 0 ? 1 : stream_result(&s);
}

int probe_duplex(int argc, char **argv)
{
	struct stream s;
	int r = 0;

	stream_open(&s, argc, argv);
	while (r == 0) {
		int ev = wait_io(s.fd, s.sent < s.total ? POLLIN | POLLOUT : POLLIN, STALL_MS);

		if (!ev)
			return 1;
		if (s.sent < s.total && (ev & POLLOUT) && stream_send_some(&s) < 0)
			return 1;
		if (ev & (POLLIN | POLLHUP | POLLERR))
			r = stream_recv_some(&s);
	}
	return r < 0 ? 1 : stream_result(&s);
}

static int echo_once(int fd, unsigned number, int timeout_ms)
{
	unsigned answer = ~number;

	if (send(fd, &number, sizeof(number), MSG_NOSIGNAL) < 0)
		return failed("send");
	if (!wait_io(fd, POLLIN, timeout_ms))
		return 1;
	if (recv(fd, &answer, sizeof(answer), MSG_WAITALL) != sizeof(answer) || answer != number)
		return failed("echo");
	return 0;
}

int probe_many(int argc, char **argv)
{
	struct target t;
	unsigned count;
	autofree int *fds = NULL;

	parse(&t, argc, argv);
	count = t.rest[0] ? (unsigned)strtoul(t.rest[0], NULL, 10) : 1;
	fds = calloc(count, sizeof(*fds));
	if (!fds)
		die("out of memory");
	for (unsigned i = 0; i < count; i++) {
		fds[i] = target_connect(&t);
		if (fds[i] < 0) {
			fprintf(stderr, "nsprobe: connection %u\n", i);
			return 1;
		}
	}
	for (unsigned i = 0; i < count; i++) {
		if (echo_once(fds[i], i, t.timeout_ms)) {
			fprintf(stderr, "nsprobe: connection %u of %u\n", i, count);
			return 1;
		}
	}
	printf("%u alive\n", count);
	return 0;
}
