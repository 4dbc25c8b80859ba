/* SPDX-License-Identifier: Apache-2.0 */
/* api_parse.h - read one HTTP/1.x request as its bytes come, within limits */
#ifndef RK_PARENT_API_PARSE_H
#define RK_PARENT_API_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define API_HEAD_MAX (16 * 1024) /* request line, headers, chunk sizes and trailers together */
#define API_BODY_MAX (64 * 1024)

struct evbuffer;

enum api_parse_state {
	PARSE_REQUEST_LINE,
	PARSE_HEADER,
	PARSE_BODY,       /* Content-Length bytes */
	PARSE_CHUNK_SIZE, /* a line with the size of the next chunk */
	PARSE_CHUNK,      /* its bytes, and the line end behind them */
	PARSE_TRAILER,    /* lines behind the last chunk */
	PARSE_DONE,       /* all is there */
	PARSE_NSTATES
};

struct api_parser { /* starts zeroed */
	enum api_parse_state state;
	size_t head_bytes; /* against API_HEAD_MAX */
	char *method;
	char *path;  /* without query and host, as it came: nothing is decoded */
	char *query; /* what stands between "?" and "#", as it came; NULL: nothing */
	bool http11, expects, chunked, has_length;
	bool send_continue; /* the client waits for "100 Continue"; the caller clears it */
	uint64_t length;    /* of the body, or of the chunk */
	char *body;         /* body_len bytes and a 0; NULL: empty */
	size_t body_len;
	const char *message; /* why it was refused; static */
};

/**
 * api_parse() - take what is there from @in
 * Return: 1 when the request is complete, 0 when more is needed, or the negative HTTP status that
 *         it is refused with (p->message says why)
 */
int api_parse(struct api_parser *p, struct evbuffer *in);

void api_parser_done(struct api_parser *p);

#endif
