// SPDX-License-Identifier: Apache-2.0
/* flags.c - the flags of rootlesskit-docker-proxy */
#include "cmd/rootlesskit-docker-proxy/flags.h"

#include <stddef.h>
#include <stdlib.h>

#define FLAG(name, type, member, value, help) \
	{ \
		name, NULL, type, offsetof(struct proxy_flags, member), value, help \
	}

const struct goflag proxy_flags[PROXY_NFLAGS] = {
	FLAG("container-ip", GOFLAG_TEXT, container_ip, "string", "container ip"),
	FLAG("container-port", GOFLAG_INT, container_port, "int", "container port (default -1)"),
	FLAG("host-ip", GOFLAG_TEXT, host_ip, "string", "host ip"),
	FLAG("host-port", GOFLAG_INT, host_port, "int", "host port (default -1)"),
	FLAG("proto", GOFLAG_TEXT, proto, "string", "proxy protocol (default \"tcp\")"),
	{ "help", "h", GOFLAG_BOOL, offsetof(struct proxy_flags, help), NULL, "show this help" },
};

int proxy_usage(FILE *out)
{
	fputs("Usage of rootlesskit-docker-proxy:\n", out);
	for (size_t i = 0; i < PROXY_NFLAGS; i++)
		fprintf(out, "  -%s%s%s\n    \t%s\n", proxy_flags[i].name,
			proxy_flags[i].value ? " " : "",
			proxy_flags[i].value ? proxy_flags[i].value : "", proxy_flags[i].help);
	return fflush(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
