// SPDX-License-Identifier: Apache-2.0
/* fd.c - descriptors: whole reads and writes, inheritance, limits */
#include "lib/base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

/* for kernels and seccomp profiles of outer containers that do not know close_range() */
static int close_listed(unsigned first, unsigned last)
{
	DIR *d = opendir("/proc/self/fd");

	if (!d)
		return -errno;
	for (struct dirent *e; (e = readdir(d));) {
		uint64_t fd;

		if (str_to_u64(e->d_name, INT_MAX, &fd) == 0 && fd >= first && fd <= last &&
		    (int)fd != dirfd(d))
			close((int)fd);
	}
	closedir(d);
	return 0;
}

static int close_span(unsigned first, unsigned last)
{
	if (first > last || close_range(first, last, 0) == 0)
		return 0;
	return errno == ENOSYS || errno == EPERM ? close_listed(first, last) : -errno;
}

int fd_close_all_but(const int *keep, size_t nkeep)
{
	unsigned next = 0;

	for (size_t i = 0; i < nkeep; i++) {
		unsigned fd = (unsigned)keep[i];
		int r = fd > next ? close_span(next, fd - 1) : 0;

		if (r < 0)
			return r;
		next = fd + 1;
	}
	return close_span(next, UINT_MAX);
}

int fd_set_cloexec(int fd, int on)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0)
		return -errno;
	flags = on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC;
	return fcntl(fd, F_SETFD, flags) < 0 ? -errno : 0;
}

int fd_write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t fd_read_all(int fd, void *buf, size_t len)
{
	char *p = buf;
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, p + got, len - got);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

ssize_t fd_read_file(int dirfd, const char *path, size_t max, char **ret)
{
	autoclose int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	autofree char *buf = NULL;
	ssize_t n;

	if (fd < 0)
		return -errno;
	buf = malloc(max + 1);
	if (!buf)
		return -ENOMEM;
	n = fd_read_all(fd, buf, max + 1);
	if (n < 0)
		return n;
	if ((size_t)n > max)
		return -EFBIG;
	buf[n] = '\0';
	*ret = take_ptr(buf);
	return n;
}

int fd_write_file(int dirfd, const char *path, const char *text)
{
	autoclose int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -errno;
	return fd_write_all(fd, text, strlen(text));
}

int fd_open_std(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* the lowest free number is this one; inherited on purpose */
		if (open("/dev/null", O_RDWR) < 0)
			return -errno;
	}
	return 0;
}

int fd_take_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? errno : error;
}

int fd_raise_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return -errno;
	l.rlim_cur = l.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &l) < 0 ? -errno : 0;
}
