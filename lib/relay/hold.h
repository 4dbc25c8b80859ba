/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold.h - connections of the child that wait for theirs on the host
 *
 * A SYN is held until a socket of the host is connected to its destination; then it is released,
 * the gateway's kernel completes the handshake with the child, and both sockets become a flow. So
 * a connect() in the child fails as the real one does.
 */
#ifndef RK_RELAY_HOLD_H
#define RK_RELAY_HOLD_H

#include <stdbool.h>

#include "lib/base/list.h"
#include "lib/base/loop.h"
#include "lib/ipc/netplan.h"
#include "lib/relay/flow.h"
#include "lib/relay/syn.h"

struct err;
struct policy_hosts;

#define HOLDS_MAX 4096
#define HOLDS_OF_SOURCE(max) ((max) / 4) /* at least 1 */

/*
 *   FREE -> CONNECTING -> RELEASED -> ACCEPTED -> FREE
 *               |             |
 *               +-> FAILED    +-> ABANDONED -> FREE
 *               +-> ABANDONED
 */
enum hold_state {
	/* in the free list; a SYN with a new key leaves it */
	HOLD_FREE,
	/* the host's socket is not connected yet. The client repeats its SYN after 1, 3, 7, ... s:
	   a longer silence is ABANDONED, an error of the host's socket FAILED */
	HOLD_CONNECTING,
	/* the host's socket stands, the SYN was written back. Until the listener has the
	   connection: 5 s after the last SYN it is ABANDONED */
	HOLD_RELEASED,
	/* a flow has both sockets. The key is kept for a moment when a repeated SYN may still be on
	   its way, which would open a second connection */
	HOLD_ACCEPTED,
	/* passed through: the child was told why, or its next SYN tries again */
	HOLD_FAILED,
	/* passed through: the client gave up; the host's socket is reset */
	HOLD_ABANDONED,
	HOLD_NSTATES
};

struct hold;

struct holds {
	struct loop *loop;
	int tun; /* borrowed */
	enum net_accel rung;
	const struct net_plan *plan;
	const struct policy_hosts *hosts; /* see policy_judge() */
	struct flows *flows;
	bool (*has_room)(void *owner); /* for one more, beside the flows and flows->held */
	void *owner;
	struct list open;         /* flows that came of it */
	struct hold *all;         /* @max; pages of those that were never used are never touched */
	unsigned max, made, n;    /* made: were used once; n: are not free */
	struct list free, by_age; /* of those made; of those in use */
	struct list *by_key, *by_source; /* hashed, @max lists each; zeroed ones are empty */
	uint64_t keys[sizeof(struct syn_key) / sizeof(uint32_t)]; /* of the hash, random */
	uint64_t random; /* who gives way: nothing that must be unknown */
	bool pin;        /* the host's congestion control is no good for its loopback */
	bool full_said;
	uint64_t refused;             /* by the policy */
	uint64_t ended[HOLD_NSTATES]; /* how many went through a state */
	uint64_t bytes_in, bytes_out; /* to the child, from it: of flows that have ended */
};

/**
 * holds_init()
 * @tun:	bounce0, non-blocking; borrowed, as @plan, @flows and @owner
 * @rung:	how connections come to the listener
 * @max:	held at once, of one source address a quarter; each takes a descriptor
 */
int holds_init(struct holds *h, struct loop *l, int tun, enum net_accel rung,
	       const struct net_plan *plan, struct flows *flows, unsigned max,
	       bool (*has_room)(void *owner), void *owner, struct err *err);
void holds_done(struct holds *h); /* resets what is open; takes a zeroed one */

/* holds_visit() - those that are no flows yet, as flows_visit(); takes a zeroed one */
typedef bool hold_visit_fn(const struct syn_key *key, uint64_t since_ms, void *arg);
unsigned holds_visit(const struct holds *h, unsigned below, unsigned looks, hold_visit_fn *visit,
		     void *arg);

/* holds_syn() - a packet of bounce0; what is no SYN is ignored */
void holds_packet(struct holds *h, const uint8_t *pkt, size_t n);

/* holds_accepted() - @fd: from a transparent listener; consumed, reset unless it was released */
void holds_accepted(struct holds *h, int fd);

#endif
