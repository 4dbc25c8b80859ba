/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - find the program of a network, in upstream's words when it is not there */
#ifndef RK_NETDRIVERS_PROGRAM_H
#define RK_NETDRIVERS_PROGRAM_H

#include <limits.h>

#include "lib/base/err.h"

/* program_find() - a name in $PATH, or a path; 0, or a negative errno */
int program_find(const char *name, char ret[static PATH_MAX], struct err *err);

#endif
