// SPDX-License-Identifier: Apache-2.0
/* table.c - the port drivers of this build; nothing else names them */
#include "portdrivers/portdriver.h"

#include <string.h>

#include "lib/base/cleanup.h"

extern const struct port_driver port_builtin, port_gvisor, port_implicit, port_none,
	port_own_slirp4netns, port_slirp4netns;

/* a value of --port-driver and who serves it; upstream's name means ports of our own, unless the
   network is the program slirp4netns */
static const struct {
	const char *value;
	const struct port_driver *driver, *external;
} table[] = {
	{ "none", &port_none, &port_none },
	{ "builtin", &port_builtin, &port_builtin },
	{ "slirp4netns", &port_own_slirp4netns, &port_slirp4netns },
	{ "implicit", &port_implicit, &port_implicit },
	{ "gvisor-tap-vsock", &port_gvisor, &port_gvisor },
};

const struct port_driver *port_driver_find(const char *name, bool external)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strcmp(table[i].value, name) == 0)
			return external ? table[i].external : table[i].driver;
	}
	return NULL;
}

const char *port_driver_names(void)
{
	return "none, builtin, slirp4netns, implicit, gvisor-tap-vsock";
}
