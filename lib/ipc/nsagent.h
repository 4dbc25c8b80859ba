/* SPDX-License-Identifier: Apache-2.0 */
/* nsagent.h - what is asked of the agent in a network namespace: set it up, then make sockets there
 */
#ifndef RK_IPC_NSAGENT_H
#define RK_IPC_NSAGENT_H

#include "lib/base/err.h"
#include "lib/ipc/msg.h"
#include "lib/ipc/netplan.h"

#define NSAGENT_VERSION 13

enum nsagent_state { /* bits: what the receiver is in */
		     NSAGENT_STARTING = 1,
		     NSAGENT_UP = 2,
};

enum nsagent_kind {
	NSAGENT_CHILD,   /* the netns of the command */
	NSAGENT_GATEWAY, /* the netns between the child's and ours */
	NSAGENT_NKINDS
};

/* parent -> agent: what the netns shall become */
enum nsagent_setup {
	NSAGENT_SETUP_LO,   /* only lo up (--net=none) */
	NSAGENT_SETUP_VETH, /* child: lo, address and route of plan.ifname; gateway: veth, rules,
			       slirp0 */
	NSAGENT_SETUP_TAP,  /* child: lo, and a tap of that name, address and route for a program
			       that opens it */
	NSAGENT_SETUP_DHCP, /* child: lo; somebody puts the interface here, a DHCP server has its
			       addresses */
	NSAGENT_NSETUPS
};

struct nsagent_config {
	uint32_t setup; /* enum nsagent_setup */
	uint32_t accel; /* bits 1 << enum net_accel: rungs that the gateway tries, in that order */
	uint8_t mac[6]; /* of the tap; all zero: the kernel's choice */
	uint8_t give_tap;     /* 1: its descriptor comes with READY */
	uint8_t show_clients; /* 1: the child's is to lead answers to its transparent sockets */
	struct net_plan net;
};

#define NSAGENT_WHY_MAX 250

/* agent -> parent; the gateway hands the tap of slirp0, then a UDP socket and a TCP listener at the
 * DNS address of each family of the plan, then those of enum net_accel_fd */
struct nsagent_ready {
	uint8_t tap_mac[6];
	uint8_t accel;             /* enum net_accel: what came of it */
	uint8_t shows_clients;     /* 1: it does */
	char why[NSAGENT_WHY_MAX]; /* less than was asked for: the reason; terminated */
	uint8_t zero2[2];
	/* by NSAGENT_SETUP_DHCP, else 0 */
	struct in_addr address, gateway, dns;
	uint8_t prefix, zero3[3];
};

/* parent -> agent: another MTU for all links that it has set up. There is no answer: what cannot be
 * done is logged */
struct nsagent_mtu {
	uint32_t mtu; /* bytes */
};

/* child agent -> parent: it leads answers to its transparent sockets no more */
struct nsagent_way_lost {
	char why[NSAGENT_WHY_MAX]; /* terminated */
	uint8_t zero[2];
};

/* agent -> parent, once at most: of the two processes that an agent is one has died, and it is
 * alone now. Before READY that is the end of the start */
struct nsagent_alone {
	uint32_t took_over; /* 1: the first died, this is the spare; 0: the spare died */
};

/* relay -> agent: a batch of unbound sockets, non-blocking, close-on-exec; or one rtnetlink socket
 * that hears when routes, rules and addresses change */
struct nsagent_sockets {
	uint16_t family;   /* AF_INET, AF_INET6; AF_NETLINK */
	uint16_t socktype; /* SOCK_STREAM, SOCK_DGRAM; SOCK_RAW */
	uint16_t count;    /* 1 to MSG_FDS_MAX; 1 */
	uint16_t error;    /* in the answer: positive errno when fewer than count came, else 0 */
	/* 1: such that may have any address. The gateway's are so, asked or not; the child's have
	 * NET_SHOW_MARK then */
	uint16_t transparent;
	uint16_t zero;
};

/* NSAGENT_AGAIN, agent -> relay, once at most: the spare has taken over, and the first may have
 * died with a request in its hands. PING, parent -> agent, is answered by PONG */

/* name, value, payload, least and most fds, senders, states of the receiver in which it is allowed
 */
#define NSAGENT_MESSAGES(X) \
	X(NSAGENT_CONFIG, 1, struct nsagent_config, 0, 0, ROLE_BIT(ROLE_PARENT), NSAGENT_STARTING) \
	X(NSAGENT_READY, 2, struct nsagent_ready, 0, 1 + NET_DNS_SOCKS_MAX + NET_ACCEL_FDS_MAX, \
	  ROLE_BIT(ROLE_NSAGENT), NSAGENT_STARTING) \
	X(NSAGENT_FAILED, 3, struct err, 0, 0, ROLE_BIT(ROLE_NSAGENT), \
	  NSAGENT_STARTING | NSAGENT_UP) \
	X(NSAGENT_SOCKETS_REQ, 4, struct nsagent_sockets, 0, 0, ROLE_BIT(ROLE_RELAY), NSAGENT_UP) \
	X(NSAGENT_SOCKETS_ANS, 5, struct nsagent_sockets, 0, MSG_FDS_MAX, ROLE_BIT(ROLE_NSAGENT), \
	  NSAGENT_UP) \
	X(NSAGENT_MTU, 6, struct nsagent_mtu, 0, 0, ROLE_BIT(ROLE_PARENT), NSAGENT_UP) \
	X(NSAGENT_WAY_LOST, 7, struct nsagent_way_lost, 0, 0, ROLE_BIT(ROLE_NSAGENT), NSAGENT_UP) \
	X(NSAGENT_ALONE, 8, struct nsagent_alone, 0, 0, ROLE_BIT(ROLE_NSAGENT), \
	  NSAGENT_STARTING | NSAGENT_UP) \
	X(NSAGENT_AGAIN, 9, struct msg_empty, 0, 0, ROLE_BIT(ROLE_NSAGENT), NSAGENT_UP) \
	X(NSAGENT_PING, 10, struct msg_empty, 0, 0, ROLE_BIT(ROLE_PARENT), NSAGENT_UP) \
	X(NSAGENT_PONG, 11, struct msg_empty, 0, 0, ROLE_BIT(ROLE_NSAGENT), NSAGENT_UP)

enum nsagent_type { NSAGENT_MESSAGES(MSG_ENUM_ENTRY) };
extern const struct msg_proto nsagent_proto;

#endif
