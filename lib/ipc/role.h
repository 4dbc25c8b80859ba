/* SPDX-License-Identifier: Apache-2.0 */
/* role.h - which process of the program this is */
#ifndef RK_IPC_ROLE_H
#define RK_IPC_ROLE_H

enum role {
	ROLE_PARENT,      /* host namespaces, the user's ids */
	ROLE_CHILD,       /* the new namespaces, namespace root */
	ROLE_NURSERY,     /* forks and execs the workers */
	ROLE_RELAY,       /* worker: TCP and DNS proxy, published ports */
	ROLE_SLIRP,       /* worker: libslirp on a tap */
	ROLE_NSAGENT,     /* makes sockets in one network namespace */
	ROLE_SLIRP4NETNS, /* the program of that name: libslirp, with nobody beside it */
	ROLE_STARTER,     /* starts the program of a network, which is nobody's of these */
	ROLE_FRAMES,      /* carries frames between a tap and that program */
	ROLE_NROLES
};

#define ROLE_BIT(r) (1u << (r))

/* role_name() - "parent", "child", ... */
const char *role_name(enum role role);

/**
 * role_enter() - what a role does first: remember itself, name the process, arm the parent-death
 *                signal (0: none), and, for workers and agents, leave the terminal's reach: a
 * session of its own, INT TERM HUP QUIT TSTP and PIPE ignored Return: 0 or a negative errno
 */
int role_enter(enum role role, int death_signal);

/* role_current() - what role_enter() was told last; ROLE_NROLES before that */
enum role role_current(void);

/* role_assert() - abort when called in another role: a mistake of ours, never of a peer */
void role_assert(enum role role);

#endif
