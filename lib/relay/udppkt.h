/* SPDX-License-Identifier: Apache-2.0 */
/* udppkt.h - datagrams and ICMP errors about them, as packets for the tun of the gateway */
#ifndef RK_RELAY_UDPPKT_H
#define RK_RELAY_UDPPKT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/ipc/netplan.h"

#define UDPPKT_DATA_MAX 65507 /* over IPv4; the most that is written over IPv6 too */
#define UDPPKT_QUOTED 128     /* bytes of data that an error quotes at most */
#define UDPPKT_ERROR_MAX 256  /* bytes of a whole error */

struct udppkt {
	struct net_addr from, to; /* of one family */
	uint8_t tos;
	const void *data;
	size_t len;
};

/**
 * udppkt_write() - a datagram, whole for IPv4 (the kernel cuts it), in fragments for IPv6 when it
 *                  is longer than @mtu
 * @tun:	non-blocking
 * Return: 0; a negative errno: dropped, as on any wire
 */
int udppkt_write(int tun, const struct udppkt *p, uint32_t mtu);

struct udppkt_error {
	uint8_t type, code;       /* of ICMP or ICMPv6, by the family of @from */
	uint32_t info;            /* the rest of its header: an MTU */
	const void *offender;     /* in_addr or in6_addr that it comes from */
	struct net_addr from, to; /* of the datagram; the error goes to @from */
	const void *data;         /* what is known of it */
	size_t len, whole;        /* bytes of @data, and of the datagram */
};

/* udppkt_make_error() - write the packet to @ret, UDPPKT_ERROR_MAX bytes; its length */
size_t udppkt_make_error(const struct udppkt_error *e, uint8_t *ret);

#endif
