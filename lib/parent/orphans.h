/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orphans.h - what a parent leaves behind that was killed, and perhaps its child with it
 *
 * The parent gathers it, the nursery, which outlives the parent, acts on it. Only processes of the
 * child's user namespace and its descendants are killed, only known names of the state directory
 * are removed, and those only under its lock.
 */
#ifndef RK_PARENT_ORPHANS_H
#define RK_PARENT_ORPHANS_H

#include <sys/types.h>

struct evacuation;

struct orphans {
	int child;     /* pidfd, -1: not there */
	int userns;    /* of the child: while it is open, no other can get its number; or -1 */
	int state_dir; /* borrowed */
	struct evacuation *evacuation; /* borrowed; what is left comes back; NULL: nothing */
};

/* orphans_init() - @child is not reaped yet; what cannot be opened is not there */
void orphans_init(struct orphans *o, pid_t child, int state_dir);
void orphans_done(struct orphans *o);

/**
 * orphans_end() - the parent is dead: wait for the child, which tidies up itself; then do what is
 *		   left to do. It ends within some seconds, whatever there is
 */
void orphans_end(const struct orphans *o);

#endif
