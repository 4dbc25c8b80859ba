// SPDX-License-Identifier: Apache-2.0
/* frame.c - Ethernet frames as bytes: hops, checksums (slirp only) */
#include "lib/slirp/frame.h"

#include <endian.h>
#include <string.h>
#include <sys/socket.h>

#define VECTORS 4 /* independent sums: no addition waits for another */

typedef uint64_t vector __attribute__((vector_size(16))); /* two lanes, on any processor */

int frame_hops(const struct frame *f, const struct frame_info *in, bool direct)
{
	return f->data[ETH_LEN + (in->family == AF_INET6 ? 7 : 8)] - (direct ? 1 : 0);
}

/*
 * The sum does not depend on the order of bytes in a word, but for a final swap (RFC 1071, 2), nor
 * on the size of the words: 32 bits at a time are added to 64 bits, so that no carry is lost.
 */
static uint64_t sum_blocks(const uint8_t **data, size_t *len)
{
	vector low[VECTORS] = { 0 }, high[VECTORS] = { 0 }, words[VECTORS];
	uint64_t sum = 0;

	for (; *len >= sizeof(words); *data += sizeof(words), *len -= sizeof(words)) {
		memcpy(words, *data, sizeof(words));
		for (int i = 0; i < VECTORS; i++) {
			low[i] += words[i] & UINT32_MAX;
			high[i] += words[i] >> 32;
		}
	}
	for (int i = 0; i < VECTORS; i++)
		sum += low[i][0] + low[i][1] + high[i][0] + high[i][1];
	return sum;
}

uint32_t checksum_add(uint32_t sum, const uint8_t *data, size_t len)
{
	uint64_t blocks = sum_blocks(&data, &len);
	uint16_t words;

	while (blocks >> 16)
		blocks = (blocks & 0xffff) + (blocks >> 16);
	words = be16toh((uint16_t)blocks);
	for (sum += words; len >= 2; data += 2, len -= 2)
		sum += get_be16(data);
	if (len)
		sum += (uint32_t)data[0] << 8;
	return sum;
}

uint16_t checksum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void checksum_replace(uint8_t *field, uint16_t before, uint16_t after)
{
	uint32_t sum = (uint16_t)~get_be16(field);

	sum += (uint16_t)~before;
	sum += after;
	put_be16(field, checksum_fold(sum));
}

void checksum_ip4(uint8_t *ip)
{
	put_be16(ip + 10, 0);
	put_be16(ip + 10, checksum_fold(checksum_add(0, ip, IP4_LEN)));
}

void checksum_icmp6(uint8_t *ip6)
{
	uint16_t len = get_be16(ip6 + 4);
	uint8_t *icmp = ip6 + IP6_LEN;
	uint32_t sum = checksum_add(0, ip6 + 8, 32);

	put_be16(icmp + 2, 0);
	sum += len;
	sum += IPPROTO_ICMPV6;
	put_be16(icmp + 2, checksum_fold(checksum_add(sum, icmp, len)));
}
