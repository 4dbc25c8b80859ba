// SPDX-License-Identifier: Apache-2.0
/*
 * api_server.c - HTTP/1.1 on a unix socket: one request a connection
 *
 * A connection reads one request, is answered with "Connection: close", and lingers a moment so
 * that a client that is still sending gets to see the answer. What a client can make us hold is
 * API_CONNS_MAX times (head + body + answer). When all places are taken the oldest connection that
 * has sent nothing makes room, else the oldest that is not being served: slow or silent clients
 * never keep a normal one out. When every place is being served the listener rests.
 *
 * Written on libevent's core and not on its evhttp: that has no limit of connections, no limit of
 * time for a whole request, does not show the peer, and spins when descriptors are short.
 */
#include "lib/parent/api_server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/base/list.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/parent/api_json.h"
#include "lib/parent/api_parse.h"

#define READ_MAX (16 * 1024) /* bytes taken at a time */
#define LINGER_MS 1000
#define ACCEPT_PAUSE_MS 100 /* after a failed accept: descriptors are short */

enum conn_state {
	CONN_READ,   /* the parser is fed */
	CONN_HELD,   /* the handler has it; nothing is read */
	CONN_ANSWER, /* the answer is being written; nothing is read */
	CONN_LINGER, /* written and shut down; what comes is thrown away until end of file */
};

struct api_conn {
	struct list link; /* oldest first */
	struct api_server *server;
	int fd;
	enum conn_state state;
	struct event *readable, *writable, *timer;
	struct evbuffer *in;
	struct api_parser parser;
	char *out;
	size_t out_len, out_at;
	void (*on_gone)(void *arg); /* only in CONN_HELD */
	void *gone_arg;
};

struct api_server {
	struct api_server_opts opts;
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *pause; /* pending: accept failed, the listener rests */
	struct list conns;
	size_t nconns, nheld;
};

static void update_listener(struct api_server *s)
{
	if (s->nheld >= API_CONNS_MAX || evtimer_pending(s->pause, NULL))
		evconnlistener_disable(s->listener);
	else
		evconnlistener_enable(s->listener);
}

static void conn_set_state(struct api_conn *c, enum conn_state state)
{
	struct api_server *s = c->server;
	size_t held = s->nheld;

	s->nheld -= c->state == CONN_HELD;
	c->state = state;
	s->nheld += c->state == CONN_HELD;
	if (s->nheld != held)
		update_listener(s);
}

static void conn_free(struct api_conn *c)
{
	struct event *events[] = { c->readable, c->writable, c->timer };
	void (*on_gone)(void *arg) = c->state == CONN_HELD ? c->on_gone : NULL;
	void *arg = c->gone_arg;

	conn_set_state(c, CONN_LINGER);
	list_remove(&c->link);
	c->server->nconns--;
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		if (events[i])
			event_free(events[i]);
	}
	if (c->in)
		evbuffer_free(c->in);
	close(c->fd);
	api_parser_done(&c->parser);
	free(c->out);
	free(c);
	if (on_gone)
		on_gone(arg);
}

static void conn_arm(struct api_conn *c, unsigned ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000L };

	evtimer_add(c->timer, &tv);
}

static const char *status_text(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 201:
		return "Created";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 413:
		return "Request Entity Too Large";
	case 417:
		return "Expectation Failed";
	case 431:
		return "Request Header Fields Too Large";
	case 501:
		return "Not Implemented";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Internal Server Error";
	}
}

void api_answer(struct api_conn *c, int status, const char *type, const char *body)
{
	bool head = c->parser.method && strcmp(c->parser.method, "HEAD") == 0;

	if (!body)
		body = "";
	event_del(c->readable);
	c->out = str_dup_format("HTTP/1.1 %d %s\r\n%s%s%sContent-Length: %zu\r\n"
				"Connection: close\r\n\r\n%s",
				status, status_text(status), type ? "Content-Type: " : "",
				type ? type : "", type ? "\r\n" : "", strlen(body),
				head ? "" : body);
	c->out_len = c->out ? strlen(c->out) : 0; /* memory is short: the client sees the end */
	conn_set_state(c, CONN_ANSWER);
	event_add(c->writable, NULL);
	conn_arm(c, c->server->opts.request_ms);
}

void api_answer_error(struct api_conn *c, int status, const char *message)
{
	autofree char *body = api_json_error(message);

	api_answer(c, status, "text/plain; charset=utf-8", body);
}

void api_hold(struct api_conn *c, void (*on_gone)(void *arg), void *arg)
{
	c->on_gone = on_gone;
	c->gone_arg = arg;
}

static void serve(struct api_conn *c)
{
	struct api_request req = { .method = c->parser.method,
				   .path = c->parser.path,
				   .query = c->parser.query ? c->parser.query : "",
				   .body = c->parser.body ? c->parser.body : "",
				   .body_len = c->parser.body_len };

	event_del(c->readable);
	evtimer_del(c->timer);
	conn_set_state(c, CONN_HELD);
	c->server->opts.handler(c, &req, c->server->opts.arg);
}

static void ask_for_body(struct api_conn *c)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	c->parser.send_continue = false;
	if (send(c->fd, go_on, sizeof(go_on) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("api", "asking for a body: %s, it may come anyway", strerror(errno));
}

static void on_conn_readable(evutil_socket_t fd, short what, void *arg)
{
	struct api_conn *c = arg;
	int n = evbuffer_read(c->in, fd, READ_MAX);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_free(c);
		return;
	}
	if (c->state == CONN_LINGER) {
		evbuffer_drain(c->in, evbuffer_get_length(c->in));
		return;
	}
	n = api_parse(&c->parser, c->in);
	if (n < 0)
		api_answer_error(c, -n, c->parser.message);
	else if (n > 0)
		serve(c);
	else if (c->parser.send_continue)
		ask_for_body(c);
}

static void on_conn_writable(evutil_socket_t fd, short what, void *arg)
{
	struct api_conn *c = arg;
	ssize_t n =
		send(fd, c->out + c->out_at, c->out_len - c->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		conn_free(c);
		return;
	}
	c->out_at += (size_t)n;
	if (c->out_at < c->out_len)
		return;
	event_del(c->writable);
	shutdown(fd, SHUT_WR);
	conn_set_state(c, CONN_LINGER);
	event_add(c->readable, NULL);
	conn_arm(c, LINGER_MS);
}

static bool has_sent(const struct api_conn *c)
{
	return c->parser.head_bytes || evbuffer_get_length(c->in);
}

static void on_conn_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct api_conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state == CONN_READ && has_sent(c))
		api_answer_error(c, 408, "the request took too long");
	else
		conn_free(c);
}

/* a new connection in the list; NULL: memory is short, @fd is closed */
static struct api_conn *conn_new(struct api_server *s, int fd)
{
	struct api_conn *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return NULL;
	}
	c->server = s;
	c->fd = fd;
	list_append(&s->conns, &c->link);
	s->nconns++;
	c->in = evbuffer_new();
	c->readable = event_new(s->base, fd, EV_READ | EV_PERSIST, on_conn_readable, c);
	c->writable = event_new(s->base, fd, EV_WRITE | EV_PERSIST, on_conn_writable, c);
	c->timer = evtimer_new(s->base, on_conn_timeout, c);
	if (!c->in || !c->readable || !c->writable || !c->timer) {
		conn_free(c);
		return NULL;
	}
	return c;
}

/* nothing has come, not even into the socket's buffer */
static bool is_silent(const struct api_conn *c)
{
	int waiting = 0;

	return c->state == CONN_READ && !has_sent(c) && ioctl(c->fd, FIONREAD, &waiting) == 0 &&
	       waiting == 0;
}

static struct api_conn *choose_victim(const struct api_server *s)
{
	struct api_conn *oldest = NULL;
	struct list *l;

	list_for_each (l, &s->conns) {
		struct api_conn *c = container_of(l, struct api_conn, link);

		if (c->state == CONN_LINGER || is_silent(c))
			return c;
		if (!oldest && c->state != CONN_HELD)
			oldest = c;
	}
	return oldest;
}

static bool peer_is_allowed(int fd)
{
	struct ucred u;
	socklen_t len = sizeof(u);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &len) == 0 &&
	       (u.uid == geteuid() || u.uid == 0);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len,
		      void *arg)
{
	struct api_server *s = arg;
	struct api_conn *c;

	(void)l;
	(void)sa;
	(void)len;
	if (s->nconns >= API_CONNS_MAX) {
		c = choose_victim(s);
		if (!c) { /* cannot be: then the listener rests */
			close(fd);
			return;
		}
		conn_free(c);
	}
	c = conn_new(s, fd);
	if (!c)
		return;
	if (!peer_is_allowed(fd)) {
		api_answer_error(c, 403, "only the user who runs this program may ask");
		return;
	}
	event_add(c->readable, NULL);
	conn_arm(c, s->opts.request_ms);
}

static void on_accept_failed(struct evconnlistener *l, void *arg)
{
	const struct timeval tv = { .tv_usec = ACCEPT_PAUSE_MS * 1000L };
	struct api_server *s = arg;

	(void)l;
	log_debug("api", "accepting a client: %s, trying again", strerror(errno));
	evtimer_add(s->pause, &tv);
	update_listener(s);
}

static void on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	update_listener(arg);
}

int api_server_new(struct event_base *base, const struct api_server_opts *opts,
		   struct api_server **ret, struct err *err)
{
	autoclose int fd = opts->listen_fd;
	struct api_server *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(err, ENOMEM, "starting the API");
	s->base = base;
	s->opts = *opts;
	list_init(&s->conns);
	s->pause = evtimer_new(base, on_pause_over, s);
	s->listener = evconnlistener_new(
		base, on_accept, s, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, API_BACKLOG, fd);
	if (s->listener)
		take_fd(&fd);
	if (!s->pause || !s->listener) {
		api_server_free(s);
		return err_set(err, errno ? errno : ENOMEM, "listening on the API socket");
	}
	evconnlistener_set_error_cb(s->listener, on_accept_failed);
	*ret = s;
	return 0;
}

struct api_server *api_server_free(struct api_server *s)
{
	struct list *l;

	if (!s)
		return NULL;
	while ((l = list_first(&s->conns)))
		conn_free(container_of(l, struct api_conn, link));
	if (s->listener)
		evconnlistener_free(s->listener);
	if (s->pause)
		event_free(s->pause);
	free(s);
	return NULL;
}
