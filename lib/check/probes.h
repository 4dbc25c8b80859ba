/* SPDX-License-Identifier: Apache-2.0 */
/* probes.h - the probes of a check; each adds what it finds to the report */
#ifndef RK_CHECK_PROBES_H
#define RK_CHECK_PROBES_H

#include <netinet/in.h>

#include "lib/check/report.h"

struct idmap;

/* probe_ids() - the user's id ranges; *ret stays NULL when they cannot be used */
void probe_ids(struct report *r, struct idmap **ret);

/**
 * probe_namespaces() - make a child with namespaces of all kinds, and the network, and take it down
 * @ids:	NULL: with the user's own id alone
 */
void probe_namespaces(struct report *r, const struct idmap *ids);

/* in that child, root of its user namespace: probe_inside() tells each finding by @sock and returns
   what the process shall exit with */
int probe_inside(int sock, uint32_t presets);

void probe_host(struct report *r);    /* directories, resolver, routes, limits, sandbox */
void probe_session(struct report *r); /* cgroups, services, programs */

/**
 * routes_clash() - the interface of a route that leads into @net/@prefix, by /proc/net/route
 * @ret_dev:	16 bytes
 */
bool routes_clash(const char *text, struct in_addr net, unsigned prefix, char ret_dev[16]);

#endif
