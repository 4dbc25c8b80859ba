/* SPDX-License-Identifier: Apache-2.0 */
/* str.h - text in fixed buffers, strict numbers, addresses as text */
#ifndef RK_BASE_STR_H
#define RK_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* str_format() - snprintf that treats a cut as an error; length, or -ENAMETOOLONG (dst then "") */
int str_format(char *dst, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* str_dup_format() - malloc'ed text; NULL when memory is short */
char *str_dup_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * str_to_u64() - decimal digits only, the whole text: no sign, no blank, no other base
 * Return: 0; -EINVAL (not a number, *ret untouched) or -ERANGE (more than @max)
 */
int str_to_u64(const char *s, uint64_t max, uint64_t *ret);

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* str_basename() - what follows the last slash; points into @path */
const char *str_basename(const char *path);

/**
 * str_printable() - copy for a message or a log: control characters and bytes that are not UTF-8
 *                   letters of ASCII become '?', at most @size - 1 bytes
 */
void str_printable(char *dst, size_t size, const char *src, size_t len);

#endif
