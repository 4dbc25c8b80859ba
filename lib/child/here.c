// SPDX-License-Identifier: Apache-2.0
/* here.c - a directory of the parent's, reached by a path of our own mount namespace */
#include "lib/child/here.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

int here_open(int dirfd)
{
	char link[32], path[PATH_MAX];
	autoclose int fd = -1;
	struct stat there, here;
	ssize_t n;

	str_format(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	n = readlink(link, path, sizeof(path));
	if (n < 0)
		return -errno;
	if ((size_t)n == sizeof(path))
		return -ENAMETOOLONG;
	path[n] = '\0';
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &here) < 0 || fstat(dirfd, &there) < 0)
		return -errno;
	if (here.st_dev != there.st_dev || here.st_ino != there.st_ino)
		return -ESTALE;
	return take_fd(&fd);
}
