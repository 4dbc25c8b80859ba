/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - the command line as plain data: filled by cmd/rootless-supervisor, read by the roles
 */
#ifndef RK_BASE_OPTIONS_H
#define RK_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/portspec.h"

/* two command lines of one program, chosen by basename(argv[0]) */
enum dialect {
	DIALECT_OURS,        /* rootless-supervisor: complete defaults, exit status 128+signal */
	DIALECT_ROOTLESSKIT, /* rootlesskit, docker-rootlesskit: upstream to the letter */
};

/* port_rules_of() - what a port spec may say on this command line, and be posted */
static inline enum port_rules port_rules_of(enum dialect d)
{
	return d == DIALECT_OURS ? PORT_RULES_OURS : PORT_RULES_ROOTLESSKIT;
}

/* --accel: who carries TCP out of the child */
enum accel_mode {
	ACCEL_AUTO,     /* the kernel by what it has of these, or libslirp */
	ACCEL_TPROXY,   /* the kernel by tproxy, or no start */
	ACCEL_REDIRECT, /* the kernel by NAT, or no start */
	ACCEL_OFF,      /* libslirp */
	ACCEL_NMODES
};

/* --sandbox: of the processes that meet the network's bytes */
enum sandbox_mode {
	SANDBOX_AUTO,    /* all that the kernel has; what is missing is said */
	SANDBOX_REQUIRE, /* all that is required, or no start */
	SANDBOX_OFF,
	SANDBOX_NMODES
};

/* --idmap: of the child's user namespace */
enum idmap_mode {
	IDMAP_FULL,   /* the user's own and all subordinate ids, or no start */
	IDMAP_AUTO,   /* the same when they can be had, else as single */
	IDMAP_SINGLE, /* the user's own uid and gid as root: no newuidmap, no files */
	IDMAP_NMODES
};

/* --log-format: of what the program itself says */
enum log_format_mode {
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON,    /* an object a line */
	LOG_FORMAT_JOURNAL, /* "<4>text", as systemd reads it from standard error */
	LOG_FORMAT_NMODES
};

/* --on-worker-crash: what the death of relay or slirp means */
enum crash_mode {
	CRASH_RESTART, /* it is started again */
	CRASH_EXIT,    /* the run ends */
	CRASH_NMODES
};

struct sysctl_setting {
	char *path;  /* below /proc/sys: "net/ipv4/ip_forward" */
	char *value; /* as typed */
};

struct options {
	enum dialect dialect;
	bool named_rootlesskit; /* basename(argv[0]) is exactly "rootlesskit" */
	bool debug, explain;

	const char *state_dir; /* as given; NULL: a temporary one */
	int ready_fd;          /* --ready-fd: "READY=1\n" is written there at release; -1: none */

	const char *net;           /* as typed */
	int mtu;                   /* 0: the driver's default */
	bool mtu_auto;             /* the host's, followed; mtu is 0 */
	const char *cidr, *ifname; /* NULL: the driver's default */
	bool disable_host_loopback, deny_host_addrs, ipv6, detach_netns;
	enum accel_mode accel;
	bool net_external; /* --slirp4netns-binary, --gvproxy-binary: --net=slirp4netns or
			      gvisor-tap-vsock is that program */
	const char *lxc_user_nic_binary, *lxc_user_nic_bridge; /* binary "": where it usually is */
	const char *pasta_binary, *vpnkit_binary, *gvproxy_binary;
	const char *slirp4netns_binary;
	const char *slirp4netns_sandbox, *slirp4netns_seccomp; /* auto, true, false, "" */
	struct sysctl_setting *sysctl; /* of the child's network namespace, in order */
	size_t nsysctl;

	const char **copy_up; /* cleaned absolute paths, in order */
	size_t ncopy_up;
	const char *
		*copy_up_skip; /* names left out of the copy: "/run/docker", ... (our dialect) */
	size_t ncopy_up_skip;
	const char *propagation; /* private rprivate shared rshared slave rslave, else nothing is
				    done */

	const char *port_driver;
	struct port_spec *publish;
	size_t npublish;
	char **publish_given; /* "@NAME:...": sockets that systemd passes, not read yet */
	size_t npublish_given;
	bool port_loopback; /* servers on the child's loopback only are reached */
	int port_udp_idle;  /* seconds; 0: by what the port is for */
	bool source_ip_transparent;

	bool pidns, cgroupns, utsns, ipcns;
	const char *evacuate_cgroup2; /* name of the subgroup; NULL: stay in the cgroup */
	bool reaper;                  /* "auto" resolved: the value of pidns */
	enum crash_mode on_worker_crash;
	enum idmap_mode idmap;
	enum log_format_mode log_format;
	const char *subid_source; /* auto, dynamic, static */
	enum sandbox_mode sandbox;

	char **command; /* NULL-terminated, points into argv */
};

#endif
