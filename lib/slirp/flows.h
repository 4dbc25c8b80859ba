/* SPDX-License-Identifier: Apache-2.0 */
/* flows.h - how many sockets libslirp may hold, by kind (slirp only) */
#ifndef RK_SLIRP_FLOWS_H
#define RK_SLIRP_FLOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/slirp/frame.h"

#define FLOWS_TCP_MAX 8192
#define FLOWS_UDP_MAX 4096
#define FLOWS_ICMP_MAX 256 /* libslirp opens one socket an echo request */
#define FLOWS_BUCKETS 16384

enum flow_kind { FLOW_NONE, FLOW_TCP, FLOW_UDP, FLOW_ICMP, FLOW_NKINDS };

struct flow_slot {
	uint16_t bucket;
	uint8_t kind; /* enum flow_kind */
};

struct flows {
	uint32_t max[FLOW_NKINDS], now[FLOW_NKINDS];
	uint64_t refused[FLOW_NKINDS];
	uint32_t seed;
	struct flow_slot expected; /* of the frame that libslirp is about to get */
	struct flow_slot *slots;   /* by descriptor */
	uint32_t nslots;
	uint16_t udp[FLOWS_BUCKETS]; /* UDP flows by hash of the child's address and port */
};

/**
 * slirp_flows_init() - share out the descriptors
 * @nofile:	the limit of the process
 * Return: 0 or -ENOMEM; slirp_flows_done() takes a zeroed one
 */
int slirp_flows_init(struct flows *fl, uint32_t nofile);
void slirp_flows_done(struct flows *fl);

/* flows_admit() - may libslirp see this frame? Not when it would open a socket too many */
bool flows_admit(struct flows *fl, const struct frame_info *in);

/* flows_opened(), flows_closed() - libslirp made or is about to close the socket @fd */
void flows_opened(struct flows *fl, int fd);
void flows_closed(struct flows *fl, int fd);

/* flows_total() - sockets that libslirp holds now */
uint32_t flows_total(const struct flows *fl);

#endif
