/* SPDX-License-Identifier: Apache-2.0 */
/* tcpopt.h - socket options of both ends of a flow */
#ifndef RK_RELAY_TCPOPT_H
#define RK_RELAY_TCPOPT_H

/**
 * tcp_set_options() - no delay, keepalive that finds a dead peer within two minutes, urgent data in
 *                     line (so that its place is known). Accepted sockets inherit them from their
 *                     listener. What the kernel refuses is left: no flow depends on it
 */
void tcp_set_options(int fd);

/* tcp_close_reset() - close so that the peer sees a reset; bytes under way are thrown away */
void tcp_close_reset(int fd);

#endif
