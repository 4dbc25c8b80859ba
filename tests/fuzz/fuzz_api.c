// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_api.c - a request is read within its limits, and the same however its bytes come
 *
 * The input is a byte with the size of the pieces and then what a client sends. The body is also
 * read as the spec of a port.
 */
#include <assert.h>
#include <event2/buffer.h>
#include <string.h>

#include "lib/parent/api_json.h"
#include "lib/parent/api_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int feed(struct api_parser *p, const uint8_t *data, size_t size, size_t piece)
{
	struct evbuffer *in = evbuffer_new();
	int r = 0;

	assert(in);
	for (size_t at = 0; r == 0 && at < size; at += piece) {
		evbuffer_add(in, data + at, size - at < piece ? size - at : piece);
		r = api_parse(p, in);
	}
	evbuffer_free(in);
	assert(p->body_len <= API_BODY_MAX && p->head_bytes <= API_HEAD_MAX + 2);
	assert(r >= 0 || (r <= -400 && r > -600 && p->message));
	assert(r != 1 || (p->state == PARSE_DONE && p->method && p->path));
	return r;
}

static void check_body(const char *body, size_t len)
{
	struct port_spec spec = { 0 };
	struct err err = { 0 };
	int r = api_json_read_spec(body, len, &spec, &err);

	assert((r < 0) == (err.code != 0));
	if (r == 0)
		port_spec_check(&spec, PORT_RULES_OURS,
				&err); /* what it says of any spec is its own test */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct api_parser whole = { 0 }, parts = { 0 };
	int r;

	if (size < 2)
		return 0;
	r = feed(&whole, data + 1, size - 1, size);
	/* a refusal may come earlier in pieces: before all of a line that is too long is there */
	if (r == 1) {
		assert(feed(&parts, data + 1, size - 1, data[0] % 16 + 1) == 1);
		assert(strcmp(whole.method, parts.method) == 0 &&
		       strcmp(whole.path, parts.path) == 0);
		assert(whole.body_len == parts.body_len &&
		       (!whole.body_len || memcmp(whole.body, parts.body, whole.body_len) == 0));
		check_body(whole.body ? whole.body : "", whole.body_len);
	}
	check_body((const char *)data, size);
	api_parser_done(&whole);
	api_parser_done(&parts);
	return 0;
}
