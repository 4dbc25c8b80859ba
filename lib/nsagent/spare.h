/* SPDX-License-Identifier: Apache-2.0 */
/* spare.h - the second process of an agent, which goes on when the first has died */
#ifndef RK_NSAGENT_SPARE_H
#define RK_NSAGENT_SPARE_H

#include <stdbool.h>

struct err;

struct spare {
	int other;     /* socket to the other of the two: its end of file is its death; -1: alone */
	bool is_spare; /* we are the second one */
};

#define SPARE_INIT \
	{ \
		.other = -1 \
	}

/**
 * spare_fork() - make a second process of us, with all that we are and hold
 * Return: 0 in both, with @ret->is_spare set in the second; or a negative errno and there is none.
 *         It ends by itself when we die before spare_serving(): that is the start that has failed
 */
int spare_fork(struct spare *ret, struct err *err);

/**
 * spare_settled() - each has given up its rights: the spare says so, the first waits for that word
 * Return: 0 or a negative errno; -ECHILD: the spare is dead, and has told the parent why
 */
int spare_settled(struct spare *s, struct err *err);

/* spare_serving() - we, the first, serve from now on: if we die, the spare goes on. It may have
 * died already: the end of file of s->other tells that */
void spare_serving(const struct spare *s);

/* spare_wait() - the spare: until the first has died. Return: true when it served, so it is our
 * turn now */
bool spare_wait(struct spare *s);

void spare_done(struct spare *s);

#endif
