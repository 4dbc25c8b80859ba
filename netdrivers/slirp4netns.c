// SPDX-License-Identifier: Apache-2.0
/*
 * slirp4netns.c - --net=slirp4netns with --slirp4netns-binary: the program slirp4netns of others
 *
 * The agent of the child netns makes the tap; slirp4netns joins the namespaces of the child for a
 * moment to open it by its name, and serves it from the host's. Where --port-driver=slirp4netns is
 * chosen its API socket lies in the state directory (portdrivers/slirp4netns.c).
 */
#include <errno.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/options.h"
#include "lib/base/str.h"
#include "lib/ipc/statenames.h"
#include "lib/parent/tool.h"
#include "netdrivers/helper.h"
#include "netdrivers/plan.h"
#include "netdrivers/program.h"

#define HELP_MAX 8192 /* bytes of --help that are looked at */
#define ARGS_MAX 20
#define TEXT_MAX 32

enum feature {                      /* bits of net_env.features */
	       FEATURE_SANDBOX = 1, /* wanted and there */
	       FEATURE_SECCOMP = 2,
};

struct net_run {
	struct helper *helper;
};

/* --- what the program can do -------------------------------------------------------------- */

/* its --help names the options that it has */
static int read_help(const char *path, struct tool *t, struct err *err)
{
	char *const argv[] = { (char *)path, (char *)"--help", NULL };
	char status[64];
	int r = tool_start(t, path, argv, HELP_MAX, TOOL_BOTH);

	if (r == 0)
		r = tools_finish(t, 1, TOOL_LIMIT_MS);
	if (r < 0)
		return err_set(err, -r, "running '%s --help'", path);
	if (!tool_ok(t)) {
		tool_status(t, TOOL_LIMIT_MS, status, sizeof(status));
		return err_say(err, ENOEXEC,
			       "command \"%s --help\" failed, make sure slirp4netns v0.4.0+ is "
			       "installed: \"%.200s\": %s",
			       path, t->text, status);
	}
	if (!strstr(t->text, "--netns-type"))
		return err_say(err, ENOTSUP, "slirp4netns seems older than v0.4.0");
	return 0;
}

static int require(const struct tool *help, bool wanted, const char *option, struct err *err)
{
	if (!wanted || strstr(help->text, option))
		return 0;
	return err_say(err, ENOTSUP, "this version of slirp4netns does not support %s", option);
}

static bool is_mode(const char *mode, const char *value)
{
	return mode && strcmp(mode, value) == 0;
}

static bool kernel_has_seccomp(void)
{
	/* EFAULT: it knows filters, and there is none at that address */
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) < 0 && errno == EFAULT;
}

/* auto is what the program and the kernel have; its sandbox cannot reach a detached netns */
static int choose_modes(const struct options *o, const struct tool *help, uint32_t *ret,
			struct err *err)
{
	bool sandbox = is_mode(o->slirp4netns_sandbox, "true");
	bool seccomp = is_mode(o->slirp4netns_seccomp, "true");
	int r = require(help, sandbox, "--enable-sandbox", err);

	if (r == 0)
		r = require(help, seccomp, "--enable-seccomp", err);
	if (r < 0)
		return r;
	if (seccomp && !kernel_has_seccomp())
		return err_say(err, ENOTSUP, "kernel doesn't support seccomp");
	if (is_mode(o->slirp4netns_sandbox, "auto"))
		sandbox = strstr(help->text, "--enable-sandbox") && !o->detach_netns;
	if (is_mode(o->slirp4netns_seccomp, "auto"))
		seccomp = strstr(help->text, "--enable-seccomp") && kernel_has_seccomp();
	*ret = (sandbox ? FEATURE_SANDBOX : 0) | (seccomp ? FEATURE_SECCOMP : 0);
	return 0;
}

static bool has_api(const struct options *o)
{
	return strcmp(o->port_driver, "slirp4netns") == 0;
}

static int slirp4netns_parent_probe(const struct options *o, uint32_t *ret_features,
				    struct err *err)
{
	struct tool help = TOOL_INIT;
	char path[PATH_MAX];
	int r = program_find(o->slirp4netns_binary, path, err);

	if (r < 0)
		return r;
	r = read_help(path, &help, err);
	if (r == 0)
		r = require(&help, o->ipv6, "--enable-ipv6", err);
	if (r == 0)
		r = require(&help, o->cidr, "--cidr", err);
	if (r == 0)
		r = require(&help, o->disable_host_loopback, "--disable-host-loopback", err);
	if (r == 0)
		r = require(&help, has_api(o), "--api-socket", err);
	if (r == 0)
		r = choose_modes(o, &help, ret_features, err);
	tool_done(&help);
	return r;
}

/* --- a life of it ------------------------------------------------------------------------- */

struct args {
	const char *v[ARGS_MAX];
	size_t n;
	char path[PATH_MAX], mtu[TEXT_MAX], ready[TEXT_MAX], pid[TEXT_MAX], userns[TEXT_MAX + 32];
	char api[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static void add(struct args *a, const char *word)
{
	a->v[a->n++] = word;
}

static void add_pair(struct args *a, const char *name, const char *value)
{
	add(a, name);
	add(a, value);
}

static int add_api(const struct net_env *env, struct args *a, struct err *err)
{
	if (!has_api(env->options))
		return 0;
	if (str_format(a->api, sizeof(a->api), "%s/" STATE_S4NN_SOCK, env->state_dir) < 0)
		return err_say(err, ENAMETOOLONG,
			       "state directory '%s' is too long for the socket of slirp4netns, "
			       "whose path has %zu bytes at most; --state-dir chooses another",
			       env->state_dir, sizeof(a->api) - 1);
	if (unlink(a->api) < 0 && errno != ENOENT) /* of the life before */
		return err_set(err, errno, "removing '%s'", a->api);
	add_pair(a, "--api-socket", a->api);
	return 0;
}

/* the words and their order are upstream's: others look for them in the list of processes */
static int make_args(const struct net_env *env, struct args *a, struct err *err)
{
	const struct options *o = env->options;
	int r = program_find(o->slirp4netns_binary, a->path, err);

	if (r < 0)
		return r;
	snprintf(a->mtu, sizeof(a->mtu), "%u", env->plan->mtu);
	snprintf(a->ready, sizeof(a->ready), "%d", HELPER_FD);
	snprintf(a->pid, sizeof(a->pid), "%d", (int)env->child);
	snprintf(a->userns, sizeof(a->userns), "--userns-path=/proc/%d/ns/user", (int)env->child);
	add(a, a->path);
	add_pair(a, "--mtu", a->mtu);
	add_pair(a, "-r", a->ready);
	if (o->disable_host_loopback)
		add(a, "--disable-host-loopback");
	if (o->cidr)
		add_pair(a, "--cidr", o->cidr);
	r = add_api(env, a, err);
	if (r < 0)
		return r;
	if (env->features & FEATURE_SANDBOX)
		add(a, "--enable-sandbox");
	if (env->features & FEATURE_SECCOMP)
		add(a, "--enable-seccomp");
	if (env->plan->ipv6)
		add(a, "--enable-ipv6");
	if (env->netns) {
		add_pair(a, a->userns, "--netns-type=path");
		add(a, env->netns);
	} else {
		add(a, a->pid);
	}
	add_pair(a, env->plan->ifname, NULL);
	return 0;
}

static int slirp4netns_parent_start(const struct net_env *env, struct net_run **ret,
				    struct err *err)
{
	autofree struct net_run *run = calloc(1, sizeof(*run));
	struct args args = { 0 };
	struct helper_spec spec = { .base = env->base,
				    .starter = env->starter,
				    .name = "slirp4netns",
				    .argv = (char *const *)args.v,
				    .tells_ready = true,
				    .on_ready = env->on_ready,
				    .on_ended = env->on_ended,
				    .arg = env->arg };
	int r;

	if (!run)
		return err_set(err, ENOMEM, "starting slirp4netns");
	r = make_args(env, &args, err);
	if (r == 0)
		r = helper_start(&spec, &run->helper, err);
	if (r == 0)
		*ret = take_ptr(run);
	return r;
}

static bool slirp4netns_parent_reaped(struct net_run *run, pid_t pid, int status)
{
	return helper_reaped(run->helper, pid, status);
}

static void slirp4netns_parent_stop(struct net_run *run)
{
	if (run)
		helper_stop(run->helper);
	free(run);
}

extern const struct net_driver net_slirp4netns;
const struct net_driver net_slirp4netns = {
	.name = "slirp4netns",
	.flags = NET_F_NETNS | NET_F_RESOLVER | NET_F_ADDRESS | NET_F_PROGRAM | NET_F_RESTART |
		 NET_F_TAP,
	.parent_plan = plan_user_mode,
	.parent_probe = slirp4netns_parent_probe,
	.parent_start = slirp4netns_parent_start,
	.parent_reaped = slirp4netns_parent_reaped,
	.parent_stop = slirp4netns_parent_stop,
};
