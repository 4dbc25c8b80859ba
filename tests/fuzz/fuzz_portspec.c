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
	struct port_spec once = { 0 }, twice = { 0 };
	struct err err = { 0 };
	char text[TEXT_MAX];

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (port_spec_parse(&once, text, &err) < 0) {
		assert(err.code > 0 && err.msg[0]);
		return 0;
	}
	assert(port_spec_check(&once, NULL) == 0);
	assert(port_spec_format(&once, text, sizeof(text)) > 0);
	assert(port_spec_parse(&twice, text, NULL) == 0 && port_spec_equal(&once, &twice));
	return 0;
}
