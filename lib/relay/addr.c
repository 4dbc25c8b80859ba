// SPDX-License-Identifier: Apache-2.0
/* addr.c - addresses of messages as the socket calls want them */
#include "lib/relay/addr.h"

#include <string.h>

bool addr_valid(const struct net_addr *a)
{
	return (a->family == AF_INET || a->family == AF_INET6) && a->port != 0;
}

bool addr_equal(const struct net_addr *a, const struct net_addr *b)
{
	return a->family == b->family && a->port == b->port && a->scope == b->scope &&
	       memcmp(a->addr, b->addr, a->family == AF_INET ? 4 : 16) == 0;
}

socklen_t addr_to_sock(const struct net_addr *a, union sock_addr *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (a->family == AF_INET) {
		ret->in.sin_family = AF_INET;
		ret->in.sin_port = htons(a->port);
		memcpy(&ret->in.sin_addr, a->addr, sizeof(ret->in.sin_addr));
		return sizeof(ret->in);
	}
	ret->in6.sin6_family = AF_INET6;
	ret->in6.sin6_port = htons(a->port);
	ret->in6.sin6_scope_id = a->scope;
	memcpy(&ret->in6.sin6_addr, a->addr, sizeof(ret->in6.sin6_addr));
	return sizeof(ret->in6);
}

void addr_unmap(union sock_addr *a)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (a->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		return;
	in.sin_port = a->in6.sin6_port;
	memcpy(&in.sin_addr, &a->in6.sin6_addr.s6_addr[12], sizeof(in.sin_addr));
	a->in = in;
}

void addr_from_sock(const union sock_addr *sa, struct net_addr *ret)
{
	*ret = (struct net_addr){ .family = sa->sa.sa_family };
	if (ret->family == AF_INET) {
		ret->port = ntohs(sa->in.sin_port);
		memcpy(ret->addr, &sa->in.sin_addr, 4);
		return;
	}
	ret->port = ntohs(sa->in6.sin6_port);
	memcpy(ret->addr, &sa->in6.sin6_addr, 16);
	if (IN6_IS_ADDR_LINKLOCAL(&sa->in6.sin6_addr))
		ret->scope = sa->in6.sin6_scope_id;
}

void addr_map(const struct net_addr *a, uint8_t ret[static 16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	if (a->family == AF_INET6) {
		memcpy(ret, a->addr, 16);
		return;
	}
	memcpy(ret, prefix, sizeof(prefix));
	memcpy(ret + sizeof(prefix), a->addr, 4);
}

bool addr_same_host(const union sock_addr *a, const union sock_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	return a->sa.sa_family == AF_INET6
		       ? memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0
		       : a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}
