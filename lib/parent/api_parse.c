// SPDX-License-Identifier: Apache-2.0
/*
 * api_parse.c - read one HTTP/1.x request as its bytes come
 *
 * The bytes come from whoever may open the socket. What is held is bounded by API_HEAD_MAX and
 * API_BODY_MAX; what is not understood is refused, never guessed.
 */
#include "lib/parent/api_parse.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

/* a step's result: the state has changed, go on */
#define GO_ON 2

static int refuse(struct api_parser *p, int status, const char *message)
{
	p->message = message;
	return -status;
}

/* the next line without its end: GO_ON and *ret (malloc'ed), 0 or a refusal */
static int next_line(struct api_parser *p, struct evbuffer *in, char **ret)
{
	size_t len = 0;
	autofree char *line = evbuffer_readln(in, &len, EVBUFFER_EOL_CRLF);

	if (!line)
		len = evbuffer_get_length(in);
	if (p->head_bytes + len > API_HEAD_MAX)
		return refuse(p, 431, "the head of the request is larger than 16 KiB");
	if (!line)
		return 0;
	p->head_bytes += len + 2;
	if (strlen(line) != len)
		return refuse(p, 400, "a NUL byte in the head of the request");
	*ret = take_ptr(line);
	return GO_ON;
}

/* malloc'ed; NULL: there is none, or no memory */
static char *target_query(const char *target)
{
	const char *q = target + strcspn(target, "?#");

	return *q == '?' ? strndup(q + 1, strcspn(q + 1, "#")) : NULL;
}

/* "/v1/ports" of "/v1/ports?x" and of "http://host/v1/ports"; malloc'ed */
static char *target_path(char *target)
{
	target[strcspn(target, "?#")] = '\0';
	if (strncasecmp(target, "http://", 7) == 0) {
		target += 7;
		target += strcspn(target, "/");
	}
	return *target == '/' ? strdup(target) : NULL;
}

static int parse_request_line(struct api_parser *p, char *line)
{
	char *target, *version;

	if (!*line)
		return GO_ON; /* some clients send an empty line first; it counts as head */
	target = strchr(line, ' ');
	version = target ? strchr(target + 1, ' ') : NULL;
	if (!version || target == line)
		return refuse(p, 400, "malformed request line");
	*target++ = '\0';
	*version++ = '\0';
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return refuse(p, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	p->http11 = version[7] == '1';
	p->query = target_query(target);
	p->path = target_path(target);
	p->method = strdup(line);
	if (!p->path || !p->method)
		return refuse(p, 400, "malformed request target");
	p->state = PARSE_HEADER;
	return GO_ON;
}

static int parse_length(struct api_parser *p, const char *value)
{
	uint64_t v = 0;
	int r = str_to_u64(value, UINT32_MAX, &v);

	if (r == -EINVAL || (r == 0 && p->has_length && v != p->length))
		return refuse(p, 400, "malformed Content-Length");
	if (r < 0 || v > API_BODY_MAX)
		return refuse(p, 413, "the body of the request is larger than 64 KiB");
	p->has_length = true;
	p->length = v;
	return GO_ON;
}

static int parse_header(struct api_parser *p, char *line)
{
	char *value = strchr(line, ':');

	if (!value || value == line || strcspn(line, " \t") < (size_t)(value - line))
		return refuse(p, 400, "malformed header");
	*value++ = '\0';
	value += strspn(value, " \t");
	for (size_t n = strlen(value); n && strchr(" \t", value[n - 1]); n--)
		value[n - 1] = '\0';
	if (strcasecmp(line, "Content-Length") == 0)
		return parse_length(p, value);
	if (strcasecmp(line, "Transfer-Encoding") == 0) {
		if (strcasecmp(value, "chunked") != 0)
			return refuse(p, 501, "the only transfer encoding known here is chunked");
		p->chunked = true;
	}
	if (strcasecmp(line, "Expect") == 0) {
		if (strcasecmp(value, "100-continue") != 0)
			return refuse(p, 417, "the only expectation known here is 100-continue");
		p->expects = true;
	}
	return GO_ON;
}

static int end_of_headers(struct api_parser *p, struct evbuffer *in)
{
	if (p->chunked && p->has_length)
		return refuse(p, 400, "both Content-Length and Transfer-Encoding");
	if (p->chunked)
		p->state = PARSE_CHUNK_SIZE;
	else
		p->state = p->length ? PARSE_BODY : PARSE_DONE;
	p->send_continue =
		p->expects && p->http11 && p->state != PARSE_DONE && !evbuffer_get_length(in);
	return GO_ON;
}

/* @len bytes from the input to the end of the body; they are there */
static int append_body(struct api_parser *p, struct evbuffer *in, size_t len)
{
	char *body = realloc(p->body, p->body_len + len + 1);

	if (!body)
		return refuse(p, 500, "out of memory");
	p->body = body;
	evbuffer_remove(in, body + p->body_len, len);
	p->body_len += len;
	body[p->body_len] = '\0';
	return GO_ON;
}

static int parse_body(struct api_parser *p, struct evbuffer *in)
{
	if (evbuffer_get_length(in) < p->length)
		return 0;
	p->state = PARSE_DONE;
	return append_body(p, in, p->length);
}

static int parse_chunk_size(struct api_parser *p, const char *line)
{
	size_t digits = strspn(line, "0123456789abcdefABCDEF");
	const char *end = line + digits + strspn(line + digits, " \t");
	unsigned long size;

	if (!digits || (*end && *end != ';'))
		return refuse(p, 400, "malformed chunk size");
	size = strtoul(line, NULL, 16); /* ULONG_MAX when it is more than that */
	if (size > API_BODY_MAX - p->body_len)
		return refuse(p, 413, "the body of the request is larger than 64 KiB");
	p->length = size;
	p->state = size ? PARSE_CHUNK : PARSE_TRAILER;
	return GO_ON;
}

static int parse_chunk(struct api_parser *p, struct evbuffer *in)
{
	char line_end[2];
	int r;

	if (evbuffer_get_length(in) < p->length + sizeof(line_end))
		return 0;
	r = append_body(p, in, p->length);
	if (r < 0)
		return r;
	evbuffer_remove(in, line_end, sizeof(line_end));
	if (memcmp(line_end, "\r\n", sizeof(line_end)) != 0)
		return refuse(p, 400, "malformed chunk");
	p->state = PARSE_CHUNK_SIZE;
	return GO_ON;
}

static int parse_line(struct api_parser *p, struct evbuffer *in)
{
	autofree char *line = NULL;
	int r = next_line(p, in, &line);

	if (r != GO_ON)
		return r;
	if (p->state == PARSE_REQUEST_LINE)
		return parse_request_line(p, line);
	if (p->state == PARSE_CHUNK_SIZE)
		return parse_chunk_size(p, line);
	if (p->state == PARSE_HEADER)
		return *line ? parse_header(p, line) : end_of_headers(p, in);
	if (!*line)
		p->state = PARSE_DONE; /* trailers mean nothing here */
	return GO_ON;
}

int api_parse(struct api_parser *p, struct evbuffer *in)
{
	int r = GO_ON;

	while (r == GO_ON && p->state != PARSE_DONE) {
		if (p->state == PARSE_BODY)
			r = parse_body(p, in);
		else if (p->state == PARSE_CHUNK)
			r = parse_chunk(p, in);
		else
			r = parse_line(p, in);
	}
	return r == GO_ON ? 1 : r;
}

void api_parser_done(struct api_parser *p)
{
	free(p->method);
	free(p->path);
	free(p->query);
	free(p->body);
}
