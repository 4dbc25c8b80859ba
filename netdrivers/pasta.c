// SPDX-License-Identifier: Apache-2.0
/*
 * pasta.c - --net=pasta: the program pasta of the project passt
 *
 * It makes and configures the interface itself. Upstream lets it go into the background and loses
 * sight of it; here it stays in the foreground, so that its death is noticed and it can be started
 * again. It is ready when it has written its pid, into a FIFO: versions that close descriptors
 * which they do not know would close a pipe. Whether it carries IPv6 is up to the host's addresses,
 * so the plan names none.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

#define OUTPUT_MAX 1024 /* bytes of what a probe prints that are looked at */
#define DAY_MIN 20230625
#define ARGS_MAX 24
#define TEXT_MAX 64

enum feature { FEATURE_HOST_LO_TO_NS_LO = 1 }; /* bits of net_env.features */

struct net_run {
	struct helper *helper;
	int ready;
	struct event *ready_event;
	void (*on_ready)(void *arg);
	void *arg;
};

/* --- what the program can do -------------------------------------------------------------- */

enum probe { PROBE_VERSION, PROBE_LO_TO_LO, NPROBES };

/* "pasta 2023_12_04.b86afe3", "pasta 0.0~git20230627.289301b-1": the day as a number; 0: not told
 */
static unsigned day_of(const char *text)
{
	unsigned y, m, d, day;
	const char *git = strstr(text, "git");

	if (sscanf(text, "pasta %4u_%2u_%2u", &y, &m, &d) == 3)
		return y * 10000 + m * 100 + d;
	return git && sscanf(git, "git%8u", &day) == 1 ? day : 0;
}

/* TCP of older ones stalls and repeats data on kernels of today. 2025_05_03 loses what it says into
   a pipe: no text is no reason to warn */
static void judge_age(const char *text)
{
	size_t len = strcspn(text, "\n");
	char line[64];

	if (len == 0 || day_of(text) >= DAY_MIN)
		return;
	str_printable(line, sizeof(line), text, len);
	log_warning("network", "%s: --net=pasta needs 2023_06_25 or newer, older ones lose TCP",
		    line);
}

static int judge(const char *path, const struct tool *probes, uint32_t *ret, struct err *err)
{
	const struct tool *version = &probes[PROBE_VERSION];
	char status[64];

	if (!tool_ok(version)) {
		tool_status(version, TOOL_LIMIT_MS, status, sizeof(status));
		return err_say(err, ENOEXEC,
			       "command \"%s --version\" failed, make sure pasta is installed: "
			       "\"%.200s\": %s",
			       path, version->text, status);
	}
	judge_age(version->text);
	*ret = tool_ok(&probes[PROBE_LO_TO_LO]) ? FEATURE_HOST_LO_TO_NS_LO : 0;
	return 0;
}

static int pasta_parent_probe(const struct options *o, uint32_t *ret_features, struct err *err)
{
	struct tool probes[NPROBES] = { TOOL_INIT, TOOL_INIT };
	char path[PATH_MAX];
	char *const argv[NPROBES][4] = {
		[PROBE_VERSION] = { path, (char *)"--version" },
		[PROBE_LO_TO_LO] = { path, (char *)"--host-lo-to-ns-lo", (char *)"--version" },
	};
	int r = program_find(o->pasta_binary, path, err);

	if (r < 0)
		return r;
	for (int i = 0; i < NPROBES && r == 0; i++)
		r = tool_start(&probes[i], path, argv[i], OUTPUT_MAX, TOOL_BOTH);
	if (r == 0)
		r = tools_finish(probes, NPROBES, TOOL_LIMIT_MS);
	if (r < 0)
		err_set(err, -r, "running '%s --version'", path);
	else
		r = judge(path, probes, ret_features, err);
	for (int i = 0; i < NPROBES; i++)
		tool_done(&probes[i]);
	return r;
}

/* --- a life of it ------------------------------------------------------------------------- */

struct args {
	const char *v[ARGS_MAX];
	size_t n;
	char path[PATH_MAX], pid_file[PATH_MAX], netns[PATH_MAX], text[ARGS_MAX][TEXT_MAX];
};

static void add(struct args *a, const char *word)
{
	a->v[a->n++] = word;
}

static void __attribute__((format(printf, 2, 3))) add_text(struct args *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->text[a->n], TEXT_MAX, fmt, ap);
	va_end(ap);
	add(a, a->text[a->n]);
}

static void add_addresses(const struct net_plan *p, struct args *a)
{
	char address[INET_ADDRSTRLEN], gateway[INET_ADDRSTRLEN], dns[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &p->address, address, sizeof(address));
	inet_ntop(AF_INET, &p->gateway, gateway, sizeof(gateway));
	inet_ntop(AF_INET, &p->dns, dns, sizeof(dns));
	add_text(a, "--ns-ifname=%s", p->ifname);
	add_text(a, "--mtu=%u", p->mtu);
	add(a, "--config-net");
	add_text(a, "--address=%s", address);
	add_text(a, "--netmask=%u", p->prefix);
	add_text(a, "--gateway=%s", gateway);
	add_text(a, "--dns-forward=%s", dns);
}

/* but for the first line, the words and their order are upstream's */
static int make_args(const struct net_env *env, struct args *a, struct err *err)
{
	const struct options *o = env->options;
	const char *ports = strcmp(o->port_driver, "implicit") == 0 ? "auto" : "none";
	int r = program_find(o->pasta_binary, a->path, err);

	if (r < 0)
		return r;
	add(a, a->path);
	add(a, "--foreground");
	add(a, a->pid_file);
	add(a, "--stderr");
	add_addresses(env->plan, a);
	if (o->disable_host_loopback)
		add(a, "--no-map-gw");
	if (!o->ipv6)
		add(a, "--ipv4-only");
	add_text(a, "--tcp-ports=%s", ports);
	add_text(a, "--udp-ports=%s", ports);
	if (env->features & FEATURE_HOST_LO_TO_NS_LO)
		add(a, "--host-lo-to-ns-lo");
	if (!env->netns) {
		add_text(a, "%d", (int)env->child);
		return 0;
	}
	add_text(a, "--userns=/proc/%d/ns/user", (int)env->child);
	add(a, a->netns);
	r = str_format(a->netns, sizeof(a->netns), "--netns=%s", env->netns);
	return r < 0 ? err_set(err, -r, "naming the network namespace for pasta") : 0;
}

static void on_pid(evutil_socket_t fd, short what, void *arg)
{
	struct net_run *run = arg;
	char pid[32];
	ssize_t n = read(fd, pid, sizeof(pid));

	(void)what;
	if (n < 0)
		return;
	event_del(run->ready_event); /* nothing in it: pasta has ended, which is told elsewhere */
	if (n > 0)
		run->on_ready(run->arg);
}

/* the FIFO is made anew for each life: no byte of the one before is in it */
static int open_fifo(const struct net_env *env, struct net_run *run, const char *path,
		     struct err *err)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return err_set(err, errno, "removing '%s'", path);
	if (mkfifo(path, 0600) < 0)
		return err_set(err, errno, "making '%s'", path);
	run->ready = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (run->ready < 0)
		return err_set(err, errno, "opening '%s'", path);
	run->ready_event = event_new(env->base, run->ready, EV_READ | EV_PERSIST, on_pid, run);
	if (!run->ready_event || event_add(run->ready_event, NULL) < 0)
		return err_set(err, ENOMEM, "watching '%s'", path);
	return 0;
}

static void pasta_parent_stop(struct net_run *run)
{
	if (!run)
		return;
	helper_stop(run->helper);
	if (run->ready_event)
		event_free(run->ready_event);
	if (run->ready >= 0)
		close(run->ready);
	free(run);
}

static int pasta_parent_start(const struct net_env *env, struct net_run **ret, struct err *err)
{
	struct net_run *run = calloc(1, sizeof(*run));
	autofree struct args *args = calloc(1, sizeof(*args));
	struct helper_spec spec = { .base = env->base,
				    .starter = env->starter,
				    .name = "pasta",
				    .on_ended = env->on_ended,
				    .arg = env->arg };
	int r;

	if (!run || !args) {
		free(run);
		return err_set(err, ENOMEM, "starting pasta");
	}
	*run = (struct net_run){ .ready = -1, .on_ready = env->on_ready, .arg = env->arg };
	spec.argv = (char *const *)args->v;
	r = str_format(args->pid_file, sizeof(args->pid_file), "--pid=%s/" STATE_PASTA_PID,
		       env->state_dir);
	if (r < 0)
		err_set(err, -r, "naming a file in '%s'", env->state_dir);
	if (r > 0)
		r = open_fifo(env, run, args->pid_file + strlen("--pid="), err);
	if (r == 0)
		r = make_args(env, args, err);
	if (r == 0)
		r = helper_start(&spec, &run->helper, err);
	if (r < 0)
		pasta_parent_stop(run);
	else
		*ret = run;
	return r;
}

static bool pasta_parent_reaped(struct net_run *run, pid_t pid, int status)
{
	return helper_reaped(run->helper, pid, status);
}

static int pasta_parent_plan(const struct net_opts *o, struct net_plan *ret, struct err *err)
{
	struct net_opts ipv4 = *o;

	ipv4.ipv6 = false;
	return plan_user_mode(&ipv4, ret, err);
}

extern const struct net_driver net_pasta;
const struct net_driver net_pasta = {
	.name = "pasta",
	.flags = NET_F_NETNS | NET_F_RESOLVER | NET_F_ADDRESS | NET_F_PROGRAM | NET_F_RESTART,
	.parent_plan = pasta_parent_plan,
	.parent_probe = pasta_parent_probe,
	.parent_start = pasta_parent_start,
	.parent_reaped = pasta_parent_reaped,
	.parent_stop = pasta_parent_stop,
};
