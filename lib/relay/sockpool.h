/* SPDX-License-Identifier: Apache-2.0 */
/* sockpool.h - unbound sockets of another netns, got from its agent in batches */
#ifndef RK_RELAY_SOCKPOOL_H
#define RK_RELAY_SOCKPOOL_H

#include "lib/base/list.h"
#include "lib/base/loop.h"
#include "lib/ipc/msg.h"

struct err;

#define SOCKPOOL_BATCH_MAX MSG_FDS_MAX
/* IPv4 and IPv6, stream and datagram, plain and transparent; rtnetlink */
#define SOCKPOOL_NKINDS 9

/* with the type: one that may have any address. Not asked of the gateway's, which all may */
#define SOCKPOOL_TRANSPARENT 0x100

/* one who waits for a socket; embedded in its owner, list_init() before the first use */
struct sockpool_wait {
	struct list entry;
	/* @fd: the owner's from now on, or the negative errno that says why there is none; within
	 * 2 s but for AF_NETLINK */
	void (*on_socket)(struct sockpool_wait *w, int fd);
};

struct sockpool_kind {
	bool asked;  /* a request is on its way: at most one */
	bool wanted; /* kept filled */
	unsigned n;  /* sockets in fds[] */
	int fds[SOCKPOOL_BATCH_MAX + SOCKPOOL_BATCH_MAX / 4];
	struct list waiters; /* struct sockpool_wait, first come first served */
};

struct sockpool {
	struct loop *loop;
	const char *where; /* the netns in messages */
	int agent;         /* -1: never there, or gone */
	struct watch watch;
	struct timer retry;
	struct timer answer; /* set while something is asked for */
	unsigned batch, low; /* sockets a request; refill when no more than @low are left */
	unsigned ask;        /* this time: halved when they did not fit our descriptor table */
	bool is_short;       /* the last answer brought nothing: make no new waiters for now */
	uint64_t own_cookie; /* of our netns: a socket of it is never used */
	uint64_t cookie;     /* of the agent's netns, 0 until its first socket came */
	bool strays;         /* an answer may come that nobody asked for, or has asked for again */
	bool taken_over;     /* by the second process of the agent */
	bool silent;         /* no answer has come in time since the last that did */
	bool refusal_said, error_said, silence_said;
	struct sockpool_kind kind[SOCKPOOL_NKINDS];
};

/**
 * sockpool_init() - nothing is asked for before sockpool_warm() or sockpool_take()
 * @where:	the netns in messages; borrowed
 * @agent:	nsagent protocol; consumed; -1: none, then every sockpool_take() is -EPIPE
 * @batch:	1 to SOCKPOOL_BATCH_MAX; at most a quarter more are ever held of a kind
 */
int sockpool_init(struct sockpool *p, struct loop *l, const char *where, int agent, unsigned batch,
		  struct err *err);
void sockpool_done(struct sockpool *p); /* waiters are not told */

/* sockpool_warm() - keep sockets of @family in stock from now on
 * @type:	SOCK_STREAM or SOCK_DGRAM, alone or with SOCKPOOL_TRANSPARENT
 */
void sockpool_warm(struct sockpool *p, int family, int type);

/**
 * sockpool_take() - one socket of @family, @type as above; or AF_NETLINK and SOCK_RAW, of which
 *                   none is kept in stock
 * Return: the fd; -EAGAIN: @w->on_socket() follows, unless list_remove(&w->entry) comes first;
 *         -EPIPE: the agent is gone
 */
int sockpool_take(struct sockpool *p, int family, int type, struct sockpool_wait *w);

#endif
