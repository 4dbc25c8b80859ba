// SPDX-License-Identifier: Apache-2.0
/* test_api_server.c - the clock of the API's server; its connections share nothing */
#include <check.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/loop.h"
#include "lib/parent/api_server.h"

#define REQUEST_MS 100

static const char *read_all(int fd)
{
	static char answer[1024];
	size_t len = 0;
	ssize_t n;

	do {
		n = recv(fd, answer + len, sizeof(answer) - 1 - len, MSG_DONTWAIT);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	answer[len] = '\0';
	return answer;
}

static void never(struct api_conn *c, const struct api_request *req, void *arg)
{
	(void)req;
	(void)arg;
	api_answer_error(c, 500, "not to be reached");
}

static struct event_base *base;
static struct api_server *server;
static struct sockaddr_un bound;
static socklen_t bound_len;

static void start(unsigned request_ms, api_handler_fn *handler)
{
	struct api_server_opts opts = { .request_ms = request_ms, .handler = handler };

	opts.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bound.sun_family = AF_UNIX;
	ck_assert_int_eq(bind(opts.listen_fd, (struct sockaddr *)&bound, sizeof(bound.sun_family)),
			 0);
	bound_len = sizeof(bound);
	getsockname(opts.listen_fd, (struct sockaddr *)&bound, &bound_len);
	base = event_base_new();
	ck_assert_int_eq(api_server_new(base, &opts, &server, NULL), 0);
}

static void stop(void)
{
	api_server_free(server);
	event_base_free(base);
}

static int dial(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&bound, bound_len), 0);
	return fd;
}

START_TEST(a_request_has_a_limit_of_time)
{
	int pair[2];
	bool waiting = true;
	char byte;

	start(REQUEST_MS, never);
	for (int i = 0; i < 2; i++)
		pair[i] = dial();
	for (int i = 0; i < 1000 && waiting; i++) { /* one byte each 10 ms */
		struct pollfd p[2] = { { .fd = pair[0], .events = POLLRDHUP },
				       { .fd = pair[1], .events = POLLRDHUP } };

		event_base_loop(base, EVLOOP_NONBLOCK);
		waiting = poll(p, 2, 0) < 2;
		if (waiting)
			send(pair[0], "G", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		usleep(10000);
	}
	ck_assert_int_eq(strncmp(read_all(pair[0]), "HTTP/1.1 408 ", 13), 0);
	ck_assert_str_eq(read_all(pair[1]), ""); /* silent: closed without a word */
	ck_assert_int_eq(recv(pair[1], &byte, 1, MSG_DONTWAIT), 0);
	close(pair[0]);
	close(pair[1]);
	stop();
}
END_TEST

/* --- many at once, each in pieces --------------------------------------------------------- */

#define AT_ONCE 24
#define REQUESTS 600
#define LONG_BODY 20000 /* more than is read at a time */

struct client {
	int fd;
	unsigned number;
	bool wrong; /* says what is no request, and leaves without a look at the answer */
	size_t len, at;
	char text[LONG_BODY + 200];
};

static void tell_target_and_body(struct api_conn *c, const struct api_request *req, void *arg)
{
	char body[100];

	(void)arg;
	snprintf(body, sizeof(body), "%s %s %zu %.20s", req->method, req->path, req->body_len,
		 req->body);
	api_answer(c, 200, "text/plain", body);
}

static size_t body_length(unsigned number)
{
	return number % 50 == 1 ? LONG_BODY : number % 30;
}

static void client_begin(struct client *c, unsigned number)
{
	size_t body = body_length(number);
	int n;

	c->fd = dial();
	c->number = number;
	c->wrong = number % 3 == 0;
	c->at = 0;
	n = snprintf(c->text, sizeof(c->text), "%s /v1/%u HTTP/1.1\r\nContent-Length: %zu\r\n\r\n",
		     number % 2 ? "POST" : "DELETE", number, body);
	if (c->wrong)
		n = snprintf(c->text, sizeof(c->text), "%u\n and what may be left of it\r\n\r\n",
			     number);
	memset(c->text + n, 'a' + (int)(number % 26), body);
	c->len = (size_t)n + body;
}

static void client_check(const struct client *c)
{
	size_t body = body_length(c->number);
	char want[100], letters[21];
	const char *answer;
	size_t len;

	memset(letters, 'a' + (int)(c->number % 26), sizeof(letters));
	snprintf(want, sizeof(want), "\r\n\r\n%s /v1/%u %zu %.*s",
		 c->number % 2 ? "POST" : "DELETE", c->number, body, (int)(body < 20 ? body : 20),
		 letters);
	for (int i = 0; i < 4; i++) /* it is read, answered, ended */
		event_base_loop(base, EVLOOP_NONBLOCK);
	answer = read_all(c->fd);
	ck_assert_int_eq(strncmp(answer, "HTTP/1.1 200 OK\r\n", 17), 0);
	len = strlen(want);
	ck_assert(strlen(answer) > len);
	ck_assert_str_eq(answer + strlen(answer) - len, want);
}

/* numbers of descriptors go from one to the next all the time: no byte does */
START_TEST(connections_share_nothing)
{
	static struct client clients[AT_ONCE];
	unsigned number = 0, seed = 1, answered = 0;

	start(60000, tell_target_and_body);
	while (number < AT_ONCE) {
		client_begin(&clients[number], number);
		number++;
	}
	while (number < REQUESTS) {
		struct client *c = &clients[(unsigned)rand_r(&seed) % AT_ONCE];
		size_t piece = c->at < 100 ? (size_t)rand_r(&seed) % 9 + 1 : c->len - c->at;
		ssize_t n;

		if (piece > c->len - c->at)
			piece = c->len - c->at;
		n = send(c->fd, c->text + c->at, piece, MSG_NOSIGNAL);
		ck_assert(n == (ssize_t)piece || c->wrong);
		c->at += piece;
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (c->at < c->len)
			continue;
		if (!c->wrong) {
			client_check(c);
			answered++;
		}
		close(c->fd);
		client_begin(c, number++);
	}
	ck_assert_uint_gt(answered, REQUESTS / 2);
	for (int i = 0; i < AT_ONCE; i++)
		close(clients[i].fd);
	stop();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("api_server");
	TCase *c = tcase_create("api_server");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_add_test(c, a_request_has_a_limit_of_time);
	tcase_add_test(c, connections_share_nothing);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
