/* SPDX-License-Identifier: Apache-2.0 */
/* gotext.h - numbers and quotes as Go reads and prints them: RootlessKit's texts are a contract */
#ifndef RK_BASE_GOTEXT_H
#define RK_BASE_GOTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GO_QUOTE_MAX 400 /* enough for a message; a longer text is cut */

/**
 * go_quote() - text as %q prints it: in double quotes, safe for a terminal
 * @dst:	at least 32 bytes; a text that does not fit ends in "..." before the quote
 * Return: @dst
 */
const char *go_quote(char *dst, size_t size, const char *text);

/* go_quote_rune() - a number as %q prints an int: a quoted character; @dst: 16 bytes; returns it */
const char *go_quote_rune(char *dst, size_t size, int64_t value);

/**
 * go_parse_int() - strconv.ParseInt into 64 bits: a sign is taken, blanks are not
 * @detect_base:	0x, 0o, 0b and 0 choose the base and _ may stand between digits;
 *			false: decimal
 * Return: 0; -EINVAL (Go: "invalid syntax") or -ERANGE ("value out of range"), *ret untouched
 */
int go_parse_int(const char *text, bool detect_base, int64_t *ret);

/* go_parse_bool() - strconv.ParseBool: 1 t T TRUE true True and their opposites; 0 or -EINVAL */
int go_parse_bool(const char *text, bool *ret);

#endif
