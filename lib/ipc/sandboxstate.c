// SPDX-License-Identifier: Apache-2.0
/* sandboxstate.c - the names of what a process has given up */
#include "lib/ipc/sandboxstate.h"

#include <stdio.h>

#include "lib/base/cleanup.h"

#define NAME_ENTRY(name, text) text,
static const char *const names[] = { SANDBOX_PROPERTIES(NAME_ENTRY) };

const char *sandbox_text(uint32_t bits, char dst[SANDBOX_TEXT_MAX])
{
	size_t n = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names) && n < SANDBOX_TEXT_MAX; i++) {
		if (bits & 1u << i)
			n += (size_t)snprintf(dst + n, SANDBOX_TEXT_MAX - n, "%s%s", n ? " " : "",
					      names[i]);
	}
	return dst;
}
