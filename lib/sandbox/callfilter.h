/* SPDX-License-Identifier: Apache-2.0 */
/* callfilter.h - from here on only the system calls of rules.c */
#ifndef RK_SANDBOX_CALLFILTER_H
#define RK_SANDBOX_CALLFILTER_H

#include "lib/ipc/role.h"

struct err;

/**
 * callfilter_enter() - load the filter of @role for all threads, and those that it starts
 *
 * To be done before: everything that rules.c does not list. no_new_privs must be set.
 * Return: 0, or a negative errno with @err filled
 */
int callfilter_enter(enum role role, struct err *err);

#endif
