/* SPDX-License-Identifier: Apache-2.0 */
/* statedir.h - the directory of one instance: its lock, its known names, its end (parent only) */
#ifndef RK_PARENT_STATEDIR_H
#define RK_PARENT_STATEDIR_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"

struct statedir {
	char *path;  /* absolute */
	int fd;      /* the directory, with a shared flock: keeps cleaners of /tmp and /run away */
	int lock_fd; /* STATE/lock, with an exclusive flock from the start to the last unlink */
	bool upstream; /* texts and mode as RootlessKit has them */
	bool made;     /* the directory itself is ours: a failed start removes it */
};

/**
 * statedir_open() - make or take over the state directory and lock it
 * @path:	as the user gave it; NULL: a fresh one under $XDG_RUNTIME_DIR or $TMPDIR
 * @upstream:	RootlessKit's texts, mode and place of the fresh one
 *
 * A given directory is used when it is absent, empty, or carries our lock and nothing but names
 * that an instance makes; these are unlinked one by one. With anything else in it, it is refused
 * and left as it is: a clean-up that deletes what it did not make destroys data. Return: 0 or a
 * negative errno
 */
int statedir_open(const char *path, bool upstream, struct statedir **ret, struct err *err);

/* statedir_close() - unlink the known names, the lock last, then the directory; takes NULL */
struct statedir *statedir_close(struct statedir *s);
DEFINE_FREEP(struct statedir *, statedir_close)

/* statedir_write_pid() - STATE/child_pid, decimal, no newline, 0444, in one rename */
int statedir_write_pid(const struct statedir *s, pid_t pid, struct err *err);

#endif
