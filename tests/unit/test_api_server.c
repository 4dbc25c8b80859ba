// SPDX-License-Identifier: Apache-2.0
/* test_api_server.c - the clock of the API's server */
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

START_TEST(a_request_has_a_limit_of_time)
{
	int pair[2];
	struct sockaddr_un un = { .sun_family = AF_UNIX }, bound;
	struct api_server_opts opts = { .request_ms = REQUEST_MS, .handler = never };
	socklen_t len = sizeof(bound);
	struct api_server *s;
	struct event_base *base;
	bool waiting = true;
	char byte;

	opts.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(opts.listen_fd, (struct sockaddr *)&un, sizeof(un.sun_family)), 0);
	getsockname(opts.listen_fd, (struct sockaddr *)&bound, &len);
	base = event_base_new();
	ck_assert_int_eq(api_server_new(base, &opts, &s, NULL), 0);
	for (int i = 0; i < 2; i++) {
		pair[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ck_assert_int_eq(connect(pair[i], (struct sockaddr *)&bound, len), 0);
	}
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
	api_server_free(s);
	event_base_free(base);
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
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
