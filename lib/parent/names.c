// SPDX-License-Identifier: Apache-2.0
/* names.c - how names are resolved in the child: its two files, the relay's servers, and changes */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/parent/events.h"
#include "lib/parent/hostfiles.h"
#include "lib/parent/instance.h"
#include "lib/parent/resolver.h"
#include "lib/parent/statedir.h"

#define HOST_RESOLV "/etc/resolv.conf"
#define HOST_HOSTS "/etc/hosts"

static int on_change(const struct host_resolver *now, void *arg, struct err *err)
{
	struct instance *in = arg;
	int r;

	log_debug("resolver", "%s has changed: %u servers", HOST_RESOLV, now->dns.count);
	in->dns = now->dns;
	events_add(in->events, "dns-changed", NULL, NULL);
	r = worker_tell_dns(in, err);
	return r < 0 ? r : hostfiles_write_resolver(in->state->fd, &in->plan, now, err);
}

int names_start(struct instance *in, struct err *err)
{
	const struct resolver_env env = {
		.base = in->base, .path = HOST_RESOLV, .on_change = on_change, .arg = in
	};
	char hostname[HOST_NAME_MAX + 1] = "";
	int r = resolver_new(&env, &in->resolver, err);

	if (r < 0)
		return r;
	in->dns = resolver_now(in->resolver)->dns;
	r = hostfiles_write_resolver(in->state->fd, &in->plan, resolver_now(in->resolver), err);
	if (r < 0)
		return r;
	if (gethostname(hostname, sizeof(hostname)) < 0 || !*hostname)
		memcpy(hostname, "localhost", sizeof("localhost"));
	return hostfiles_write_hosts(in->state->fd, HOST_HOSTS, hostname, err);
}

int names_refresh(struct instance *in, struct err *err)
{
	return hostfiles_write_resolver(in->state->fd, &in->plan, resolver_now(in->resolver), err);
}

void names_stop(struct instance *in)
{
	in->resolver = resolver_free(in->resolver);
}
