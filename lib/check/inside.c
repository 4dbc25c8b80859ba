// SPDX-License-Identifier: Apache-2.0
/*
 * inside.c - what a start does in its namespaces, done once and thrown away
 *
 * Runs as root of a user namespace of its own, in a process that ends after it: mounts and
 * interfaces go with their namespaces. The network is built by the agents' own code.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/check/packet.h"
#include "lib/check/probes.h"
#include "lib/ipc/nsagent.h"
#include "lib/nsagent/childnet.h"
#include "lib/nsagent/gateway.h"
#include "lib/parent/tool.h"
#include "netdrivers/netdriver.h"

#define PLACE "/run" /* a tmpfs of ours covers it: for mounts, and for the lock of iptables */
#define IPTABLES_MS 1500
#define OUTPUT_MAX 400

/* one after the other, so that the kind that is refused is known */
static bool make_namespaces(int sock)
{
	static const struct {
		int flag;
		const char *name;
	} kinds[] = { { CLONE_NEWNS, "mnt" },
		      { CLONE_NEWNET, "net" },
		      { CLONE_NEWIPC, "ipc" },
		      { CLONE_NEWUTS, "uts" },
		      { CLONE_NEWCGROUP, "cgroup" } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char what[64];
		enum cause_id id;

		if (unshare(kinds[i].flag) == 0)
			continue;
		id = cause_of_userns(errno, what);
		packet_cause(sock, id, id == CAUSE_USERNS_LIMIT ? kinds[i].name : what, NULL);
		return false;
	}
	return true;
}

static bool make_place(int sock)
{
	static const char *const dirs[] = { "proc", "lower", "upper", "work", "merged" };
	enum cause_id id;

	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", PLACE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0) {
		const char *why = strerror(errno);

		id = cause_of_denied();
		packet_cause(sock, id == CAUSE_NONE ? CAUSE_MOUNT_DENIED : id, why, NULL);
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		char path[64];

		snprintf(path, sizeof(path), PLACE "/%s", dirs[i]);
		mkdir(path, 0755);
	}
	return true;
}

/* in a PID namespace of its own; the exit status is the errno */
static int mount_proc(void)
{
	pid_t pid;
	int status;

	if (unshare(CLONE_NEWPID) < 0)
		return errno;
	pid = fork();
	if (pid == 0)
		_exit(mount("none", PLACE "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			    NULL) == 0
			      ? 0
			      : errno);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

static void check_proc(int sock)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(mount_proc());
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return;
	if (WEXITSTATUS(status) == ENOSPC)
		packet_cause(sock, CAUSE_USERNS_LIMIT, "pid", NULL);
	else if (WEXITSTATUS(status))
		packet_cause(sock, CAUSE_PROC_MASKED, strerror(WEXITSTATUS(status)), NULL);
}

static void check_netns_bind(int sock)
{
	static const char file[] = PLACE "/netns";
	autoclose int fd = open(file, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);

	if (fd < 0 || mount("/proc/self/ns/net", file, NULL, MS_BIND, NULL) < 0)
		packet_cause(sock, CAUSE_NETNS_BIND, strerror(errno), NULL);
}

static bool has_fuse_overlayfs(void)
{
	char path[4096];

	return tool_find("fuse-overlayfs", path, sizeof(path)) == 0 &&
	       access("/dev/fuse", R_OK | W_OK) == 0;
}

static void check_overlay(int sock)
{
	if (mount("overlay", PLACE "/merged", "overlay", 0,
		  "lowerdir=" PLACE "/lower,upperdir=" PLACE "/upper,workdir=" PLACE "/work") < 0 &&
	    !has_fuse_overlayfs())
		packet_cause(sock, CAUSE_OVERLAY, strerror(errno), NULL);
}

/* the child's side, in a fork; the gateway waits for it */
static void run_childnet(int sock, const struct net_plan *plan)
{
	const struct nsagent_config cfg = { .setup = NSAGENT_SETUP_VETH, .net = *plan };
	struct err err = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (childnet_setup(&cfg, NULL, &err) < 0)
		packet_err(sock, &err, CAUSE_NET_FAILED);
	_exit(0);
}

static void build_network(int sock, const struct net_plan *plan, int child_netns)
{
	struct accel accel = { .tries = 1u << NET_ACCEL_TPROXY | 1u << NET_ACCEL_REDIRECT,
			       .fds = { -1, -1, -1 } };
	int tap = -1, dns[NET_DNS_SOCKS_MAX] = { -1, -1, -1, -1 };
	struct err err = { 0 };
	uint8_t mac[6];

	/* descriptors are left to the end of this process */
	if (gateway_setup(plan, child_netns, &tap, dns, mac, &accel, &err) < 0) {
		packet_err(sock, &err, CAUSE_NET_FAILED);
		return;
	}
	if (accel.rung != NET_ACCEL_TPROXY)
		packet_cause(sock, CAUSE_NET_TPROXY, accel.why.msg, NULL);
	packet_good(sock, GROUP_NETWORK,
		    accel.rung == NET_ACCEL_TPROXY
			    ? "tap, veth and rules; TCP by the kernel (tproxy)"
			    : "tap, veth and rules");
}

static void check_network(int sock)
{
	const struct net_driver *slirp = net_driver_find("slirp", false);
	const struct net_opts opts = { .name = "slirp", .ipv6 = true };
	autoclose int child_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct err err = { 0 };
	struct net_plan plan;
	pid_t pid;

	if (!slirp || slirp->parent_plan(&opts, &plan, &err) < 0)
		return;
	pid = fork();
	if (pid == 0)
		run_childnet(sock, &plan);
	if (pid < 0 || unshare(CLONE_NEWNET) < 0)
		packet_cause(sock, CAUSE_NET_FAILED, strerror(errno), NULL);
	else
		build_network(sock, &plan, child_netns);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static void check_iptables(int sock)
{
	char *argv[] = { (char *)"iptables", (char *)"-w", (char *)"-t", (char *)"nat",
			 (char *)"-n",       (char *)"-L", NULL };
	struct tool t = TOOL_INIT;
	char path[4096];
	int r = tool_find("iptables", path, sizeof(path));

	if (r < 0) {
		const char *sbin = tool_sbin("iptables");

		packet_cause(sock, sbin ? CAUSE_PROGRAM_PATH : CAUSE_IPTABLES,
			     sbin ? "iptables" : "it is not in $PATH", sbin);
		return;
	}
	r = tool_start(&t, path, argv, OUTPUT_MAX, TOOL_BOTH);
	if (r == 0)
		r = tools_finish(&t, 1, IPTABLES_MS);
	if (r < 0)
		packet_cause(sock, CAUSE_IPTABLES, strerror(-r), NULL);
	else if (!tool_ok(&t)) {
		t.text[strcspn(t.text, "\n")] = '\0';
		packet_cause(sock, CAUSE_IPTABLES, t.text, NULL);
	}
	tool_done(&t);
}

int probe_inside(int sock, uint32_t presets)
{
	/* without a map of groups this fails, and nothing here needs it */
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) {
		packet_cause(sock, CAUSE_USERNS_REFUSED, strerror(errno), NULL);
		return 1;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* other ids: it has to be said again */
	if (!make_namespaces(sock))
		return 1;
	packet_good(sock, GROUP_USERNS, "user, mount, network and other namespaces can be made");
	if (!make_place(sock))
		return 1;
	packet_good(sock, GROUP_MOUNTS, "");
	check_proc(sock);
	check_netns_bind(sock);
	if (presets)
		check_overlay(sock);
	check_network(sock);
	if (presets & PRESET_DAEMONS)
		check_iptables(sock);
	return 0;
}
