/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - one HTTP/1.1 request over a unix stream socket (client), bounded in time and size */
#ifndef RK_BASE_HTTP_H
#define RK_BASE_HTTP_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/base/err.h"

#define HTTP_ANSWER_MAX (4 * 1024 * 1024) /* bytes, head included */
#define HTTP_STATUS_TEXT_MAX 64

struct http_answer {
	int status;
	char status_text[HTTP_STATUS_TEXT_MAX]; /* "404 Not Found" */
	char *body;                             /* malloc'ed, 0 at the end; the caller frees it */
	size_t body_len;
	uid_t server; /* who listened */
};

struct http_request {
	const char *socket_path; /* of any length */
	const char *method, *path;
	const char *body; /* JSON; NULL: none */
	int timeout_ms;   /* for all of it */
};

/**
 * http_call() - connect, ask, read the answer, close
 * @ret:	set on success only
 * @err:	`Get "http://rootlesskit/v1/info": dial unix /x: connect: connection refused`
 * Return: 0; -ETIMEDOUT; -EPROTO when the answer makes no sense; -EFBIG; else a negative errno
 */
int http_call(const struct http_request *req, struct http_answer *ret, struct err *err);

#endif
