// SPDX-License-Identifier: Apache-2.0
/*
 * clean.c - what servers say must not command the terminal
 *
 * A socket may be served by anybody: texts of an answer could move the cursor, set the title or
 * paint lines that we did not write. It is looked at where all of it comes by, on the way out.
 */
#include "cmd/rootlessctl/clean.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"

#define CHUNK 4096

static struct clean of_out, of_err;

/* bytes of the letter that begins with @first; 0: none does */
static size_t letter_len(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* of a whole letter: no control character of either set, no mark that turns the order */
static bool may_pass(const unsigned char *s, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c = len == 1 ? s[0] : s[0] & (0x7fu >> len);

	for (size_t i = 1; i < len; i++)
		c = c << 6 | (s[i] & 0x3f);
	if (c < 0x20)
		return c == '\n' || c == '\t';
	if (c >= 0x7f && c <= 0x9f)
		return false;
	if ((c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069) || c == 0x61c)
		return false;
	return c >= least[len] && (c < 0xd800 || c > 0xdfff) && c <= 0x10ffff;
}

size_t clean_bytes(struct clean *c, char *dst, const char *src, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char b = (unsigned char)src[i];

		if (c->nheld && (b & 0xc0) != 0x80) { /* what was held is no letter */
			dst[out++] = '?';
			c->nheld = 0;
		}
		if (!c->nheld && !letter_len(b)) {
			dst[out++] = '?';
			continue;
		}
		c->held[c->nheld++] = b;
		if (c->nheld < letter_len(c->held[0]))
			continue;
		if (may_pass(c->held, c->nheld)) {
			memcpy(dst + out, c->held, c->nheld);
			out += c->nheld;
		} else {
			dst[out++] = '?';
		}
		c->nheld = 0;
	}
	return out;
}

static ssize_t clean_write(struct clean *c, int fd, const char *buf, size_t size)
{
	char out[CLEAN_OUT_MAX(CHUNK)];

	for (size_t done = 0; done < size; done += CHUNK) {
		size_t n = size - done < CHUNK ? size - done : CHUNK;
		int r = fd_write_all(fd, out, clean_bytes(c, out, buf + done, n));

		if (r < 0) {
			errno = -r;
			return 0; /* an error for stdio */
		}
	}
	return (ssize_t)size;
}

static ssize_t on_out(void *cookie, const char *buf, size_t size)
{
	return clean_write(cookie, STDOUT_FILENO, buf, size);
}

static ssize_t on_err(void *cookie, const char *buf, size_t size)
{
	return clean_write(cookie, STDERR_FILENO, buf, size);
}

int clean_output(void)
{
	FILE *out = fopencookie(&of_out, "w", (cookie_io_functions_t){ .write = on_out });
	FILE *err = fopencookie(&of_err, "w", (cookie_io_functions_t){ .write = on_err });

	if (!out || !err) {
		if (out)
			fclose(out);
		return -ENOMEM;
	}
	setvbuf(out, NULL, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, BUFSIZ);
	setvbuf(err, NULL, _IOLBF, BUFSIZ);
	stdout = out;
	stderr = err;
	return 0;
}

void clean_screen(void)
{
	static const char clear[] = "\033[H\033[2J";

	fflush(stdout);
	fd_write_all(STDOUT_FILENO, clear, sizeof(clear) - 1);
}
