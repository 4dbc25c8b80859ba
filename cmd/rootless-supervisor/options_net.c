// SPDX-License-Identifier: Apache-2.0
/* options_net.c - checks of --net and --port-driver: which go together, and what each of them takes
 */
#include "cmd/rootless-supervisor/options_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/gotext.h"

/* values that upstream knows and this build has no driver for */
static const char *const foreign_port_drivers[] = {
	"pesto",
	NULL,
};

bool option_is_one_of(const char *text, const char *const *names)
{
	for (; *names; names++) {
		if (strcmp(text, *names) == 0)
			return true;
	}
	return false;
}

bool option_net_has(const struct check *c, uint32_t flag)
{
	return c->net && c->net->flags & flag;
}

void option_warn(struct check *c, const char *fmt, ...)
{
	struct options_report *rep = c->rep;
	char **list = reallocarray(rep->warnings, rep->nwarnings + 1, sizeof(*list));
	va_list ap;
	int n;

	if (!list)
		return;
	rep->warnings = list;
	va_start(ap, fmt);
	n = vasprintf(&list[rep->nwarnings], fmt, ap);
	va_end(ap);
	if (n >= 0)
		rep->nwarnings++;
}

/* host and none have no interface whose address, name or MTU could be chosen */
static int check_net_without_address(struct check *c, struct err *err)
{
	static const char *const none_port_drivers[] = { "none", "builtin", NULL };
	const char *net = c->o->net;

	if (c->o->mtu)
		option_warn(c, "unsupported mtu for --net=%s: %d", net, c->o->mtu);
	if (c->o->mtu_auto)
		option_warn(c, "unsupported mtu for --net=%s: auto", net);
	c->o->mtu_auto = false;
	if (c->o->cidr)
		return err_say(err, EINVAL, "custom cidr is not supported for --net=%s", net);
	if (c->o->ifname)
		return err_say(err, EINVAL, "ifname cannot be specified for --net=%s", net);
	if (option_net_has(c, NET_F_NETNS) &&
	    !option_is_one_of(c->v[OPT_PORT_DRIVER].text, none_port_drivers))
		return err_say(err, EINVAL,
			       "network \"%s\" requires either port driver \"none\" or \"builtin\"",
			       net);
	return 0;
}

/* the interface is pasta's: it publishes, or nobody */
static int check_pasta(struct check *c, struct err *err)
{
	static const char *const port_drivers[] = { "none", "implicit", NULL };
	const struct option_value *port_driver = &c->v[OPT_PORT_DRIVER];

	c->o->pasta_binary = c->v[OPT_PASTA_BINARY].text;
	if (c->o->dialect == DIALECT_ROOTLESSKIT)
		option_warn(c, "\"pasta\" network driver is experimental. Needs very recent "
			       "version of pasta (see docs/network.md).");
	if (port_driver->given && !option_is_one_of(port_driver->text, port_drivers))
		return err_say(err, EINVAL,
			       "network \"pasta\" requires port driver \"none\" or \"implicit\"");
	return 0;
}

/* the program opens the host's loopback, whatever it is told */
static int check_gvproxy(struct check *c, struct err *err)
{
	if (c->o->cidr)
		return err_say(err, EINVAL,
			       "custom cidr is not supported for --net=%s with --gvproxy-binary",
			       c->o->net);
	if (c->o->disable_host_loopback)
		return err_say(err, ENOTSUP,
			       "gvproxy opens the host's loopback to the child as 192.168.127.254; "
			       "--disable-host-loopback=false says that this is meant");
	c->o->gvproxy_binary = c->v[OPT_GVPROXY_BINARY].text;
	return 0;
}

static int check_vpnkit(struct check *c, struct err *err)
{
	if (c->o->cidr)
		return err_say(err, EINVAL, "custom cidr is not supported for --net=%s", c->o->net);
	c->o->vpnkit_binary = c->v[OPT_VPNKIT_BINARY].text;
	return 0;
}

/* its addresses are a DHCP server's; the host's loopback is nowhere in that network */
static int check_lxc_user_nic(struct check *c, struct err *err)
{
	if (c->o->cidr)
		return err_say(err, EINVAL, "custom cidr is not supported for --net=%s", c->o->net);
	if (c->v[OPT_DETACH_NETNS].flag)
		return err_say(err, ENOTSUP,
			       "--detach-netns is not supported for --net=lxc-user-nic by this "
			       "build");
	if (c->o->dialect == DIALECT_ROOTLESSKIT)
		option_warn(c, "\"lxc-user-nic\" network driver is experimental");
	if (!c->o->disable_host_loopback)
		option_warn(c, "--disable-host-loopback is implicitly set for lxc-user-nic");
	c->o->lxc_user_nic_binary = c->v[OPT_LXC_USER_NIC_BINARY].text;
	c->o->lxc_user_nic_bridge = c->v[OPT_LXC_USER_NIC_BRIDGE].text;
	return 0;
}

int option_check_net(struct check *c, struct err *err)
{
	const char *net = c->v[OPT_NET].text;

	c->o->net = net;
	if (!c->net)
		return err_say(err, EINVAL, "unknown network mode: %s", net);
	if (strcmp(net, "gvisor-tap-vsock") == 0 && c->v[OPT_IPV6].given && c->v[OPT_IPV6].flag)
		return err_say(err, EINVAL, "--ipv6 is not supported for gvisor-tap-vsock");
	if (c->o->mtu_auto && c->net->parent_plan && !option_net_has(c, NET_F_GATEWAY))
		return err_hint(err,
				err_say(err, ENOTSUP,
					"mtu \"auto\" is not supported for --net=%s%s", net,
					c->o->net_external ? " by a program of others" : ""),
				"--mtu=1500, or the built-in network (--net=slirp) for auto");
	if (strcmp(net, "gvisor-tap-vsock") == 0 && c->o->net_external)
		return check_gvproxy(c, err);
	if (strcmp(net, "vpnkit") == 0)
		return check_vpnkit(c, err);
	if (strcmp(net, "lxc-user-nic") == 0)
		return check_lxc_user_nic(c, err);
	if (strcmp(net, "pasta") == 0)
		return check_pasta(c, err);
	if (!option_net_has(c, NET_F_ADDRESS))
		return check_net_without_address(c, err);
	return 0;
}

/* wrapper scripts give the two modes for every network; upstream reads them for its own alone */
int option_check_slirp4netns(struct check *c, struct err *err)
{
	static const char *const modes[] = { "auto", "true", "false", "", NULL };
	const char *sandbox = c->v[OPT_SLIRP4NETNS_SANDBOX].text;
	const char *seccomp = c->v[OPT_SLIRP4NETNS_SECCOMP].text;
	char q[GO_QUOTE_MAX];

	if (c->o->dialect == DIALECT_ROOTLESSKIT && strcmp(c->o->net, "slirp4netns") != 0)
		return 0;
	if (!option_is_one_of(sandbox, modes))
		return err_say(err, EINVAL, "unsupported slirp4netns-sandbox mode: %s",
			       go_quote(q, sizeof(q), sandbox));
	if (!option_is_one_of(seccomp, modes))
		return err_say(err, EINVAL, "unsupported slirp4netns-seccomp mode: %s",
			       go_quote(q, sizeof(q), seccomp));
	if (strcmp(sandbox, "true") == 0 && c->v[OPT_DETACH_NETNS].flag &&
	    strcmp(c->o->net, "slirp4netns") == 0)
		return err_say(err, EINVAL,
			       "--slirp4netns-sandbox conflicts with --detach-netns "
			       "(https://github.com/rootless-containers/slirp4netns/issues/317)");
	c->o->slirp4netns_binary = c->v[OPT_SLIRP4NETNS_BINARY].text;
	c->o->slirp4netns_sandbox = sandbox;
	c->o->slirp4netns_seccomp = seccomp;
	return 0;
}

int option_check_port_driver(struct check *c, struct err *err)
{
	const struct option_value *typed = &c->v[OPT_PORT_DRIVER];
	bool own_netns = option_net_has(c, NET_F_NETNS);
	bool own_ports = own_netns && strcmp(c->o->net, "pasta") != 0;
	/* a default that cannot work is not the user's mistake */
	const char *name = typed->given || own_ports ? typed->text : "none";
	const struct port_driver *driver = port_driver_find(name, c->o->net_external);

	if (!driver && option_is_one_of(name, foreign_port_drivers))
		return err_say(err, ENOTSUP,
			       "port driver \"%s\" is not part of this build (available: %s)", name,
			       port_driver_names());
	if (!driver)
		return err_say(err, EINVAL, "unknown port driver: %s", name);
	if (strcmp(name, "implicit") == 0 && c->v[OPT_PUBLISH].nitems)
		option_warn(c, "--port-driver=implicit ignores -p: whatever listens in the "
			       "namespace is published");
	else if (!(driver->flags & PORT_F_PUBLISH) && c->v[OPT_PUBLISH].nitems)
		return err_say(err, EINVAL, "port driver \"%s\" does not support publishing ports",
			       name);
	/* the words of upstream's driver slirp4netns are the same without a network */
	if (driver->flags & PORT_F_PUBLISH && !own_netns && strcmp(name, "slirp4netns") != 0)
		return err_say(err, EINVAL, "port driver requires non-host network");
	if (driver->net && strcmp(driver->net, c->o->net) != 0)
		return err_say(err, EINVAL, "port driver requires %s network", driver->net);
	c->o->port_driver = name;
	return 0;
}
