/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - what failed, on what and why, in a fixed size that survives fork and fits a message */
#ifndef RK_BASE_ERR_H
#define RK_BASE_ERR_H

#include <stddef.h>
#include <stdint.h>

#define ERR_MSG_MAX 1020

struct err {
	int32_t code;          /* positive errno, 0 while nothing has failed */
	char msg[ERR_MSG_MAX]; /* "what '/x': why", no newline at the end */
};

/**
 * err_set() - record a failure with the errno in words: "<text>: No such file or directory"
 * @err:	may be NULL: then only the code is returned
 * @errnum:	positive errno; 0 is taken as EIO
 * Return: -errnum
 */
int err_set(struct err *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* err_say() - like err_set(), but the text stands alone (texts that are a contract, limits, hints)
 */
int err_say(struct err *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * err_wrap() - put context in front of a recorded failure: "<text>: <what was there>"
 * @r:	the negative errno to hand on
 * Return: r. When nothing was recorded yet, the words for r are
 */
int err_wrap(struct err *err, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* err_hint() - append a line that tells the user what to do; returns r */
int err_hint(struct err *err, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
