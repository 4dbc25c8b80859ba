// SPDX-License-Identifier: Apache-2.0
/* loadclient.c - the asking end of a load: floods either way, and requests over many sockets */
#include "load.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "lib/base/cleanup.h"

#define TRY_MS 100
#define TRIES 50
#define REPEAT_NS 1000000000u /* what was lost is sent again */
#define TAKEN_MAX 8000000     /* answers whose time is kept */

static int connected(const struct addr *to, bool gro)
{
	int fd = load_socket(to, gro);

	if (connect(fd, &to->sa, to->len) < 0)
		die("connect: %s", strerror(errno));
	return fd;
}

/* what `loadserve` answers to one byte */
static void ask(int fd, char what, char *ret, size_t size)
{
	for (int i = 0; i < TRIES; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		send(fd, &what, 1, MSG_NOSIGNAL);
		if (poll(&p, 1, TRY_MS) != 1)
			continue;
		n = recv(fd, ret, size - 1, MSG_DONTWAIT);
		if (n > 0) {
			ret[n] = '\0';
			return;
		}
	}
	die("the other end does not answer");
}

/* @sent: 0: the other end knows */
static int show(const char *count, uint64_t sent)
{
	uint64_t datagrams, bytes, ns;

	if (sscanf(count, "%" SCNu64 " %" SCNu64 " %" SCNu64, &datagrams, &bytes, &ns) != 3 || !ns)
		die("nothing was received: '%s'", count);
	printf("%.0f %.3f ", (double)datagrams * 1e9 / (double)ns, (double)bytes * 8 / (double)ns);
	if (sent)
		printf("%" PRIu64 " ", sent);
	printf("%" PRIu64 "\n", datagrams);
	return 0;
}

int probe_blast(int argc, char **argv)
{
	const bool gso = argc > 1 && strcmp(argv[1], "-g") == 0;
	const bool paced = argc > 2 && strcmp(argv[1], "-r") == 0;
	const int options = gso ? 1 : paced ? 2 : 0, per_ms = paced ? atoi(argv[2]) : 0;
	char text[100];
	struct addr to;
	uint64_t sent;

	argv += options;
	if (argc - options != 5 || atoi(argv[4]) <= 0 || (paced && per_ms <= 0))
		die("blast wants [-g | -r PER_MS] ADDR PORT MS SIZE");
	addr_parse(&to, argv[1], argv[2]);
	autoclose int fd = connected(&to, false);
	ask(fd, LOAD_NEW, text, sizeof(text));
	sent = load_blast(fd, NULL, atoi(argv[3]), (size_t)atoi(argv[4]), gso, (unsigned)per_ms);
	poll(NULL, 0, TRY_MS); /* what is on the way arrives */
	do
		ask(fd, LOAD_COUNT, text, sizeof(text));
	while (text[0] == LOAD_NEW);
	return show(text, sent);
}

int probe_pull(int argc, char **argv)
{
	struct load_batch *b = load_batch_new();
	struct load_count count = { 0 };
	char text[100];
	struct addr to;
	uint64_t end;

	if (argc != 5)
		die("pull wants ADDR PORT MS SIZE");
	addr_parse(&to, argv[1], argv[2]);
	autoclose int fd = connected(&to, false);
	ask(fd, LOAD_NEW, text, sizeof(text));
	snprintf(text, sizeof(text), "%c %s %s", LOAD_BLAST, argv[3], argv[4]);
	send(fd, text, strlen(text), MSG_NOSIGNAL);
	end = load_now_ns() + (uint64_t)(atoi(argv[3]) + 2 * TRY_MS) * 1000000;
	while (load_now_ns() < end) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		struct mmsghdr *m;
		int n;

		if (poll(&p, 1, TRY_MS) != 1)
			continue;
		m = load_receive(b, fd, &n);
		for (int i = 0; i < n; i++) {
			if (*(const uint8_t *)m[i].msg_hdr.msg_iov->iov_base == LOAD_DATA)
				load_add(&count, &m[i], load_now_ns());
		}
	}
	load_print(&count, text, sizeof(text));
	free(b);
	return show(text, 0);
}

/* --- requests ------------------------------------------------------------------------------- */

struct asker {
	int fd;
	uint64_t begin_ns, sent_ns;
	uint16_t id;
};

static uint8_t question[LOAD_MAX];
static size_t question_len;
static bool of_dns;
static uint32_t *taken; /* ns */
static size_t ntaken;

/* @again: the same once more */
static void asker_send(struct asker *a, bool again)
{
	a->sent_ns = load_now_ns();
	if (!again) {
		a->id++;
		a->begin_ns = a->sent_ns;
	}
	memcpy(question + (of_dns ? 0 : 1), &a->id, sizeof(a->id));
	send(a->fd, question, question_len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void asker_receive(struct asker *a)
{
	static uint8_t answer[LOAD_MAX];
	ssize_t n = recv(a->fd, answer, sizeof(answer), MSG_DONTWAIT);

	if (n < (ssize_t)question_len || memcmp(answer + (of_dns ? 0 : 1), &a->id, sizeof(a->id)))
		return;
	if (of_dns && ((answer[3] & 15) || !answer[7]))
		die("the name server has no answer");
	if (ntaken < TAKEN_MAX)
		taken[ntaken++] = (uint32_t)(load_now_ns() - a->begin_ns);
	asker_send(a, false);
}

static int by_value(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void run(struct asker *all, int n, int epfd, uint64_t end_ns)
{
	uint64_t look_ns = load_now_ns() + REPEAT_NS, now;

	while ((now = load_now_ns()) < end_ns) {
		struct epoll_event e[LOAD_BATCH];
		int ready = epoll_wait(epfd, e, LOAD_BATCH, TRY_MS);

		for (int i = 0; i < ready; i++)
			asker_receive(e[i].data.ptr);
		if (now < look_ns)
			continue;
		look_ns = now + REPEAT_NS / 10;
		for (int i = 0; i < n; i++) {
			if (now > all[i].sent_ns + REPEAT_NS)
				asker_send(&all[i], true);
		}
	}
}

/* the question for web.world.test, or a request of 200 bytes */
static void make_question(void)
{
	static const uint8_t head[] = { 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
	static const char name[] = "\3web\5world\4test\0\0\1\0"; /* and a 1 */

	if (!of_dns) {
		memset(question, LOAD_REQUEST, question_len = 200);
		return;
	}
	memcpy(question, head, sizeof(head));
	memcpy(question + sizeof(head), name, sizeof(name));
	question_len = sizeof(head) + sizeof(name);
	question[question_len - 1] = 1;
}

int probe_rounds(int argc, char **argv)
{
	int epfd = epoll_create1(EPOLL_CLOEXEC), n, ms;
	struct asker *all;
	struct addr to;

	of_dns = argc > 1 && strcmp(argv[1], "-d") == 0;
	argv += of_dns;
	if (argc - of_dns != 5 || (n = atoi(argv[4])) <= 0)
		die("rounds wants [-d] ADDR PORT MS SOCKETS");
	addr_parse(&to, argv[1], argv[2]);
	ms = atoi(argv[3]);
	make_question();
	all = calloc((size_t)n, sizeof(*all));
	taken = calloc(TAKEN_MAX, sizeof(*taken));
	if (!all || !taken)
		die("out of memory");
	for (int i = 0; i < n; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = &all[i] };

		all[i].fd = connected(&to, false);
		epoll_ctl(epfd, EPOLL_CTL_ADD, all[i].fd, &e);
		asker_send(&all[i], false);
	}
	run(all, n, epfd, load_now_ns() + (uint64_t)ms * 1000000);
	if (!ntaken)
		die("no answer came");
	qsort(taken, ntaken, sizeof(*taken), by_value);
	const uint32_t median = taken[ntaken / 2], p99 = taken[ntaken * 99 / 100];

	printf("%.0f %.0f %.0f %zu\n", (double)ntaken * 1e3 / ms, median / 1e3, p99 / 1e3, ntaken);
	free(all);
	free(taken);
	close(epfd);
	return 0;
}
