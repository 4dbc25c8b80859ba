// SPDX-License-Identifier: Apache-2.0
/* table.c - the port drivers of this build; nothing else names them */
#include "portdrivers/portdriver.h"

#include <string.h>

#include "lib/base/cleanup.h"

extern const struct port_driver port_builtin, port_gvisor, port_none;

static const struct port_driver *const table[] = { &port_none, &port_builtin, &port_gvisor };

const struct port_driver *port_driver_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	}
	return NULL;
}

const char *port_driver_names(void)
{
	return "none, builtin, gvisor-tap-vsock";
}
