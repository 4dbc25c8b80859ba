/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nursery.h - the parent asks the nursery for workers and hears of their ends
 *
 * An end of file that no NURSERY_STOP comes before is the parent's death.
 */
#ifndef RK_IPC_NURSERY_H
#define RK_IPC_NURSERY_H

#include "lib/ipc/msg.h"

#define NURSERY_VERSION 3

enum nursery_state { NURSERY_UP = 1 };

struct nursery_spawn {
	uint32_t role; /* ROLE_RELAY or ROLE_SLIRP */
};

struct nursery_kill {
	uint32_t role; /* the worker of that role, if there is one */
};

struct nursery_spawned {
	uint32_t role;
	int32_t pid;   /* in the parent's PID namespace; 0 when it failed */
	int32_t error; /* positive errno, 0 when it was started */
};

struct nursery_exited {
	uint32_t role;
	int32_t pid;
	int32_t status; /* as waitpid() gives it */
};

/* name, value, payload, least and most fds, senders, states of the receiver in which it is allowed
 */
#define NURSERY_MESSAGES(X) \
	X(NURSERY_SPAWN, 1, struct nursery_spawn, 2, 2, ROLE_BIT(ROLE_PARENT), NURSERY_UP) \
	X(NURSERY_SPAWNED, 2, struct nursery_spawned, 0, 0, ROLE_BIT(ROLE_NURSERY), NURSERY_UP) \
	X(NURSERY_EXITED, 3, struct nursery_exited, 0, 0, ROLE_BIT(ROLE_NURSERY), NURSERY_UP) \
	X(NURSERY_STOP, 4, struct msg_empty, 0, 0, ROLE_BIT(ROLE_PARENT), NURSERY_UP) \
	X(NURSERY_KILL, 5, struct nursery_kill, 0, 0, ROLE_BIT(ROLE_PARENT), NURSERY_UP)

enum nursery_type { NURSERY_MESSAGES(MSG_ENUM_ENTRY) };
extern const struct msg_proto nursery_proto;

#endif
