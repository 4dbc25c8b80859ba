// SPDX-License-Identifier: Apache-2.0
/* statenames.c - the names that an instance makes in its state directory, and their removal */
#include "lib/ipc/statenames.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

#define UNLINK_TRIES 2
#define LOCK_TRIES 10 /* of 10 ms: the dying parent may still be closing its descriptors */

/* the second half is what RootlessKit 1 to 3 leave behind after a SIGKILL */
static const char *const names[] = {
	STATE_CHILD_PID, STATE_CHILD_PID_NEW, STATE_API_SOCK,    STATE_NETNS,
	STATE_HOSTS,     STATE_RESOLV_CONF,   STATE_S4NN_SOCK,   STATE_PASTA_PID,
	".bp.sock",      ".bp-ready.pipe",    STATE_VPNKIT_SOCK, STATE_GVPROXY_SOCK,
};

int statenames_known(const char *name)
{
	if (strcmp(name, STATE_LOCK) == 0)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return 1;
	}
	return 0;
}

/*
 * Tried twice: what stays because a call was interrupted would stay for good. A directory under a
 * name of ours is not ours and stays.
 */
static int unlink_name(int dirfd, const char *name, int flags)
{
	for (int i = 0; i < UNLINK_TRIES; i++) {
		if (unlinkat(dirfd, name, flags) == 0 || errno == ENOENT || errno == EISDIR)
			return 0;
	}
	return -errno;
}

int statenames_unlink(int dirfd)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int e = unlink_name(dirfd, names[i], 0);

		r = e < 0 ? e : r;
	}
	return r;
}

static bool lock_is_named(int dirfd, int lock_fd)
{
	struct stat held, named;

	return fstat(lock_fd, &held) == 0 && held.st_nlink > 0 &&
	       fstatat(dirfd, STATE_LOCK, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

int statenames_lock(int dirfd, bool make)
{
	autoclose int fd =
		openat(dirfd, STATE_LOCK,
		       O_RDWR | (make ? O_CREAT : 0) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	return lock_is_named(dirfd, fd) ? take_fd(&fd) : -ESTALE;
}

/* the last component of the path that leads to @dirfd now, links resolved */
static int name_of(int dirfd, char *name, size_t size)
{
	char link[32], path[PATH_MAX];
	ssize_t n;

	str_format(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return -errno;
	path[n] = '\0';
	return str_format(name, size, "%s", str_basename(path));
}

int statenames_remove_dir(int dirfd)
{
	autoclose int up = -1;
	struct stat own, named;
	char name[NAME_MAX + 1];
	int r;

	r = statenames_unlink(dirfd);
	if (r == 0)
		r = unlink_name(dirfd, STATE_LOCK, 0);
	if (r < 0)
		return r;
	r = name_of(dirfd, name, sizeof(name));
	if (r < 0)
		return r;
	up = openat(dirfd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (up < 0 || fstat(dirfd, &own) < 0)
		return -errno;
	if (fstatat(up, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (named.st_dev != own.st_dev || named.st_ino != own.st_ino)
		return -ESTALE;
	return unlink_name(up, name, AT_REMOVEDIR);
}

void statenames_remove_orphaned(int dirfd)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int lock = -EWOULDBLOCK;

	for (int i = 0; i < LOCK_TRIES && lock == -EWOULDBLOCK; i++) {
		if (i)
			nanosleep(&pause, NULL);
		lock = statenames_lock(dirfd, false);
	}
	if (lock < 0)
		return;
	statenames_remove_dir(dirfd);
	close(lock);
}
