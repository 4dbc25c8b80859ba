// SPDX-License-Identifier: Apache-2.0
/*
 * nursery.c - the process that starts workers, and the parent's stub for it
 *
 * It ends at the end of file of its socket: then it waits a moment for its workers, which see
 * theirs at the same time, and kills what is left. When the parent has not said that it stops, it
 * has been killed, and what may be left of the child and in the state directory is ended, too.
 */
#include "lib/parent/nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/ipc/nursery.h"
#include "lib/ipc/worker.h"
#include "lib/parent/evacuate.h"
#include "lib/sandbox/sandbox.h"

#define WORKERS_MAX 4
#define WORKER_GRACE_MS 1000 /* from the end of file to SIGKILL, for all of them */
#define KEEP_OWN 6

struct nursery {
	int sock, self_exe, sigfd;
	struct nursery_opts opts;
	bool stopped; /* the parent ends in order */
	struct {
		pid_t pid; /* 0: free */
		enum role role;
	} worker[WORKERS_MAX];
};

/* a worker learns nothing from the user's environment but what sanitizers and the injector read */
static const char *const worker_env[] = { "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "FAULT",
					  "FAULT_TRACE" };

__attribute__((noreturn)) static void worker_failed(int control, int errnum, const char *what)
{
	struct err err = { 0 };

	err_set(&err, errnum, "%s", what);
	msg_send(control, &worker_proto, WORKER_FAILED, &err, NULL, 0);
	_exit(1);
}

static void exec_worker(const struct nursery *n, pid_t nursery, enum role role, int control,
			int log)
{
	char *argv[5] = { (char *)WORKER_ARGV0, (char *)role_name(role) }, **word = argv + 2;
	char *env[ARRAY_SIZE(worker_env) + 1] = { NULL };
	int null, self_exe, far_control;
	sigset_t none;
	size_t nenv = 0;

	if (n->opts.debug)
		*word++ = (char *)WORKER_DEBUG;
	if (n->opts.sandbox == SANDBOX_OFF)
		*word++ = (char *)WORKER_NO_SANDBOX;
	for (size_t i = 0; i < ARRAY_SIZE(worker_env); i++) {
		const char *value = getenv(worker_env[i]);

		if (value)
			env[nenv++] = str_dup_format("%s=%s", worker_env[i], value);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != nursery) /* it died before the line above */
		_exit(1);
	/* out of the way of the numbers that they shall get */
	far_control = fcntl(control, F_DUPFD_CLOEXEC, WORKER_CONTROL_FD + 1);
	if (far_control < 0)
		worker_failed(control, errno, "giving it its descriptors");
	if ((self_exe = fcntl(n->self_exe, F_DUPFD_CLOEXEC, WORKER_CONTROL_FD + 1)) < 0 ||
	    (log = fcntl(log, F_DUPFD_CLOEXEC, WORKER_CONTROL_FD + 1)) < 0 ||
	    (null = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0 || dup2(null, 0) < 0 ||
	    dup2(null, 1) < 0 || dup2(log, 2) < 0 || dup2(far_control, WORKER_CONTROL_FD) < 0)
		worker_failed(far_control, errno, "giving it its descriptors");
	execveat(self_exe, "", argv, env, AT_EMPTY_PATH);
	worker_failed(WORKER_CONTROL_FD, errno, "running the program again");
}

static int do_spawn(struct nursery *n, struct msg *m)
{
	const struct nursery_spawn *req = (const struct nursery_spawn *)m->payload;
	struct nursery_spawned ans = { .role = req->role };
	autoclose int control = msg_take_fd(m, 0), log = msg_take_fd(m, 1);
	size_t slot = 0;

	while (slot < WORKERS_MAX && n->worker[slot].pid)
		slot++;
	if (slot == WORKERS_MAX || (req->role != ROLE_RELAY && req->role != ROLE_SLIRP)) {
		ans.error = EINVAL;
	} else {
		pid_t nursery = getpid(), pid = fork();

		if (pid == 0)
			exec_worker(n, nursery, (enum role)req->role, control, log);
		if (pid < 0) {
			ans.error = errno;
		} else {
			n->worker[slot].pid = ans.pid = pid;
			n->worker[slot].role = (enum role)req->role;
		}
	}
	return msg_send(n->sock, &nursery_proto, NURSERY_SPAWNED, &ans, NULL, 0);
}

/* one that has ended is reaped in the same loop: the pid is nobody else's */
static void do_kill(const struct nursery *n, const struct msg *m)
{
	const struct nursery_kill *req = (const struct nursery_kill *)m->payload;

	for (size_t i = 0; i < WORKERS_MAX; i++) {
		if (n->worker[i].pid && (uint32_t)n->worker[i].role == req->role)
			kill(n->worker[i].pid, SIGKILL);
	}
}

/* negative when the parent cannot be told: our own end is what it hears then */
static int reap(struct nursery *n)
{
	struct signalfd_siginfo si;
	int status, r = 0;

	if (read(n->sigfd, &si, sizeof(si)) < 0)
		return 0;
	for (pid_t pid; (pid = proc_reap(&status)) > 0;) {
		for (size_t i = 0; i < WORKERS_MAX; i++) {
			struct nursery_exited e = { .role = n->worker[i].role,
						    .pid = pid,
						    .status = status };

			if (n->worker[i].pid != pid)
				continue;
			n->worker[i].pid = 0;
			r = msg_send(n->sock, &nursery_proto, NURSERY_EXITED, &e, NULL, 0);
			if (r < 0)
				return r;
		}
	}
	return r;
}

static void wait_for_workers(const struct nursery *n)
{
	uint64_t deadline = clock_ms() + WORKER_GRACE_MS;

	for (size_t i = 0; i < WORKERS_MAX; i++) {
		uint64_t now = clock_ms();

		if (n->worker[i].pid &&
		    proc_wait_within(n->worker[i].pid, now < deadline ? (int)(deadline - now) : 0,
				     NULL) < 0)
			kill(n->worker[i].pid, SIGKILL);
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* a program with file capabilities hands none on: a worker binds no port */
static int drop_rights(enum sandbox_mode mode)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	struct err err = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &hdr, none) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0)
		return -errno;
	/* the others need the same of the kernel, and have somebody to tell it */
	if (sandbox_calls(mode == SANDBOX_OFF ? mode : SANDBOX_AUTO, "nursery of the workers",
			  &err) > 0)
		log_debug("sandbox", "%s", err.msg);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int keep_own_fds(const struct nursery *n)
{
	const int own[KEEP_OWN] = { 2,
				    n->sock,
				    n->self_exe,
				    n->opts.orphans->child,
				    n->opts.orphans->userns,
				    n->opts.orphans->state_dir };
	int keep[KEEP_OWN + EVACUATION_NFDS];
	size_t nkeep = (size_t)evacuation_fds(n->opts.orphans->evacuation, keep);

	for (size_t i = 0; i < KEEP_OWN; i++) {
		if (own[i] >= 0)
			keep[nkeep++] = own[i];
	}
	qsort(keep, nkeep, sizeof(keep[0]), by_number);
	return fd_close_all_but(keep, nkeep);
}

/* Return: 1 to go on, 0 at end of file, or a negative errno */
static int serve_parent(struct nursery *n)
{
	struct msg m;
	int r = msg_recv(n->sock, &nursery_proto, ROLE_PARENT, NURSERY_UP, MSG_DONTWAIT, &m);

	if (r <= 0)
		return r == -EAGAIN ? 1 : r;
	switch (m.type) {
	case NURSERY_SPAWN:
		r = do_spawn(n, &m);
		return r < 0 ? r : 1;
	case NURSERY_KILL:
		do_kill(n, &m);
		return 1;
	case NURSERY_STOP:
	default:
		n->stopped = true;
		return 1;
	}
}

/* after a failure of our own, the parent is there and ends the rest itself */
static bool parent_is_gone(struct nursery *n)
{
	struct msg_hdr h;
	ssize_t r;

	do { /* what it still said before it went */
		r = recv(n->sock, &h, sizeof(h), MSG_DONTWAIT);
		if (r == (ssize_t)sizeof(h) && h.type == NURSERY_STOP)
			n->stopped = true;
	} while (r > 0);
	return r == 0 || (r < 0 && errno == ECONNRESET);
}

/* Return: the exit status: 0, or the errno of what failed */
static int nursery_main(struct nursery *n)
{
	struct pollfd p[2] = { { .fd = n->sock, .events = POLLIN } };
	sigset_t chld;
	int r;

	r = role_enter(ROLE_NURSERY, SIGCONT); /* stopped, it would not see the parent's end */
	if (r == 0)
		r = keep_own_fds(n);
	if (r == 0)
		r = drop_rights(n->opts.sandbox);
	if (r == 0)
		r = fd_open_std();
	if (r < 0)
		return -r;
	if (chdir("/") < 0)
		return errno;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_SETMASK, &chld, NULL);
	n->sigfd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (n->sigfd < 0)
		return errno;
	p[1] = (struct pollfd){ .fd = n->sigfd, .events = POLLIN };
	for (r = 0; r >= 0;) {
		if (poll(p, 2, -1) < 0) {
			r = errno == EINTR ? 0 : -errno;
			continue;
		}
		if (p[1].revents)
			r = reap(n);
		if (!p[0].revents || r < 0)
			continue;
		r = serve_parent(n);
		if (r == 0)
			break;
	}
	wait_for_workers(n);
	if (!n->stopped && parent_is_gone(n) && !n->stopped)
		orphans_end(n->opts.orphans);
	return r < 0 ? -r : 0;
}

int nursery_start(int self_exe, const struct nursery_opts *opts, pid_t *ret_pid, int *ret_sock,
		  struct err *err)
{
	struct nursery n = { .self_exe = self_exe, .opts = *opts };
	int pair[2];
	int r = msg_pair(pair);
	pid_t pid;

	if (r < 0)
		return err_set(err, -r, "making the socket pair of the nursery");
	n.sock = pair[1];
	pid = fork();
	if (pid == 0)
		_exit(nursery_main(&n));
	close(pair[1]);
	if (pid < 0) {
		r = errno;
		close(pair[0]);
		return err_set(err, r, "forking the nursery");
	}
	*ret_pid = pid;
	*ret_sock = pair[0];
	return 0;
}

int ask_kill(int sock, enum role role)
{
	struct nursery_kill req = { .role = (uint32_t)role };

	return msg_send(sock, &nursery_proto, NURSERY_KILL, &req, NULL, 0);
}

int ask_spawn(int sock, enum role role, int control, int log, struct err *err)
{
	struct nursery_spawn req = { .role = (uint32_t)role };
	int fds[2] = { control, log };
	int r = msg_send(sock, &nursery_proto, NURSERY_SPAWN, &req, fds, 2);

	return r < 0 ? err_set(err, -r, "asking the nursery for the %s worker", role_name(role))
		     : 0;
}
