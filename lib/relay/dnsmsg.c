// SPDX-License-Identifier: Apache-2.0
/* dnsmsg.c - what a relay must know of DNS messages (RFC 1035 section 4) */
#include "lib/relay/dnsmsg.h"

#include <string.h>

#define FLAG_QR 0x80 /* byte 2 */
#define OPCODE 0x78
#define FLAG_RD 0x01
#define FLAG_RA 0x80 /* byte 3 */
#define RCODE 0x0f
#define RCODE_SERVFAIL 2
#define RCODE_NOTIMP 4
#define RCODE_REFUSED 5
#define LABEL_MAX 63

uint16_t dnsmsg_id(const uint8_t *msg)
{
	uint16_t id;

	memcpy(&id, msg, sizeof(id));
	return id;
}

void dnsmsg_set_id(uint8_t *msg, uint16_t id)
{
	memcpy(msg, &id, sizeof(id));
}

static unsigned question_count(const uint8_t *msg)
{
	return (unsigned)msg[4] << 8 | msg[5];
}

bool dnsmsg_is_query(const uint8_t *msg, size_t len)
{
	return len >= DNS_HEADER && !(msg[2] & FLAG_QR);
}

size_t dnsmsg_question(const uint8_t *msg, size_t len)
{
	size_t at = DNS_HEADER;

	if (len < DNS_HEADER || question_count(msg) != 1)
		return 0;
	while (at < len && msg[at] != 0) {
		if (msg[at] > LABEL_MAX) /* a pointer has nothing to point at yet */
			return 0;
		at += 1u + msg[at];
	}
	at += 1 + 4; /* root label, type, class */
	return at <= len ? at - DNS_HEADER : 0;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool dnsmsg_answers(const uint8_t *query, size_t query_len, const uint8_t *msg, size_t len)
{
	size_t question = dnsmsg_question(query, query_len);

	if (len < DNS_HEADER || !(msg[2] & FLAG_QR) || dnsmsg_id(msg) != dnsmsg_id(query) ||
	    (msg[2] & OPCODE) != (query[2] & OPCODE))
		return false;
	if (question_count(msg) == 0)
		return (msg[3] & RCODE) != 0 || !question;
	if (!question)
		return question_count(msg) == question_count(query);
	if (dnsmsg_question(msg, len) != question)
		return false;
	for (size_t i = DNS_HEADER; i < DNS_HEADER + question; i++) {
		if (lower(query[i]) != lower(msg[i]))
			return false;
	}
	return true;
}

bool dnsmsg_is_failure(const uint8_t *msg)
{
	unsigned code = msg[3] & RCODE;

	return code == RCODE_SERVFAIL || code == RCODE_NOTIMP || code == RCODE_REFUSED;
}

size_t dnsmsg_fail(uint8_t *msg, size_t len)
{
	size_t question = dnsmsg_question(msg, len);

	msg[2] = (uint8_t)(FLAG_QR | (msg[2] & (OPCODE | FLAG_RD)));
	msg[3] = FLAG_RA | RCODE_SERVFAIL;
	memset(msg + 4, 0, DNS_HEADER - 4);
	msg[5] = question ? 1 : 0;
	return DNS_HEADER + question;
}
