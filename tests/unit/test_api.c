// SPDX-License-Identifier: Apache-2.0
/* test_api.c - the API as its clients see it: a server in a process of its own, we are the relay */
#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <arpa/inet.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/http.h"
#include "lib/base/loop.h"
#include "lib/ipc/worker.h"
#include "lib/parent/api.h"
#include "lib/parent/ports.h"

#define ANSWER_MAX 8192
#ifndef __SANITIZE_ADDRESS__
#define __SANITIZE_ADDRESS__ 0 /* as gcc and clang define it with -fsanitize=address */
#endif
#define LONG_NAME "a-directory-whose-name-alone-is-nearly-as-long-as-the-path-of-a-socket-may-be-"

static char top[] = "/tmp/test_api.XXXXXX", dir[256];
static int dirfd_ = -1, relay = -1;
static pid_t server = -1;

static const char *const dns[] = { "10.0.2.3", NULL };
static const char *const protos[] = { "tcp", "tcp4", "tcp6", NULL };

static void on_relay(evutil_socket_t fd, short what, void *arg)
{
	struct msg m;

	(void)what;
	if (msg_recv(fd, &worker_proto, ROLE_RELAY, WORKER_UP, 0, &m) > 0)
		ports_on_removed(arg, ((struct worker_port_id *)m.payload)->id);
	else
		_exit(0);
}

static const struct api_worker workers[] = { { NULL, "none", 0 }, { "relay", "up", 2 } };

static void run_server(int relay_sock, bool with_ports)
{
	struct event_base *base = event_base_new();
	struct port_env env = { .relay_sock = relay_sock,
				.loopback = true,
				.have_child_ip = true,
				.source_ip_transparent = true };
	struct api_info info = { .version = "3.1.0+rootless-supervisor.0.1.0",
				 .state_dir = "/run/x",
				 .child_pid = 42,
				 .net_driver = "slirp4netns",
				 .dns = dns,
				 .child_ip = "10.0.2.100",
				 .port_driver = "builtin",
				 .protos = protos,
				 .disallow_loopback_child_ip = true,
				 .workers = workers,
				 .nworkers = ARRAY_SIZE(workers) };
	struct ports *ports = NULL;
	struct api *api;
	struct err err = { 0 };

	inet_pton(AF_INET, "10.0.2.100", &env.child_ip);
	if (!with_ports)
		info = (struct api_info){ .version = "1", .state_dir = "/s", .child_pid = 1 };
	if ((with_ports &&
	     ports_new(base, port_driver_find("builtin", false), &env, &ports, &err) < 0) ||
	    api_new(base, dirfd_, &info, ports, &api, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		_exit(1);
	}
	event_add(event_new(base, relay_sock, EV_READ | EV_PERSIST, on_relay, ports), NULL);
	event_base_dispatch(base);
	_exit(0);
}

static void start_in(const char *name, bool with_ports)
{
	char path[300];
	int pair[2];

	ck_assert_ptr_nonnull(mkdtemp(top));
	snprintf(dir, sizeof(dir), "%s/%s", top, name);
	ck_assert(mkdir(dir, 0700) == 0 || errno == EEXIST);
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dirfd_, 0);
	close(openat(dirfd_, "api.sock", O_CREAT | O_WRONLY | O_CLOEXEC, 0644)); /* a stale one */
	ck_assert_int_eq(msg_pair(pair), 0);
	relay = pair[1];
	server = fork();
	if (server == 0) {
		close(relay);
		run_server(pair[0], with_ports);
	}
	close(pair[0]);
	snprintf(path, sizeof(path), "%s/api.sock", dir);
	for (int i = 0; i < 500; i++) { /* until it listens */
		struct http_request req = { path, "GET", "/", NULL, 1000 };
		struct http_answer a;

		if (http_call(&req, &a, NULL) == 0) {
			free(a.body);
			return;
		}
		usleep(10000);
	}
	ck_abort_msg("the server did not come up");
}

static void start(void)
{
	start_in("s", true);
}

static void stop(void)
{
	close(relay);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	unlinkat(dirfd_, "api.sock", 0);
	close(dirfd_);
	rmdir(dir);
	rmdir(top);
}

static int dial(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%.90s/api.sock", dir);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

/* what comes until end of file or @ms are over */
static const char *read_answer(int fd, unsigned ms)
{
	static char answer[ANSWER_MAX];
	uint64_t end = clock_ms() + ms;
	size_t len = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t now = clock_ms();
		ssize_t n;

		if (now >= end || poll(&p, 1, (int)(end - now)) <= 0)
			break;
		n = read(fd, answer + len, sizeof(answer) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	answer[len] = '\0';
	return answer;
}

static const char *ask_raw(const char *request, size_t len)
{
	autoclose int fd = dial();

	ck_assert_int_eq(send(fd, request, len, MSG_NOSIGNAL), (ssize_t)len);
	return read_answer(fd, 3000);
}

static const char *ask(const char *method, const char *target, const char *body)
{
	char request[4096];
	int len = snprintf(request, sizeof(request),
			   "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s", method,
			   target, strlen(body), body);

	return ask_raw(request, (size_t)len);
}

static int free_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	return ntohs(in.sin_port);
}

START_TEST(info_and_ports_look_like_rootlesskits)
{
	char body[256], want[512], request[64];
	int port = free_port();
	struct msg m;

	start();
	ck_assert_str_eq(
		ask("GET", "/v1/info", ""),
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 327\r\n"
		"Connection: close\r\n\r\n"
		"{\"apiVersion\":\"1.1.2\",\"version\":\"3.1.0+rootless-supervisor.0.1.0\","
		"\"stateDir\":\"/run/x\",\"childPID\":42,\"networkDriver\":{\"driver\":"
		"\"slirp4netns\",\"dns\":[\"10.0.2.3\"],\"childIP\":\"10.0.2.100\"},"
		"\"portDriver\":{\"driver\":\"builtin\",\"protos\":[\"tcp\",\"tcp4\",\"tcp6\"],"
		"\"disallowLoopbackChildIP\":true},"
		"\"workers\":{\"relay\":{\"state\":\"up\",\"restarts\":2}}}");
	ck_assert_ptr_nonnull(strstr(ask("GET", "http://h/v1/ports?x=y", ""), "\r\n\r\nnull"));
	snprintf(
		body, sizeof(body),
		"{\"PROTO\":\"tcp4\",\"parentIp\":\"127.0.0.1\",\"parentPort\":%d,\"childPort\":80,"
		"\"more\":[{}]} and more",
		port);
	snprintf(want, sizeof(want),
		 "{\"id\":1,\"spec\":{\"proto\":\"tcp4\",\"parentIP\":\"127.0.0.1\","
		 "\"parentPort\":%d,\"childPort\":80}}",
		 port);
	ck_assert_ptr_nonnull(strstr(ask("POST", "/v1/ports", body), want));
	ck_assert_int_eq(msg_recv_within(relay, &worker_proto, ROLE_PARENT, WORKER_UP, 10000, &m),
			 1);
	msg_close_fds(&m);
	snprintf(request, sizeof(request), "\r\n\r\n[%.20s", want);
	ck_assert_ptr_nonnull(strstr(ask("GET", "/v1/ports", ""), request));
	ck_assert_ptr_nonnull(
		strstr(ask("POST", "/v1/ports", body), "HTTP/1.1 400 Bad Request\r\n"));
	ck_assert_ptr_nonnull(strstr(ask("POST", "/v1/ports", body),
				     "\r\n\r\n{\"message\":\"conflict with ID 1\"}\n"));
	stop();
}
END_TEST

START_TEST(delete_answers_when_the_port_is_free)
{
	static const char request[] = "DELETE /v1/ports/1 HTTP/1.1\r\n\r\n";
	struct worker_port_id id = { 1 };
	char body[128];
	int fd;
	struct msg m;

	start();
	snprintf(body, sizeof(body), "{\"proto\":\"tcp\",\"parentPort\":%d,\"childPort\":80}",
		 free_port());
	ck_assert_ptr_nonnull(strstr(ask("POST", "/v1/ports", body), "201 Created"));
	ck_assert_int_eq(msg_recv_within(relay, &worker_proto, ROLE_PARENT, WORKER_UP, 10000, &m),
			 1);
	msg_close_fds(&m);
	fd = dial();
	ck_assert_int_eq(send(fd, request, sizeof(request) - 1, 0), (int)sizeof(request) - 1);
	ck_assert_int_eq(msg_recv_within(relay, &worker_proto, ROLE_PARENT, WORKER_UP, 10000, &m),
			 1);
	ck_assert_int_eq(m.type, WORKER_PORT_REMOVE);
	ck_assert_str_eq(read_answer(fd, 100), "");
	ck_assert_int_eq(msg_send(relay, &worker_proto, WORKER_PORT_REMOVED, &id, NULL, 0), 0);
	ck_assert_str_eq(read_answer(fd, 2000),
			 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	close(fd);

	/* the client leaves before the relay answers */
	ck_assert_ptr_nonnull(strstr(ask("POST", "/v1/ports", body), "\"id\":2"));
	fd = dial();
	ck_assert_int_gt(send(fd, "DELETE /v1/ports/2 HTTP/1.0\r\n\r\n", 31, 0), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(
			msg_recv_within(relay, &worker_proto, ROLE_PARENT, WORKER_UP, 10000, &m),
			1);
		msg_close_fds(&m);
	}
	close(fd);
	usleep(50000);
	id.id = 2;
	ck_assert_int_eq(msg_send(relay, &worker_proto, WORKER_PORT_REMOVED, &id, NULL, 0), 0);
	ck_assert_ptr_nonnull(strstr(ask("GET", "/v1/ports", ""), "null"));
	stop();
}
END_TEST

static const struct row {
	const char *method, *target, *body;
	const char *want; /* what the answer ends with */
	int status;
} rows[] = {
	{ "GET", "/", "", "404 page not found\n", 404 },
	{ "GET", "/v1/info/", "", "404 page not found\n", 404 },
	{ "GET", "/v2/info", "", "404 page not found\n", 404 },
	{ "GET", "/v1/../v1/info", "", "404 page not found\n", 404 },
	{ "DELETE", "/v1/ports/", "", "404 page not found\n", 404 },
	{ "DELETE", "/v1/ports/1/2", "", "404 page not found\n", 404 },
	{ "PUT", "/v1/info", "", "\r\n\r\n", 405 },
	{ "HEAD", "/v1/info", "", "\r\n\r\n", 405 },
	{ "WHATEVER", "/v1/ports", "", "\r\n\r\n", 405 },
	{ "DELETE", "/v1/ports", "", "\r\n\r\n", 405 },
	{ "GET", "/v1/ports/1", "", "\r\n\r\n", 405 },
	{ "DELETE", "/v1/ports/1", "", "{\"message\":\"unknown id: 1\"}\n", 400 },
	{ "DELETE", "/v1/ports/-1", "", "{\"message\":\"unknown id: -1\"}\n", 400 },
	{ "DELETE", "/v1/ports/4294967297", "", "{\"message\":\"unknown id: 4294967297\"}\n", 400 },
	{ "DELETE", "/v1/ports/x", "",
	  "{\"message\":\"bad id x: strconv.Atoi: parsing \\\"x\\\": invalid syntax\"}\n", 400 },
	{ "DELETE", "/v1/ports/99999999999999999999", "",
	  "{\"message\":\"bad id 99999999999999999999: strconv.Atoi: parsing "
	  "\\\"99999999999999999999\\\": value out of range\"}\n",
	  400 },
	{ "POST", "/v1/ports", "", "{\"message\":\"EOF\"}\n", 400 },
	{ "POST", "/v1/ports", " \n", "{\"message\":\"EOF\"}\n", 400 },
	{ "POST", "/v1/ports", "{", "{\"message\":\"unexpected EOF\"}\n", 400 },
	{ "POST", "/v1/ports", "[1]",
	  "{\"message\":\"json: cannot unmarshal array into Go value of type port.Spec\"}\n", 400 },
	{ "POST", "/v1/ports", "1",
	  "{\"message\":\"json: cannot unmarshal number into Go value of type port.Spec\"}\n",
	  400 },
	{ "POST", "/v1/ports", "null", "{\"message\":\"unknown proto: \\\"\\\"\"}\n", 400 },
	{ "POST", "/v1/ports", "{\"proto\":1}",
	  "{\"message\":\"json: cannot unmarshal number into Go struct field Spec.proto of type "
	  "string\"}\n",
	  400 },
	{ "POST", "/v1/ports", "{\"parentPort\":\"1\"}",
	  "{\"message\":\"json: cannot unmarshal string into Go struct field Spec.parentPort of "
	  "type int\"}\n",
	  400 },
	{ "POST", "/v1/ports", "{\"parentPort\":1.5}",
	  "{\"message\":\"json: cannot unmarshal number 1.5 into Go struct field Spec.parentPort "
	  "of type int\"}\n",
	  400 },
	{ "POST", "/v1/ports", "{\"proto\":\"tcp\",\"parentPort\":null,\"childPort\":[1]}",
	  "{\"message\":\"json: cannot unmarshal array into Go struct field Spec.childPort of type "
	  "int\"}\n",
	  400 },
	{ "POST", "/v1/ports", "{\"proto\":\"tcp\",\"parentPort\":70000,\"childPort\":1}", "}\n",
	  400 },
	{ "POST", "/v1/ports",
	  "{\"proto\":\"tcp\",\"parentPort\":9223372036854775807,\"childPort\":1}", "}\n", 400 },
	{ "POST", "/v1/ports", "{\"proto\":\"tcp\",\"parentPort\":1e999}", "}\n", 400 },
	{ "POST", "/v1/ports", "{\"proto\":\"tcp tcp tcp\"}",
	  "{\"message\":\"unknown proto: \\\"tcp tcp tcp\\\"\"}\n", 400 },
	{ "POST", "/v1/ports", "{\"proto\":\"tcp\\u0000\"}", "}\n", 400 },
	{ "POST", "/v1/ports", "{\"proto\":\"tcp\",\"proto\":\"NaN\"}",
	  "{\"message\":\"unknown proto: \\\"NaN\\\"\"}\n", 400 },
	{ "POST", "/v1/ports", "{\"proto\":\"tcp\",\"parentIP\":\"x\"}",
	  "{\"message\":\"invalid ParentIP: \\\"x\\\"\"}\n", 400 },
	{ "POST", "/v1/ports", "\xff\xfe", "}\n", 400 },
};

static void check_answer(const char *answer, int status, const char *end)
{
	char head[32];
	size_t n = strlen(answer), m = strlen(end);

	snprintf(head, sizeof(head), "HTTP/1.1 %d ", status);
	ck_assert_msg(strncmp(answer, head, strlen(head)) == 0, "not %d: %s", status, answer);
	ck_assert_msg(n >= m && strcmp(answer + n - m, end) == 0, "no '%s' in: %s", end, answer);
	ck_assert_ptr_nonnull(strstr(answer, "\r\nConnection: close\r\n"));
}

START_TEST(wrong_requests_are_answered_in_gos_words)
{
	start();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_answer(ask(rows[i].method, rows[i].target, rows[i].body), rows[i].status,
			     rows[i].want);
	stop();
}
END_TEST

#define POST_HEAD "POST /v1/ports HTTP/1.1\r\n"
static const struct raw_row {
	const char *request;
	size_t len; /* 0: strlen() */
	int status;
	const char *want;
} raw_rows[] = {
	{ POST_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 0, 400,
	  "proto: \\\"\\\"\"}\n" },
	{ POST_HEAD "transfer-encoding:Chunked \r\n\r\n1;a=b\r\n{\r\n1\r\n}\r\n0\r\nX: y\r\n\r\n",
	  0, 400, "proto: \\\"\\\"\"}\n" },
	{ POST_HEAD "Transfer-Encoding: chunked\r\n\r\n11000\r\n", 0, 413, "}\n" },
	{ POST_HEAD "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n", 0, 413, "}\n" },
	{ POST_HEAD "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 0, 400, "}\n" },
	{ POST_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nxyz", 0, 400, "}\n" },
	{ POST_HEAD "Transfer-Encoding: gzip\r\n\r\n", 0, 501, "}\n" },
	{ POST_HEAD "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", 0, 400, "}\n" },
	{ POST_HEAD "Content-Length: 65537\r\n\r\n", 0, 413, "}\n" },
	{ POST_HEAD "Content-Length: 1073741824\r\n\r\nxxxxxxxxxxxxxxxxxx", 0, 413, "}\n" },
	{ POST_HEAD "Content-Length: 99999999999999999999\r\n\r\n", 0, 413, "}\n" },
	{ POST_HEAD "Content-Length: -1\r\n\r\n", 0, 400, "}\n" },
	{ POST_HEAD "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 0, 400, "}\n" },
	{ POST_HEAD "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 0, 400,
	  "proto: \\\"\\\"\"}\n" },
	{ POST_HEAD "Expect: 200-ok\r\n\r\n", 0, 417, "}\n" },
	{ "GET /v1/ports\r\n\r\n", 0, 400, "}\n" },
	{ "GET /v1/ports HTTP/2.0\r\n\r\n", 0, 505, "}\n" },
	{ "GET v1/ports HTTP/1.1\r\n\r\n", 0, 400, "}\n" },
	{ "GET /v1/ports HTTP/1.1\r\nNo colon\r\n\r\n", 0, 400, "}\n" },
	{ "GET /v1/ports HTTP/1.1\r\n folded: x\r\n\r\n", 0, 400, "}\n" },
	{ "GET /v1/po\0rts HTTP/1.1\r\n\r\n", 28, 400, "}\n" },
	{ "GET /v1/ports HTTP/1.1\r\nA: \0\r\n\r\n", 31, 400, "}\n" },
	{ POST_HEAD "Content-Length: 3\r\n\r\n{\0}", sizeof(POST_HEAD) - 1 + 24, 400, "}\n" },
	{ "GET /v1/ports HTTP/1.0\r\n\r\n", 0, 200, "null" },
	{ "GET /v1/ports HTTP/1.1\n\n", 0, 200, "null" },
	{ "\r\nGET /v1/ports HTTP/1.1\r\n\r\n", 0, 200, "null" },
	/* pipelined: the first is answered, the rest is not looked at */
	{ "GET /v1/ports HTTP/1.1\r\n\r\nGET /v1/info HTTP/1.1\r\n\r\nDELETE /v1/ports/1 "
	  "HTTP/1.1\r\n\r\n",
	  0, 200, "null" },
};

START_TEST(http_is_read_strictly)
{
	start();
	for (size_t i = 0; i < ARRAY_SIZE(raw_rows); i++) {
		const struct raw_row *r = &raw_rows[i];

		check_answer(ask_raw(r->request, r->len ? r->len : strlen(r->request)), r->status,
			     r->want);
	}
	stop();
}
END_TEST

static long server_rss_kb(void)
{
	char path[64];
	long pages = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", server);
	f = fopen(path, "re");
	ck_assert_int_eq(fscanf(f, "%*d %ld", &pages), 1);
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* sends @block again and again behind @head until the server stops taking it */
static const char *flood(const char *head, const char *block, size_t total)
{
	autoclose int fd = dial();
	size_t n = strlen(block);

	if (send(fd, head, strlen(head), MSG_NOSIGNAL) < 0)
		return "";
	for (size_t sent = 0; sent < total; sent += n) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };

		if (poll(&p, 1, 1500) <= 0 || send(fd, block, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
	}
	return read_answer(fd, 3000);
}

START_TEST(floods_are_cut_off_and_cost_no_memory)
{
	char block[1024];
	long before;

	memset(block, 'x', sizeof(block));
	memcpy(block + sizeof(block) - 3, "\r\n", 3);
	start();
	ask("GET", "/v1/info", "");
	before = server_rss_kb();
	check_answer(flood("GET /v1/info HTTP/1.1\r\n", "X: y\r\n", 1 << 20), 431, "}\n");
	check_answer(flood("GET /", block + 2, 1 << 20), 400, "}\n");
	check_answer(flood(POST_HEAD "Content-Length: 1073741824\r\n\r\n", block, 1 << 24), 413,
		     "}\n");
	check_answer(flood(POST_HEAD "Transfer-Encoding: chunked\r\n\r\n", "1\r\n[\r\n", 1 << 20),
		     431, "}\n");
	memset(block, '[', sizeof(block) - 1);
	block[sizeof(block) - 1] = '\0';
	check_answer(flood(POST_HEAD "Content-Length: 65536\r\n\r\n", block, 1 << 16), 400, "}\n");
	check_answer(flood("", "GET /v1/info HTTP/1.1\r\n\r\n", 10000 * 25), 200, "}");
	if (!__SANITIZE_ADDRESS__)
		ck_assert_int_lt(server_rss_kb() - before, 1024);
	stop();
}
END_TEST

START_TEST(expect_100_continue_is_served)
{
	static const char head[] = POST_HEAD "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
	int fd;

	start();
	fd = dial();
	ck_assert_int_gt(send(fd, head, sizeof(head) - 1, 0), 0);
	ck_assert_str_eq(read_answer(fd, 1500), "HTTP/1.1 100 Continue\r\n\r\n");
	ck_assert_int_eq(send(fd, "{}", 2, 0), 2);
	check_answer(read_answer(fd, 3000), 400, "proto: \\\"\\\"\"}\n");
	close(fd);
	stop();
}
END_TEST

START_TEST(slow_and_silent_clients_do_not_keep_others_out)
{
	int fds[1000];
	uint64_t begin, longest = 0;

	start();
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = dial();
		if (i % 3 == 0)
			ck_assert_int_eq(send(fds[i], "G", 1, MSG_NOSIGNAL), 1);
		if (i % 7 == 0)
			shutdown(fds[i], SHUT_WR);
		if (i % 50 == 0) {
			begin = clock_ms();
			check_answer(ask("GET", "/v1/ports", ""), 200, "null");
			longest = clock_ms() - begin > longest ? clock_ms() - begin : longest;
		}
	}
	ck_assert_uint_lt(longest, 3000);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	check_answer(ask("GET", "/v1/ports", ""), 200, "null");
	stop();
}
END_TEST

START_TEST(a_half_closed_client_gets_its_answer)
{
	int fd;

	start();
	fd = dial();
	ck_assert_int_gt(send(fd, "GET /v1/ports HTTP/1.1\r\n\r\n", 26, 0), 0);
	shutdown(fd, SHUT_WR);
	check_answer(read_answer(fd, 3000), 200, "null");
	close(fd);
	stop();
}
END_TEST

START_TEST(a_stranger_is_refused)
{
	struct stat st;
	pid_t pid;
	int status;

	start();
	ck_assert_int_eq(fstatat(dirfd_, "api.sock", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	if (geteuid() == 0) {
		ck_assert_int_eq(chmod(top, 0755), 0);
		ck_assert_int_eq(chmod(dir, 0755), 0);
		ck_assert_int_eq(fchmodat(dirfd_, "api.sock", 0666, 0), 0);
		pid = fork();
		if (pid == 0) {
			if (setresuid(65534, 65534, 65534) < 0)
				_exit(1);
			_exit(strncmp(ask("GET", "/v1/info", ""), "HTTP/1.1 403 ", 13) != 0);
		}
		waitpid(pid, &status, 0);
		ck_assert_int_eq(status, 0);
	}
	stop();
}
END_TEST

START_TEST(a_long_state_dir_and_no_port_driver)
{
	char path[300];
	struct http_request req = { path, "GET", "/v1/info", NULL, 3000 };
	struct http_answer a;

	start_in(LONG_NAME LONG_NAME, false);
	snprintf(path, sizeof(path), "%s/api.sock", dir);
	ck_assert_uint_gt(strlen(path), 107);
	ck_assert_int_eq(http_call(&req, &a, NULL), 0);
	ck_assert_str_eq(a.body, "{\"apiVersion\":\"1.1.2\",\"version\":\"1\",\"stateDir\":\"/s\","
				 "\"childPID\":1}");
	free(a.body);
	req.path = "/v1/ports";
	ck_assert_int_eq(http_call(&req, &a, NULL), 0);
	ck_assert_int_eq(a.status, 400);
	ck_assert_str_eq(a.body, "{\"message\":\"no PortDriver is available\"}\n");
	free(a.body);
	stop();
}
END_TEST

/* rootlessctl of this build: what it prints on both outputs, and its exit status at the end */
static const char *ctl(const char *args)
{
	static char out[ANSWER_MAX];
	char self[PATH_MAX], command[PATH_MAX + 512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t len;
	FILE *f;

	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	snprintf(command, sizeof(command),
		 "%s/../../cmd/rootlessctl/rootlessctl --socket %s/api.sock %s 2>&1; echo \"[$?]\"",
		 dirname(self), dir, args);
	f = popen(command, "re");
	len = fread(out, 1, sizeof(out) - 1, f);
	out[len] = '\0';
	pclose(f);
	return out;
}

START_TEST(rootlessctl_prints_what_rootlesskits_does)
{
	int a = free_port(), b = free_port();
	struct worker_port_id id = { 1 };
	char args[256], want[512];
	pid_t pid;

	start();
	if (strstr(ctl("--version"), "[127]")) { /* not built */
		stop();
		return;
	}
	ck_assert_str_eq(
		ctl("list-ports"),
		"ID    PROTO    PARENTIP    PARENTPORT    CHILDIP    CHILDPORT    \n[0]\n");
	ck_assert_str_eq(ctl("info"), "- REST API version: 1.1.2\n"
				      "- Implementation version: 3.1.0+rootless-supervisor.0.1.0\n"
				      "- State Directory: /run/x\n- Child PID: 42\n"
				      "- Network Driver: slirp4netns\n  - DNS: [10.0.2.3]\n"
				      "  - IP: 10.0.2.100\n- Port Driver: builtin\n"
				      "  - Supported protocols: [tcp tcp4 tcp6]\n[0]\n");
	ck_assert_ptr_nonnull(strstr(ctl("info --json"), "{\n    \"apiVersion\": \"1.1.2\",\n"));
	ck_assert_str_eq(ctl("add-ports"), "error: no port specified\n[1]\n");
	ck_assert_str_eq(ctl("add-ports 8080"),
			 "error: missing proto in PortSpec string: \"8080\"\n[1]\n");
	snprintf(args, sizeof(args),
		 "add-ports 127.0.0.1:%d:80/tcp 127.0.0.1:%d:127.0.0.1:80/tcp 127.0.0.1:%d:80/tcp",
		 a, b, a);
	ck_assert_str_eq(ctl(args), "1\n2\nerror: conflict with ID 1\n[1]\n");
	snprintf(want, sizeof(want),
		 "ID    PROTO    PARENTIP     PARENTPORT    CHILDIP      CHILDPORT    \n"
		 "1     tcp      127.0.0.1    %-14d             80           \n"
		 "2     tcp      127.0.0.1    %-14d127.0.0.1    80           \n[0]\n",
		 a, b);
	ck_assert_str_eq(ctl("list-ports"), want);
	snprintf(want, sizeof(want),
		 "{\"id\":1,\"spec\":{\"proto\":\"tcp\",\"parentIP\":\"127.0.0.1\",\"parentPort\":%"
		 "d,"
		 "\"childPort\":80}}\n",
		 a);
	ck_assert_int_eq(strncmp(ctl("list-ports --json"), want, strlen(want)), 0);
	pid = fork();
	if (pid == 0) { /* the relay answers */
		struct msg m;

		do
			msg_recv_within(relay, &worker_proto, ROLE_PARENT, WORKER_UP, 5000, &m);
		while (m.type != WORKER_PORT_REMOVE);
		_exit(msg_send(relay, &worker_proto, WORKER_PORT_REMOVED, &id, NULL, 0) != 0);
	}
	ck_assert_str_eq(ctl("remove-ports 1 1"), "1\nerror: unknown id: 1\n[1]\n");
	waitpid(pid, NULL, 0);
	ck_assert_str_eq(ctl("remove-ports x"),
			 "error: strconv.Atoi: parsing \"x\": invalid syntax\n[1]\n");
	ck_assert_str_eq(ctl("foo"), "No help topic for 'foo'\n[3]\n");
	stop();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("api");
	TCase *c = tcase_create("api");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, info_and_ports_look_like_rootlesskits);
	tcase_add_test(c, delete_answers_when_the_port_is_free);
	tcase_add_test(c, wrong_requests_are_answered_in_gos_words);
	tcase_add_test(c, http_is_read_strictly);
	tcase_add_test(c, floods_are_cut_off_and_cost_no_memory);
	tcase_add_test(c, expect_100_continue_is_served);
	tcase_add_test(c, slow_and_silent_clients_do_not_keep_others_out);
	tcase_add_test(c, a_half_closed_client_gets_its_answer);
	tcase_add_test(c, a_stranger_is_refused);
	tcase_add_test(c, a_long_state_dir_and_no_port_driver);
	tcase_add_test(c, rootlessctl_prints_what_rootlesskits_does);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
