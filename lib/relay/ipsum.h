/* SPDX-License-Identifier: Apache-2.0 */
/* ipsum.h - checksums and IP headers of packets that are made here */
#ifndef RK_RELAY_IPSUM_H
#define RK_RELAY_IPSUM_H

#include <stddef.h>
#include <stdint.h>

#define IPSUM_HEAD_MAX 40 /* of an IP header without options */

/* what an IP header says; @family is AF_INET or AF_INET6, addresses are of its length */
struct ipsum_head {
	uint16_t family;
	uint8_t proto, ttl, tos;
	uint16_t id;  /* IPv4: of a packet that may be cut in fragments; 0: it may not (DF) */
	uint32_t len; /* bytes behind the header */
	const void *from, *to;
};

/* ipsum_add() - add bytes to a sum in progress; only the last ones may be odd in number */
uint32_t ipsum_add(uint32_t acc, const void *data, size_t n);

/* ipsum_fold() - the checksum, in network order; 0 when what was added has a right one */
uint16_t ipsum_fold(uint32_t acc);

/* ipsum_pseudo() - the sum of a pseudo header, to go on from */
uint32_t ipsum_pseudo(uint16_t family, const void *from, const void *to, uint8_t proto, size_t len);

/* ipsum_put_head() - write an IP header; its length, at most IPSUM_HEAD_MAX */
size_t ipsum_put_head(const struct ipsum_head *h, uint8_t *ret);

#endif
