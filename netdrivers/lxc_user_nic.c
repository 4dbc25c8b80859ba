// SPDX-License-Identifier: Apache-2.0
/*
 * lxc_user_nic.c - --net=lxc-user-nic: an interface on a bridge of the host, by LXC's setuid helper
 *
 * Root says in /etc/lxc/lxc-usernet who may have how many interfaces on which bridge. The helper
 * makes a veth and puts one end into the child's namespace; there the agent asks the DHCP server
 * behind the bridge for its addresses (lib/nsagent/dhcp.c). The packets are the host kernel's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/options.h"
#include "lib/base/str.h"
#include "lib/parent/tool.h"
#include "netdrivers/plan.h"
#include "netdrivers/program.h"

#define DEFAULT_IFNAME "eth0"
#define OUTPUT_MAX 1024
#define LINE_MAX_BYTES 400

/* where distributions put it */
static int find(const struct options *o, char path[static PATH_MAX], struct err *err)
{
	struct utsname u;

	if (*o->lxc_user_nic_binary)
		return program_find(o->lxc_user_nic_binary, path, err);
	if (uname(&u) < 0)
		return err_set(err, errno, "uname");
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			str_format(path, PATH_MAX, "/usr/lib/%s-linux-gnu/lxc/lxc-user-nic",
				   u.machine);
		else
			str_format(path, PATH_MAX, "/usr/%s/lxc/lxc-user-nic",
				   i == 0 ? "libexec" : "lib");
		if (access(path, X_OK) == 0)
			return 0;
	}
	return err_say(err, ENOENT,
		       "lxc-user-nic is neither in /usr/libexec/lxc nor below /usr/lib; "
		       "--lxc-user-nic-binary says where it is");
}

static int lxc_user_nic_parent_probe(const struct options *o, uint32_t *ret_features,
				     struct err *err)
{
	char path[PATH_MAX];

	*ret_features = 0;
	return find(o, path, err);
}

static int refused(const char *path, const struct tool *t, struct err *err)
{
	char status[64], line[LINE_MAX_BYTES];

	tool_status(t, TOOL_LIMIT_MS, status, sizeof(status));
	str_printable(line, sizeof(line), t->text, strcspn(t->text, "\n"));
	err_say(err, EPERM, "%s failed: %s: %s", path, line, status);
	return err_hint(
		err, -EPERM,
		"it needs a line 'USER veth BRIDGE COUNT' in /etc/lxc/lxc-usernet, and that "
		"bridge");
}

static int lxc_user_nic_parent_attach(const struct net_env *env, struct err *err)
{
	const struct options *o = env->options;
	struct tool t = TOOL_INIT;
	char path[PATH_MAX], pid[16];
	char *const argv[] = { path,
			       (char *)"create",
			       (char *)"/dev/null",
			       (char *)"dummy",
			       pid,
			       (char *)"veth",
			       (char *)o->lxc_user_nic_bridge,
			       (char *)env->plan->ifname,
			       NULL };
	int r = find(o, path, err);

	if (r < 0)
		return r;
	snprintf(pid, sizeof(pid), "%d", (int)env->child);
	r = tool_start(&t, path, argv, OUTPUT_MAX, TOOL_BOTH);
	if (r == 0)
		r = tools_finish(&t, 1, TOOL_LIMIT_MS);
	if (r < 0)
		err_set(err, -r, "running '%s'", path);
	else if (!tool_ok(&t))
		r = refused(path, &t, err);
	tool_done(&t);
	return r;
}

static int lxc_user_nic_parent_plan(const struct net_opts *o, struct net_plan *ret, struct err *err)
{
	return plan_interface(o, DEFAULT_IFNAME, 0, ret, err);
}

extern const struct net_driver net_lxc_user_nic;
const struct net_driver net_lxc_user_nic = {
	.name = "lxc-user-nic",
	.flags = NET_F_NETNS | NET_F_RESOLVER | NET_F_IPV4 | NET_F_DHCP,
	.parent_plan = lxc_user_nic_parent_plan,
	.parent_probe = lxc_user_nic_parent_probe,
	.parent_attach = lxc_user_nic_parent_attach,
};
