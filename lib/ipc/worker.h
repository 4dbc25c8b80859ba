/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h - what the parent and its workers (relay, slirp) tell each other */
#ifndef RK_IPC_WORKER_H
#define RK_IPC_WORKER_H

#include "lib/base/err.h"
#include "lib/ipc/counters.h"
#include "lib/ipc/flows.h"
#include "lib/ipc/msg.h"
#include "lib/ipc/netplan.h"
#include "lib/ipc/sandboxstate.h"

#define WORKER_VERSION 17

/* descriptors that a worker is born with (the nursery puts them there) */
#define WORKER_CONTROL_FD \
	3 /* SEQPACKET to the parent; 2 is the log pipe, 0 and 1 are /dev/null \
	   */

enum worker_state { /* bits: what the receiver is in */
		    WORKER_STARTING = 1,
		    WORKER_UP = 2,
};

#define WORKER_DNS_MAX 3     /* servers that are asked, as in glibc */
#define WORKER_TARGETS_MAX 3 /* addresses in the child that a published port is tried at */

struct relay_config {
	struct net_plan net;
	uint32_t tcp_flows_max; /* 0: by the descriptor limit */
	uint32_t have_agent;    /* 1: first descriptor is the relay's end to the child agent */
	uint32_t have_gateway;  /* 1: the next is its end to the gateway agent, whose sockets are
				   transparent */
	uint32_t ndns;          /* the next descriptors: sockets at the DNS address, at most one of
				   a family and type */
	uint32_t accel;    /* enum net_accel; the last descriptors are those of enum net_accel_fd */
	uint32_t is_again; /* 1: another relay had these; the agents' answers to it may come */
	uint32_t child_shows; /* 1: the child agent has transparent sockets too; never with a
				 gateway */
	uint32_t deny_hosts;  /* 1: WORKER_HOSTS comes before anything is served */
	uint32_t
		udp_ports_max; /* of the host that the child may have; 0: by the descriptor limit */
};

struct slirp_config {
	struct net_plan net;
	uint8_t tap_mac[6];  /* of the interface behind which the guests are (slirp0 or the child's
				tap) */
	uint8_t direct;      /* 1: the tap is the child's own; 0: the tap is in the gateway netns */
	uint8_t mtu_follows; /* 1: WORKER_MTU may come */
	uint8_t deny_hosts;  /* as the relay's */
	uint8_t zero[3];
	uint32_t udp_ports_max; /* as the relay's */
};

/* another MTU of the virtual network, from now on that of its net_plan */
struct worker_mtu {
	uint32_t mtu; /* bytes */
};

struct worker_dns {
	uint32_t count; /* up to WORKER_DNS_MAX; 0: none, answer SERVFAIL */
	struct net_addr server[WORKER_DNS_MAX];
};

/* one published port; its descriptor is the listening (TCP) or bound (UDP) socket, made by the
 * parent */
struct worker_port {
	uint32_t id;
	uint32_t part;     /* which port of a range that has one id, from 0; they come in this order
			    */
	uint16_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t ntargets; /* 1 to WORKER_TARGETS_MAX; tried in this order when one refuses, but the
			      child's IPv6 address, when it is the first, by IPv6 clients only; by
			      all others last */
	struct net_addr target[WORKER_TARGETS_MAX]; /* in the child netns */
	uint32_t show_client; /* 1: the real client's address, where it can be */
	uint32_t idle_ms;     /* UDP: silence after which a client is forgotten; 0: by default */
};

struct worker_port_id {
	uint32_t id;
};

struct worker_port_remove {
	uint32_t id;
	uint32_t drain_ms; /* how long TCP connections may go on; 0: they are reset at once */
};

#define WORKER_DRAIN_MAX_MS (3600 * 1000)

/* what a published port has seen, since it was handed to this relay */
struct worker_port_stats {
	uint32_t id;
	uint32_t active;     /* connections, or UDP clients */
	uint64_t accepted;   /* of them all; they are a client's address and port */
	uint64_t bytes_in;   /* passed on to the child */
	uint64_t bytes_out;  /* and to clients */
	uint64_t refused;    /* reached no server, or UDP: were answered by an ICMP error */
	uint32_t last_error; /* the errno of the last one that was refused; 0: none */
	uint32_t zero;
};

/* worker_stats_add() - a part of a range to the others, but what is active */
static inline void worker_stats_add(struct worker_port_stats *to,
				    const struct worker_port_stats *part)
{
	to->accepted += part->accepted;
	to->bytes_in += part->bytes_in;
	to->bytes_out += part->bytes_out;
	to->refused += part->refused;
	if (part->last_error)
		to->last_error = part->last_error;
}

struct worker_stats_req {
	uint32_t after; /* ports behind this id */
	uint32_t seq;   /* comes back */
};

#define WORKER_STATS_MAX 40

/* the ports behind id @req.after, in the order of their ids; fewer than WORKER_STATS_MAX: the last
 */
struct worker_stats {
	struct worker_stats_req req;
	uint32_t count, zero;
	struct worker_port_stats port[WORKER_STATS_MAX];
};

/* name, value, payload, least and most fds, senders, states of the receiver in which it is allowed
 */
#define WORKER_MESSAGES(X) \
	X(WORKER_RELAY_CONFIG, 1, struct relay_config, 0, \
	  2 + NET_DNS_SOCKS_MAX + NET_ACCEL_FDS_MAX, ROLE_BIT(ROLE_PARENT), WORKER_STARTING) \
	X(WORKER_SLIRP_CONFIG, 2, struct slirp_config, 1, 1, ROLE_BIT(ROLE_PARENT), \
	  WORKER_STARTING) \
	X(WORKER_READY, 3, struct sandbox_report, 0, 0, \
	  ROLE_BIT(ROLE_RELAY) | ROLE_BIT(ROLE_SLIRP), WORKER_STARTING) \
	X(WORKER_FAILED, 4, struct err, 0, 0, ROLE_BIT(ROLE_RELAY) | ROLE_BIT(ROLE_SLIRP), \
	  WORKER_STARTING | WORKER_UP) \
	X(WORKER_DNS, 5, struct worker_dns, 0, 0, ROLE_BIT(ROLE_PARENT), WORKER_UP) \
	X(WORKER_PORT_ADD, 6, struct worker_port, 1, 1, ROLE_BIT(ROLE_PARENT), WORKER_UP) \
	X(WORKER_PORT_REMOVE, 7, struct worker_port_remove, 0, 0, ROLE_BIT(ROLE_PARENT), \
	  WORKER_UP) \
	X(WORKER_PORT_REMOVED, 8, struct worker_port_id, 0, 0, ROLE_BIT(ROLE_RELAY), WORKER_UP) \
	X(WORKER_PING, 9, struct msg_empty, 0, 0, ROLE_BIT(ROLE_PARENT), WORKER_UP) \
	X(WORKER_PONG, 10, struct worker_counters, 0, 0, \
	  ROLE_BIT(ROLE_RELAY) | ROLE_BIT(ROLE_SLIRP), WORKER_UP) \
	X(WORKER_STATS_REQ, 11, struct worker_stats_req, 0, 0, ROLE_BIT(ROLE_PARENT), WORKER_UP) \
	X(WORKER_STATS, 12, struct worker_stats, 0, 0, ROLE_BIT(ROLE_RELAY), WORKER_UP) \
	X(WORKER_MTU, 13, struct worker_mtu, 0, 0, ROLE_BIT(ROLE_PARENT), WORKER_UP) \
	X(WORKER_FLOWS_REQ, 14, struct worker_flows_req, 0, 0, ROLE_BIT(ROLE_PARENT), WORKER_UP) \
	X(WORKER_FLOWS, 15, struct worker_flows, 0, 0, \
	  ROLE_BIT(ROLE_RELAY) | ROLE_BIT(ROLE_SLIRP), WORKER_UP) \
	X(WORKER_HOSTS, 16, struct worker_hosts, 0, 0, ROLE_BIT(ROLE_PARENT), \
	  WORKER_STARTING | WORKER_UP)

enum worker_type { WORKER_MESSAGES(MSG_ENUM_ENTRY) };
extern const struct msg_proto worker_proto;

#endif
