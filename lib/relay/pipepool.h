/* SPDX-License-Identifier: Apache-2.0 */
/* pipepool.h - pipes that splice() needs, lent for as long as they hold data */
#ifndef RK_RELAY_PIPEPOOL_H
#define RK_RELAY_PIPEPOOL_H

#include <stdint.h>

#define PIPEPOOL_MAX 32
#define PIPEPOOL_SIZE (256 * 1024) /* bytes; all pipes together stay below a quarter of 64 MiB */

struct pipe {
	struct pipe *next; /* in the free list */
	int rd, wr;        /* -1: not made yet, or closed */
	uint32_t size;     /* bytes that fit */
};

struct pipepool {
	struct pipe *free;
	struct pipe slot[PIPEPOOL_MAX];
};

/* pipepool_init() - @max: at most PIPEPOOL_MAX; no pipe is made before it is asked for */
void pipepool_init(struct pipepool *p, unsigned max);
void pipepool_done(struct pipepool *p); /* takes a zeroed one; lent pipes are closed too */

/* pipepool_borrow() - an empty pipe, or NULL when none is left or large enough: copy instead */
struct pipe *pipepool_borrow(struct pipepool *p);

/* pipepool_return() - @left: bytes still inside; then the pipe is closed, its data with it */
void pipepool_return(struct pipepool *p, struct pipe *pipe, uint32_t left);

#endif
