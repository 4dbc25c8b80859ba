/* SPDX-License-Identifier: Apache-2.0 */
/* flags.h - the flags of rootlesskit-docker-proxy, which are docker-proxy's, in one table */
#ifndef RK_CMD_PROXY_FLAGS_H
#define RK_CMD_PROXY_FLAGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/client/goflag.h"

struct proxy_flags {
	const char *container_ip, *host_ip, *proto;
	int64_t container_port, host_port;
	bool help;
};

#define PROXY_FLAGS_DEFAULT \
	{ \
		.container_ip = "", .host_ip = "", .proto = "tcp", .container_port = -1, \
		.host_port = -1 \
	}
#define PROXY_NFLAGS 6

extern const struct goflag proxy_flags[PROXY_NFLAGS];

/* proxy_usage() - as Go's package prints it; the exit status of --help */
int proxy_usage(FILE *out);

#endif
