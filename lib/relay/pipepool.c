// SPDX-License-Identifier: Apache-2.0
/*
 * pipepool.c - pipes that splice() needs
 *
 * An unprivileged user has 64 MiB of pipe buffer in all processes together; beyond, new pipes have
 * two pages, and making and sizing one costs more than a small connection. So pipes are few, made
 * at the first need and kept. One is lent to one direction of a flow while it holds bytes.
 */
#include "lib/relay/pipepool.h"

#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#define USEFUL_SIZE (32 * 1024) /* smaller pipes cost more calls than copying does */

void pipepool_init(struct pipepool *p, unsigned max)
{
	p->free = NULL;
	for (unsigned i = 0; i < PIPEPOOL_MAX; i++) {
		p->slot[i] = (struct pipe){ .rd = -1, .wr = -1 };
		if (i < max) {
			p->slot[i].next = p->free;
			p->free = &p->slot[i];
		}
	}
}

static void pipe_close(struct pipe *pipe)
{
	if (pipe->rd >= 0) {
		close(pipe->rd);
		close(pipe->wr);
	}
	pipe->rd = pipe->wr = -1;
	pipe->size = 0;
}

void pipepool_done(struct pipepool *p)
{
	for (unsigned i = 0; i < PIPEPOOL_MAX; i++) {
		if (p->slot[i].size)
			pipe_close(&p->slot[i]);
	}
	p->free = NULL;
}

static int pipe_make(struct pipe *pipe)
{
	int fd[2], size;

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	size = fcntl(fd[1], F_SETPIPE_SZ, PIPEPOOL_SIZE);
	if (size < 0)
		size = fcntl(fd[1], F_GETPIPE_SZ);
	*pipe = (struct pipe){ .rd = fd[0], .wr = fd[1], .size = size > 0 ? (uint32_t)size : 0 };
	if (pipe->size >= USEFUL_SIZE)
		return 0;
	pipe_close(pipe);
	return -1;
}

struct pipe *pipepool_borrow(struct pipepool *p)
{
	struct pipe *pipe = p->free, *next;

	if (!pipe)
		return NULL;
	next = pipe->next;
	if (!pipe->size && pipe_make(pipe) < 0) {
		pipe->next = next;
		return NULL;
	}
	p->free = next;
	pipe->next = NULL;
	return pipe;
}

void pipepool_return(struct pipepool *p, struct pipe *pipe, uint32_t left)
{
	if (left)
		pipe_close(pipe);
	pipe->next = p->free;
	p->free = pipe;
}
