// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_dhcpmsg.c - an answer that is taken is one to our question
 *
 * The input is a packet. It is read from a buffer of exactly its size, so that a byte too much is
 * seen; what is taken has our transaction and hardware address, and is the same once more.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/dhcpmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mac[6] = { 2, 0x50, 0, 0, 0, 1 };
	struct dhcp_answer once, twice;
	uint8_t *packet = calloc(1, size ? size : 1);

	if (!packet)
		return 0;
	if (size)
		memcpy(packet, data, size);
	if (dhcpmsg_parse(packet, size, 1, mac, &once) == 0) {
		assert(size >= 20 + 8 + 240 && (packet[0] & 15) >= 5);
		assert(memmem(packet, size, mac, sizeof(mac)));
		assert(dhcpmsg_parse(packet, size, 1, mac, &twice) == 0);
		assert(memcmp(&once, &twice, sizeof(once)) == 0);
		assert(dhcpmsg_parse(packet, size, 2, mac, &twice) < 0);
	}
	free(packet);
	return 0;
}
