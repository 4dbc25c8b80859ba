/* SPDX-License-Identifier: Apache-2.0 */
/* pump.h - move the bytes of one flow both ways: copy, splice, urgent data, half-close */
#ifndef RK_RELAY_PUMP_H
#define RK_RELAY_PUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/loop.h"
#include "lib/relay/pipepool.h"

#define PUMP_BUF (64 * 1024) /* one read by copying */
#define PUMP_BUDGET \
	(256 * 1024)      /* bytes of a direction in one turn: no flow starves the others \
			   */
#define PUMP_RESTS_MAX 32 /* short writes kept in memory, all flows together: 2 MiB */

/* watched edge-triggered for everything: the flags remember what the kernel said last */
#define PUMP_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET)

struct pump_side {
	struct watch watch;
	bool is_target; /* side[1]; the owner's, to find itself from the watch */
	bool readable;  /* a read may find something */
	bool writable;  /* a write may be taken */
	bool hangup;    /* the peer sends no more: a short read does not mean that all was read */
	bool urgent;    /* an urgent byte is on its way: look for its mark before a read */
	bool failed;    /* reset or timed out */
};

/* from side i to the other; at most one of pipe, rest and oob holds bytes */
struct pump_dir {
	struct pipe *pipe; /* lent while it holds bytes */
	uint8_t *rest;     /* of a short write */
	uint32_t pipe_len, rest_at, rest_len;
	uint8_t oob; /* urgent byte that was not taken yet */
	bool have_oob;
	bool bulk;      /* the last read filled the buffer: splice */
	bool eof;       /* the source has ended */
	bool shut;      /* and the other end was told */
	uint64_t moved; /* bytes that the other end has taken */
};

struct pump {
	struct pump_side side[2];
	struct pump_dir dir[2];
};

/* what all pumps of the process share */
struct pump_shared {
	struct pipepool pipes;
	unsigned nrests;
	uint8_t *buf; /* PUMP_BUF bytes, no data in it between two calls */
};

enum pump_result {
	PUMP_WAIT,  /* until the next event */
	PUMP_AGAIN, /* the budget is spent, there may be more */
	PUMP_DONE,  /* both directions have ended */
};

/* pump_note() - remember what epoll said of a side */
void pump_note(struct pump_side *s, uint32_t events);

/**
 * pump_run() - move what can be moved
 * Return: enum pump_result; a negative errno when the flow must be reset
 */
int pump_run(struct pump_shared *ps, struct pump *p);

/* pump_drop() - give up what is held for the flow */
void pump_drop(struct pump_shared *ps, struct pump *p);

#endif
