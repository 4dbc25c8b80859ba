/* SPDX-License-Identifier: Apache-2.0 */
/* starter.h - the parent asks the starter for the next life of a network's program */
#ifndef RK_IPC_STARTER_H
#define RK_IPC_STARTER_H

#include "lib/ipc/msg.h"

#define STARTER_VERSION 1
#define STARTER_FDS_MAX 8

enum starter_state { STARTER_UP = 1 };

enum starter_what {
	/* the program; fds: its output, then what it gets as descriptors 3, 4, ... */
	STARTER_PROGRAM,
	/* the process that carries frames; fds: the tap, the stream */
	STARTER_FRAMES,
	STARTER_NWHAT
};

struct starter_run {
	uint32_t what; /* enum starter_what */
};

struct starter_ran {
	int32_t pid;   /* a child of the parent, in its PID namespace; 0: there is none */
	int32_t error; /* positive errno, 0 when it was started; then @pid has ended, or will */
};

/* name, value, payload, least and most fds, senders, states of the receiver in which it is allowed
 */
#define STARTER_MESSAGES(X) \
	X(STARTER_RUN, 1, struct starter_run, 1, STARTER_FDS_MAX, ROLE_BIT(ROLE_PARENT), \
	  STARTER_UP) \
	X(STARTER_RAN, 2, struct starter_ran, 0, 0, ROLE_BIT(ROLE_STARTER), STARTER_UP)

enum starter_type { STARTER_MESSAGES(MSG_ENUM_ENTRY) };
extern const struct msg_proto starter_proto;

#endif
