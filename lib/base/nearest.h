/* SPDX-License-Identifier: Apache-2.0 */
/* nearest.h - the word that was probably meant */
#ifndef RK_BASE_NEAREST_H
#define RK_BASE_NEAREST_H

#include <stddef.h>

#define NEAREST_WORD_MAX 48 /* longer words are like nothing */

/**
 * nearest_distance() - how many letters must be changed, added, removed or swapped with the next
 * @len:	bytes of @typed
 * Return: the number; SIZE_MAX when more than a third of the letters differ, or one is too long
 */
size_t nearest_distance(const char *typed, size_t len, const char *word);

/* the best word of a walk over a table: zeroed before, nearest_try() for each word */
struct nearest {
	const char *word; /* NULL: none is near */
	size_t distance;
};

void nearest_try(struct nearest *n, const char *typed, size_t len, const char *word);

#endif
