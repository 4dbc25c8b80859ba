// SPDX-License-Identifier: Apache-2.0
/*
 * subid_text.c - lists of id ranges, and the two texts that they are read from
 *
 * Runs in the parent. A list keeps the order of its source, because the ids inside the namespace
 * are counted along it: sorting would give every file of an existing image another owner. A range
 * is cut around the user's own id and around what is in the list already (the kernel refuses maps
 * that overlap), and joined to the one before it when it continues it, so the map stays the same.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/cause/cause.h"
#include "lib/parent/subid.h"

#define QUOTE_MAX 80 /* bytes of a broken line in a message */
#define FREE_FIRST 100000u
#define FREE_COUNT 65536u

struct span {
	const char *p;
	size_t len;
};

static size_t digits(uint32_t v)
{
	size_t n = 1;

	for (; v >= 10; v /= 10)
		n++;
	return n;
}

void subid_list_init(struct subid_list *l, uint32_t own)
{
	l->own = own;
	l->total = 0;
	l->n = 0;
	l->text = strlen("0  1\n") + digits(own);
}

/* one piece that overlaps nothing; l->total + 1 is the id inside that it starts at */
static int append(struct subid_list *l, uint32_t start, uint32_t count)
{
	struct subid_range *last = l->n ? &l->range[l->n - 1] : NULL;

	if (last && last->start + last->count == start) {
		l->text -= digits(last->count);
		last->count += count;
		l->text += digits(last->count);
	} else {
		if (l->n == SUBID_RANGES_MAX)
			return -E2BIG;
		l->range[l->n++] = (struct subid_range){ start, count };
		l->text += digits(l->total + 1) + digits(start) + digits(count) + strlen("  \n");
	}
	l->total += count;
	return l->text > SUBID_MAP_TEXT_MAX ? -E2BIG : 0;
}

/* the first id from @pos on that is free, and in @ret_end the last one before the next taken */
static uint64_t next_gap(const struct subid_list *l, uint64_t pos, uint64_t end, uint64_t *ret_end)
{
	bool moved = true;

	while (moved) {
		moved = pos == l->own;
		pos += moved;
		for (size_t i = 0; i < l->n; i++) {
			uint64_t first = l->range[i].start, after = first + l->range[i].count;

			if (pos < first || pos >= after)
				continue;
			pos = after;
			moved = true;
		}
	}
	if (l->own > pos && l->own <= end)
		end = l->own - 1u;
	for (size_t i = 0; i < l->n; i++)
		if (l->range[i].start > pos && l->range[i].start <= end)
			end = l->range[i].start - 1u;
	*ret_end = end;
	return pos;
}

int subid_list_add(struct subid_list *l, uint64_t start, uint64_t count)
{
	uint64_t end, pos = start;

	if (count < 1 || start > SUBID_ID_MAX || count - 1 > SUBID_ID_MAX - start)
		return -EINVAL;
	end = start + count - 1;
	while (pos <= end) {
		uint64_t piece_end;
		int r;

		pos = next_gap(l, pos, end, &piece_end);
		if (pos > end)
			break;
		r = append(l, (uint32_t)pos, (uint32_t)(piece_end - pos + 1));
		if (r < 0)
			return r;
		pos = piece_end + 1;
	}
	return 0;
}

static bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.p, text, s.len) == 0;
}

/* as newuidmap understands it: it takes a leading zero for octal, so that is no number here */
static int span_number(struct span s, uint64_t *ret)
{
	char text[24];

	if (s.len >= sizeof(text) || (s.len > 1 && s.p[0] == '0'))
		return -EINVAL;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	return strlen(text) == s.len ? str_to_u64(text, UINT64_MAX, ret) : -EINVAL;
}

/* cuts @rest at the first byte of @c, which is dropped; false when it is empty */
static bool span_next(struct span *rest, int c, struct span *ret)
{
	const char *end;

	if (!rest->p)
		return false;
	end = memchr(rest->p, c, rest->len);
	*ret = *rest;
	if (end) {
		ret->len = (size_t)(end - rest->p);
		rest->len -= ret->len + 1;
		rest->p = end + 1;
	} else {
		rest->p = NULL;
	}
	return true;
}

/* NAME:FIRST:COUNT; the number of fields, up to 4 */
static size_t split_line(struct span line, struct span field[4])
{
	size_t n = 0;

	while (n < 4 && span_next(&line, ':', &field[n]))
		n++;
	return n;
}

static int refuse_line(struct err *err, int r, const char *file, size_t number, struct span line)
{
	char quoted[QUOTE_MAX];

	if (r == -E2BIG)
		return err_say(
			err, E2BIG,
			"%s:%zu: too many ranges: the kernel maps at most %d, in less than %d "
			"bytes",
			file, number, SUBID_RANGES_MAX, SUBID_MAP_TEXT_MAX + 1);
	str_printable(quoted, sizeof(quoted), line.p, line.len);
	err_say(err, -r,
		"Cannot parse subuid/gid information: Format not correct for %s file: line %zu is "
		"\"%s\"",
		file, number, quoted);
	if (line.len && line.p[line.len - 1] == '\r')
		return cause_hint(err, r, CAUSE_SUBID_CRLF, file, NULL);
	return cause_hint(err, r, CAUSE_SUBID_BAD, file, NULL);
}

static int add_line(struct span line, const struct subid_user *user, const char *number,
		    struct subid_list *l)
{
	struct span field[4];
	size_t n = split_line(line, field);
	uint64_t start, count;

	if (!span_is(field[0], user->name) && !span_is(field[0], number))
		return 0;
	if (n != 3 || span_number(field[1], &start) < 0 || span_number(field[2], &count) < 0)
		return -EINVAL;
	return subid_list_add(l, start, count);
}

int subid_parse_file(const char *text, size_t len, const char *file, const struct subid_user *user,
		     struct subid_list *l, struct err *err)
{
	struct span rest = { text, len }, line;
	char number[16];

	snprintf(number, sizeof(number), "%u", user->uid);
	for (size_t i = 1; span_next(&rest, '\n', &line); i++) {
		int r;

		if (!line.len || line.p[0] == '#')
			continue;
		r = add_line(line, user, number, l);
		if (r < 0)
			return refuse_line(err, r, file, i, line);
	}
	return 0;
}

static bool overlaps(const struct subid_list *l, uint64_t start, uint64_t count)
{
	for (size_t i = 0; i < l->n; i++) {
		uint64_t first = l->range[i].start, after = first + l->range[i].count;

		if (start < after && start + count > first)
			return true;
	}
	return false;
}

bool subid_find_other(const char *text, const struct subid_user *user, const struct subid_list *l,
		      char *ret_name, size_t size)
{
	struct span rest = { text, strlen(text) }, line, field[4];
	char number[16];

	snprintf(number, sizeof(number), "%u", user->uid);
	while (span_next(&rest, '\n', &line)) {
		uint64_t start, count;

		if (split_line(line, field) != 3 || span_is(field[0], user->name) ||
		    span_is(field[0], number) || span_number(field[1], &start) < 0 ||
		    span_number(field[2], &count) < 0 || start > SUBID_ID_MAX ||
		    count > SUBID_ID_MAX || !overlaps(l, start, count))
			continue;
		str_printable(ret_name, size, field[0].p, field[0].len);
		return true;
	}
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* words between blanks; more than @max are counted as @max */
static size_t split_words(struct span line, struct span *word, size_t max)
{
	size_t n = 0;

	while (n < max) {
		size_t w = 0;

		while (line.len && is_blank(*line.p)) {
			line.p++;
			line.len--;
		}
		while (w < line.len && !is_blank(line.p[w]))
			w++;
		if (!w)
			break;
		word[n++] = (struct span){ line.p, w };
		line.p += w;
		line.len -= w;
	}
	return n;
}

int subid_parse_output(const char *text, size_t len, struct subid_list *l, struct err *err)
{
	struct span rest = { text, len }, line, word[4];

	for (size_t i = 1; span_next(&rest, '\n', &line); i++) {
		size_t n = split_words(line, word, 4);
		uint64_t start, count;
		char quoted[QUOTE_MAX];
		int r = -EINVAL;

		if (!n || word[0].p[0] == '#')
			continue;
		if (n == 4 && !span_number(word[2], &start) && !span_number(word[3], &count))
			r = subid_list_add(l, start, count);
		if (r == -E2BIG)
			return err_say(err, E2BIG, "line %zu: more ranges than the kernel maps", i);
		str_printable(quoted, sizeof(quoted), line.p, line.len);
		if (r < 0)
			return err_say(err, -r, "line %zu: unparsable line \"%s\"", i, quoted);
	}
	return 0;
}

struct taken {
	uint64_t first, after;
};

static int by_first(const void *a, const void *b)
{
	const struct taken *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* every line of every user that can be read */
static size_t collect(const char *text, struct taken *ret)
{
	struct span rest = { text, strlen(text) }, line, field[4];
	size_t n = 0;

	while (span_next(&rest, '\n', &line)) {
		uint64_t start, count;

		if (line.len && line.p[line.len - 1] == '\r')
			line.len--;
		if (split_line(line, field) != 3 || span_number(field[1], &start) < 0 ||
		    span_number(field[2], &count) < 0 || start > SUBID_ID_MAX)
			continue;
		if (count > SUBID_ID_MAX)
			count = SUBID_ID_MAX;
		ret[n++] = (struct taken){ start, start + count };
	}
	return n;
}

int subid_free_range(const char *const text[SUBID_NKINDS], uint32_t *ret_start)
{
	autofree struct taken *taken = NULL;
	uint64_t start = FREE_FIRST;
	size_t n = 0;

	for (size_t k = 0; k < SUBID_NKINDS; k++)
		n += text[k] ? count_lines(text[k]) : 0;
	taken = calloc(n + 1, sizeof(*taken));
	if (!taken)
		return -ENOMEM;
	n = 0;
	for (size_t k = 0; k < SUBID_NKINDS; k++)
		n += text[k] ? collect(text[k], taken + n) : 0;
	qsort(taken, n, sizeof(*taken), by_first);
	for (size_t i = 0; i < n && taken[i].first < start + FREE_COUNT; i++)
		if (taken[i].after > start)
			start = taken[i].after;
	if (start + FREE_COUNT - 1 > SUBID_ID_MAX)
		return -ENOSPC;
	*ret_start = (uint32_t)start;
	return 0;
}
