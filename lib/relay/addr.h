/* SPDX-License-Identifier: Apache-2.0 */
/* addr.h - addresses of messages as the socket calls want them */
#ifndef RK_RELAY_ADDR_H
#define RK_RELAY_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "lib/ipc/netplan.h"

union sock_addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* addr_valid() - a family that we know and a port */
bool addr_valid(const struct net_addr *a);

bool addr_equal(const struct net_addr *a, const struct net_addr *b);

/* addr_to_sock() - fill @ret; its length. @a must be valid */
socklen_t addr_to_sock(const struct net_addr *a, union sock_addr *ret);

/* addr_unmap() - an IPv4 address in IPv6 clothes (::ffff:a.b.c.d) becomes one of IPv4 */
void addr_unmap(union sock_addr *a);

/* addr_from_sock() - of an IPv4 or IPv6 socket address; a scope is kept for link-local ones only */
void addr_from_sock(const union sock_addr *sa, struct net_addr *ret);

/* addr_map() - the address as 16 bytes, IPv4 as ::ffff:a.b.c.d */
void addr_map(const struct net_addr *a, uint8_t ret[static 16]);

/* addr_same_host() - whether two addresses differ in the port at most */
bool addr_same_host(const union sock_addr *a, const union sock_addr *b);

#endif
