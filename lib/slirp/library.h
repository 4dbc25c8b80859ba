/* SPDX-License-Identifier: Apache-2.0 */
/* library.h - libslirp, loaded by the process that runs it */
#ifndef RK_SLIRP_LIBRARY_H
#define RK_SLIRP_LIBRARY_H

#include "lib/base/err.h"

#define LIBSLIRP_SONAME "libslirp.so.0"

/**
 * libslirp_load() - before the first call of it, and before files are out of reach
 *
 * Return: 0, also when it is loaded already; -ELIBACC: it is not there, or has not what we call
 */
int libslirp_load(struct err *err);

#endif
