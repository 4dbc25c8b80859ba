/* SPDX-License-Identifier: Apache-2.0 */
/* udpflow.h - one client of a published UDP port, from its first datagram to its silence */
#ifndef RK_RELAY_UDPFLOW_H
#define RK_RELAY_UDPFLOW_H

#include <stdbool.h>

#include "lib/base/list.h"
#include "lib/base/loop.h"
#include "lib/ipc/worker.h"
#include "lib/relay/source.h"
#include "lib/relay/udphold.h"
#include "lib/relay/udpio.h"
#include "lib/relay/udptable.h"

/* what was not delivered, and why */
struct udp_counts {
	uint64_t dropped; /* datagrams that we did not pass on */
	uint64_t evicted; /* flows that ended because the table was full */
};

struct udp_port {
	struct udp_flows *all;
	struct list entry;
	struct worker_port spec;
	struct watch watch;
	int family; /* of the published socket */
	struct udpio_from from;
	bool is_tunnel;                      /* what it is answered is sent to other ports */
	unsigned unanswered_ms, answered_ms; /* silence after which a flow ends */
	struct list flows;
	struct udp_counts counts;
	struct worker_port_stats stats; /* active: unused */
	struct deferred deferred;
};

enum udp_state {
	UDP_FREE,    /* not in the table; udpflow_new() leaves it */
	UDP_WAITING, /* for a socket of the child or gateway netns; what comes is held, to be sent
			then */
	UDP_TRYING,  /* connected; no answer yet, so the first datagrams are held to try again */
	UDP_OPEN,    /* the target has answered; nothing is held */
	UDP_NSTATES
};

struct udp_flow {
	struct udp_entry entry; /* in the table */
	struct udp_port *port;
	struct list by_port;
	enum udp_state state;
	struct watch watch; /* of the socket in the child's or gateway's netns; fd -1: none */
	struct sockpool_wait wait;
	struct udp_entry *claim; /* on the client's address at this target; NULL: none */
	enum source source;      /* with this address */
	union sock_addr peer;    /* the client, never an IPv4 address in IPv6 */
	struct udphold hold;
	uint8_t target;  /* index of the address that is used */
	uint8_t refused; /* addresses that refused since the last answer */
	uint8_t careful; /* datagrams that are still held, and sent one by one */
	bool connected;
	union sock_addr client; /* as the published socket takes it */
	socklen_t client_len;
	bool has_local; /* the address that it hit, entry.key.local, is one to answer from */
	struct udpio_from from;
	uint8_t empty;                   /* events in a row without data or an error */
	uint16_t bundle_max, answer_max; /* udpio_send(), to the target and to the client */
};

/* all of the process */
struct udp_flows {
	struct loop *loop;
	struct sources *sources;
	struct udp_table table;
	struct udp_table claims; /* one socket a client address and port, and target */
	struct udphold_store store;
	struct udpio *io;   /* NULL until the first port */
	struct timer sweep; /* set while there are flows */
	/* a flow will have a socket for these two addresses; NULL: nobody else could have one */
	void (*on_claim)(void *arg, const struct net_addr *client, const struct net_addr *target);
	void *claim_arg;
	bool full_said;
};

int udpflows_init(struct udp_flows *u, struct loop *l, struct sources *sources, unsigned flows_max,
		  struct err *err);
void udpflows_done(struct udp_flows *u); /* all flows must have ended */

/**
 * udpflow_get() - the flow of @key, made when there is none
 * @i:	the datagram of the batch that it comes from
 * Return: NULL when memory or the agent of the child netns is gone
 */
struct udp_flow *udpflow_get(struct udp_port *p, const struct udp_key *key, unsigned i);

/* udpflow_find() - the flow that takes datagrams of @key, its own or one of this client that does
 * for several; NULL: none */
struct udp_flow *udpflow_find(const struct udp_port *p, const struct udp_key *key);

/* udpflows_limits() - how long flows of a new port live */
void udpflows_limits(struct udp_port *p);

/* udpflows_due() - a flow is new, or its age is another */
void udpflows_due(struct udp_flow *f);

/* udpflow_start() - get a socket for the first target; the flow, just made, may end at once */
void udpflow_start(struct udp_flow *f);

/* udpflow_send() - pass datagrams @first to @first + @n - 1 of the batch on; the flow may end */
void udpflow_send(struct udp_flow *f, unsigned first, unsigned n);

void udpflow_end(struct udp_flow *f);

#endif
