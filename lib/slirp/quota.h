/* SPDX-License-Identifier: Apache-2.0 */
/* quota.h - how many sockets libslirp may hold, by kind (slirp only) */
#ifndef RK_SLIRP_QUOTA_H
#define RK_SLIRP_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/slirp/frame.h"

#define QUOTA_TCP_MAX 8192
#define QUOTA_UDP_MAX 4096
#define QUOTA_ICMP_MAX 256 /* sockets of echo.c, which counts them itself */
#define QUOTA_BUCKETS 16384

enum quota_kind { QUOTA_NONE, QUOTA_TCP, QUOTA_UDP, QUOTA_ICMP, QUOTA_NKINDS };

struct quota_slot {
	uint16_t bucket;
	uint8_t kind;  /* enum quota_kind */
	uint8_t error; /* that it failed to connect by; errno */
};

struct quota {
	uint32_t max[QUOTA_NKINDS], now[QUOTA_NKINDS];
	uint64_t refused[QUOTA_NKINDS];
	uint32_t seed;
	struct quota_slot expected; /* of the frame that libslirp is about to get */
	struct quota_slot *slots;   /* by descriptor */
	uint32_t nslots;
	uint16_t udp[QUOTA_BUCKETS];    /* UDP flows by hash of the child's address and port */
	uint32_t udp_ms[QUOTA_BUCKETS]; /* the last datagram from there */
	bool crowded;                   /* a datagram was refused since quota_udp_age() */
};

/**
 * quota_init() - share out the descriptors
 * @nofile:	the limit of the process
 * @udp_ports:	of the host that UDP flows may have; 0: as many as the limit allows
 * Return: 0 or -ENOMEM; quota_done() takes a zeroed one
 */
int quota_init(struct quota *q, uint32_t nofile, uint32_t udp_ports);
void quota_done(struct quota *q);

/* quota_admit() - may libslirp see this frame? Not when it would open a socket too many
 * @now_ms:	of the clock by which flows end, which is never put back
 */
bool quota_admit(struct quota *q, const struct frame_info *in, uint64_t now_ms);

/* quota_udp_age() - for how many ms a quarter of the UDP flows, those that were silent the longest,
 * have sent nothing; not more than @most_ms
 */
uint32_t quota_udp_age(struct quota *q, uint64_t now_ms, uint32_t most_ms);

/* quota_opened(), quota_closed() - libslirp made or is about to close the socket @fd */
void quota_opened(struct quota *q, int fd);
void quota_closed(struct quota *q, int fd);

/* quota_kind_of() - QUOTA_NONE: not one of libslirp's */
enum quota_kind quota_kind_of(const struct quota *q, int fd);

/* quota_set_error(), quota_error_of() - why one of libslirp's could not connect; 0: it has not
 * failed. The first is kept: a socket that is shut down has another */
void quota_set_error(struct quota *q, int fd, int error);
int quota_error_of(const struct quota *q, int fd);

/* quota_total() - sockets that libslirp holds now */
uint32_t quota_total(const struct quota *q);

#endif
