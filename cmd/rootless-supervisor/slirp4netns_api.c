// SPDX-License-Identifier: Apache-2.0
/*
 * slirp4netns_api.c - the API socket of slirp4netns: ports of the host that lead to the guest
 *
 * A client sends one JSON object, gets one, and is hung up on. One client at a time: it has 2 s,
 * the others wait in the listener's queue. A port stays until it is removed or the program ends.
 */
#include "cmd/rootless-supervisor/slirp4netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/str.h"

#define REQUEST_MAX 4095
#define CLIENT_S 2
#define PAUSE_MS 100 /* after an accept that failed */
#define QUEUE 128
#define FORWARDS_MAX 1024 /* a list of all fits the buffer of a socket */

struct forward {
	int id;
	struct stack_forward to;
};

struct s4nn_api {
	struct stack *stack; /* borrowed */
	struct in_addr guest;
	int listener, client, timer, epoll; /* client: -1 for none */
	size_t got;
	char request[REQUEST_MAX + 1];
	struct forward forwards[FORWARDS_MAX];
	size_t nforwards;
	int last_id;
};

/* --- requests ----------------------------------------------------------------------------- */

static json_t *refuse(const char *why)
{
	return json_pack("{s:{s:o}}", "error", "desc", json_sprintf("bad request: %s", why));
}

/* absent or empty: @otherwise */
static bool read_address(const json_t *args, const char *key, struct in_addr otherwise,
			 struct in_addr *ret)
{
	const char *text = json_string_value(json_object_get(args, key));

	*ret = otherwise;
	return !text || !*text || inet_pton(AF_INET, text, ret) == 1;
}

static bool read_port(const json_t *args, const char *key, uint16_t *ret)
{
	json_int_t n = json_integer_value(json_object_get(args, key)); /* 0: none */

	*ret = (uint16_t)n;
	return n > 0 && n <= UINT16_MAX;
}

static json_t *do_add(struct s4nn_api *a, const json_t *args)
{
	const char *proto = json_string_value(json_object_get(args, "proto"));
	const struct in_addr any = { INADDR_ANY };
	struct forward f = { .id = a->last_id + 1 };

	if (!proto || (strcmp(proto, "tcp") != 0 && strcmp(proto, "udp") != 0))
		return refuse("add_hostfwd: bad arguments.proto");
	f.to.udp = proto[0] == 'u';
	if (!read_address(args, "host_addr", any, &f.to.host))
		return refuse("add_hostfwd: bad arguments.host_addr");
	if (!read_port(args, "host_port", &f.to.host_port))
		return refuse("add_hostfwd: bad arguments.host_port");
	if (!read_address(args, "guest_addr", a->guest, &f.to.guest))
		return refuse("add_hostfwd: bad arguments.guest_addr");
	if (!read_port(args, "guest_port", &f.to.guest_port))
		return refuse("add_hostfwd: bad arguments.guest_port");
	if (a->nforwards == FORWARDS_MAX || stack_forward_add(a->stack, &f.to) < 0)
		return refuse("add_hostfwd: slirp_add_hostfwd failed");
	a->last_id = f.id;
	a->forwards[a->nforwards++] = f;
	return json_pack("{s:{s:i}}", "return", "id", f.id);
}

static json_t *describe(const struct forward *f)
{
	char host[INET_ADDRSTRLEN], guest[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &f->to.host, host, sizeof(host));
	inet_ntop(AF_INET, &f->to.guest, guest, sizeof(guest));
	return json_pack("{s:i, s:s, s:s, s:i, s:s, s:i}", "id", f->id, "proto",
			 f->to.udp ? "udp" : "tcp", "host_addr", host, "host_port",
			 (int)f->to.host_port, "guest_addr", guest, "guest_port",
			 (int)f->to.guest_port);
}

static json_t *do_list(const struct s4nn_api *a)
{
	json_t *all = json_array();

	for (size_t i = 0; i < a->nforwards; i++)
		json_array_append_new(all, describe(&a->forwards[i]));
	return json_pack("{s:o}", "entries", all);
}

static json_t *do_remove(struct s4nn_api *a, const json_t *args)
{
	const json_t *id = json_object_get(args, "id");
	size_t i = 0;
	int r;

	while (i < a->nforwards &&
	       (!json_is_integer(id) || a->forwards[i].id != json_integer_value(id)))
		i++;
	if (i == a->nforwards)
		return refuse("remove_hostfwd: bad arguments.id");
	r = stack_forward_remove(a->stack, &a->forwards[i].to);
	memmove(&a->forwards[i], &a->forwards[i + 1],
		(--a->nforwards - i) * sizeof(a->forwards[0]));
	return r < 0 ? refuse("remove_hostfwd: slirp_remove_hostfwd failed")
		     : json_pack("{s:{}}", "return");
}

static json_t *handle(struct s4nn_api *a, const json_t *request)
{
	const json_t *args = json_object_get(request, "arguments");
	const char *execute = json_string_value(json_object_get(request, "execute"));

	if (!json_is_object(request))
		return refuse("json_object() failed");
	if (!execute)
		return refuse("no execute found");
	if (strcmp(execute, "add_hostfwd") == 0)
		return do_add(a, args);
	if (strcmp(execute, "list_hostfwd") == 0)
		return do_list(a);
	if (strcmp(execute, "remove_hostfwd") == 0)
		return do_remove(a, args);
	return refuse("unknown execute");
}

/* --- clients ------------------------------------------------------------------------------ */

static void watch(const struct s4nn_api *a, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	epoll_ctl(a->epoll, EPOLL_CTL_MOD, fd, &e);
}

/* or the end of a rest, when there is none */
static void hang_up(struct s4nn_api *a)
{
	static const struct itimerspec never;

	cleanup_closep(&a->client);
	a->client = -1;
	timerfd_settime(a->timer, 0, &never, NULL);
	watch(a, a->listener, EPOLLIN);
}

static void answer(struct s4nn_api *a, json_t *reply)
{
	char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;

	json_decref(reply);
	if (text && send(a->client, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		perror("api_handler: write");
	free(text);
	hang_up(a);
}

/* the client is still there: descriptors are short, or a security module refuses */
static void rest(struct s4nn_api *a)
{
	static const struct itimerspec pause = { .it_value.tv_nsec = PAUSE_MS * 1000000L };

	timerfd_settime(a->timer, 0, &pause, NULL);
	watch(a, a->listener, 0);
}

static void take_client(struct s4nn_api *a)
{
	static const struct itimerspec limit = { .it_value.tv_sec = CLIENT_S };
	struct epoll_event e = { .events = EPOLLIN };

	a->client = accept4(a->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (a->client < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			rest(a);
		return;
	}
	a->got = 0;
	e.data.fd = a->client;
	timerfd_settime(a->timer, 0, &limit, NULL);
	watch(a, a->listener, 0);
	if (epoll_ctl(a->epoll, EPOLL_CTL_ADD, a->client, &e) < 0)
		hang_up(a);
}

/* a request may come in pieces: it is whole when it is JSON, or when no more can come */
static void read_client(struct s4nn_api *a)
{
	ssize_t n = recv(a->client, a->request + a->got, REQUEST_MAX + 1 - a->got, MSG_DONTWAIT);
	char shown[REQUEST_MAX + 1];
	json_error_t why;
	json_t *request;

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			hang_up(a);
		return;
	}
	a->got += (size_t)n;
	if (a->got > REQUEST_MAX) {
		answer(a, refuse("too large message"));
		return;
	}
	request = json_loadb(a->request, a->got, JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY, &why);
	if (!request && n > 0 && json_error_code(&why) == json_error_premature_end_of_input)
		return;
	str_printable(shown, sizeof(shown), a->request, a->got);
	fprintf(stderr, "api_handler: got request: %s\n", shown);
	answer(a, request ? handle(a, request) : refuse("cannot parse JSON"));
	json_decref(request);
}

void s4nn_api_serve(struct s4nn_api *a)
{
	struct epoll_event e;

	if (epoll_wait(a->epoll, &e, 1, 0) != 1)
		return;
	if (e.data.fd == a->listener && a->client < 0)
		take_client(a);
	else if (e.data.fd == a->timer)
		hang_up(a);
	else if (e.data.fd == a->client)
		read_client(a);
}

int s4nn_api_fd(const struct s4nn_api *a)
{
	return a->epoll;
}

/* --- birth and death ---------------------------------------------------------------------- */

static int listen_at(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	autoclose int fd = -1;

	if (str_format(at.sun_path, sizeof(at.sun_path), "%s", path) < 0) {
		fprintf(stderr, "the specified API socket path is too long (>= %zu)\n",
			sizeof(at.sun_path));
		return -ENAMETOOLONG;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	unlink(path); /* of a former run; what else is there makes bind() fail */
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0) {
		fprintf(stderr, "api_bindlisten: %s: %s\n", fd < 0 ? "socket" : "bind",
			strerror(errno));
		return -errno;
	}
	if (listen(fd, QUEUE) < 0) {
		perror("api_bindlisten: listen");
		return -errno;
	}
	return take_fd(&fd);
}

int s4nn_api_new(struct stack *s, const struct net_plan *plan, const char *path,
		 struct s4nn_api **ret)
{
	AUTO(s4nn_api_freep) struct s4nn_api *a = calloc(1, sizeof(*a));
	struct epoll_event e = { .events = EPOLLIN };

	if (!a)
		return -ENOMEM;
	a->stack = s;
	a->guest = plan->address;
	a->client = a->timer = a->epoll = -1;
	a->listener = listen_at(path);
	if (a->listener < 0)
		return a->listener;
	a->epoll = epoll_create1(EPOLL_CLOEXEC);
	a->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	e.data.fd = a->listener;
	if (a->epoll < 0 || a->timer < 0 ||
	    epoll_ctl(a->epoll, EPOLL_CTL_ADD, a->listener, &e) < 0) {
		perror("api_ctx_alloc failed");
		return -errno;
	}
	e.data.fd = a->timer;
	if (epoll_ctl(a->epoll, EPOLL_CTL_ADD, a->timer, &e) < 0) {
		perror("api_ctx_alloc failed");
		return -errno;
	}
	*ret = take_ptr(a);
	return 0;
}

struct s4nn_api *s4nn_api_free(struct s4nn_api *a)
{
	if (!a)
		return NULL;
	cleanup_closep(&a->client);
	cleanup_closep(&a->listener);
	cleanup_closep(&a->timer);
	cleanup_closep(&a->epoll);
	free(a);
	return NULL;
}
