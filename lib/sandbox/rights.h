/* SPDX-License-Identifier: Apache-2.0 */
/* rights.h - capabilities, tracing, limits: what remains after the jail */
#ifndef RK_SANDBOX_RIGHTS_H
#define RK_SANDBOX_RIGHTS_H

#include <stdint.h>

struct err;

/**
 * rights_drop_all() - the properties BOUND, NOCAPS, NOTRACE, NONEWPRIVS, LIMITS, NOEXEC, in this
 * order
 *
 * To be done before: mounts, namespaces, forks. Nothing of it can be taken back.
 * Return: those that hold (enum sandbox_property); @err tells of the first that does not, but for
 *         NOEXEC, which not every kernel has
 */
uint32_t rights_drop_all(struct err *err);

/**
 * rights_drop_unjailed() - of a process that stays in the namespaces of its user: the properties
 *	NOCAPS, NOTRACE, NONEWPRIVS
 *
 * Low ports can still be bound by who could before; there is no limit on the size of files, which
 * its log may be.
 * Return: 0 or a negative errno
 */
int rights_drop_unjailed(struct err *err);

#endif
