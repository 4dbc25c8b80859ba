/* SPDX-License-Identifier: Apache-2.0 */
/* goerr.h - errors in the words of Go's standard library: clients search for them */
#ifndef RK_BASE_GOERR_H
#define RK_BASE_GOERR_H

#include <stdint.h>

#include "lib/base/err.h"

#define GO_STRERROR_MAX 128 /* bytes of the longest text of an errno */

/* go_strerror() - "address already in use": the C library's words, the first letter small */
const char *go_strerror(int errnum, char dst[static GO_STRERROR_MAX]);

/**
 * go_atoi() - strconv.Atoi: decimal, one sign allowed
 * @err:	`strconv.Atoi: parsing "x": invalid syntax`; at most 200 bytes of the text are
 * quoted Return: 0; -EINVAL or -ERANGE, *ret untouched
 */
int go_atoi(const char *text, int64_t *ret, struct err *err);

#endif
