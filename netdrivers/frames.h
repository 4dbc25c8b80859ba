/* SPDX-License-Identifier: Apache-2.0 */
/* frames.h - a process that carries frames between a tap and the stream of a network program */
#ifndef RK_NETDRIVERS_FRAMES_H
#define RK_NETDRIVERS_FRAMES_H

#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/options.h"

#define FRAMES_MAX 65535 /* bytes of a frame, as its length has 16 bits */

struct starter;

/**
 * frames_start() - have a process started that does nothing else, with the right to nothing else
 * @s:		has started the program, with frames_carry() as starter_work.carry
 * @tap:	a tap, borrowed
 * @sock:	a stream in which a frame is 16 bits of length, little end first, and its bytes.
 *		Borrowed; what was read of it so far ends with a whole frame
 * @ret:	it exits with status 0 at an end of file of @sock, else with an errno
 */
int frames_start(struct starter *s, int tap, int sock, pid_t *ret, struct err *err);

/* frames_carry() - the whole life of that process; returns its exit status */
int frames_carry(int tap, int sock, pid_t parent, enum sandbox_mode mode);

#endif
