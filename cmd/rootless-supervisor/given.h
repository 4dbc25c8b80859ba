/* SPDX-License-Identifier: Apache-2.0 */
/* given.h - sockets that systemd passes: those that are published ports, and the command's */
#ifndef RK_CMD_GIVEN_H
#define RK_CMD_GIVEN_H

#include "lib/base/err.h"
#include "lib/base/options.h"

#define GIVEN_FIRST 3
#define GIVEN_MAX 64

/* given_count() - the number of descriptors that systemd passed, from GIVEN_FIRST on; 0 unless
 * every one of them is there */
int given_count(void);

/**
 * given_take() - make the sockets that o->publish_given names ports of o->publish
 *
 * They get descriptors behind all others, close-on-exec. Those that are left move up, and
 * LISTEN_FDS and LISTEN_FDNAMES say so.
 * Return: 0, or a negative errno: a name that nobody has, or another kind of socket
 */
int given_take(struct options *o, struct err *err);

#endif
