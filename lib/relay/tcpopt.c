// SPDX-License-Identifier: Apache-2.0
/* tcpopt.c - socket options of both ends of a flow */
#include "lib/relay/tcpopt.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

struct option {
	int level, name, value;
};

static const struct option first[] = {
	{ IPPROTO_TCP, TCP_NODELAY, 1 },
	{ SOL_SOCKET, SO_OOBINLINE, 1 },
};

/* 15 s as RootlessKit; 6 probes: 15 + 6 * 15 = 105 s until a silent peer counts as dead */
static const struct option keepalive[] = {
	{ IPPROTO_TCP, TCP_KEEPIDLE, 15 },
	{ IPPROTO_TCP, TCP_KEEPINTVL, 15 },
	{ IPPROTO_TCP, TCP_KEEPCNT, 6 },
	{ SOL_SOCKET, SO_KEEPALIVE, 1 },
};

static void set_all(int fd, const struct option *o, size_t n)
{
	for (size_t i = 0; i < n; i++)
		setsockopt(fd, o[i].level, o[i].name, &o[i].value, sizeof(o[i].value));
}

void tcp_set_first(int fd)
{
	set_all(fd, first, ARRAY_SIZE(first));
}

void tcp_set_keepalive(int fd)
{
	set_all(fd, keepalive, ARRAY_SIZE(keepalive));
}

void tcp_set_options(int fd)
{
	tcp_set_first(fd);
	tcp_set_keepalive(fd);
}

void tcp_close_reset(int fd)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static const char *const no_loss[] = { "cubic", "reno" }; /* a user may always have reno */

bool tcp_wants_pin(void)
{
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char name[16] = "";
	socklen_t len = sizeof(name) - 1;

	if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(no_loss); i++) {
		if (strcmp(name, no_loss[i]) == 0)
			return false;
	}
	return true;
}

void tcp_pin_congestion(int fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(no_loss); i++) {
		if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, no_loss[i],
			       (socklen_t)strlen(no_loss[i])) == 0)
			return;
	}
}
