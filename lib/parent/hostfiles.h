/* SPDX-License-Identifier: Apache-2.0 */
/* hostfiles.h - the host's resolver and hosts files, and what the child gets of them (parent) */
#ifndef RK_PARENT_HOSTFILES_H
#define RK_PARENT_HOSTFILES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/ipc/worker.h"

struct err;
struct net_plan;

#define HOSTFILES_RESOLV_MAX 65536u     /* bytes of the host's resolv.conf; the rest is ignored */
#define HOSTFILES_HOSTS_MAX (64u << 20) /* bytes of the host's hosts file */

struct host_resolver {
	struct worker_dns dns; /* whom the relay asks; at least one server */
	char *extra;           /* lines "search ..." and "options ...", or ""; malloc'ed */
	bool finished;         /* it names a server and ends with a newline */
	int problem;           /* why it was not read, or EFBIG: not all of it; 0: nothing */
};

/**
 * host_resolver_parse() - read a resolv.conf as the C library does
 *
 * At most WORKER_DNS_MAX servers, the others and those that cannot be read are passed over; without
 * any it is 127.0.0.1. The last "search" or "domain" counts, all "options" do.
 *
 * Return: 0 or -ENOMEM; then host_resolver_done() is due on success only
 */
int host_resolver_parse(const char *text, size_t len, struct host_resolver *ret);

/* host_resolver_read() - parse a file; one that is missing or unreadable is an empty one */
int host_resolver_read(const char *path, struct host_resolver *ret, struct err *err);

/* host_resolver_warn() - tell the user of its problem, if there is one */
void host_resolver_warn(const char *path, const struct host_resolver *r);
void host_resolver_done(struct host_resolver *r);

/**
 * hostfiles_write_resolver() - STATE/resolv.conf: our DNS addresses, the host's search and options
 *
 * An existing file is rewritten in place, in one write, because it is bind-mounted in the child.
 */
int hostfiles_write_resolver(int state_dirfd, const struct net_plan *plan,
			     const struct host_resolver *host, struct err *err);

/**
 * hostfiles_write_hosts() - STATE/hosts: the host's file, then 127.0.0.1 and ::1 for @hostname
 * @path:	normally "/etc/hosts"; a missing file is an empty one
 */
int hostfiles_write_hosts(int state_dirfd, const char *path, const char *hostname, struct err *err);

#endif
