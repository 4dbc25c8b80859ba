// SPDX-License-Identifier: Apache-2.0
/*
 * http.c - one HTTP/1.1 request over a unix stream socket
 *
 * The answer is complete when its Content-Length is there, else at end of file: we ask for
 * "Connection: close", and every server of ours and Go's obeys.
 */
#include "lib/base/http.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "lib/base/cleanup.h"
#include "lib/base/goerr.h"
#include "lib/base/loop.h"
#include "lib/base/str.h"

struct answer_buf {
	char *data; /* 0 at the end */
	size_t len, size;
};

/* where head and body of the answer are */
struct head {
	size_t body; /* offset; 0: the head is not complete yet */
	int status;
	char status_text[HTTP_STATUS_TEXT_MAX];
	bool chunked, has_length;
	uint64_t length;
};

/* Go's context of a failed request */
static int call_failed(const struct http_request *req, int errnum, const char *step,
		       struct err *err)
{
	char why[GO_STRERROR_MAX];

	return err_say(err, errnum, "%c%s \"http://rootlesskit%s\": %s%s", req->method[0],
		       req->method[0] == 'G'   ? "et"
		       : req->method[0] == 'P' ? "ost"
					       : "elete",
		       req->path, step, go_strerror(errnum, why));
}

/* a path that is too long for a socket's address is reached through its directory */
static int make_address(const char *path, struct sockaddr_un *un, int *ret_dir)
{
	autofree char *dir = NULL;
	const char *base = str_basename(path);

	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(un->sun_path)) {
		memcpy(un->sun_path, path, strlen(path) + 1);
		return 0;
	}
	dir = strndup(path, (size_t)(base - path));
	if (!dir)
		return -ENOMEM;
	*ret_dir = open(*dir ? dir : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_dir < 0)
		return -errno;
	if (str_format(un->sun_path, sizeof(un->sun_path), "/proc/self/fd/%d/%s", *ret_dir, base) <
	    0)
		return -ENAMETOOLONG;
	return 0;
}

static int dial(const struct http_request *req, int *ret, uid_t *ret_server, struct err *err)
{
	const struct timeval limit = { .tv_sec = req->timeout_ms / 1000,
				       .tv_usec = (req->timeout_ms % 1000) * 1000L };
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), dir = -1;
	autofree char *step = str_dup_format("dial unix %s: connect: ", req->socket_path);
	struct sockaddr_un un;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int r;

	if (fd < 0 || !step)
		return call_failed(req, errno, "socket: ", err);
	r = make_address(req->socket_path, &un, &dir);
	/* bounds connect() to a server that does not accept */
	if (r == 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		r = -errno;
	if (r == 0 && connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
		r = errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (r < 0)
		return call_failed(req, -r, step, err);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return call_failed(req, errno, "asking who listens: ", err);
	*ret_server = peer.uid;
	*ret = take_fd(&fd);
	return 0;
}

/* 0 when there may be @events, -ETIMEDOUT at the end of the time for all of the call */
static int wait_until(int fd, short events, uint64_t end_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now = clock_ms();

	if (now >= end_ms)
		return -ETIMEDOUT;
	return poll(&p, 1, (int)(end_ms - now)) < 0 && errno != EINTR ? -errno : 0;
}

static int send_all(int fd, uint64_t end_ms, const char *p, size_t len)
{
	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int r = n < 0 ? -errno : 0;

		if (r == -EAGAIN || r == -EINTR) {
			r = wait_until(fd, POLLOUT, end_ms);
			n = 0;
		}
		if (r < 0)
			return r;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int send_request(const struct http_request *req, int fd, uint64_t end_ms)
{
	autofree char *text = NULL;
	int r;

	if (req->body)
		text = str_dup_format("%s %s HTTP/1.1\r\nHost: rootlesskit\r\nConnection: close\r\n"
				      "Content-Type: application/json\r\n"
				      "Content-Length: %zu\r\n\r\n%s",
				      req->method, req->path, strlen(req->body), req->body);
	else
		text = str_dup_format("%s %s HTTP/1.1\r\nHost: rootlesskit\r\n"
				      "Connection: close\r\n\r\n",
				      req->method, req->path);
	if (!text)
		return -ENOMEM;
	r = send_all(fd, end_ms, text, strlen(text));
	/* a server that refuses early has written its answer all the same */
	return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}

/* one read; 1, 0 at end of file, or a negative errno */
static int read_more(int fd, uint64_t end_ms, struct answer_buf *b)
{
	ssize_t n;
	int r;

	if (b->len + 1 >= b->size) {
		size_t size = b->size ? b->size * 2 : 4096;
		char *data = size > HTTP_ANSWER_MAX ? NULL : realloc(b->data, size);

		if (!data)
			return size > HTTP_ANSWER_MAX ? -EFBIG : -ENOMEM;
		b->data = data;
		b->data[b->len] = '\0';
		b->size = size;
	}
	r = wait_until(fd, POLLIN, end_ms);
	if (r < 0)
		return r;
	n = recv(fd, b->data + b->len, b->size - b->len - 1, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		n = 0; /* the clock decides */
	else if (n == 0)
		return 0;
	else if (n < 0)
		return errno == ECONNRESET && b->len ? 0 : -errno;
	b->len += (size_t)n;
	b->data[b->len] = '\0';
	return 1;
}

/* the value when the line is the header @name; in the buffer, ended by the line's end */
static const char *header_value(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(line, name, n) != 0 || line[n] != ':')
		return NULL;
	line += n + 1;
	return line + strspn(line, " \t");
}

static int parse_header(const char *line, struct head *h)
{
	const char *v = header_value(line, "Content-Length");
	char number[24];

	if (v) {
		if (str_format(number, sizeof(number), "%.*s", (int)strspn(v, "0123456789"), v) <
			    0 ||
		    str_to_u64(number, HTTP_ANSWER_MAX, &h->length) < 0)
			return -EPROTO;
		h->has_length = true;
	}
	v = header_value(line, "Transfer-Encoding");
	if (v && strncasecmp(v, "chunked", 7) == 0)
		h->chunked = true;
	return 0;
}

/* "HTTP/1.1 200 OK"; the text is kept for messages */
static int parse_status(const char *line, struct head *h)
{
	size_t len = strcspn(line, "\r\n");

	if (!str_starts(line, "HTTP/1.") || len < 12 || line[8] != ' ')
		return -EPROTO;
	for (int i = 9; i < 12; i++) {
		if (!isdigit((unsigned char)line[i]))
			return -EPROTO;
		h->status = h->status * 10 + (line[i] - '0');
	}
	str_printable(h->status_text, sizeof(h->status_text), line + 9, len - 9);
	return 0;
}

/* 0, h->body stays 0 while the head is not complete; interim answers (1xx) are cut out */
static int parse_head(struct answer_buf *b, struct head *h)
{
	char *end, *line;
	int r;

	for (;;) {
		*h = (struct head){ 0 };
		end = b->data ? strstr(b->data, "\r\n\r\n") : NULL;
		if (!end)
			return 0;
		r = parse_status(b->data, h);
		if (r < 0)
			return r;
		if (h->status >= 200)
			break;
		b->len -= (size_t)(end + 4 - b->data);
		memmove(b->data, end + 4, b->len + 1);
	}
	for (line = strchr(b->data, '\n') + 1; line < end; line = strchr(line, '\n') + 1) {
		r = parse_header(line, h);
		if (r < 0)
			return r;
	}
	h->body = (size_t)(end + 4 - b->data);
	return 0;
}

static int read_answer(int fd, uint64_t end_ms, struct answer_buf *b, struct head *h)
{
	int r;

	do {
		r = read_more(fd, end_ms, b);
		if (r < 0)
			return r;
		if (!h->body && parse_head(b, h) < 0)
			return -EPROTO;
		if (h->body && !h->chunked && h->has_length && b->len - h->body >= h->length)
			return 0;
	} while (r > 0);
	return h->body && (h->chunked || !h->has_length) ? 0 : -EPROTO; /* cut off */
}

/* in place; the length of the body, or -EPROTO */
static ssize_t join_chunks(char *body, size_t len)
{
	size_t at = 0, out = 0;

	for (;;) {
		char *end;
		unsigned long size = isxdigit((unsigned char)body[at])
					     ? strtoul(body + at, &end, 16)
					     : ULONG_MAX;
		char *line = strchr(body + at, '\n');

		if (size > len || !line)
			return -EPROTO;
		if (size == 0)
			return (ssize_t)out;
		at = (size_t)(line + 1 - body);
		if (size + 2 > len - at)
			return -EPROTO;
		memmove(body + out, body + at, size);
		out += size;
		at += size + 2;
	}
}

int http_call(const struct http_request *req, struct http_answer *ret, struct err *err)
{
	uint64_t end_ms = clock_ms() + (uint64_t)req->timeout_ms;
	struct answer_buf b = { 0 };
	struct head h = { 0 };
	autoclose int fd = -1;
	uid_t server = (uid_t)-1;
	ssize_t len;
	int r;

	r = dial(req, &fd, &server, err);
	if (r < 0)
		return r;
	r = send_request(req, fd, end_ms);
	if (r == 0)
		r = read_answer(fd, end_ms, &b, &h);
	if (r < 0) {
		free(b.data);
		return call_failed(req, -r, r == -EPROTO ? "malformed answer: " : "", err);
	}
	len = (ssize_t)(h.has_length && !h.chunked ? h.length : b.len - h.body);
	memmove(b.data, b.data + h.body, b.len - h.body + 1);
	if (h.chunked)
		len = join_chunks(b.data, b.len - h.body);
	if (len < 0) {
		free(b.data);
		return call_failed(req, EPROTO, "malformed answer: ", err);
	}
	b.data[len] = '\0';
	*ret = (struct http_answer){
		.status = h.status, .body = b.data, .body_len = (size_t)len, .server = server
	};
	memcpy(ret->status_text, h.status_text, sizeof(ret->status_text));
	return 0;
}
