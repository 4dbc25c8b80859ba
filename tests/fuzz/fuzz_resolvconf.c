// SPDX-License-Identifier: Apache-2.0
/* fuzz_resolvconf.c - resolver files: always a server, and what we keep reads back as the same */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/parent/hostfiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct host_resolver once, twice;

	if (host_resolver_parse((const char *)data, size, &once) < 0)
		return 0;
	assert(once.dns.count >= 1 && once.dns.count <= WORKER_DNS_MAX);
	for (uint32_t i = 0; i < once.dns.count; i++) {
		assert(once.dns.server[i].port == 53);
		assert(once.dns.server[i].family == AF_INET ||
		       once.dns.server[i].family == AF_INET6);
	}
	for (const char *p = once.extra; *p; p++)
		assert(*p == '\n' || ((unsigned char)*p >= 0x20 && *p != 0x7f));
	assert(strstr(once.extra, "nameserver ") != once.extra);
	assert(host_resolver_parse(once.extra, strlen(once.extra), &twice) == 0);
	assert(strcmp(once.extra, twice.extra) == 0 && twice.dns.count == 1);
	host_resolver_done(&once);
	host_resolver_done(&twice);
	return 0;
}
