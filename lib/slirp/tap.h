/* SPDX-License-Identifier: Apache-2.0 */
/* tap.h - frames in and out of the tap, never waiting (slirp only) */
#ifndef RK_SLIRP_TAP_H
#define RK_SLIRP_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tap {
	int fd;           /* owned; -1: none */
	int flags;        /* RWF_NOWAIT where the kernel knows it */
	uint64_t dropped; /* frames that the tap did not take */
};

/* tap_init() - @fd is consumed; 0 or a negative errno */
int tap_init(struct tap *t, int fd);
void tap_done(struct tap *t);

/**
 * tap_read() - one frame, without any header in front
 * Return: its length; 0 when there is none now; a negative errno when the tap is gone for good
 */
ssize_t tap_read(struct tap *t, uint8_t *buf, size_t size);

/* tap_write() - one frame; what the tap does not take at once is dropped and counted */
void tap_write(struct tap *t, const uint8_t *data, size_t len);

#endif
