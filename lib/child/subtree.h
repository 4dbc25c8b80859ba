/* SPDX-License-Identifier: Apache-2.0 */
/* subtree.h - hold a tree of mounts apart while something else is mounted on its place (child) */
#ifndef RK_CHILD_SUBTREE_H
#define RK_CHILD_SUBTREE_H

#include <stdbool.h>

struct subtree {
	int fd;           /* root of the copy, for the *at() calls */
	char scratch[32]; /* where it is mounted on kernels before 5.2; "" when it floats */
	bool on_scratch;  /* it is mounted there now */
};

#define SUBTREE_INIT \
	{ \
		.fd = -1 \
	}

/**
 * subtree_take() - a recursive bind of @path that nobody sees
 * @name:	start of the scratch directory's name in /tmp, used on kernels before 5.2 only
 * Return: 0 or a negative errno; subtree_done() is due in both cases
 */
int subtree_take(struct subtree *t, const char *path, const char *name);

/* subtree_put() - mount the copy on @path, once; 0 or a negative errno */
int subtree_put(struct subtree *t, const char *path);

/* subtree_done() - forget the copy; nothing below it is touched, whether it was put or not */
void subtree_done(struct subtree *t);

#endif
