// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_dns.c - what the relay reads of DNS messages stays within them
 *
 * The input is two bytes of length, a query of that length, and an answer.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/relay/dnsmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *copy_of(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert(copy);
	if (len)
		memcpy(copy, data, len);
	return copy;
}

static void check_query(uint8_t *query, size_t len)
{
	uint16_t id, other;
	size_t n;

	if (!dnsmsg_is_query(query, len))
		return;
	assert(len >= DNS_HEADER && dnsmsg_question(query, len) <= len - DNS_HEADER);
	id = dnsmsg_id(query);
	other = (uint16_t)(id + 1);
	dnsmsg_set_id(query, other);
	assert(dnsmsg_id(query) == other);
	dnsmsg_set_id(query, id);
	n = dnsmsg_fail(query, len);
	assert(n >= DNS_HEADER && n <= len);
	assert(!dnsmsg_is_query(query, n) && dnsmsg_is_failure(query) && dnsmsg_id(query) == id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t nquery = size < 2 ? 0 : (size_t)data[0] << 8 | data[1], nanswer;
	uint8_t *query, *answer;

	if (size < 2 || nquery > size - 2)
		return 0;
	nanswer = size - 2 - nquery;
	query = copy_of(data + 2, nquery);
	answer = copy_of(data + 2 + nquery, nanswer);
	dnsmsg_question(answer, nanswer);
	if (dnsmsg_is_query(query, nquery) && dnsmsg_answers(query, nquery, answer, nanswer)) {
		assert(nanswer >= DNS_HEADER && dnsmsg_id(answer) == dnsmsg_id(query));
		assert(!dnsmsg_is_query(answer, nanswer));
	}
	check_query(query, nquery);
	free(query);
	free(answer);
	return 0;
}
