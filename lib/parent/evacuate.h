/* SPDX-License-Identifier: Apache-2.0 */
/* evacuate.h - --evacuate-cgroup2: leave our cgroup for a subgroup, so that it may have others */
#ifndef RK_PARENT_EVACUATE_H
#define RK_PARENT_EVACUATE_H

struct err;
struct evacuation; /* the group that was left, the subgroup, the controllers that were opened */

/**
 * evacuate() - move every process of our cgroup to its new subgroup @name, and hand the
 *		controllers of our cgroup down
 * @ret:	set on success; NULL when the host has no cgroup2. evacuation_undo() is due
 *
 * cgroup2 gives controllers only to the groups of a group without processes. A cgroup namespace
 * whose root is our group was made before: its processes see themselves in /@name.
 *
 * Return: 0 or a negative errno; a process or controller that cannot be moved is a warning
 */
int evacuate(const char *name, struct evacuation **ret, struct err *err);

/**
 * evacuation_undo() - back again, as far as nobody has made groups of his own meanwhile
 * Takes NULL, returns NULL.
 */
struct evacuation *evacuation_undo(struct evacuation *e);

#endif
