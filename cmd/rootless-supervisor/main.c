// SPDX-License-Identifier: Apache-2.0
/*
 * main.c - which role of the program this process is
 *
 * | called as                            | is                                               |
 * |--------------------------------------|--------------------------------------------------|
 * | rootless-supervisor, or any name     | the parent, in our dialect                       |
 * | rootlesskit, docker-rootlesskit      | the parent, in RootlessKit's dialect             |
 * | the same, with the handshake variable| the child, exec'ed once in its namespaces        |
 * | rs-worker ROLE                       | a worker that the nursery started                |
 * | rootless-supervisor check            | the check (lib/check)                            |
 * | slirp4netns                          | slirp4netns on its own, in one process           |
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cmd/rootless-supervisor/check_command.h"
#include "cmd/rootless-supervisor/explain.h"
#include "cmd/rootless-supervisor/given.h"
#include "cmd/rootless-supervisor/options.h"
#include "cmd/rootless-supervisor/preflight.h"
#include "cmd/rootless-supervisor/slirp4netns.h"
#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/out.h"
#include "lib/base/str.h"
#include "lib/child/child.h"
#include "lib/ipc/handshake.h"
#include "lib/ipc/worker.h"
#include "lib/parent/nursery.h"
#include "lib/parent/parent.h"
#include "lib/relay/relay.h"
#include "lib/sandbox/sandbox.h"
#include "lib/slirp/library.h"
#include "lib/slirp/slirp_main.h"
#include "netdrivers/netdriver.h"
#include "portdrivers/portdriver.h"

enum {
	STATUS_USAGE_OURS = 125,
	STATUS_USAGE_ROOTLESSKIT = 1,
};

static bool has_word(char **words, const char *word)
{
	for (; *words; words++) {
		if (strcmp(*words, word) == 0)
			return true;
	}
	return false;
}

static int worker_failed(const struct err *err)
{
	msg_send(WORKER_CONTROL_FD, &worker_proto, WORKER_FAILED, err, NULL, 0);
	return 1;
}

static int worker_main(int argc, char **argv)
{
	static const struct {
		enum role role;
		int (*load)(struct err *err); /* what is a file, before there are none */
		int (*main)(struct sandbox_report *sandbox);
	} workers[] = { { ROLE_RELAY, NULL, relay_main },
			{ ROLE_SLIRP, libslirp_load, slirp_main } };
	struct sandbox_report sandbox = { 0 };
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(workers) && argc > 1; i++) {
		enum role role = workers[i].role;

		if (strcmp(argv[1], role_name(role)) != 0)
			continue;
		log_init(LOG_STYLE_WORKER, role_name(role), has_word(argv, WORKER_DEBUG));
		sandbox_oom(role);
		if (role_enter(role, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
			err_set(&err, errno, "taking its role");
		else if (workers[i].load)
			workers[i].load(&err);
		if (err.code)
			return worker_failed(&err);
		if (!has_word(argv, WORKER_NO_SANDBOX))
			sandbox_enter(&sandbox);
		return workers[i].main(&sandbox);
	}
	fputs("this name is for the program itself\n", stderr);
	return STATUS_USAGE_OURS;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* nothing that the caller happened to have open reaches the daemon, but what it meant to pass */
static int close_foreign_fds(const struct options *o, int listen_fds)
{
	int keep[GIVEN_FIRST + 2 * GIVEN_MAX + 1], ready_fd = o->ready_fd;
	size_t n = 0;

	for (int fd = 0; fd < GIVEN_FIRST + listen_fds; fd++)
		keep[n++] = fd;
	if (ready_fd >= GIVEN_FIRST + listen_fds)
		keep[n++] = ready_fd;
	if (ready_fd >= GIVEN_FIRST + listen_fds)
		fd_set_cloexec(ready_fd, 1);
	for (size_t i = 0; i < o->npublish; i++) {
		if (o->publish[i].given_fd && n < ARRAY_SIZE(keep))
			keep[n++] = o->publish[i].given_fd;
	}
	qsort(keep, n, sizeof(keep[0]), by_number);
	return fd_close_all_but(keep, n);
}

static int usage_status(const struct options *opt)
{
	return opt->dialect == DIALECT_ROOTLESSKIT ? STATUS_USAGE_ROOTLESSKIT : STATUS_USAGE_OURS;
}

static int run_parent(struct options *opt, char **argv)
{
	struct parent_setup setup = { .opt = opt,
				      .net = net_driver_find(opt->net, opt->net_external),
				      .port = port_driver_find(opt->port_driver, opt->net_external),
				      .argv = argv };
	autoclose int self_exe = -1;
	struct err err = { 0 };
	int r;

	if (given_take(opt, &err) == 0)
		setup.listen_fds = given_count();
	if (!err.code && opt->explain)
		return explain(&setup, stdout) ? usage_status(opt) : 0;
	if (!err.code && opt->ready_fd >= 0 && fcntl(opt->ready_fd, F_GETFD) < 0)
		err_set(&err, errno, "--ready-fd=%d", opt->ready_fd);
	else if (!err.code && (r = close_foreign_fds(opt, setup.listen_fds)) < 0)
		err_set(&err, -r, "closing the descriptors that the caller left open");
	else if (!err.code && (self_exe = open("/proc/self/exe", O_PATH | O_CLOEXEC)) < 0)
		err_set(&err, errno, "opening /proc/self/exe (is /proc mounted?)");
	if (err.code) {
		log_fatal("parent", err.msg);
		return usage_status(opt);
	}
	setup.self_exe = self_exe;
	return parent_main(&setup);
}

static int run_role(struct options *opt, const struct options_report *rep, char **argv)
{
	enum log_style style = opt->dialect == DIALECT_ROOTLESSKIT     ? LOG_STYLE_ROOTLESSKIT
			       : opt->log_format == LOG_FORMAT_JSON    ? LOG_STYLE_JSON
			       : opt->log_format == LOG_FORMAT_JOURNAL ? LOG_STYLE_JOURNAL
								       : LOG_STYLE_OURS;
	const char *fds = getenv(HANDSHAKE_ENV);
	int sock, state_dir;

	log_init(style, fds ? "child " : "parent", opt->debug);
	if (fds) {
		if (sscanf(fds, HANDSHAKE_ENV_FORMAT, &sock, &state_dir) != 2)
			return STATUS_USAGE_OURS;
		prctl(PR_SET_NAME, str_basename(argv[0]));
		return child_main(opt, sock, state_dir);
	}
	for (size_t i = 0; i < rep->nwarnings; i++)
		log_warning("", "%s", rep->warnings[i]);
	if (opt->dialect == DIALECT_ROOTLESSKIT)
		preflight_warn(opt);
	return run_parent(opt, argv);
}

/* of what only prints: as coreutils, status 1 when that cannot be written */
static int printed(int status, bool closed, const char *argv0)
{
	struct err err = { 0 };
	int r = closed ? err_set(&err, EBADF, "writing to standard output") : out_flush(&err);

	if (r == 0 || status == STATUS_USAGE_OURS)
		return status;
	log_init(options_dialect(argv0) == DIALECT_ROOTLESSKIT ? LOG_STYLE_ROOTLESSKIT
							       : LOG_STYLE_OURS,
		 "parent", false);
	log_fatal("parent", err.msg);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const bool closed = fcntl(STDOUT_FILENO, F_GETFD) < 0;
	struct options_report rep = { .out = stdout };
	struct options opt = { 0 };
	struct err err = { 0 };
	int status = 0, r;

	if (argc < 1)
		return STATUS_USAGE_OURS;
	r = fd_open_std();
	if (r < 0) {
		fprintf(stderr, "rootless-supervisor: error: opening /dev/null: %s\n",
			strerror(-r));
		return STATUS_USAGE_OURS;
	}
	if (strcmp(argv[0], WORKER_ARGV0) == 0)
		return worker_main(argc, argv);
	if (strcmp(str_basename(argv[0]), "slirp4netns") == 0)
		return slirp4netns_main(argc, argv);
	if (check_command_is(argc, argv))
		return printed(check_command_main(argc, argv), closed, argv[0]);
	r = options_parse(&opt, &rep, argc, argv, &err);
	if (r < 0) {
		bool upstream = options_dialect(argv[0]) == DIALECT_ROOTLESSKIT;

		fflush(stdout);
		log_init(upstream ? LOG_STYLE_ROOTLESSKIT : LOG_STYLE_OURS, "parent", false);
		for (size_t i = 0; i < rep.nwarnings; i++)
			log_warning("", "%s", rep.warnings[i]);
		log_fatal("parent", err.msg);
		status = upstream ? STATUS_USAGE_ROOTLESSKIT : STATUS_USAGE_OURS;
	} else if (r == OPTIONS_RUN) {
		status = run_role(&opt, &rep, argv);
	}
	if (r == OPTIONS_EXIT || (r == OPTIONS_RUN && opt.explain))
		status = printed(status, closed, argv[0]);
	options_done(&opt);
	options_report_done(&rep);
	return status;
}
