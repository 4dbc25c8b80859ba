// SPDX-License-Identifier: Apache-2.0
/*
 * helper.c - one life of an external program that serves a network (parent only)
 *
 * Its death is told by SIGCHLD, its readiness by a byte in a pipe. The death signal of the kernel
 * ends it with the parent; a program that enters the child's user namespace loses that signal, and
 * is ended there by child or nursery (lib/parent/orphans.c).
 */
#include "netdrivers/helper.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/parent/pace.h"
#include "lib/parent/starter.h"

#define LINE_MAX_BYTES 256
#define READS_A_ROUND 16  /* of the output, so that a talker does not starve the others */
#define OUTPUT_PACE 65536 /* bytes of it in PACE_MS; the rest waits in the pipe */
#define KILL_MS 2000 /* a process in an uninterruptible wait is left to the kernel after that */

struct helper {
	struct helper_spec spec;
	pid_t pid; /* 0: reaped */
	int ready, out;
	struct event *ready_event, *out_event;
	struct pace pace;
	char line[LINE_MAX_BYTES], last[LINE_MAX_BYTES];
	size_t nline;
};

/* --- what it prints ----------------------------------------------------------------------- */

static void end_line(struct helper *h)
{
	if (h->nline) {
		str_printable(h->last, sizeof(h->last), h->line, h->nline);
		log_debug(h->spec.name, "%s", h->last);
	}
	h->nline = 0;
}

/* false: there is no more now */
static bool read_output(struct helper *h)
{
	char buf[1024];
	ssize_t n = h->out < 0 ? 0 : read(h->out, buf, sizeof(buf));

	if (n < 0 && errno == EINTR)
		return true;
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\n')
			end_line(h);
		else if (h->nline < sizeof(h->line) - 1)
			h->line[h->nline++] = buf[i];
	}
	if (n > 0)
		pace_spend(&h->pace, (unsigned)n);
	if (n == 0 && h->out_event) {
		pace_done(&h->pace);
		event_del(h->out_event);
	}
	return n > 0;
}

static void on_output(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	for (int i = 0; i < READS_A_ROUND && read_output(arg); i++)
		;
}

/* an end of file without a byte tells nothing: its death comes, or the time limit of the start */
static void on_ready_pipe(evutil_socket_t fd, short what, void *arg)
{
	struct helper *h = arg;
	char c;
	ssize_t n = read(fd, &c, 1);

	(void)what;
	if (n < 0)
		return;
	event_del(h->ready_event);
	if (n > 0 && h->spec.on_ready)
		h->spec.on_ready(h->spec.arg);
}

/* --- its birth ---------------------------------------------------------------------------- */

static int start_process(struct helper *h, int out, int ready, struct err *err)
{
	const struct helper_spec *s = &h->spec;
	const struct starter_work work = { .argv = s->argv, .carry = s->carry };
	int fds[HELPER_FDS_MAX + 2] = { out };
	size_t nfds = 1;

	for (size_t i = 0; i < s->nfds; i++)
		fds[nfds++] = s->fds[i];
	if (ready >= 0)
		fds[nfds++] = ready;
	return starter_run(s->starter, &work, STARTER_PROGRAM, fds, nfds, &h->pid, err);
}

/* a pipe that we read, watched by @cb */
static int open_pipe(struct helper *h, int *ret, struct event **ret_event, event_callback_fn cb,
		     int *ret_writer)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*ret = fds[0];
	*ret_writer = fds[1]; /* only ours does not block */
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	*ret_event = event_new(h->spec.base, fds[0], EV_READ | EV_PERSIST, cb, h);
	return *ret_event && event_add(*ret_event, NULL) == 0 ? 0 : -ENOMEM;
}

int helper_start(const struct helper_spec *spec, struct helper **ret, struct err *err)
{
	struct helper *h = calloc(1, sizeof(*h));
	autoclose int out = -1, ready = -1;
	int r;

	if (!h)
		return err_set(err, ENOMEM, "starting %s", spec->argv[0]);
	h->spec = *spec;
	h->ready = h->out = -1;
	r = open_pipe(h, &h->out, &h->out_event, on_output, &out);
	if (r == 0)
		r = pace_init(&h->pace, spec->base, h->out_event, OUTPUT_PACE);
	if (r == 0 && spec->tells_ready)
		r = open_pipe(h, &h->ready, &h->ready_event, on_ready_pipe, &ready);
	if (r < 0)
		err_set(err, -r, "starting %s", spec->argv[0]);
	else
		r = start_process(h, out, ready, err);
	h->spec.argv = NULL; /* was borrowed for this call */
	if (r < 0) {
		helper_stop(h);
		return r;
	}
	log_debug(spec->name, "is process %d", (int)h->pid);
	*ret = h;
	return 0;
}

/* --- its end ------------------------------------------------------------------------------ */

bool helper_reaped(struct helper *h, pid_t pid, int status)
{
	struct err why = { 0 };
	const char *colon;

	if (!h || !h->pid || h->pid != pid)
		return false;
	h->pid = 0;
	/* what a wrapper leaves behind would be in the way of the next life. The number is not
	   given away while that group has members */
	kill(-pid, SIGKILL);
	on_output(h->out, 0, h); /* its last words */
	end_line(h);
	colon = h->last[0] ? ": " : "";
	if (WIFSIGNALED(status))
		err_say(&why, ECHILD, "%s was killed by signal %d (%s)", h->spec.name,
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		err_say(&why, ECHILD, "%s exited with status %d%s%s", h->spec.name,
			WEXITSTATUS(status), colon, h->last);
	h->spec.on_ended(h->spec.arg, &why);
	return true;
}

static void close_pipe(struct event *event, int fd)
{
	if (event)
		event_free(event);
	if (fd >= 0)
		close(fd);
}

struct helper *helper_stop(struct helper *h)
{
	if (!h)
		return NULL;
	if (h->pid > 0) {
		kill(-h->pid, SIGKILL); /* the group that it leads since before it was executed */
		if (proc_wait_within(h->pid, KILL_MS, NULL) < 0)
			log_warning(h->spec.name, "process %d does not end", (int)h->pid);
	}
	pace_done(&h->pace);
	close_pipe(h->ready_event, h->ready);
	close_pipe(h->out_event, h->out);
	free(h);
	return NULL;
}
