// SPDX-License-Identifier: Apache-2.0
/* test_http.c - the client reads what servers may send, and never for ever */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/http.h"
#include "lib/base/loop.h"

static char dir[] = "/tmp/test_http.XXXXXX", path[64];

static int listen_at(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

static void clean(void)
{
	unlink(path);
	rmdir(dir);
}

/* one connection: reads the request, sends @answer; holds the connection for @hold_ms behind it */
static pid_t serve(int fd, const char *answer, unsigned hold_ms)
{
	char buf[4096];
	pid_t pid = fork();
	int conn;

	if (pid)
		return pid;
	conn = accept(fd, NULL, NULL);
	if (read(conn, buf, sizeof(buf)) > 0)
		(void)!write(conn, answer, strlen(answer));
	usleep(hold_ms * 1000);
	_exit(0);
}

static const struct row {
	const char *answer, *body; /* NULL: refused */
	int status;
} rows[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull", "null", 200 },
	{ "HTTP/1.1 201 Created\r\ncontent-length:2\r\n\r\n{}trailing", "{}", 201 },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
	  "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
	  "abcde", 200 },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n404 page not found",
	  "404 page not found", 404 },
	{ "HTTP/1.0 200 OK\r\n\r\n", "", 200 },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nnull", NULL, 0 }, /* cut off */
	{ "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nnull", NULL, 0 },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nnull", NULL, 0 },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc\r\n",
	  NULL, 0 },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", NULL, 0 },
	{ "SSH-2.0-x\r\n\r\n", NULL, 0 },
	{ "HTTP/1.1 2x0 OK\r\n\r\n", NULL, 0 },
	{ "", NULL, 0 },
};

START_TEST(answers_are_read)
{
	autoclose int fd = listen_at();
	struct http_request req = { path, "GET", "/v1/info", NULL, 5000 };
	struct http_answer a = { 0 };
	struct err err = { 0 };
	int r;

	serve(fd, rows[_i].answer, 0);
	r = http_call(&req, &a, &err);
	clean();
	if (!rows[_i].body) {
		ck_assert_int_eq(r, -EPROTO);
		ck_assert_str_eq(err.msg, "Get \"http://rootlesskit/v1/info\": malformed answer: "
					  "protocol error");
		return;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(a.status, rows[_i].status);
	ck_assert_str_eq(a.body, rows[_i].body);
	ck_assert_uint_eq(a.body_len, strlen(rows[_i].body));
	free(a.body);
}
END_TEST

START_TEST(an_answer_with_a_length_does_not_wait_for_the_end)
{
	autoclose int fd = listen_at();
	struct http_request req = { path, "GET", "/", NULL, 5000 };
	uint64_t begin = clock_ms();
	struct http_answer a = { 0 };

	serve(fd, rows[0].answer, 8000);
	ck_assert_int_eq(http_call(&req, &a, NULL), 0);
	ck_assert_uint_lt(clock_ms() - begin, 4500);
	free(a.body);
	clean();
}
END_TEST

START_TEST(waiting_ends)
{
	autoclose int fd = listen_at();
	struct http_request req = { path, "DELETE", "/v1/ports/1", NULL, 200 };
	struct http_answer a;
	struct err err = { 0 };

	/* nobody accepts, then the backlog is full */
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(http_call(&req, &a, &err), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(err.msg, "Delete \"http://rootlesskit/v1/ports/1\": "));
	clean();
	ck_assert_int_eq(http_call(&req, &a, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, ": connect: no such file or directory"));
}
END_TEST

/* the limit is for all of it, not for each write */
START_TEST(a_server_that_reads_slowly_is_given_up)
{
	static char body[8 << 20], part[32 << 10];
	autoclose int fd = listen_at();
	struct http_request req = { path, "POST", "/", body, 300 };
	uint64_t begin = clock_ms();
	struct http_answer a = { 0 };
	pid_t pid = fork();

	if (pid == 0) { /* 25 s for all of it */
		int conn = accept(fd, NULL, NULL);

		while (read(conn, part, sizeof(part)) > 0)
			usleep(100 * 1000);
		_exit(0);
	}
	memset(body, 'x', sizeof(body) - 1);
	ck_assert_int_eq(http_call(&req, &a, NULL), -ETIMEDOUT);
	ck_assert_uint_lt(clock_ms() - begin, 10000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	clean();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http");
	TCase *c = tcase_create("http");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_set_timeout(c, 20);
	tcase_add_loop_test(c, answers_are_read, 0, ARRAY_SIZE(rows));
	tcase_add_test(c, an_answer_with_a_length_does_not_wait_for_the_end);
	tcase_add_test(c, waiting_ends);
	tcase_add_test(c, a_server_that_reads_slowly_is_given_up);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
