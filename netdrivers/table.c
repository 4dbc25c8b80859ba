// SPDX-License-Identifier: Apache-2.0
/* table.c - the network drivers of this build; nothing else names them */
#include "netdrivers/netdriver.h"

#include <string.h>

#include "lib/base/cleanup.h"

extern const struct net_driver net_gvisor, net_gvproxy, net_host, net_lxc_user_nic, net_none,
	net_pasta, net_slirp, net_slirp4netns, net_vpnkit;

/* a value of --net and the driver that serves it; upstream's name is served by our own stack,
   unless the program is asked for */
static const struct {
	const char *value;
	const struct net_driver *driver, *external;
} table[] = {
	{ "host", &net_host, &net_host },
	{ "none", &net_none, &net_none },
	{ "slirp", &net_slirp, &net_slirp },
	{ "slirp4netns", &net_slirp, &net_slirp4netns },
	{ "lxc-user-nic", &net_lxc_user_nic, &net_lxc_user_nic },
	{ "pasta", &net_pasta, &net_pasta },
	{ "vpnkit", &net_vpnkit, &net_vpnkit },
	{ "gvisor-tap-vsock", &net_gvisor, &net_gvproxy },
};

const struct net_driver *net_driver_find(const char *name, bool external)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strcmp(table[i].value, name) == 0)
			return external ? table[i].external : table[i].driver;
	}
	return NULL;
}

const char *net_driver_names(void)
{
	return "host, none, slirp, slirp4netns, pasta, lxc-user-nic, vpnkit, gvisor-tap-vsock";
}
