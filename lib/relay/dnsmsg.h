/* SPDX-License-Identifier: Apache-2.0 */
/* dnsmsg.h - what a relay must know of DNS messages: id, flags and the question */
#ifndef RK_RELAY_DNSMSG_H
#define RK_RELAY_DNSMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_HEADER 12 /* bytes */

/* the id is opaque: bytes 0 and 1 as they stand in the message */
uint16_t dnsmsg_id(const uint8_t *msg);
void dnsmsg_set_id(uint8_t *msg, uint16_t id);

/* dnsmsg_is_query() - a whole header with QR clear */
bool dnsmsg_is_query(const uint8_t *msg, size_t len);

/* dnsmsg_question() - bytes of the one question after the header; 0 when there is not exactly one
 * or it is malformed */
size_t dnsmsg_question(const uint8_t *msg, size_t len);

/**
 * dnsmsg_answers() - whether @msg answers @query: same id, QR set, same opcode, same question
 *                    (letters in any case); a failure may come without question
 */
bool dnsmsg_answers(const uint8_t *query, size_t query_len, const uint8_t *msg, size_t len);

/* dnsmsg_is_failure() - an answer that another server may have a better one for: SERVFAIL, NOTIMP,
 * REFUSED, as the C library sees it. A whole header is there */
bool dnsmsg_is_failure(const uint8_t *msg);

/* dnsmsg_fail() - make a SERVFAIL of a query, in place; its length, no more than @len */
size_t dnsmsg_fail(uint8_t *msg, size_t len);

#endif
