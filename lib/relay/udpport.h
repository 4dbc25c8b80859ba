/* SPDX-License-Identifier: Apache-2.0 */
/* udpport.h - published UDP ports: what comes in, sorted by client */
#ifndef RK_RELAY_UDPPORT_H
#define RK_RELAY_UDPPORT_H

#include "lib/relay/udpflow.h"

struct udp_ports {
	struct udp_flows flows;
	struct list ports;
};

/* udpports_init() - @flows_max: descriptors that clients may use, one each */
int udpports_init(struct udp_ports *u, struct loop *l, struct sources *sources, unsigned flows_max,
		  struct err *err);
void udpports_done(struct udp_ports *u); /* ends what is open; takes a zeroed one */

/**
 * udpports_add() - serve a published port
 * @sock:	bound datagram socket that tells the address each datagram hit; consumed, also on
 *		failure
 * Return: 0; -EPROTO when the message or its descriptor is not what it must be
 */
int udpports_add(struct udp_ports *u, const struct worker_port *spec, int sock, struct err *err);

/* udpports_stats() - as forward_stats() */
unsigned udpports_stats(const struct udp_ports *u, uint32_t after, struct worker_port_stats *ret,
			unsigned max);

/* udpports_remove() - close the socket and forget its clients; an unknown id is ignored */
void udpports_remove(struct udp_ports *u, uint32_t id);

#endif
