/* SPDX-License-Identifier: Apache-2.0 */
/* landlock.h - no file, no abstract socket, no signal, whatever namespaces allow */
#ifndef RK_SANDBOX_LANDLOCK_H
#define RK_SANDBOX_LANDLOCK_H

#include <stddef.h>

#include "lib/ipc/role.h"

/**
 * landlock_enter() - forbid all that this kernel's Landlock knows and @role does not need
 *
 * To be done before: mounts. no_new_privs must be set.
 * Return: 0; -ENOSYS or -EOPNOTSUPP when the kernel has none; else a negative errno
 */
int landlock_enter(enum role role);

/**
 * landlock_enter_reading() - the same, but files below @dirs can be read, and TCP ports be bound
 * @dirs:	absolute paths; what is not there is left out
 */
int landlock_enter_reading(const char *const *dirs, size_t n);

#endif
