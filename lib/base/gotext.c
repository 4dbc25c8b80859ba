// SPDX-License-Identifier: Apache-2.0
/*
 * gotext.c - Go's strconv, as far as our users see it
 *
 * Which characters count as printable follows the blocks of Unicode, not each character: a hole
 * inside a block is printed where Go would escape it. Controls, format characters (bidi marks),
 * separators, private use and surrogates are always escaped.
 */
#include "lib/base/gotext.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"

#define RUNE_MAX 0x10ffff
#define RUNE_ERROR 0xfffd /* what Go puts in the place of a number that is no character */
#define RUNE_TEXT_MAX 11  /* "\U0010ffff" and the 0 */

struct range {
	uint32_t first, last;
};

/* sorted; what is not listed is escaped */
static const struct range printable[] = {
	{ 0x20, 0x7e },       { 0xa1, 0xac },       { 0xae, 0x5ff },      { 0x606, 0x61b },
	{ 0x61d, 0x6dc },     { 0x6de, 0x70e },     { 0x710, 0x167f },    { 0x1681, 0x180d },
	{ 0x180f, 0x1fff },   { 0x2010, 0x2027 },   { 0x2030, 0x205e },   { 0x2070, 0x2fff },
	{ 0x3001, 0xd7fb },   { 0xf900, 0xfefe },   { 0xff01, 0xffee },   { 0xfffc, 0xfffd },
	{ 0x10000, 0x1342f }, { 0x14400, 0x14646 }, { 0x16800, 0x18d08 }, { 0x1aff0, 0x1bc9f },
	{ 0x1cf00, 0x1d172 }, { 0x1d17b, 0x1e02a }, { 0x1e100, 0x1e14f }, { 0x1e290, 0x1e2ff },
	{ 0x1e7e0, 0x1eef1 }, { 0x1f000, 0x1fbf9 }, { 0x20000, 0x2fa1d }, { 0x30000, 0x3134a },
	{ 0xe0100, 0xe01ef },
};

static bool rune_is_printable(uint32_t rune)
{
	for (size_t i = 0; i < ARRAY_SIZE(printable); i++) {
		if (rune >= printable[i].first && rune <= printable[i].last)
			return true;
	}
	return false;
}

/* one character of UTF-8; its length, or 0 when the bytes are none */
static size_t rune_decode(const char *text, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)text;
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t rune = n == 1 ? s[0] : s[0] & (0x7fu >> n);

	if (!n || s[0] > 0xf7)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		rune = rune << 6 | (s[i] & 0x3f);
	}
	if (rune < least[n] || rune > RUNE_MAX || (rune >= 0xd800 && rune <= 0xdfff))
		return 0;
	*ret = rune;
	return n;
}

static size_t rune_encode(char *dst, uint32_t rune)
{
	if (rune < 0x80) {
		dst[0] = (char)rune;
		return 1;
	}
	if (rune < 0x800) {
		dst[0] = (char)(0xc0 | rune >> 6);
		dst[1] = (char)(0x80 | (rune & 0x3f));
		return 2;
	}
	if (rune < 0x10000) {
		dst[0] = (char)(0xe0 | rune >> 12);
		dst[1] = (char)(0x80 | (rune >> 6 & 0x3f));
		dst[2] = (char)(0x80 | (rune & 0x3f));
		return 3;
	}
	dst[0] = (char)(0xf0 | rune >> 18);
	dst[1] = (char)(0x80 | (rune >> 12 & 0x3f));
	dst[2] = (char)(0x80 | (rune >> 6 & 0x3f));
	dst[3] = (char)(0x80 | (rune & 0x3f));
	return 4;
}

/* a character between quotes of the kind @quote; the length */
static size_t rune_escape(char dst[RUNE_TEXT_MAX], uint32_t rune, char quote)
{
	static const char letters[] = "abtnvfr"; /* 7 to 13 */
	int n;

	if (rune == (uint32_t)quote || rune == '\\') {
		dst[0] = '\\';
		dst[1] = (char)rune;
		return 2;
	}
	if (rune_is_printable(rune))
		return rune_encode(dst, rune);
	if (rune >= 7 && rune <= 13)
		n = snprintf(dst, RUNE_TEXT_MAX, "\\%c", letters[rune - 7]);
	else if (rune < 0x80)
		n = snprintf(dst, RUNE_TEXT_MAX, "\\x%02x", rune);
	else if (rune < 0x10000)
		n = snprintf(dst, RUNE_TEXT_MAX, "\\u%04x", rune);
	else
		n = snprintf(dst, RUNE_TEXT_MAX, "\\U%08x", rune & 0x1fffff);
	return (size_t)n;
}

const char *go_quote(char *dst, size_t size, const char *text)
{
	const size_t tail = sizeof("...\"");
	char piece[RUNE_TEXT_MAX];
	size_t at = 0;

	dst[at++] = '"';
	while (*text) {
		uint32_t rune;
		size_t used = rune_decode(text, &rune), n;

		if (used)
			n = rune_escape(piece, rune, '"');
		else
			n = (size_t)snprintf(piece, sizeof(piece), "\\x%02x", (unsigned char)*text);
		if (at + n + tail > size) {
			memcpy(dst + at, "...", 3);
			at += 3;
			break;
		}
		memcpy(dst + at, piece, n);
		at += n;
		text += used ? used : 1;
	}
	dst[at++] = '"';
	dst[at] = '\0';
	return dst;
}

const char *go_quote_rune(char *dst, size_t size, int64_t value)
{
	bool is_rune = value >= 0 && value <= RUNE_MAX && !(value >= 0xd800 && value <= 0xdfff);
	char piece[RUNE_TEXT_MAX];
	size_t n = rune_escape(piece, is_rune ? (uint32_t)value : RUNE_ERROR, '\'');

	snprintf(dst, size, "'%.*s'", (int)n, piece);
	return dst;
}

/* the value of a digit of any base, or 255 */
static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
		return (unsigned)((c | 0x20) - 'a') + 10;
	return 255;
}

/* the base that a prefix names; *s moves behind it */
static unsigned detect_base_of(const char **s)
{
	char mark = (char)((*s)[1] | 0x20);

	if (**s != '0')
		return 10;
	if (strlen(*s) >= 3 && (mark == 'x' || mark == 'o' || mark == 'b')) {
		*s += 2;
		return mark == 'x' ? 16 : mark == 'o' ? 8 : 2;
	}
	*s += 1;
	return 8;
}

/* each _ stands after a digit or the prefix (@after_digit at the start) and before a digit */
static bool underscores_fit(const char *s, bool after_digit)
{
	for (; *s; s++) {
		if (*s == '_' && (!after_digit || digit_value(s[1]) == 255))
			return false;
		after_digit = *s != '_';
	}
	return true;
}

int go_parse_int(const char *text, bool detect_base, int64_t *ret)
{
	bool negative = *text == '-';
	const char *s = text + (*text == '-' || *text == '+');
	const char *digits = s;
	uint64_t limit = (uint64_t)INT64_MAX + negative, v = 0;
	unsigned base;

	if (!*s)
		return -EINVAL;
	base = detect_base ? detect_base_of(&digits) : 10;
	for (const char *p = digits; *p; p++) {
		unsigned digit = digit_value(*p);

		if (detect_base && *p == '_')
			continue;
		if (digit >= base)
			return -EINVAL;
		if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit, &v))
			return -ERANGE;
	}
	if (detect_base && !underscores_fit(digits, digits > s))
		return -EINVAL;
	if (v > limit)
		return -ERANGE;
	*ret = negative ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

int go_parse_bool(const char *text, bool *ret)
{
	static const char *const words[][2] = {
		{ "0", "1" },        { "f", "t" },        { "F", "T" },
		{ "false", "true" }, { "FALSE", "TRUE" }, { "False", "True" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (int value = 0; value < 2; value++) {
			if (strcmp(text, words[i][value]) == 0) {
				*ret = value;
				return 0;
			}
		}
	}
	return -EINVAL;
}
