// SPDX-License-Identifier: Apache-2.0
/* tcpopt.c - socket options of both ends of a flow */
#include "lib/relay/tcpopt.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

/* 15 s as RootlessKit; 6 probes: 15 + 6 * 15 = 105 s until a silent peer counts as dead */
static const struct {
	int level, name, value;
} options[] = {
	{ IPPROTO_TCP, TCP_NODELAY, 1 },   { SOL_SOCKET, SO_KEEPALIVE, 1 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, 15 }, { IPPROTO_TCP, TCP_KEEPINTVL, 15 },
	{ IPPROTO_TCP, TCP_KEEPCNT, 6 },   { SOL_SOCKET, SO_OOBINLINE, 1 },
};

void tcp_set_options(int fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			   sizeof(options[i].value));
}

void tcp_close_reset(int fd)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}
