// SPDX-License-Identifier: Apache-2.0
/* load.c - many datagrams a call, counted by whoever receives them; the serving end of a load */
#include "load.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/cleanup.h"

#define BUFFER (4 << 20)

struct load_batch {
	struct mmsghdr hdr[LOAD_BATCH];
	struct iovec iov[LOAD_BATCH];
	struct sockaddr_storage name[LOAD_BATCH];
	_Alignas(struct cmsghdr) uint8_t control[LOAD_BATCH][64];
	uint8_t data[LOAD_BATCH][LOAD_MAX];
};

uint64_t load_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int load_socket(const struct addr *a, bool gro)
{
	const int buffer = BUFFER, on = 1;
	int fd = socket(a->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	if (gro)
		setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
	return fd;
}

/* the next of @per_ms a millisecond may go */
static void await_turn(uint64_t begin_ns, uint64_t sent, unsigned per_ms)
{
	const uint64_t due_ns = begin_ns + sent * 1000000 / per_ms;
	const struct timespec ts = { (time_t)(due_ns / 1000000000), (long)(due_ns % 1000000000) };

	if (due_ns > load_now_ns())
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

uint64_t load_blast(int fd, const struct addr *to, int ms, size_t size, bool gso, unsigned per_ms)
{
	static uint8_t data[LOAD_MAX];
	const size_t bundle = size * (60000 / size < 60 ? 60000 / size : 60);
	struct iovec iov = { data, gso ? bundle : size };
	struct mmsghdr m[LOAD_BATCH];
	const int segment = (int)size, none = 0;
	const uint64_t begin = load_now_ns(), end = begin + (uint64_t)ms * 1000000;
	const unsigned n = gso ? 4 : per_ms && per_ms < LOAD_BATCH ? per_ms : LOAD_BATCH;
	const unsigned each = gso ? (unsigned)(bundle / size) : 1;
	uint64_t sent = 0;

	memset(data, LOAD_DATA, sizeof(data));
	for (unsigned i = 0; i < n; i++)
		m[i].msg_hdr =
			(struct msghdr){ .msg_name = to ? (void *)(uintptr_t)&to->room : NULL,
					 .msg_namelen = to ? to->len : 0,
					 .msg_iov = &iov,
					 .msg_iovlen = 1 };
	if (gso && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) < 0)
		die("UDP_SEGMENT: %s", strerror(errno));
	while (load_now_ns() < end) {
		const int r = sendmmsg(fd, m, n, MSG_NOSIGNAL);

		sent += r > 0 ? (unsigned)r * each : 0;
		if (per_ms)
			await_turn(begin, sent, per_ms);
	}
	if (gso)
		setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &none, sizeof(none));
	return sent;
}

struct load_batch *load_batch_new(void)
{
	struct load_batch *b = calloc(1, sizeof(*b));

	if (!b)
		die("out of memory");
	return b;
}

struct mmsghdr *load_receive(struct load_batch *b, int fd, int *ret_n)
{
	for (unsigned i = 0; i < LOAD_BATCH; i++) {
		b->iov[i] = (struct iovec){ b->data[i], LOAD_MAX };
		b->hdr[i].msg_hdr = (struct msghdr){ .msg_name = &b->name[i],
						     .msg_namelen = sizeof(b->name[i]),
						     .msg_iov = &b->iov[i],
						     .msg_iovlen = 1,
						     .msg_control = b->control[i],
						     .msg_controllen = sizeof(b->control[i]) };
	}
	*ret_n = recvmmsg(fd, b->hdr, LOAD_BATCH, MSG_DONTWAIT, NULL);
	return b->hdr;
}

static unsigned segment_of(const struct mmsghdr *m)
{
	struct msghdr h = m->msg_hdr;
	int size = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO)
			memcpy(&size, CMSG_DATA(c), sizeof(size));
	}
	return size > 0 ? (unsigned)size : 0;
}

void load_add(struct load_count *c, const struct mmsghdr *m, uint64_t now_ns)
{
	const unsigned segment = segment_of(m);

	if (!c->datagrams)
		c->first_ns = now_ns;
	c->last_ns = now_ns;
	c->datagrams += segment ? (m->msg_len + segment - 1) / segment : 1;
	c->bytes += m->msg_len;
}

void load_print(const struct load_count *c, char *dst, size_t size)
{
	snprintf(dst, size, "%" PRIu64 " %" PRIu64 " %" PRIu64, c->datagrams, c->bytes,
		 c->last_ns - c->first_ns);
}

/* --- the serving end ------------------------------------------------------------------------ */

struct service {
	int fd;
	bool dns;
	struct addr self;
	struct load_count count;
};

static void blast_back(const struct service *s, const char *text, const struct msghdr *from)
{
	struct addr to = { .len = from->msg_namelen };
	unsigned ms, size;

	memcpy(&to.room, from->msg_name, sizeof(to.room));
	if (sscanf(text + 1, "%u %u", &ms, &size) != 2 || !size || size > LOAD_MAX || fork() != 0)
		return;
	load_blast(s->fd, &to, (int)ms, size, false, 0);
	_exit(0);
}

/* true: @m is to be sent back as it is now */
static bool answers(struct service *s, struct mmsghdr *m)
{
	struct iovec *v = m->msg_hdr.msg_iov;
	char *text = v->iov_base;

	v->iov_len = m->msg_len;
	m->msg_hdr.msg_control = NULL;
	m->msg_hdr.msg_controllen = 0;
	switch (text[0]) {
	case LOAD_NEW:
		s->count = (struct load_count){ 0 };
		return true;
	case LOAD_REQUEST:
		return true;
	case LOAD_COUNT:
		load_print(&s->count, text, LOAD_MAX);
		v->iov_len = strlen(text);
		return true;
	case LOAD_BLAST:
		text[m->msg_len < LOAD_MAX ? m->msg_len : LOAD_MAX - 1] = '\0';
		blast_back(s, text, &m->msg_hdr);
		return false;
	default:
		return false;
	}
}

static bool answers_name(const struct service *s, struct mmsghdr *m)
{
	static uint8_t answer[LOAD_MAX];
	struct iovec *v = m->msg_hdr.msg_iov;
	struct addr peer = { .len = m->msg_hdr.msg_namelen };

	memcpy(&peer.room, m->msg_hdr.msg_name, sizeof(peer.room));
	v->iov_len =
		dns_answer(v->iov_base, m->msg_len, &peer, &s->self, 0, answer, sizeof(answer));
	memcpy(v->iov_base, answer, v->iov_len);
	m->msg_hdr.msg_control = NULL;
	m->msg_hdr.msg_controllen = 0;
	return v->iov_len > 0;
}

static void on_datagrams(struct service *s, struct load_batch *b)
{
	struct mmsghdr out[LOAD_BATCH];
	unsigned nout = 0, sent = 0;
	int n;
	struct mmsghdr *m = load_receive(b, s->fd, &n);
	const uint64_t now = load_now_ns();

	for (int i = 0; i < n; i++) {
		if (!s->dns && *(const uint8_t *)m[i].msg_hdr.msg_iov->iov_base == LOAD_DATA)
			load_add(&s->count, &m[i], now);
		else if (s->dns ? answers_name(s, &m[i]) : answers(s, &m[i]))
			out[nout++] = m[i];
	}
	while (sent < nout) {
		int r = sendmmsg(s->fd, out + sent, nout - sent, MSG_NOSIGNAL);

		sent += r > 0 ? (unsigned)r : 1;
	}
}

int probe_loadserve(int argc, char **argv)
{
	struct load_batch *b = load_batch_new();
	struct service s[4] = { 0 };
	struct pollfd p[ARRAY_SIZE(s)];
	nfds_t n = 0;

	signal(SIGCHLD, SIG_IGN);
	for (int i = 2; i < argc && n < ARRAY_SIZE(s); i++, n++) {
		const bool gro = strncmp(argv[i], "gro:", 4) == 0;
		const bool dns = strncmp(argv[i], "dns:", 4) == 0;

		addr_parse(&s[n].self, argv[1], argv[i] + (gro || dns ? 4 : 0));
		s[n].fd = load_socket(&s[n].self, gro);
		s[n].dns = dns;
		if (bind(s[n].fd, &s[n].self.sa, s[n].self.len) < 0)
			die("%s port %s: %s", argv[1], argv[i], strerror(errno));
		p[n] = (struct pollfd){ .fd = s[n].fd, .events = POLLIN };
	}
	puts("ready");
	while (poll(p, n, -1) >= 0 || errno == EINTR) {
		for (nfds_t i = 0; i < n; i++) {
			if (p[i].revents)
				on_datagrams(&s[i], b);
		}
	}
	return 1;
}
