// SPDX-License-Identifier: Apache-2.0
/* fuzz_subid.c - subuid files and what getsubids prints: the list always is a map the kernel takes
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/parent/subid.h"

#define MY_ID 1003

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* no id twice, none of ours, none outside; the text is as long as it says */
static void check(const struct subid_list *l)
{
	uint64_t total = 0;
	size_t text = strlen("0 1003 1\n");

	assert(l->n <= SUBID_RANGES_MAX);
	for (size_t i = 0; i < l->n; i++) {
		uint64_t first = l->range[i].start, after = first + l->range[i].count;

		assert(l->range[i].count > 0 && after - 1 <= SUBID_ID_MAX);
		assert(MY_ID < first || MY_ID >= after);
		for (size_t j = 0; j < i; j++)
			assert(l->range[j].start >= after ||
			       (uint64_t)l->range[j].start + l->range[j].count <= first);
		text += (size_t)snprintf(NULL, 0, "%u %u %u\n", (uint32_t)total + 1,
					 l->range[i].start, l->range[i].count);
		total += l->range[i].count;
	}
	assert(l->total == total && l->text == text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct subid_user user = { MY_ID, MY_ID, "alice" };
	const char *const texts[] = { NULL, NULL };
	struct subid_list l;
	struct err err = { 0 };
	uint32_t start;
	char *text = malloc(size + 1), *const files[] = { text, text };
	int r;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	subid_list_init(&l, MY_ID);
	r = subid_parse_file(text, size, "F", &user, &l, &err);
	assert((r < 0) == (err.code != 0));
	check(&l);
	subid_list_init(&l, MY_ID);
	err = (struct err){ 0 };
	r = subid_parse_output(text, size, &l, &err);
	assert((r < 0) == (err.code != 0));
	check(&l);
	assert(subid_free_range(texts, &start) == 0 && start == 100000);
	if (subid_free_range((const char *const *)files, &start) == 0)
		assert(start >= 100000 && start <= SUBID_ID_MAX - 65535);
	free(text);
	return 0;
}
