// SPDX-License-Identifier: Apache-2.0
/* hostdeny.c - --deny-host-addrs: the host's own addresses, from the kernel to the workers (parent)
 */
#include <string.h>

#include "lib/base/log.h"
#include "lib/parent/hostaddrs.h"
#include "lib/parent/instance.h"

static int send_part(const struct worker *w, const struct net_range *range, size_t first, size_t n)
{
	struct worker_hosts m = { .first = (uint32_t)first, .total = (uint32_t)n };

	n -= first;
	m.count = n < WORKER_HOSTS_PART ? (uint32_t)n : WORKER_HOSTS_PART;
	memcpy(m.range, range + first, m.count * sizeof(m.range[0]));
	return msg_send(w->control.fd, &worker_proto, WORKER_HOSTS, &m, NULL, 0);
}

int worker_tell_hosts(const struct worker *w, struct err *err)
{
	const struct instance *in = w->in;
	const struct net_range *range;
	size_t n, first = 0;
	int r = 0;

	if (!w->configured || !in->hostaddrs)
		return 0;
	range = hostaddrs_now(in->hostaddrs, &n);
	do { /* a list without any is told, too */
		r = send_part(w, range, first, n);
		first += WORKER_HOSTS_PART;
	} while (r == 0 && first < n);
	return r < 0 && !msg_peer_gone(r)
		       ? err_set(err, -r, "telling the %s the host's addresses", role_name(w->role))
		       : 0;
}

static int on_change(void *arg, struct err *err)
{
	struct instance *in = arg;
	size_t n;
	int r = 0;

	hostaddrs_now(in->hostaddrs, &n);
	log_debug("network", "the host's addresses have changed: %zu", n);
	for (int i = 0; i < NWORKERS && r == 0; i++)
		r = worker_tell_hosts(&in->worker[i], err);
	return r;
}

int hostdeny_start(struct instance *in, struct err *err)
{
	const struct hostaddrs_env env = { .base = in->base, .on_change = on_change, .arg = in };

	return hostaddrs_new(&env, &in->hostaddrs, err);
}
