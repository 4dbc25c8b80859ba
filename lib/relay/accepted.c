// SPDX-License-Identifier: Apache-2.0
/* accepted.c - who a connection of the gateway's listeners is between, as the child sees it */
#include "lib/relay/accepted.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/relay/addr.h"

/* tproxy: its own address is the destination */
static int own_address(int fd, union sock_addr *ret)
{
	socklen_t len = sizeof(*ret);

	return getsockname(fd, &ret->sa, &len) < 0 ? -errno : 0;
}

/* NAT: the gateway's kernel knows what it was before */
static int original_address(int fd, union sock_addr *ret)
{
	int r = own_address(fd, ret);
	bool v6 = ret->sa.sa_family == AF_INET6;
	socklen_t len = v6 ? sizeof(ret->in6) : sizeof(ret->in);

	if (r < 0)
		return r;
	static_assert(SO_ORIGINAL_DST == IP6T_SO_ORIGINAL_DST, "one number for both families");
	r = getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, SO_ORIGINAL_DST, ret, &len);
	return r < 0 ? -errno : 0;
}

static int (*const destination[])(int fd, union sock_addr *ret) = {
	[NET_ACCEL_OFF] = NULL,
	[NET_ACCEL_TPROXY] = own_address,
	[NET_ACCEL_REDIRECT] = original_address,
};
static_assert(ARRAY_SIZE(destination) == NET_NACCELS, "one for each rung");

static bool side_of(const union sock_addr *sa, uint8_t addr[16], uint16_t *port)
{
	if (sa->sa.sa_family == AF_INET) {
		memcpy(addr, &sa->in.sin_addr, 4);
		*port = ntohs(sa->in.sin_port);
	} else {
		memcpy(addr, &sa->in6.sin6_addr, 16);
		*port = ntohs(sa->in6.sin6_port);
	}
	return sa->sa.sa_family == AF_INET || sa->sa.sa_family == AF_INET6;
}

int accepted_key(enum net_accel rung, int fd, struct syn_key *ret)
{
	union sock_addr from = { 0 }, to = { 0 };
	socklen_t len = sizeof(from);
	int r;

	*ret = (struct syn_key){ 0 };
	if (getpeername(fd, &from.sa, &len) < 0)
		return -errno;
	r = destination[rung](fd, &to);
	if (r < 0)
		return r;
	if (!side_of(&from, ret->src, &ret->sport) || !side_of(&to, ret->dst, &ret->dport))
		return -EAFNOSUPPORT;
	ret->family = to.sa.sa_family;
	return 0;
}
