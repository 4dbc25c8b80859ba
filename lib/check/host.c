// SPDX-License-Identifier: Apache-2.0
/* host.c - what the host has for a start: directories, resolver, routes, limits, sandbox */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/cause/system.h"
#include "lib/check/mountinfo.h"
#include "lib/check/probes.h"
#include "lib/parent/hostfiles.h"
#include "lib/parent/tool.h"
#include "lib/slirp/library.h"

#define MOUNTINFO_MAX (16u << 20)
#define ROUTES_MAX (16u << 20)
#define RESOLV "/etc/resolv.conf"
#define NOFILE_MIN 4096
#define LOW_PORT_WANTED 80
#define KEYS_DEFAULT 200
#define LANDLOCK_VERSION 1u

static bool mount_of(const char *path, struct mountinfo *ret)
{
	autofree char *text = NULL;

	return fd_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text) > 0 &&
	       mountinfo_find(text, path, ret);
}

/* where daemons keep images: the nearest directory that exists */
static bool find_data_home(char dst[PATH_MAX])
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	autofree char *real = NULL;
	char path[PATH_MAX];

	if (data && *data == '/')
		str_format(path, sizeof(path), "%s", data);
	else if (!home || *home != '/' ||
		 str_format(path, sizeof(path), "%s/.local/share", home) < 0)
		return false;
	while (!(real = realpath(path, NULL))) {
		char *slash = strrchr(path, '/');

		if (!slash || slash == path)
			return false;
		*slash = '\0';
	}
	return str_format(dst, PATH_MAX, "%s", real) > 0;
}

static bool is_network_fs(const char *fstype)
{
	static const char *const types[] = { "nfs", "cifs",       "smb3",   "afs",
					     "9p",  "fuse.sshfs", "lustre", "gpfs" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (str_starts(fstype, types[i]))
			return true;
	}
	return false;
}

static void check_home(struct report *r)
{
	char path[PATH_MAX], tool[PATH_MAX];
	struct mountinfo m;

	if (!find_data_home(path) || !mount_of(path, &m))
		return;
	if (is_network_fs(m.fstype))
		report_cause(r, CAUSE_HOME_NFS, path, m.fstype);
	if (mountinfo_has(m.options, "noexec"))
		report_cause(r, CAUSE_HOME_NOEXEC, m.point, NULL);
	if (strcmp(m.fstype, "overlay") == 0 && tool_find("fuse-overlayfs", tool, sizeof(tool)) < 0)
		report_cause(r, CAUSE_OVERLAY, "the data directory lies on an overlay itself",
			     NULL);
}

static void check_mounts(struct report *r)
{
	struct mountinfo m;

	check_home(r);
	if (mount_of("/", &m) && !m.shared)
		report_cause(r, CAUSE_ROOT_PRIVATE, NULL, NULL);
}

static void check_runtime_dir(struct report *r)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	char why[FINDING_ARG_MAX];
	struct stat st;

	if (!dir || !*dir)
		snprintf(why, sizeof(why), "is not set");
	else if (stat(dir, &st) < 0)
		snprintf(why, sizeof(why), "is %.200s: %s", dir, strerror(errno));
	else if (st.st_uid != geteuid())
		snprintf(why, sizeof(why), "is %.200s, which is not this user's (su or sudo?)",
			 dir);
	else if (access(dir, W_OK | X_OK) < 0)
		snprintf(why, sizeof(why), "is %.200s, which cannot be written: %s", dir,
			 strerror(errno));
	else
		return;
	report_cause(r, CAUSE_RUNTIME_DIR, why, NULL);
}

static void check_resolver(struct report *r)
{
	struct host_resolver host;
	struct err err = { 0 };

	if (host_resolver_read(RESOLV, &host, &err) < 0)
		return;
	if (host.problem)
		report_cause(r, CAUSE_RESOLVER, strerror(host.problem), NULL);
	else if (!host.finished)
		report_cause(r, CAUSE_RESOLVER, "no line nameserver", NULL);
	host_resolver_done(&host);
}

/* a network that no route leads to; the default one again when there is none */
static void find_free(const char *routes, char dst[32])
{
	static const char *const start[] = { "10.0", "192.168", "172.31" };

	for (size_t f = 0; f < ARRAY_SIZE(start); f++) {
		for (unsigned n = 3; n < 255; n++) {
			char dev[16], text[INET_ADDRSTRLEN];
			struct in_addr net;

			snprintf(text, sizeof(text), "%s.%u.0", start[f], n);
			inet_pton(AF_INET, text, &net);
			if (routes_clash(routes, net, 24, dev))
				continue;
			snprintf(dst, 32, "%s/24", text);
			return;
		}
	}
	snprintf(dst, 32, "10.0.2.0/24");
}

static void check_clash(struct report *r)
{
	autofree char *routes = NULL;
	struct in_addr net = { htonl(0x0a000200) };
	char dev[16], instead[32];

	if (fd_read_file(AT_FDCWD, "/proc/net/route", ROUTES_MAX, &routes) <= 0 ||
	    !routes_clash(routes, net, 24, dev))
		return;
	find_free(routes, instead);
	report_cause(r, CAUSE_NET_CLASH, dev, instead);
}

static void check_ping(struct report *r)
{
	autofree char *text = NULL;
	unsigned first, last;

	if (fd_read_file(AT_FDCWD, "/proc/sys/net/ipv4/ping_group_range", 64, &text) <= 0 ||
	    sscanf(text, "%u %u", &first, &last) != 2)
		return;
	if (getegid() < first || getegid() > last)
		report_cause(r, CAUSE_PING_GROUP, NULL, NULL);
}

static void check_limits(struct report *r)
{
	char text[24];
	struct rlimit l;
	uint64_t n;

	report_good(r, GROUP_LIMITS, "%s", "");
	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_max < NOFILE_MIN) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)l.rlim_max);
		report_cause(r, CAUSE_NOFILE_LIMIT, text, NULL);
	}
	if (system_number("/proc/sys/kernel/keys/maxkeys", &n) && n <= KEYS_DEFAULT) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
		report_cause(r, CAUSE_KEYS_LIMIT, text, NULL);
	}
	if (system_number("/proc/sys/net/ipv4/ip_unprivileged_port_start", &n) &&
	    n > LOW_PORT_WANTED) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
		report_cause(r, CAUSE_LOW_PORTS, text, NULL);
	}
	check_ping(r);
}

static void check_sandbox(struct report *r)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	report_good(r, GROUP_SANDBOX, "%s", "");
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
		report_cause(r, CAUSE_SECCOMP_ABSENT, NULL, NULL);
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION) < 0)
		report_cause(r, CAUSE_LANDLOCK_ABSENT, strerror(errno), NULL);
}

static void check_libslirp(struct report *r)
{
	struct err err = { 0 };

	if (libslirp_load(&err) < 0)
		report_cause(r, CAUSE_LIBSLIRP, err.msg, NULL);
}

void probe_host(struct report *r)
{
	report_good(r, GROUP_HOST, "%s", "");
	check_mounts(r);
	check_runtime_dir(r);
	check_resolver(r);
	check_clash(r);
	check_libslirp(r);
	check_limits(r);
	check_sandbox(r);
}
