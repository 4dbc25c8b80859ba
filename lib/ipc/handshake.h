/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handshake.h - what parent and child tell each other, from the clone to the end
 *
 *   parent                              child
 *     clone ------------------------------> waits (no exec yet, ids unmapped)
 *     newuidmap, newgidmap
 *     MAPPED -----------------------------> execs the program once
 *     <------------------------------ HELLO
 *     SETUP ------------------------------> forks the agents, mounts, copy-up
 *     (agents configure the networks, workers start, all at the same time)
 *     <---------------- STAGE... then READY  or FAILED
 *     RELEASE ----------------------------> forks the command
 *     SIGNAL... --------------------------> passes each on, once
 *     AGENT_END --------------------------> kills an agent that does not answer
 *     <----------------------------- EXITED  or FAILED
 *
 * Either end of file is the other's death.
 */
#ifndef RK_IPC_HANDSHAKE_H
#define RK_IPC_HANDSHAKE_H

#include "lib/base/err.h"
#include "lib/ipc/msg.h"
#include "lib/ipc/netplan.h"

#define HANDSHAKE_VERSION 3

/*
 * The variable that tells the exec'ed child the numbers of its socket and of the state directory,
 * which it removes when the parent is killed; removed before the command
 */
#define HANDSHAKE_ENV "_ROOTLESS_SUPERVISOR_HANDSHAKE_FD"
#define HANDSHAKE_ENV_FORMAT "%d,%d"

/* what the child may be at when it dies; the parent names it */
enum hs_stage {
	HS_STAGE_STARTED, /* cloned, not mapped yet */
	HS_STAGE_EXECED,
	HS_STAGE_AGENTS,
	HS_STAGE_MOUNTS,
	HS_STAGE_COPYUP,
	HS_STAGE_RESOLVER,
	HS_STAGE_READY,
	HS_STAGE_RUNNING,
	HS_NSTAGES
};

enum hs_state { /* bits: what the receiver is in */
		HS_UNMAPPED = 1,
		HS_STARTING = 2,
		HS_RUNNING = 4,
};

/* descriptors: with agents child agent (parent's, relay's end), gateway agent (same) */
#define HS_SETUP_FDS_MAX 4
enum hs_setup_flag {
	HS_SETUP_AGENT_CHILD = 1,   /* two descriptors for the agent of the child netns follow */
	HS_SETUP_AGENT_GATEWAY = 2, /* and two for the one of the gateway netns */
	HS_SETUP_DETACH_NETNS = 8,  /* the network namespace is made at STATE/netns */
	HS_SETUP_RESOLVER = 4, /* STATE/resolv.conf and STATE/hosts are to be bound over /etc's */
};

struct hs_setup {
	uint32_t flags;      /* enum hs_setup_flag */
	uint16_t listen_fds; /* descriptors 3.. that systemd passed and that are open; 0: none */
	uint16_t fix_listen_pid; /* 1: LISTEN_PID named the parent and shall name the command */
	uint64_t sigblocked;     /* what the caller of the program had blocked; bit signo - 1 */
	uint64_t sigignored;     /* and ignored: the command gets both back */
};

struct hs_stage_msg {
	uint32_t stage; /* enum hs_stage */
};

struct hs_signal {
	int32_t signo;
	int32_t from_terminal; /* 1: the kernel sent it to the whole foreground group */
	int32_t sender;        /* pid in the parent's PID namespace; 0: the kernel */
};

struct hs_agent_end {
	uint32_t kind; /* enum nsagent_kind; of its two processes the one that serves */
};

enum hs_exit_kind {
	HS_EXIT_STATUS, /* value is the exit status */
	HS_EXIT_SIGNAL, /* value is the signal */
	HS_EXIT_EXEC,   /* value is the errno of the exec or the lookup */
	HS_EXIT_NKINDS
};

struct hs_exited {
	uint32_t kind; /* enum hs_exit_kind */
	int32_t value;
	uint32_t core; /* 1: a core was dumped */
};

/* name, value, payload, least and most fds, senders, states of the receiver in which it is allowed
 */
#define HANDSHAKE_MESSAGES(X) \
	X(HS_MAPPED, 1, struct msg_empty, 0, 0, ROLE_BIT(ROLE_PARENT), HS_UNMAPPED) \
	X(HS_HELLO, 2, struct msg_empty, 0, 0, ROLE_BIT(ROLE_CHILD), HS_STARTING) \
	X(HS_SETUP, 3, struct hs_setup, 0, HS_SETUP_FDS_MAX, ROLE_BIT(ROLE_PARENT), HS_STARTING) \
	X(HS_STAGE, 4, struct hs_stage_msg, 0, 0, ROLE_BIT(ROLE_CHILD), HS_STARTING) \
	X(HS_READY, 5, struct msg_empty, 0, 0, ROLE_BIT(ROLE_CHILD), HS_STARTING) \
	X(HS_RELEASE, 6, struct msg_empty, 0, 0, ROLE_BIT(ROLE_PARENT), HS_STARTING) \
	X(HS_SIGNAL, 7, struct hs_signal, 0, 0, ROLE_BIT(ROLE_PARENT), HS_STARTING | HS_RUNNING) \
	X(HS_FAILED, 8, struct err, 0, 0, ROLE_BIT(ROLE_CHILD), HS_STARTING | HS_RUNNING) \
	X(HS_EXITED, 9, struct hs_exited, 0, 0, ROLE_BIT(ROLE_CHILD), HS_RUNNING) \
	X(HS_AGENT_END, 10, struct hs_agent_end, 0, 0, ROLE_BIT(ROLE_PARENT), HS_RUNNING)

enum hs_type { HANDSHAKE_MESSAGES(MSG_ENUM_ENTRY) };
extern const struct msg_proto handshake_proto;

#endif
