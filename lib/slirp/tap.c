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

#include "lib/base/cleanup.h"

int tap_init(struct tap *t, int fd, bool vnet)
{
	int flags = fcntl(fd, F_GETFL);

	*t = (struct tap){ .fd = fd, .vnet = vnet, .flags = RWF_NOWAIT };
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

ssize_t tap_read(struct tap *t, struct virtio_net_hdr *ret_vnet, uint8_t *buf, size_t size)
{
	const struct iovec iov[] = { { .iov_base = ret_vnet, .iov_len = sizeof(*ret_vnet) },
				     { .iov_base = buf, .iov_len = size } };
	const int skip = t->vnet ? 0 : 1;
	ssize_t n;

	*ret_vnet = (struct virtio_net_hdr){ 0 };
	n = preadv2(t->fd, iov + skip, 2 - skip, -1, t->flags);
	if (n < 0 && errno == EOPNOTSUPP && t->flags) {
		t->flags = 0;
		n = preadv2(t->fd, iov + skip, 2 - skip, -1, 0);
	}
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (t->vnet)
		n -= (ssize_t)sizeof(*ret_vnet);
	return n > 0 ? n : -ENODEV;
}

static void write_parts(struct tap *t, const struct iovec *iov, int n)
{
	ssize_t r = pwritev2(t->fd, iov, n, -1, t->flags);

	if (r < 0 && errno == EOPNOTSUPP && t->flags) {
		t->flags = 0;
		r = pwritev2(t->fd, iov, n, -1, 0);
	}
	if (r < 0)
		t->dropped++;
}

void tap_write(struct tap *t, const uint8_t *data, size_t len)
{
	const struct iovec part = { .iov_base = (void *)data, .iov_len = len };
	const struct virtio_net_hdr plain = { 0 };

	if (t->vnet)
		tap_write_parts(t, &plain, &part, 1);
	else
		write_parts(t, &part, 1);
}

void tap_write_parts(struct tap *t, const struct virtio_net_hdr *vnet, const struct iovec *parts,
		     size_t n)
{
	struct iovec iov[1 + TAP_PARTS_MAX] = {
		{ .iov_base = (void *)vnet, .iov_len = sizeof(*vnet) },
	};

	assert(n <= TAP_PARTS_MAX);
	for (size_t i = 0; i < n; i++)
		iov[1 + i] = parts[i];
	write_parts(t, iov, (int)(1 + n));
}
