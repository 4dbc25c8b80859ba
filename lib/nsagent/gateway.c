// SPDX-License-Identifier: Apache-2.0
/* gateway.c - set up the netns between the child's and the host's, by the tables of the recipe */
#include "lib/nsagent/gateway.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/base/loop.h"
#include "lib/cause/cause.h"
#include "lib/nsagent/gateway_recipe.h"
#include "lib/nsagent/netlink.h"
#include "lib/nsagent/recipe_run.h"
#include "lib/nsagent/sysctl.h"
#include "lib/nsagent/tuntap.h"

#define VETH_INDEX 1000 /* any that no interface in the child's netns has */
#define CARRIER_WAIT_MS 5000
#define DNS_BACKLOG 256

static int add_links(struct netlink *nl, const struct net_plan *plan, int child_netns, int *ret_tap,
		     uint8_t ret_mac[6], struct err *err)
{
	const struct netlink_veth veth = {
		.name = GATEWAY_VETH,
		.peer_name = plan->ifname,
		.ifindex = VETH_INDEX,
		.peer_netns = child_netns,
		.mtu = plan->mtu,
	};
	/* the veth first: the child's agent waits for it */
	int r = netlink_veth_add(nl, &veth, err);

	if (r == 0)
		r = tuntap_open(GATEWAY_TAP, true, true, ret_tap, ret_mac, err);
	if (r == 0)
		r = netlink_link_up(nl, GATEWAY_TAP, plan->mtu, err);
	if (r == 0)
		r = netlink_link_up(nl, "lo", 0, err);
	return r;
}

static int add_addresses(struct netlink *nl, const struct net_plan *plan, struct err *err)
{
	for (size_t i = 0; i < recipe_naddresses; i++) {
		const struct recipe_address *a = &recipe_addresses[i];
		struct netlink_ip ip;
		int r;

		if (!recipe_holds(plan, 0, a->when))
			continue;
		ip = recipe_ip(plan, a->family, a->addr, a->host);
		r = netlink_addr_add(nl, a->ifname, &ip, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* the recipe has its own rule for the local table, behind the others; the kernel's goes */
static int move_local_table(struct netlink *nl, const struct net_plan *plan, struct err *err)
{
	int r = netlink_rule_del_first(nl, AF_INET, RT_TABLE_LOCAL, err);

	if (r == 0 && plan->ipv6)
		r = netlink_rule_del_first(nl, AF_INET6, RT_TABLE_LOCAL, err);
	return r;
}

static int bind_dns(const struct sockaddr *sa, socklen_t len, int type, int *ret, struct err *err)
{
	autoclose int fd = socket(sa->sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, sa, len) < 0 || (type == SOCK_STREAM && listen(fd, DNS_BACKLOG) < 0))
		return err_set(err, errno, "opening the DNS sockets of the gateway");
	*ret = take_fd(&fd);
	return 0;
}

static int open_dns(const struct net_plan *plan, int ret[NET_DNS_SOCKS_MAX], struct err *err)
{
	const struct sockaddr_in sa = {
		.sin_family = AF_INET,
		.sin_port = htons(NET_DNS_PORT),
		.sin_addr = plan->dns,
	};
	const struct sockaddr_in6 sa6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(NET_DNS_PORT),
		.sin6_addr = plan->dns6,
	};
	static const int types[] = { SOCK_DGRAM, SOCK_STREAM };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(types); i++)
		r = bind_dns((const struct sockaddr *)&sa, sizeof(sa), types[i], &ret[i], err);
	for (size_t i = 0; r == 0 && plan->ipv6 && i < ARRAY_SIZE(types); i++)
		r = bind_dns((const struct sockaddr *)&sa6, sizeof(sa6), types[i],
			     &ret[ARRAY_SIZE(types) + i], err);
	return r;
}

/* answers to the child's first packets pass from then on; its agent brings up the other end */
static int wait_carrier(struct netlink *nl, int events, struct err *err)
{
	return netlink_link_wait(nl, events, GATEWAY_VETH, NETLINK_LINK_CARRIES,
				 clock_ms() + CARRIER_WAIT_MS, err);
}

int gateway_setup(const struct net_plan *plan, int child_netns, int *ret_tap,
		  int ret_dns[NET_DNS_SOCKS_MAX], uint8_t ret_mac[6], struct accel *accel,
		  struct err *err)
{
	AUTO(netlink_freep) struct netlink *nl = NULL;
	autoclose int tap = -1, events = netlink_watch_links(err);
	int r = events < 0 ? events : netlink_new(&nl, err);

	if (r == 0)
		r = recipe_set_sysctls(plan, 0, recipe_sysctls_early, recipe_nsysctls_early, err);
	if (r == 0)
		r = sysctl_pin_congestion(err);
	if (r == 0)
		r = add_links(nl, plan, child_netns, &tap, ret_mac, err);
	if (r == 0)
		r = add_addresses(nl, plan, err);
	if (r == 0)
		r = recipe_set_sysctls(plan, 0, recipe_sysctls_late, recipe_nsysctls_late, err);
	if (r == 0)
		r = recipe_add_routes(nl, plan, 0, err);
	if (r == 0)
		r = recipe_add_rules(nl, plan, 0, err);
	if (r == 0)
		r = move_local_table(nl, plan, err);
	if (r == 0 && accel)
		r = accel_setup(nl, plan, accel, err);
	if (r == 0)
		r = open_dns(plan, ret_dns, err);
	if (r == 0)
		r = wait_carrier(nl, events, err);
	if (r < 0)
		return cause_hint(err, r, CAUSE_NET_FAILED, strerror(-r), NULL);
	*ret_tap = take_fd(&tap);
	return 0;
}
