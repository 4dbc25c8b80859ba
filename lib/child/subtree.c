// SPDX-License-Identifier: Apache-2.0
/*
 * subtree.c - hold a tree of mounts apart while something else is mounted on its place
 *
 * Runs in the child. The copy is a detached mount, owned by a descriptor: a process that is killed
 * leaves nothing. Kernels before 5.2, and filters that refuse the call, get a directory in /tmp
 * instead; it is removed by rmdir(), which touches neither what is mounted there nor what lies in
 * it.
 */
#include "lib/child/subtree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

static int take_by_scratch(struct subtree *t, const char *path, const char *name)
{
	int r = str_format(t->scratch, sizeof(t->scratch), "/tmp/%sXXXXXX", name);

	if (r < 0)
		return r;
	if (!mkdtemp(t->scratch)) {
		r = -errno;
		t->scratch[0] = '\0';
		return r;
	}
	if (mount(path, t->scratch, NULL, MS_BIND | MS_REC, NULL) < 0)
		return -errno;
	t->on_scratch = true;
	t->fd = open(t->scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return t->fd < 0 ? -errno : 0;
}

int subtree_take(struct subtree *t, const char *path, const char *name)
{
	*t = (struct subtree)SUBTREE_INIT;
	t->fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (t->fd >= 0)
		return 0;
	if (errno != ENOSYS && errno != EPERM)
		return -errno;
	return take_by_scratch(t, path, name);
}

int subtree_put(struct subtree *t, const char *path)
{
	if (t->on_scratch) {
		if (mount(t->scratch, path, NULL, MS_MOVE, NULL) < 0)
			return -errno;
		t->on_scratch = false;
		return 0;
	}
	return move_mount(t->fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

void subtree_done(struct subtree *t)
{
	if (t->fd >= 0)
		close(take_fd(&t->fd));
	if (t->on_scratch)
		umount2(t->scratch, MNT_DETACH | UMOUNT_NOFOLLOW); /* the mount, not the files */
	if (t->scratch[0])
		rmdir(t->scratch);
	*t = (struct subtree)SUBTREE_INIT;
}
