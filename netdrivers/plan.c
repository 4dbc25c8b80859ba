// SPDX-License-Identifier: Apache-2.0
/*
 * plan.c - the address plan of user-mode networks
 *
 * It is slirp4netns': gateway +2, DNS +3, child +100 in 10.0.2.0/24, fd00::/64.
 */
#include "netdrivers/plan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"

#define DEFAULT_CIDR "10.0.2.0/24"
#define DEFAULT_IFNAME "tap0"
#define PREFIX_MAX \
	25 /* the child is network+100: it must lie inside, and so must libslirp's range */

static struct in_addr host_of(struct in_addr network, uint32_t n)
{
	return (struct in_addr){ htonl(ntohl(network.s_addr) + n) };
}

static int plan_cidr(const char *cidr, const char *name, struct net_plan *p, struct err *err)
{
	char text[INET_ADDRSTRLEN];
	const char *slash = strchr(cidr, '/');
	size_t n = slash ? (size_t)(slash - cidr) : 0;
	unsigned long prefix = slash ? strtoul(slash + 1, NULL, 10) : 0;

	if (!slash || n >= sizeof(text))
		return err_say(err, EINVAL, "invalid CIDR address: %s", cidr);
	memcpy(text, cidr, n);
	text[n] = '\0';
	if (inet_pton(AF_INET, text, &p->network) != 1)
		return err_say(err, EINVAL, "invalid CIDR address: %s", cidr);
	if (prefix < 1 || prefix > PREFIX_MAX)
		return err_say(err, EINVAL,
			       "cidr %s is too small: --net=%s uses network+100 for the child, "
			       "so the prefix must be /1 to /%d",
			       cidr, name, PREFIX_MAX);
	p->prefix = (uint8_t)prefix;
	return 0;
}

static void plan_ipv6(struct net_plan *p)
{
	p->ipv6 = 1;
	p->prefix6 = 64;
	inet_pton(AF_INET6, "fd00::", &p->network6);
	inet_pton(AF_INET6, "fd00::2", &p->gateway6);
	inet_pton(AF_INET6, "fd00::3", &p->dns6);
	inet_pton(AF_INET6, "fd00::100", &p->address6);
}

/* what the kernel takes for a name in a namespace that has only lo */
static bool is_free_name(const char *name)
{
	if (strcmp(name, "lo") == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	return !strpbrk(name, "/: \t\n\v\f\r");
}

static int plan_ifname(const char *ifname, struct net_plan *p, struct err *err)
{
	if (strlen(ifname) >= sizeof(p->ifname))
		return err_say(err, EINVAL, "ifname '%s' is longer than %zu characters", ifname,
			       sizeof(p->ifname) - 1);
	if (!is_free_name(ifname))
		return err_say(err, EINVAL, "ifname '%s' cannot be the name of an interface",
			       ifname);
	snprintf(p->ifname, sizeof(p->ifname), "%s", ifname);
	return 0;
}

int plan_interface(const struct net_opts *o, const char *ifname, uint32_t mtu, struct net_plan *ret,
		   struct err *err)
{
	struct net_plan p = { .mtu = o->mtu ? (uint32_t)o->mtu : mtu };
	int r = plan_ifname(o->ifname && *o->ifname ? o->ifname : ifname, &p, err);

	if (r < 0)
		return r;
	if (p.mtu && p.mtu < NET_MTU_MIN)
		return err_say(err, EINVAL, "mtu must be >= %d, got %u", NET_MTU_MIN, p.mtu);
	*ret = p;
	return 0;
}

int plan_user_mode_at(const struct net_opts *o, const struct plan_places *at, struct net_plan *ret,
		      struct err *err)
{
	struct net_plan p;
	int r = plan_interface(o, DEFAULT_IFNAME, NET_MTU_DEFAULT, &p, err);

	if (r == 0)
		r = plan_cidr(o->cidr && *o->cidr ? o->cidr : DEFAULT_CIDR, o->name, &p, err);
	if (r < 0)
		return r;
	p.gateway = host_of(p.network, at->gateway);
	p.dns = host_of(p.network, at->dns);
	p.address = host_of(p.network, at->child);
	p.host_loopback = !o->disable_host_loopback;
	if (o->ipv6 && p.mtu >= NET_MTU_MIN_IPV6)
		plan_ipv6(&p);
	else if (o->ipv6)
		log_warning("network", "IPv6 is off: it needs an MTU of %d, not %u",
			    NET_MTU_MIN_IPV6, p.mtu);
	*ret = p;
	return 0;
}

int plan_user_mode(const struct net_opts *o, struct net_plan *ret, struct err *err)
{
	static const struct plan_places slirp4netns = { .gateway = 2, .dns = 3, .child = 100 };

	return plan_user_mode_at(o, &slirp4netns, ret, err);
}
