// SPDX-License-Identifier: Apache-2.0
/* fuzz_portspec.c - a port spec that is read is valid, and what we print of it reads back */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/portspec.h"

#define TEXT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX];

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (int rules = PORT_RULES_ROOTLESSKIT; rules <= PORT_RULES_OURS; rules++) {
		struct port_spec once = { 0 }, twice = { 0 };
		struct err err = { 0 };
		char again[TEXT_MAX];

		if (port_spec_parse(&once, text, rules, &err) < 0) {
			assert(err.code > 0 && err.msg[0]);
			continue;
		}
		assert(port_spec_check(&once, rules, NULL) == 0);
		assert(port_spec_format(&once, again, sizeof(again)) > 0);
		assert(port_spec_parse(&twice, again, rules, NULL) == 0 &&
		       port_spec_equal(&once, &twice));
		/* what upstream reads means the same by our rules */
		assert(rules == PORT_RULES_OURS ||
		       (port_spec_parse(&twice, text, PORT_RULES_OURS, NULL) == 0 &&
			port_spec_equal(&once, &twice)));
	}
	return 0;
}
