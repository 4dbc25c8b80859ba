/* SPDX-License-Identifier: Apache-2.0 */
/* flows.h - the flows that a worker carries, as it lists them on a question */
#ifndef RK_IPC_FLOWS_H
#define RK_IPC_FLOWS_H

#include <stdint.h>

#include "lib/ipc/netplan.h"
#include "lib/ipc/role.h"

/* name, worker that has them, what they are. A section is asked for at a time, from its end */
#define FLOW_SECTIONS(X) \
	X(FLOWS_TCP, ROLE_RELAY, "TCP: out, published, DNS") \
	X(FLOWS_PENDING, ROLE_RELAY, "TCP out that waits for its peer") \
	X(FLOWS_UDP_PUBLISHED, ROLE_RELAY, "clients of published UDP ports") \
	X(FLOWS_UDP_OUT, ROLE_RELAY, "UDP out: a port of the child and a peer") \
	X(FLOWS_ECHO, ROLE_SLIRP, "pings") \
	X(FLOWS_LIBSLIRP, ROLE_SLIRP, "libslirp's TCP")

#define FLOW_SECTION_ENUM(name, role, what) name,
enum flow_section { FLOW_SECTIONS(FLOW_SECTION_ENUM) FLOWS_NSECTIONS };
#undef FLOW_SECTION_ENUM

enum flow_kind { FLOW_KIND_OUT, FLOW_KIND_PUBLISHED, FLOW_KIND_DNS, FLOW_NKINDS };

enum flow_shape {
	FLOW_SHAPE_CONNECTING, /* no byte has passed */
	FLOW_SHAPE_OPEN,
	FLOW_SHAPE_CLOSING,    /* one side has ended */
	FLOW_SHAPE_UNANSWERED, /* UDP: one side has talked */
	FLOW_NSHAPES
};

enum flow_known { FLOW_KNOWS_AGE = 1, FLOW_KNOWS_IDLE = 2, FLOW_KNOWS_BYTES = 4 };

struct worker_flow {
	uint8_t protocol; /* IPPROTO_TCP, _UDP, _ICMP */
	uint8_t kind;     /* enum flow_kind */
	uint8_t shape;    /* enum flow_shape */
	uint8_t known;    /* enum flow_known: which of the numbers below are */
	uint32_t port_id; /* FLOW_KIND_PUBLISHED: of the published port */
	/* as the child sees them; family 0: not known. Of a ping the child's port is its id */
	struct net_addr child, far;
	uint32_t age_s, idle_s;
	uint64_t bytes_in, bytes_out; /* to the child, from it */
};

struct worker_flows_req {
	uint32_t seq;     /* comes back */
	uint32_t section; /* enum flow_section; one of the worker's */
	uint32_t below;   /* places below this one; UINT32_MAX at first */
};

#define WORKER_FLOWS_MAX 25

/* some of those in question: a place that is free, or was looked at before, is not among them */
struct worker_flows {
	struct worker_flows_req req;
	uint32_t below; /* for the next question; 0: that was the last */
	uint32_t count, zero;
	struct worker_flow flow[WORKER_FLOWS_MAX];
};

#define FLOWS_LOOKS 512 /* places that one question makes a worker look at, at most */

#endif
