/* SPDX-License-Identifier: Apache-2.0 */
/* clean.h - what servers say must not command the terminal */
#ifndef RK_CMD_CLEAN_H
#define RK_CMD_CLEAN_H

#include <stdbool.h>
#include <stddef.h>

/* a stream of bytes, which may be cut anywhere */
struct clean {
	unsigned char held[4]; /* of a letter that is not whole */
	size_t nheld;
};

#define CLEAN_OUT_MAX(n) ((n) + 4) /* bytes that come of @n */

/**
 * clean_bytes() - a copy without control characters (but newline and tab), marks that turn the
 *                 order of letters, and bytes that are not UTF-8: each becomes '?'
 * @dst:	CLEAN_OUT_MAX(@n) bytes
 * Return: bytes of @dst; up to three of @src may still be held
 */
size_t clean_bytes(struct clean *c, char *dst, const char *src, size_t n);

/* clean_output() - stdout and stderr are clean from now on, whoever prints; 0 or -ENOMEM */
int clean_output(void);

/* clean_screen() - begin a new screen; the one thing that may command the terminal */
void clean_screen(void);

#endif
