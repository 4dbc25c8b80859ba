// SPDX-License-Identifier: Apache-2.0
/* net.c - addresses, connecting with a limit, and streams that both ends can make */
#include "nsprobe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"

void addr_parse(struct addr *a, const char *host, const char *port)
{
	struct sockaddr_in *v4 = (void *)&a->room;
	struct sockaddr_in6 *v6 = (void *)&a->room;
	char *end, bare[64];
	unsigned long n = strtoul(port, &end, 10);
	const char *scope = strchr(host, '%');

	snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(host, "%"), host);
	memset(a, 0, sizeof(*a));
	if (*end || !*port || n > 65535)
		die("'%s' is no port", port);
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)n);
		a->len = sizeof(*v4);
	} else if (inet_pton(AF_INET6, bare, &v6->sin6_addr) == 1) {
		v6->sin6_scope_id = scope ? if_nametoindex(scope + 1) : 0;
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)n);
		a->len = sizeof(*v6);
	} else {
		die("'%s' is no address", host);
	}
}

void addr_print(const struct addr *a, char *dst, size_t size)
{
	const struct sockaddr_in *v4 = (const void *)&a->room;
	const struct sockaddr_in6 *v6 = (const void *)&a->room;
	char host[INET6_ADDRSTRLEN] = "?";
	uint16_t port;

	if (a->sa.sa_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		port = ntohs(v4->sin_port);
	} else {
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
			inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], host, sizeof(host));
		else
			inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		port = ntohs(v6->sin6_port);
	}
	snprintf(dst, size, "%s %u", host, port);
}

#define SOFT_ROUNDS 1000

int net_connect(const struct addr *to, const struct addr *from, int socktype, int timeout_ms)
{
	autoclose int fd = socket(to->sa.sa_family, socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int on = 1, error = 0;
	socklen_t len = sizeof(error);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (from && bind(fd, &from->sa, from->len) < 0)
		return -errno;
	if (connect(fd, &to->sa, to->len) == 0)
		return take_fd(&fd);
	if (errno != EINPROGRESS)
		return -errno;
	/* an ICMP message that comes while the kernel has the socket locked wakes us before its
	   error is there */
	for (int i = 0; i < SOFT_ROUNDS && !(p.revents & POLLOUT); i++) {
		if (i)
			usleep(1000);
		if (poll(&p, 1, timeout_ms) == 0)
			return -ETIMEDOUT;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
			return -errno;
		if (error)
			return -error;
	}
	return p.revents & POLLOUT ? take_fd(&fd) : -ETIMEDOUT;
}

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

void stream_fill(uint8_t *dst, size_t len, uint64_t pos, uint64_t seed)
{
	while (len) {
		uint64_t word = mix(seed * 0x100000001b3ull + pos / 8);
		size_t skip = pos % 8, n = 8 - skip;

		if (n > len)
			n = len;
		memcpy(dst, (const uint8_t *)&word + skip, n);
		dst += n;
		pos += n;
		len -= n;
	}
}

uint64_t checksum(uint64_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ p[i]) * 1099511628211ull;
	return sum;
}
