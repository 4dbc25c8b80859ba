/* SPDX-License-Identifier: Apache-2.0 */
/* api_server.h - HTTP/1.1 on a unix socket: one request a connection, every part of it bounded */
#ifndef RK_PARENT_API_SERVER_H
#define RK_PARENT_API_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"

#define API_CONNS_MAX 32
#define API_BACKLOG 128
#define API_REQUEST_MS 10000 /* for the whole request, and again for the answer */

struct event_base;
struct api_server;
struct api_conn;

struct api_request {
	const char *method;
	const char *path;  /* without query and host, as it came: nothing is decoded */
	const char *query; /* behind the "?", "" when there is none */
	const char *body;  /* @body_len bytes and a 0 */
	size_t body_len;
};

/**
 * api_handler_fn() - serve one request: answer now by api_answer(), or api_hold() and answer later
 * @req:	only valid during the call
 */
typedef void api_handler_fn(struct api_conn *c, const struct api_request *req, void *arg);

struct api_server_opts {
	int listen_fd; /* bound, non-blocking; consumed, on failure too */
	unsigned request_ms;
	api_handler_fn *handler;
	void *arg;
};

int api_server_new(struct event_base *base, const struct api_server_opts *opts,
		   struct api_server **ret, struct err *err);
/* api_server_free() - stops listening and drops all connections; NULL is taken and returned */
struct api_server *api_server_free(struct api_server *s);

/**
 * api_answer() - send and close; the connection is not the caller's any more
 * @type:	content type; NULL: no body
 * @body:	borrowed; NULL: empty
 */
void api_answer(struct api_conn *c, int status, const char *type, const char *body);

/* api_answer_error() - {"message":"..."} */
void api_answer_error(struct api_conn *c, int status, const char *message);

/* api_hold() - the answer comes later; @on_gone is called when the connection ends before it */
void api_hold(struct api_conn *c, void (*on_gone)(void *arg), void *arg);

#endif
