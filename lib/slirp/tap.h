/* SPDX-License-Identifier: Apache-2.0 */
/* tap.h - frames in and out of the tap, never waiting (slirp only) */
#ifndef RK_SLIRP_TAP_H
#define RK_SLIRP_TAP_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct iovec;

struct tap {
	int fd;           /* owned; -1: none */
	bool vnet;        /* each frame has a struct virtio_net_hdr in front */
	int flags;        /* RWF_NOWAIT where the kernel knows it */
	uint64_t dropped; /* frames that the tap did not take */
};

/* tap_init() - @fd is consumed; 0 or a negative errno */
int tap_init(struct tap *t, int fd, bool vnet);
void tap_done(struct tap *t);

/**
 * tap_read() - one frame
 * @ret_vnet:	what was in front; zero for a tap without
 * @buf:	for the frame itself
 * Return: its length, maybe longer than @size; 0 when there is none now; a negative errno when the
 * tap is gone for good
 */
ssize_t tap_read(struct tap *t, struct virtio_net_hdr *ret_vnet, uint8_t *buf, size_t size);

/* tap_write() - one frame; what the tap does not take at once is dropped and counted */
void tap_write(struct tap *t, const uint8_t *data, size_t len);

/* tap_write_parts() - the same in up to TAP_PARTS_MAX parts, for a tap with headers */
#define TAP_PARTS_MAX 2
void tap_write_parts(struct tap *t, const struct virtio_net_hdr *vnet, const struct iovec *parts,
		     size_t n);

#endif
