/* SPDX-License-Identifier: Apache-2.0 */
/* hostsock.h - the host's end of a published port: its socket, and addresses of port specs */
#ifndef RK_PORTDRIVERS_HOSTSOCK_H
#define RK_PORTDRIVERS_HOSTSOCK_H

#include <stdbool.h>
#include <sys/socket.h>

#include "lib/base/err.h"
#include "lib/base/portspec.h"
#include "lib/ipc/netplan.h"

/**
 * hostsock_open() - a listening TCP or bound UDP socket where @spec says
 * @spec:	one port, the first of a range; 0: any that is free
 * @named_rootlesskit:	words of the error about privileged ports
 * @ret:	non-blocking, close-on-exec; the caller's. UDP tells the address that a datagram hit
 * @err:	Go's words: "listen tcp4 0.0.0.0:80: bind: permission denied"
 * Return: 0 or a negative errno
 */
int hostsock_open(const struct port_spec *spec, bool named_rootlesskit, int *ret, struct err *err);

/* hostsock_adopt() - make a listening TCP or bound UDP socket of others what hostsock_open() makes;
 * 0 or a negative errno */
int hostsock_adopt(int fd, bool udp);

/* hostsock_port() - the port that @fd is bound to, or a negative errno */
int hostsock_port(int fd);

/* hostsock_parse_ip() - an address, its port left 0; ::ffff:1.2.3.4 is the IPv4 address that it
 * means. 0 or -EINVAL */
int hostsock_parse_ip(const char *text, struct net_addr *ret);
bool hostsock_is_unspecified(const struct net_addr *a);
bool hostsock_is_loopback(const struct net_addr *a);
void hostsock_set_loopback(struct net_addr *a, sa_family_t family);

#endif
