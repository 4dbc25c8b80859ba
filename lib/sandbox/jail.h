/* SPDX-License-Identifier: Apache-2.0 */
/* jail.h - a user namespace without ids and a root without files */
#ifndef RK_SANDBOX_JAIL_H
#define RK_SANDBOX_JAIL_H

#include <stdint.h>

struct err;

/**
 * jail_enter() - the properties USERNS and ROOT, in this order
 *
 * To be done before: opening anything by a path. The process has all capabilities over its new
 * namespaces afterwards: rights_drop_all() must follow.
 * Return: those that hold (enum sandbox_property); @err tells of the first that does not
 */
uint32_t jail_enter(struct err *err);

#endif
