// SPDX-License-Identifier: Apache-2.0
/*
 * tap.c - frames in and out of the tap, never waiting (slirp only)
 *
 * The tap was opened in the child's user namespace, by a process that shares the open file and
 * could take O_NONBLOCK off. RWF_NOWAIT belongs to the call and cannot be taken off.
 */
#include "lib/slirp/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

int tap_init(struct tap *t, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	*t = (struct tap){ .fd = fd, .flags = RWF_NOWAIT };
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

void tap_done(struct tap *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

ssize_t tap_read(struct tap *t, uint8_t *buf, size_t size)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	ssize_t n = preadv2(t->fd, &iov, 1, -1, t->flags);

	if (n < 0 && errno == EOPNOTSUPP && t->flags) {
		t->flags = 0;
		n = preadv2(t->fd, &iov, 1, -1, 0);
	}
	if (n > 0)
		return n;
	if (n == 0)
		return -ENODEV;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

void tap_write(struct tap *t, const uint8_t *data, size_t len)
{
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	ssize_t n = pwritev2(t->fd, &iov, 1, -1, t->flags);

	if (n < 0 && errno == EOPNOTSUPP && t->flags) {
		t->flags = 0;
		n = pwritev2(t->fd, &iov, 1, -1, 0);
	}
	if (n < 0)
		t->dropped++;
}
