// SPDX-License-Identifier: Apache-2.0
/*
 * starter.c - the process that starts the program of a network, and the parent's stub for it
 *
 * It outlives the parent for a moment: when the parent hangs up, as it does by its death and where
 * an answer came too late, the starter kills what it has started last, with the group that a
 * wrapper script made of it, and ends.
 */
#include "lib/parent/starter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/loop.h"
#include "lib/base/proc.h"

#define EXEC_MS 5000    /* from the clone to the end of exec */
#define ANSWER_MS 10000 /* from the request to the answer, which comes after that */
#define END_MS 2000
#define FIRST_FD 3 /* what the program gets beside input and outputs */
#define STACK_BYTES (256 * 1024)

struct starter {
	enum sandbox_mode mode;
	pid_t pid; /* 0: not forked yet, or dead */
	int sock;  /* -1 before the fork, and when there was no answer */
	bool forked;
};

/* --- in the starter --------------------------------------------------------------------------- */

struct here {
	const struct starter_work *work;
	enum sandbox_mode mode;
	pid_t parent;
	int sock;
	char *stack; /* of what is cloned; it gets a copy */
	struct started {
		pid_t pid;
		int pidfd; /* -1: none, or the parent has seen its death */
	} last[STARTER_NWHAT];
};

/* what a clone is to do */
struct order {
	struct here *here;
	enum starter_what what;
	int fds[STARTER_FDS_MAX +
		2]; /* as descriptors 0, 1, ... of the program; or tap and stream */
	int nfds, tell;
};

/* number n gets descriptor fds[n]; none of the sources is below nfds any more */
static int place_fds(int *fds, int nfds)
{
	for (int i = 0; i < nfds; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, nfds);
		if (fds[i] < 0)
			return -errno;
	}
	for (int i = 0; i < nfds; i++) {
		if (dup2(fds[i], i) < 0)
			return -errno;
	}
	return 0;
}

/* only on failure does it come back */
static int become(struct order *o, int tell)
{
	char *const *argv = o->here->work->argv;
	int keep[ARRAY_SIZE(o->fds) + 1];
	sigset_t none;
	int r;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	setsid();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	if (getppid() != o->here->parent)
		return -ESRCH;
	r = place_fds(o->fds, o->nfds);
	for (int i = 0; i < o->nfds; i++)
		keep[i] = i;
	keep[o->nfds] = tell;
	if (r == 0)
		r = fd_close_all_but(keep, (size_t)o->nfds + 1);
	if (r < 0)
		return r;
	umask(077); /* its sockets are the user's alone, in whatever directory */
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(argv[0], argv);
	return -errno;
}

static int in_clone(void *arg)
{
	struct order *o = arg;
	int tell, errnum;

	if (o->what == STARTER_FRAMES)
		return o->here->work->carry(o->fds[0], o->fds[1], o->here->parent, o->here->mode);
	/* out of the way of the numbers */
	tell = fcntl(o->tell, F_DUPFD_CLOEXEC, ARRAY_SIZE(o->fds) + 1);
	errnum = tell < 0 ? errno : -become(o, tell);
	return write(tell < 0 ? o->tell : tell, &errnum, sizeof(errnum)) < 0;
}

/* the errno of a failed exec comes through a pipe that the exec closes; a file on a server that
 * does not answer keeps the exec waiting */
static int wait_for_exec(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t end = clock_ms() + EXEC_MS;
	int errnum = 0, r;

	do {
		uint64_t now = clock_ms();

		r = poll(&p, 1, now < end ? (int)(end - now) : 0);
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return ETIMEDOUT;
	return r > 0 && read(fd, &errnum, sizeof(errnum)) == sizeof(errnum) ? errnum : 0;
}

/* a child of our parent, not ours */
static void start(struct order *o, struct starter_ran *ret)
{
	struct started *last = &o->here->last[o->what];
	int status[2], pidfd = -1;

	if (pipe2(status, O_CLOEXEC) < 0) {
		ret->error = errno;
		return;
	}
	o->tell = status[1];
	/* without CLONE_VM: a copy, the stack is only where it starts */
	ret->pid = clone(in_clone, o->here->stack + STACK_BYTES,
			 CLONE_PARENT | CLONE_PIDFD | SIGCHLD, o, &pidfd);
	if (ret->pid < 0) {
		ret->error = errno;
		ret->pid = 0;
	} else {
		cleanup_closep(&last->pidfd);
		*last = (struct started){ ret->pid, pidfd };
	}
	close(status[1]);
	if (ret->pid && o->what == STARTER_PROGRAM)
		ret->error = wait_for_exec(status[0]);
	close(status[0]);
}

static int do_run(struct here *h, struct msg *m)
{
	const struct starter_run *req = (const struct starter_run *)m->payload;
	struct order o = { .here = h, .what = (enum starter_what)req->what };
	struct starter_ran ans = { 0 };
	autoclose int null = -1;
	int r;

	if (o.what == STARTER_PROGRAM) {
		null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		o.fds[0] = null;
		o.fds[1] = o.fds[2] = m->fds[0];
		o.nfds = FIRST_FD;
		for (size_t i = 1; i < m->nfds; i++)
			o.fds[o.nfds++] = m->fds[i];
		if (null < 0)
			ans.error = errno;
	} else if (o.what == STARTER_FRAMES && m->nfds == 2 && h->work->carry) {
		o.fds[0] = m->fds[0];
		o.fds[1] = m->fds[1];
	} else {
		ans.error = EINVAL;
	}
	if (!ans.error)
		start(&o, &ans);
	msg_close_fds(m);
	r = msg_send(h->sock, &starter_proto, STARTER_RAN, &ans, NULL, 0);
	return msg_peer_gone(r) ? 0 : r; /* nobody knows of it: the end of file is next */
}

/* until there is something to read; who dies before that is the parent's to reap, and its number
 * may be another's then */
static int wait_for_parent(struct here *h)
{
	struct pollfd p[1 + STARTER_NWHAT] = { { .fd = h->sock, .events = POLLIN } };

	while (!p[0].revents) {
		for (int i = 0; i < STARTER_NWHAT; i++) {
			if (p[1 + i].revents) {
				cleanup_closep(&h->last[i].pidfd);
				h->last[i].pidfd = -1;
			}
			p[1 + i] = (struct pollfd){ .fd = h->last[i].pidfd, .events = POLLIN };
		}
		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}

/* a program leads a group since before it was executed */
static void end_started(const struct here *h)
{
	const struct started *program = &h->last[STARTER_PROGRAM];
	const struct started *frames = &h->last[STARTER_FRAMES];

	if (program->pidfd >= 0)
		kill(-program->pid, SIGKILL);
	if (frames->pidfd >= 0)
		pidfd_send_signal(frames->pidfd, SIGKILL, NULL, 0);
}

/* Return: the exit status: 0, or the errno of what failed. The working directory and the
   environment are the program's as well */
static int starter_main(struct here *h)
{
	struct msg m;
	int r = role_enter(ROLE_STARTER, 0); /* the end of file of its socket tells the death */

	if (r == 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
		r = -errno;
	if (r == 0)
		r = fd_close_all_but(&h->sock, 1);
	if (r == 0)
		r = fd_open_std();
	while (r == 0) {
		r = wait_for_parent(h);
		if (r < 0)
			break;
		r = msg_recv(h->sock, &starter_proto, ROLE_PARENT, STARTER_UP, 0, &m);
		if (r == 0)
			break;
		r = r == -EINTR ? 0 : r < 0 ? r : do_run(h, &m);
	}
	end_started(h);
	return -r;
}

/* --- in the parent ---------------------------------------------------------------------------- */

struct starter *starter_new(enum sandbox_mode mode)
{
	struct starter *s = calloc(1, sizeof(*s));

	if (s)
		*s = (struct starter){ .mode = mode, .sock = -1 };
	return s;
}

static int fork_starter(struct starter *s, const struct starter_work *work, struct err *err)
{
	struct here h = { .work = work, .mode = s->mode, .parent = getpid() };
	autofree char *stack = malloc(STACK_BYTES); /* here: the fork finds it made */
	int pair[2], r = stack ? msg_pair(pair) : -ENOMEM;

	if (r < 0)
		return err_set(err, -r, "forking the process that starts %s", work->argv[0]);
	h.stack = stack;
	for (size_t i = 0; i < ARRAY_SIZE(h.last); i++)
		h.last[i].pidfd = -1;
	h.sock = pair[1];
	s->pid = fork();
	if (s->pid == 0)
		_exit(starter_main(&h));
	close(pair[1]);
	if (s->pid < 0) {
		r = errno;
		s->pid = 0;
		close(pair[0]);
		return err_set(err, r, "forking the process that starts %s", work->argv[0]);
	}
	s->sock = pair[0];
	s->forked = true;
	return 0;
}

static void hang_up(struct starter *s)
{
	cleanup_closep(&s->sock);
	s->sock = -1;
}

int starter_run(struct starter *s, const struct starter_work *work, enum starter_what what,
		const int *fds, size_t nfds, pid_t *ret, struct err *err)
{
	const struct starter_run req = { .what = what };
	struct starter_ran ans;
	struct msg m;
	int r;

	*ret = 0;
	if (!s->forked) {
		r = fork_starter(s, work, err);
		if (r < 0)
			return r;
	}
	if (s->sock < 0)
		return err_say(err, ECHILD, "the process that starts programs is gone");
	r = msg_send(s->sock, &starter_proto, STARTER_RUN, &req, fds, nfds);
	if (r == 0)
		r = msg_recv_within(s->sock, &starter_proto, ROLE_STARTER, STARTER_UP, ANSWER_MS,
				    &m);
	if (r <= 0) { /* what was started meanwhile is killed */
		hang_up(s);
		return r == 0 ? err_say(err, ECHILD, "the process that starts programs is gone")
			      : err_set(err, -r, "asking the process that starts programs");
	}
	memcpy(&ans, m.payload, sizeof(ans));
	*ret = ans.pid;
	return ans.error ? err_set(err, ans.error, "starting %s", work->argv[0]) : 0;
}

bool starter_reaped(struct starter *s, pid_t pid)
{
	if (!s || !s->pid || s->pid != pid)
		return false;
	s->pid = 0;
	hang_up(s);
	return true;
}

struct starter *starter_free(struct starter *s)
{
	if (!s)
		return NULL;
	if (s->pid) {
		kill(s->pid, SIGKILL);
		proc_wait_within(s->pid, END_MS, NULL);
	}
	hang_up(s);
	free(s);
	return NULL;
}
