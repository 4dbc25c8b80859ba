/* SPDX-License-Identifier: Apache-2.0 */
/* copyup.h - directories of the host whose top-level entries the child may replace (child) */
#ifndef RK_CHILD_COPYUP_H
#define RK_CHILD_COPYUP_H

#include <stddef.h>

struct err;

/**
 * copyup_run() - mount a tmpfs on each directory, filled with links to what was there
 * @dirs:	cleaned absolute paths, taken in this order; the same one twice works
 * @skip:	full paths ("/run/docker") of top-level entries that get no link
 *
 * The old content stays reachable under DIR/.ro<digits>. Symbolic links are copied as they are,
 * everything else becomes a relative link. Nothing of the host is changed, ever: on failure the
 * mounts stay as they are until the namespace goes away with its processes.
 *
 * Return: 0 or a negative errno; when a directory cannot be opened nothing was mounted at all
 */
int copyup_run(const char *const *dirs, size_t n, const char *const *skip, size_t nskip,
	       struct err *err);

#endif
