/* SPDX-License-Identifier: Apache-2.0 */
/* tcpopt.h - socket options of both ends of a flow */
#ifndef RK_RELAY_TCPOPT_H
#define RK_RELAY_TCPOPT_H

#include <stdbool.h>

/**
 * tcp_set_options() - no delay, keepalive that finds a dead peer within two minutes, urgent data in
 *                     line (so that its place is known). Accepted sockets inherit them from their
 *                     listener. What the kernel refuses is left: no flow depends on it
 */
void tcp_set_options(int fd);

/* tcp_set_first() - of these, what must be there before the first byte: no keepalive */
void tcp_set_first(int fd);

/* tcp_set_keepalive() - and the others */
void tcp_set_keepalive(int fd);

/* tcp_close_reset() - close so that the peer sees a reset; bytes under way are thrown away */
void tcp_close_reset(int fd);

/* tcp_wants_pin() - the congestion control of new sockets crawls on paths without loss */
bool tcp_wants_pin(void);

/* tcp_pin_congestion() - give a socket one that does not, where the host allows it */
void tcp_pin_congestion(int fd);

#endif
