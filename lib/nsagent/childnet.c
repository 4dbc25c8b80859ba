// SPDX-License-Identifier: Apache-2.0
/* childnet.c - set up the netns of the command */
#include "lib/nsagent/childnet.h"

#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/base/loop.h"
#include "lib/nsagent/netlink.h"
#include "lib/nsagent/sysctl.h"
#include "lib/nsagent/tuntap.h"

#define LINK_WAIT_MS 5000
#define DHCP_LINK_WAIT_MS 15000 /* the program that makes it has 10 s */

/* TCP of the child passes as packets of this size, a third as many as of 64 KiB, and the gateway's
   sockets take them as they are. IPv6 would need a header for it that hides TCP from our rules;
   what the gateway sends stays at 64 KiB, as the interfaces of containers would cut it small */
#define BURST_BYTES (192 * 1024)

static int add_default_route(struct netlink *nl, const char *ifname, const struct netlink_ip *via,
			     struct err *err)
{
	struct netlink_route rt = { .via = *via, .table = RT_TABLE_MAIN };
	int r = netlink_link_index(ifname, &rt.ifindex, err);

	return r < 0 ? r : netlink_route_add(nl, &rt, err);
}

static int set_addresses(struct netlink *nl, const struct net_plan *p, struct err *err)
{
	struct netlink_ip address = { .family = AF_INET, .prefix = p->prefix };
	struct netlink_ip gateway = { .family = AF_INET, .prefix = 32 };
	int r;

	memcpy(address.addr, &p->address, sizeof(p->address));
	memcpy(gateway.addr, &p->gateway, sizeof(p->gateway));
	r = netlink_addr_add(nl, p->ifname, &address, err);
	return r < 0 ? r : add_default_route(nl, p->ifname, &gateway, err);
}

static int set_addresses6(struct netlink *nl, const struct net_plan *p, struct err *err)
{
	struct netlink_ip address = { .family = AF_INET6, .prefix = p->prefix6 };
	struct netlink_ip gateway = { .family = AF_INET6, .prefix = 128 };
	int r;

	memcpy(address.addr, &p->address6, sizeof(p->address6));
	memcpy(gateway.addr, &p->gateway6, sizeof(p->gateway6));
	r = netlink_addr_add(nl, p->ifname, &address, err);
	return r < 0 ? r : add_default_route(nl, p->ifname, &gateway, err);
}

static int set_up_veth(struct netlink *nl, const struct net_plan *p, int events, struct err *err)
{
	uint64_t deadline_ms = clock_ms() + LINK_WAIT_MS;
	int r = netlink_link_wait(nl, events, p->ifname, NETLINK_LINK_THERE, deadline_ms, err);

	if (r == 0)
		r = netlink_link_up(nl, p->ifname, p->mtu, err);
	if (r == 0)
		netlink_link_bursts(nl, p->ifname, BURST_BYTES);
	if (r == 0)
		r = set_addresses(nl, p, err);
	if (r == 0 && p->ipv6)
		r = set_addresses6(nl, p, err);
	if (r == 0)
		r = netlink_link_wait(nl, events, p->ifname, NETLINK_LINK_CARRIES, deadline_ms,
				      err);
	return r;
}

/* a program of another process will open it: that is its carrier, addresses do not wait for it */
static int set_up_tap(struct netlink *nl, const struct nsagent_config *cfg, int *ret_tap,
		      struct err *err)
{
	static const uint8_t kernels_choice[6];
	const struct net_plan *p = &cfg->net;
	autoclose int tap = -1;
	uint8_t mac[6];
	int r = tuntap_open(p->ifname, false, true, &tap, mac, err);

	if (r == 0 && memcmp(cfg->mac, kernels_choice, sizeof(cfg->mac)) != 0)
		r = tuntap_set_mac(tap, p->ifname, cfg->mac, err);
	if (r == 0)
		r = netlink_link_up(nl, p->ifname, p->mtu, err);
	if (r == 0)
		r = set_addresses(nl, p, err);
	if (r == 0 && p->ipv6)
		r = set_addresses6(nl, p, err);
	if (r == 0 && cfg->give_tap)
		*ret_tap = take_fd(&tap);
	return r;
}

static int set_up_dhcp(struct netlink *nl, const struct net_plan *plan, int events,
		       struct dhcp_lease *ret, struct err *err)
{
	uint64_t deadline_ms = clock_ms() + DHCP_LINK_WAIT_MS;
	struct net_plan p = *plan;
	int r = netlink_link_wait(nl, events, p.ifname, NETLINK_LINK_THERE, deadline_ms, err);

	if (r == 0)
		r = netlink_link_up(nl, p.ifname, p.mtu, err);
	if (r == 0)
		r = netlink_link_wait(nl, events, p.ifname, NETLINK_LINK_CARRIES, deadline_ms, err);
	if (r == 0)
		r = dhcp_get(p.ifname, ret, err);
	if (r < 0)
		return r;
	p.address = ret->address;
	p.prefix = ret->prefix;
	p.gateway = ret->router;
	return set_addresses(nl, &p, err);
}

int childnet_setup(const struct nsagent_config *cfg, struct childnet *ret, struct err *err)
{
	AUTO(netlink_freep) struct netlink *nl = NULL;
	autoclose int events = -1;
	int r = netlink_new(&nl, err);

	if (r == 0)
		r = netlink_link_up(nl, "lo", 0, err);
	if (r < 0 || cfg->setup == NSAGENT_SETUP_LO)
		return r;
	r = sysctl_pin_congestion(err);
	if (r < 0)
		return r;
	if (cfg->setup == NSAGENT_SETUP_TAP)
		return set_up_tap(nl, cfg, &ret->tap, err);
	events = netlink_watch_links(err);
	if (events >= 0 && cfg->setup == NSAGENT_SETUP_DHCP)
		return set_up_dhcp(nl, &cfg->net, events, &ret->lease, err);
	return events < 0 ? events : set_up_veth(nl, &cfg->net, events, err);
}
