// SPDX-License-Identifier: Apache-2.0
/* frame.c - Ethernet frames as bytes: checksums (slirp only) */
#include "lib/slirp/frame.h"

uint32_t checksum_add(uint32_t sum, const uint8_t *data, size_t len)
{
	for (; len >= 2; data += 2, len -= 2)
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
