// SPDX-License-Identifier: Apache-2.0
/* options_table.c - every flag of both dialects: the parser, the help and the checks read this */
#include "cmd/rootless-supervisor/options_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/gotext.h"
#include "netdrivers/netdriver.h"
#include "portdrivers/portdriver.h"

/* default_value in the order of enum dialect */
#define SAME(value) \
	{ \
		value, value \
	}
#define OURS_THEIRS(ours, rootlesskit) \
	{ \
		[DIALECT_OURS] = ours, [DIALECT_ROOTLESSKIT] = rootlesskit \
	}

const struct option_def option_table[OPT_NIDS] = {
	[OPT_DEBUG] = { "debug", NULL, NULL, OPTION_BOOL, IN_BOTH, "Misc", SAME("false"),
			.help = "debug mode" },
	[OPT_PRINT_SEMVER] = { "print-semver", NULL, NULL, OPTION_STRING, IN_BOTH, "Misc",
			       .value = "PART",
			       .help = "print a version component as a decimal integer "
				       "[major, minor, patch]" },
	[OPT_EXPLAIN] = { "explain", NULL, NULL, OPTION_BOOL, IN_OURS, "Misc", SAME("false"),
			  .help = "print the whole plan of the start (ids, namespaces, mounts, "
				  "links, rules, ports, processes), and do nothing" },
	[OPT_READY_FD] = { "ready-fd", NULL, NULL, OPTION_INT, IN_OURS, "Misc", SAME("-1"),
			   .hide_default = true, .value = "FD",
			   .help = "write READY=1 to this descriptor when the network and the "
				   "published ports are up, right before the command starts" },
	[OPT_HELP] = { "help", "h", NULL, OPTION_BOOL, IN_BOTH, "Misc", SAME("false"),
		       .hide_default = true, .help = "show help" },
	[OPT_VERSION] = { "version", "v", NULL, OPTION_BOOL, IN_BOTH, "Misc", SAME("false"),
			  .hide_default = true, .help = "print the version" },

	[OPT_COPY_UP] = { "copy-up", NULL, NULL, OPTION_SLICE, IN_BOTH, "Mount", .value = "DIR",
			  .help = "mount a filesystem and copy-up the contents. e.g. "
				  "\"--copy-up=/etc\" (typically required for non-host network; "
				  "rootless-supervisor does /etc and /run then, unless this flag "
				  "is given: --copy-up= for none)" },
	[OPT_COPY_UP_MODE] = { "copy-up-mode", NULL, NULL, OPTION_STRING, IN_BOTH, "Mount",
			       SAME("tmpfs+symlink"), .value = "MODE",
			       .help = "copy-up mode [tmpfs+symlink]" },
	[OPT_PROPAGATION] = { "propagation", NULL, NULL, OPTION_STRING, IN_BOTH, "Mount",
			      SAME("rprivate"), .value = "TYPE",
			      .help = "mount propagation [rprivate, rslave]" },

	[OPT_NET] = { "net", NULL, NULL, OPTION_STRING, IN_BOTH, "Network",
		      OURS_THEIRS("slirp", "host"), .value = "DRIVER", .help = "network driver",
		      .choices = net_driver_names },
	[OPT_MTU] = { "mtu", NULL, NULL, OPTION_INT, IN_BOTH, "Network", SAME("0"), .word = "auto",
		      .value = "BYTES",
		      .help = "MTU for non-host network (0: the driver's, 65520; auto: that of the "
			      "host's default routes, followed, with slirp and slirp4netns)" },
	[OPT_CIDR] = { "cidr", NULL, NULL, OPTION_STRING, IN_BOTH, "Network", .value = "CIDR",
		       .help = "CIDR for slirp and slirp4netns networks (default: 10.0.2.0/24)" },
	[OPT_IFNAME] = { "ifname", NULL, NULL, OPTION_STRING, IN_BOTH, "Network", .value = "NAME",
			 .help = "Network interface name (default: tap0)" },
	[OPT_DISABLE_HOST_LOOPBACK] = { "disable-host-loopback", NULL, NULL, OPTION_BOOL, IN_BOTH,
					"Network", OURS_THEIRS("true", "false"),
					.help = "prohibit connecting to 127.0.0.1:* on the host "
						"namespace" },
	[OPT_DENY_HOST_ADDRS] = { "deny-host-addrs", NULL, NULL, OPTION_BOOL, IN_BOTH, "Network",
				  SAME("false"),
				  .help = "prohibit connecting to any address of the host itself, "
					  "whenever it gets it (slirp and slirp4netns)" },
	[OPT_IPV6] = { "ipv6", NULL, NULL, OPTION_BOOL, IN_BOTH, "Network",
		       OURS_THEIRS("true", "false"),
		       .help = "enable IPv6 routing. Unrelated to port forwarding. Only supported "
			       "for slirp and slirp4netns. (experimental)" },
	[OPT_DETACH_NETNS] = { "detach-netns", NULL, NULL, OPTION_BOOL, IN_BOTH, "Network",
			       SAME("false"),
			       .help = "keep the command in the host's network namespace and put "
				       "the "
				       "new one at STATE/netns" },
	[OPT_ACCEL] = { "accel", NULL, NULL, OPTION_STRING, IN_BOTH, "Network", SAME("auto"),
			.value = "MODE",
			.help = "who carries TCP and UDP out: the kernel by nf_tables' tproxy or, "
				"TCP only, by NAT, or libslirp (slirp and slirp4netns; auto: the "
				"first that works) [auto, tproxy, redirect, off]" },

	[OPT_SYSCTL] = { "sysctl", NULL, NULL, OPTION_SLICE, IN_OURS, "Network", .whole = true,
			 .value = "KEY=VALUE",
			 .help = "set a net.* setting of the child's network namespace. e.g. "
				 "\"--sysctl=net.ipv4.ip_forward=1\" (not split at commas)" },

	[OPT_GVPROXY_BINARY] = { "gvproxy-binary", NULL, NULL, OPTION_STRING, IN_OURS,
				 "Network [gvisor-tap-vsock]", .value = "PATH",
				 .help = "path of gvproxy binary for --net=gvisor-tap-vsock "
					 "(default: none, the built-in network serves it)" },
	[OPT_LXC_USER_NIC_BINARY] = { "lxc-user-nic-binary", NULL, NULL, OPTION_STRING, IN_BOTH,
				      "Network [lxc-user-nic]", .value = "PATH",
				      .help = "path of lxc-user-nic binary for "
					      "--net=lxc-user-nic (default: the first of "
					      "/usr/libexec/lxc, /usr/lib/MACHINE/lxc and "
					      "/usr/lib/lxc that has one)" },
	[OPT_LXC_USER_NIC_BRIDGE] = { "lxc-user-nic-bridge", NULL, NULL, OPTION_STRING, IN_BOTH,
				      "Network [lxc-user-nic]", SAME("lxcbr0"), .value = "NAME",
				      .help = "name of the lxc-user-nic bridge" },
	[OPT_PASTA_BINARY] = { "pasta-binary", NULL, NULL, OPTION_STRING, IN_BOTH,
			       "Network [pasta]", SAME("pasta"), .value = "PATH",
			       .help = "path of pasta binary for --net=pasta" },
	[OPT_SLIRP4NETNS_BINARY] = { "slirp4netns-binary", NULL, NULL, OPTION_STRING, IN_BOTH,
				     "Network [slirp4netns]", .value = "PATH",
				     .help = "path of slirp4netns binary for --net=slirp4netns "
					     "(default: none, the built-in stack serves that)" },
	[OPT_SLIRP4NETNS_SANDBOX] = { "slirp4netns-sandbox", NULL, NULL, OPTION_STRING, IN_BOTH,
				      "Network [slirp4netns]", SAME("false"), .value = "MODE",
				      .help = "enable slirp4netns sandbox of the binary; the "
					      "built-in stack has --sandbox [auto, true, false]" },
	[OPT_SLIRP4NETNS_SECCOMP] = { "slirp4netns-seccomp", NULL, NULL, OPTION_STRING, IN_BOTH,
				      "Network [slirp4netns]", SAME("false"), .value = "MODE",
				      .help = "enable slirp4netns seccomp of the binary; the "
					      "built-in stack has --sandbox [auto, true, false]" },
	[OPT_VPNKIT_BINARY] = { "vpnkit-binary", NULL, NULL, OPTION_STRING, IN_BOTH,
				"Network [vpnkit]", SAME("vpnkit"), .value = "PATH",
				.help = "path of VPNKit binary for --net=vpnkit" },

	[OPT_PORT_DRIVER] = { "port-driver", NULL, NULL, OPTION_STRING, IN_BOTH, "Port",
			      OURS_THEIRS("builtin", "none"), .value = "DRIVER",
			      .help = "port driver for non-host network",
			      .choices = port_driver_names },
	[OPT_PUBLISH] = { "publish", "p", NULL, OPTION_SLICE, IN_BOTH, "Port", .value = "SPEC",
			  .help = "publish ports. e.g. \"127.0.0.1:8080:80/tcp\"" },
	[OPT_PORT_LOOPBACK] = { "port-loopback", NULL, NULL, OPTION_STRING, IN_BOTH, "Port",
				SAME("yes"), .value = "MODE",
				.help = "whether published ports reach servers that listen on the "
					"child's loopback only [yes, no]" },
	[OPT_PORT_UDP_IDLE] = { "port-udp-idle", NULL, NULL, OPTION_INT, IN_BOTH, "Port", SAME("0"),
				.value = "SECONDS",
				.help = "silence after which clients of published UDP ports are "
					"forgotten (0: 180 s, 30 s before an answer, DNS 10 s)" },
	[OPT_SOURCE_IP_TRANSPARENT] = { "source-ip-transparent", NULL, NULL, OPTION_BOOL, IN_BOTH,
					"Port", SAME("true"),
					.help = "preserve real client source IP (builtin port "
						"driver)" },
	[OPT_SOURCE_IP_TRANSPARENT_BACKEND] = { "source-ip-transparent-backend", NULL, NULL,
						OPTION_STRING, IN_BOTH, "Port", SAME("auto"),
						.value = "NAME",
						.help = "accepted for compatibility, no firewall "
							"program is needed [auto, nft, "
							"iptables]" },

	[OPT_PIDNS] = { "pidns", NULL, NULL, OPTION_BOOL, IN_BOTH, "Process", SAME("false"),
			.help = "create a PID namespace" },
	[OPT_CGROUPNS] = { "cgroupns", NULL, NULL, OPTION_BOOL, IN_BOTH, "Process", SAME("false"),
			   .help = "create a cgroup namespace" },
	[OPT_UTSNS] = { "utsns", NULL, NULL, OPTION_BOOL, IN_BOTH, "Process", SAME("false"),
			.help = "create a UTS namespace" },
	[OPT_IPCNS] = { "ipcns", NULL, NULL, OPTION_BOOL, IN_BOTH, "Process", SAME("false"),
			.help = "create an IPC namespace" },
	[OPT_REAPER] = { "reaper", NULL, NULL, OPTION_STRING, IN_BOTH, "Process", SAME("auto"),
			 .value = "MODE",
			 .help = "enable process reaper. Requires --pidns. [auto,true,false]" },
	[OPT_ON_WORKER_CRASH] = { "on-worker-crash", NULL, NULL, OPTION_STRING, IN_BOTH, "Process",
				  SAME("restart"), .value = "MODE",
				  .help = "when the process that serves ports, names and TCP, or "
					  "that "
					  "with libslirp, dies: start it again, or end the run "
					  "[restart, exit]" },
	[OPT_EVACUATE_CGROUP2] = { "evacuate-cgroup2", NULL, NULL, OPTION_STRING, IN_BOTH,
				   "Process", .value = "GROUP",
				   .help = "evacuate processes into the specified subgroup. "
					   "Requires --pidns and --cgroupns" },

	[OPT_SANDBOX] = { "sandbox", NULL, NULL, OPTION_STRING, IN_BOTH, "Process", SAME("auto"),
			  .value = "MODE",
			  .help = "confine the processes of the network (auto: by all that the "
				  "kernel has; require: or do not start) [auto, require, off]" },

	[OPT_IDMAP] = { "idmap", NULL, NULL, OPTION_STRING, IN_OURS, "SubID", SAME("full"),
			.value = "MODE",
			.help = "map all ids of the user, or only its own, without newuidmap: one "
				"user inside (auto: the latter when the former cannot be had) "
				"[auto, full, single]" },
	[OPT_LOG_FORMAT] = { "log-format", NULL, NULL, OPTION_STRING, IN_OURS, "Misc", SAME("text"),
			     .value = "FORMAT",
			     .help = "of what the program itself says on standard error "
				     "[text, json, journal]" },

	[OPT_STATE_DIR] = { "state-dir", NULL, "state", OPTION_STRING, IN_BOTH, "State",
			    .value = "DIR", .help = "state directory" },

	[OPT_SUBID_SOURCE] = { "subid-source", NULL, NULL, OPTION_STRING, IN_BOTH, "SubID",
			       SAME("auto"), .value = "SOURCE",
			       .help = "the source of the subids. \"dynamic\" executes "
				       "/usr/bin/getsubids. \"static\" reads /etc/{subuid,subgid}. "
				       "[auto,dynamic,static]" },
};

/* @len bytes without the blanks around them go behind the items */
static int append_item(struct option_value *v, const char *s, size_t len)
{
	static const char blanks[] = " \t\n\v\f\r";
	char **items = reallocarray(v->items, v->nitems + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	v->items = items;
	while (len && strchr(blanks, *s))
		s++, len--;
	while (len && strchr(blanks, s[len - 1]))
		len--;
	items[v->nitems] = strndup(s, len);
	if (!items[v->nitems])
		return -ENOMEM;
	v->nitems++;
	return 0;
}

/* there is no escape for a comma, and empty pieces count */
static int append_items(struct option_value *v, const char *text)
{
	for (;;) {
		size_t len = strcspn(text, ",");
		int r = append_item(v, text, len);

		if (r < 0 || !text[len])
			return r;
		text += len + 1;
	}
}

int option_value_set(const struct option_def *d, struct option_value *v, const char *text)
{
	switch (d->type) {
	case OPTION_BOOL:
		return go_parse_bool(text, &v->flag);
	case OPTION_INT:
		v->text = d->word && strcmp(text, d->word) == 0 ? d->word : "";
		v->number = 0;
		return *v->text ? 0 : go_parse_int(text, true, &v->number);
	case OPTION_STRING:
		v->text = text;
		return 0;
	case OPTION_SLICE:
		return d->whole ? append_item(v, text, strlen(text)) : append_items(v, text);
	case OPTION_NTYPES:
		break;
	}
	return -EINVAL;
}
