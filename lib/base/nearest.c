// SPDX-License-Identifier: Apache-2.0
/* nearest.c - the distance of Damerau and Levenshtein (a swap of neighbours is one step) */
#include "lib/base/nearest.h"

#include <stdint.h>
#include <string.h>

#define LETTERS_A_STEP 3 /* a word may differ in one of so many */

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t nearest_distance(const char *typed, size_t len, const char *word)
{
	size_t d[3][NEAREST_WORD_MAX + 1], wlen = strlen(word);
	size_t *older = d[0], *old = d[1], *row = d[2];

	if (len > NEAREST_WORD_MAX || wlen > NEAREST_WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= wlen; j++)
		old[j] = j;
	for (size_t i = 1; i <= len; i++) {
		size_t *next = older;

		row[0] = i;
		for (size_t j = 1; j <= wlen; j++) {
			row[j] = min(min(old[j], row[j - 1]) + 1,
				     old[j - 1] + (typed[i - 1] != word[j - 1]));
			if (i > 1 && j > 1 && typed[i - 1] == word[j - 2] &&
			    typed[i - 2] == word[j - 1])
				row[j] = min(row[j], older[j - 2] + 1);
		}
		older = old;
		old = row;
		row = next;
	}
	if (len >= LETTERS_A_STEP && len < wlen && memcmp(typed, word, len) == 0)
		return 1; /* the beginning of a word counts as a slip */
	return old[wlen] * LETTERS_A_STEP <= (len < wlen ? wlen : len) ? old[wlen] : SIZE_MAX;
}

void nearest_try(struct nearest *n, const char *typed, size_t len, const char *word)
{
	size_t distance = nearest_distance(typed, len, word);

	if (distance == SIZE_MAX || (n->word && n->distance <= distance))
		return;
	*n = (struct nearest){ word, distance };
}
