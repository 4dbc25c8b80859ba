/* SPDX-License-Identifier: Apache-2.0 */
/* parent.h - the process that the user started: it sets everything up, serves, and clears away */
#ifndef RK_PARENT_PARENT_H
#define RK_PARENT_PARENT_H

#include "lib/base/options.h"

struct net_driver;
struct port_driver;

struct parent_setup {
	const struct options *opt;
	const struct net_driver *net;
	const struct port_driver *port;
	char **argv;    /* the child is exec'ed with the same one */
	int self_exe;   /* O_PATH descriptor of the program */
	int listen_fds; /* descriptors 3.. passed by systemd, all of them open; 0: none */
};

/* parent_main() - a whole run; the exit status of the program (reliability: 125 is our own failure)
 */
int parent_main(const struct parent_setup *setup);

#endif
