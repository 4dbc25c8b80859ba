// SPDX-License-Identifier: Apache-2.0
/* routes.c - does a network of ours hide one that the host knows */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "lib/check/probes.h"

static uint32_t mask_of(unsigned prefix)
{
	return prefix ? ~0u << (32 - prefix) : 0;
}

/* the file has addresses in hexadecimal, in the byte order of the network read as a number here */
static bool read_route(const char *line, char dev[16], uint32_t *ret_net, uint32_t *ret_mask)
{
	unsigned net, mask;

	if (sscanf(line, "%15s %x %*x %*x %*d %*d %*d %x", dev, &net, &mask) != 3)
		return false;
	*ret_net = ntohl(net);
	*ret_mask = ntohl(mask);
	return true;
}

bool routes_clash(const char *text, struct in_addr net, unsigned prefix, char ret_dev[16])
{
	uint32_t ours = ntohl(net.s_addr), to, mask;

	for (const char *line = strchr(text, '\n'); line; line = strchr(line, '\n')) {
		line++;
		if (!read_route(line, ret_dev, &to, &mask) || !mask)
			continue; /* everything is behind a default route */
		mask &= mask_of(prefix);
		if ((to & mask) == (ours & mask))
			return true;
	}
	return false;
}
