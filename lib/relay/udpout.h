/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udpout.h - UDP out of the child by the kernel
 *
 * A *mapping* is one address and port of the child, and the one socket of the host that stands for
 * it, whoever the peer is: servers see the same port, and anybody may answer to it. A *pair* is a
 * mapping and one peer; when it is busy it has a transparent socket of the gateway, bound to the
 * peer's address and connected to the child's, so that the kernel sorts its datagrams.
 */
#ifndef RK_RELAY_UDPOUT_H
#define RK_RELAY_UDPOUT_H

#include "lib/base/loop.h"
#include "lib/ipc/netplan.h"
#include "lib/relay/forward.h"
#include "lib/relay/sockpool.h"
#include "lib/relay/udpio.h"
#include "lib/relay/udptable.h"

struct err;
struct policy_hosts;

#define UDPOUT_MAX 65536    /* mappings */
#define UDPOUT_OF_PEER 1024 /* sockets bound to the address of one peer, about */

struct udpout_counts { /* datagrams, but for the first and the last */
	uint64_t mappings, out, in;
	uint64_t refused; /* by the policy */
	uint64_t dropped; /* no descriptor, a full buffer, a sender that nobody may talk to */
	uint64_t errors;  /* ICMP errors given to the child */
	uint64_t evicted; /* mappings that ended because there were too many */
};

struct udpout {
	struct loop *loop;
	const struct net_plan *plan;
	const struct policy_hosts *hosts; /* see policy_judge() */
	struct sockpool *pool;            /* of the gateway */
	struct forward *forward;
	int tun;
	struct watch wild[2]; /* transparent, for what no pair has a socket for */
	struct udpio_from wild_from[2];
	uint16_t wild_port;
	struct udp_table mappings, pairs;
	struct udpio *io;
	unsigned pair_sockets, pair_sockets_max;
	uint16_t of_peer[4096]; /* sockets, by a hash of the peer's address */
	struct timer sweep;     /* set while there are mappings */
	uint64_t tokens_ms;     /* when tokens was right */
	unsigned tokens;        /* errors that may be given now */
	bool full_said;
	struct udpout_counts counts;
	/* whether a published port has a socket for these; NULL: there are none */
	bool (*is_claimed)(void *arg, const struct net_addr *peer, const struct net_addr *child);
	void *claims_arg;
};

/* udpout_yield() - a published port will have a socket for these two: no pair keeps one */
void udpout_yield(struct udpout *u, const struct net_addr *peer, const struct net_addr *child);

/* udpout_hosts_changed() - pairs whose peer is the host now end; what they send next is refused */
void udpout_hosts_changed(struct udpout *u);

/**
 * udpout_init()
 * @fds:	by enum net_accel_fd, -1: none; the UDP sockets are consumed, also on failure; the
 *tun is borrowed
 * @max:	mappings at once; pairs have sockets for a quarter of that in addition. All of them
 *are lent by @f
 */
int udpout_init(struct udpout *u, struct loop *l, const struct net_plan *plan, const int *fds,
		struct sockpool *pool, struct forward *f, unsigned max, struct err *err);
void udpout_done(struct udpout *u); /* before bounce_done(), sockpool_done(); takes a zeroed one */

#endif
