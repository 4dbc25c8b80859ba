/* SPDX-License-Identifier: Apache-2.0 */
/* evacuate.h - --evacuate-cgroup2: leave our cgroup for a subgroup, so that it may have others */
#ifndef RK_PARENT_EVACUATE_H
#define RK_PARENT_EVACUATE_H

struct err;
struct evacuation; /* the group that was left, the subgroup, the controllers that were opened */

#define EVACUATION_NFDS 2

/**
 * evacuation_new() - make the subgroup @name of our cgroup; nothing moves yet
 * @ret:	set on success; NULL when the host has no cgroup2. evacuation_undo() is due
 * Return: 0 or a negative errno
 */
int evacuation_new(const char *name, struct evacuation **ret, struct err *err);

/**
 * evacuation_go() - move every process of our cgroup to the subgroup, and hand the controllers down
 * @e:	NULL: nothing is done
 *
 * cgroup2 gives controllers only to the groups of a group without processes. A cgroup namespace
 * whose root is our group was made before: its processes see themselves in the subgroup. A process
 * or controller that cannot be moved is a warning.
 */
void evacuation_go(const struct evacuation *e);

/* evacuation_fds() - what a process needs that shall undo it; how many: 0 when @e is NULL */
int evacuation_fds(const struct evacuation *e, int ret[EVACUATION_NFDS]);

/**
 * evacuation_undo() - back again, as far as nobody has made groups of his own meanwhile
 * Takes NULL, returns NULL.
 */
struct evacuation *evacuation_undo(struct evacuation *e);

#endif
