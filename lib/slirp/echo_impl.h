/* SPDX-License-Identifier: Apache-2.0 */
/* echo_impl.h - the pings that are under way; for echo.c and echoflow.c only */
#ifndef RK_SLIRP_ECHO_IMPL_H
#define RK_SLIRP_ECHO_IMPL_H

#include "lib/slirp/echo.h"

struct echo_flow {
	int fd;
	uint16_t family, id; /* the child's id */
	uint8_t src[16], dst[16];
	uint8_t link[ETH_LEN]; /* of the last request */
	uint64_t used_ms;
	int hops, discover; /* what the socket was told; -1: nothing */
	uint32_t mtu;       /* of our own kernel's last complaint */
};

/* echo_flow_find() - of the request that @in is about; NULL: none */
struct echo_flow *echo_flow_find(const struct echo *e, const struct frame_info *in);

/* echo_flow_start() - a new one, with a socket; valid until the next. Return: 0 or a negative errno
 */
int echo_flow_start(struct echo *e, const struct frame_info *in, struct echo_flow **ret);

#endif
