// SPDX-License-Identifier: Apache-2.0
/*
 * run.c - start the command and stay with it to its end
 *
 * The command's end is the instance's end. What it leaves behind is killed: daemons that forked
 * away became our children, since we are the subreaper (or PID 1), so killing children until none
 * is left finds them all. The same happens when the parent is gone; then the state directory, too,
 * is ours to remove, because nobody else is left who could.
 */
#include "lib/child/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/child/sigmerge.h"
#include "lib/ipc/handshake.h"
#include "lib/ipc/statenames.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define KILL_MS 2000 /* a process in uninterruptible sleep is given up after that */

enum outcome {
	OUTCOME_NONE,
	OUTCOME_COMMAND_ENDED,
	OUTCOME_PARENT_GONE,
	OUTCOME_FAILED, /* of ours: errnum says how */
};

struct running {
	const struct run *r;
	pid_t command;
	int sigfd;
	int status; /* of the command, as waitpid() gives it */
	int errnum;
	struct sigmerge merge;
};

/* what the forked process tells us, in records of a SEQPACKET pair; the exec is the end of file */
struct report {
	uint64_t has;   /* the signals that it has got itself, bit signo - 1 */
	int32_t result; /* not 0: the errno of the exec, or, negative, of what we do before it */
	uint32_t zero;
};

__attribute__((noreturn)) static void exec_failed(int report, int result)
{
	const struct report e = { .result = result };

	fd_write_all(report, &e, sizeof(e));
	_exit(127);
}

/*
 * as execvp(), but a file without "#!" is an error, not a script for /bin/sh; the errno
 *
 * A name without a slash is looked for in $PATH. A file there that may not be executed does not end
 * the search, but is what is reported when no other is found.
 */
static int exec_search(char **command)
{
	const char *path = getenv("PATH"), *end;
	char file[PATH_MAX];
	int errnum = ENOENT;

	if (strchr(command[0], '/')) {
		execv(command[0], command);
		return errno;
	}
	for (const char *dir = path ? path : DEFAULT_PATH; *command[0]; dir = end + 1) {
		end = strchrnul(dir, ':');
		if (end > dir && str_format(file, sizeof(file), "%.*s/%s", (int)(end - dir), dir,
					    command[0]) > 0) {
			execv(file, command);
			if (errno != ENOENT && errno != ENOTDIR)
				errnum = errno;
			if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
				break;
		}
		if (!*end)
			break;
	}
	return errnum;
}

/*
 * Wait for the word that its parent has looked for signals, then say which have come here as well:
 * it must not be given those again, and the others it has missed
 */
static void tell_signals(int report)
{
	struct report e = { 0 };
	sigset_t pending;
	ssize_t r;
	char go;

	r = fd_read_all(report, &go, 1);
	if (r != 1) /* when nobody is there who would stay with the command, nobody hears this */
		exec_failed(report, r < 0 ? (int)r : -EPIPE);
	sigpending(&pending);
	for (int s = 1; s < SIGMERGE_NSIG; s++) {
		if (sigismember(&pending, s) == 1)
			e.has |= SIGMERGE_BIT(s);
	}
	r = fd_write_all(report, &e, sizeof(e));
	if (r < 0)
		exec_failed(report, (int)r);
}

/* in the fork: everything that the command must not inherit goes, what it must have comes back */
static void exec_command(const struct run *r, pid_t child, int report)
{
	int keep[3 + 64 + 1], nkeep = 0, n;
	char pid[16];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != child)
		_exit(127); /* it died before the line above */
	if (r->reaper)
		setsid();
	for (int fd = 0; fd < 3 + r->listen_fds && nkeep < (int)ARRAY_SIZE(keep) - 1; fd++) {
		keep[nkeep++] = fd;
		if (fd > 2)
			fd_set_cloexec(fd, 0);
	}
	keep[nkeep] = fcntl(report, F_DUPFD_CLOEXEC, nkeep);
	if (keep[nkeep] < 0)
		exec_failed(report, -errno);
	report = keep[nkeep];
	n = fd_close_all_but(keep, (size_t)nkeep + 1);
	if (n < 0)
		exec_failed(report, n);
	if (r->fix_listen_pid) {
		snprintf(pid, sizeof(pid), "%d", (int)getpid());
		setenv("LISTEN_PID", pid, 1);
	}
	tell_signals(report);
	sigstate_restore(&r->sigs);
	exec_failed(report, exec_search(r->command));
}

/* what came until now, before the fork or after it; an end among it is seen by the first reap() */
static uint64_t take_early_signals(struct running *x)
{
	struct signalfd_siginfo si;
	uint64_t terminal = 0;

	while (read(x->sigfd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD || si.ssi_signo >= SIGMERGE_NSIG)
			continue;
		sigmerge_direct(&x->merge, (int)si.ssi_signo, (pid_t)si.ssi_pid, clock_ms());
		if (si.ssi_code == SI_KERNEL)
			terminal |= SIGMERGE_BIT(si.ssi_signo);
	}
	return terminal;
}

/* let the fork go on to its exec, and hear how that went; as start_command() */
static int release_command(struct running *x, int report)
{
	uint64_t terminal = take_early_signals(x), has = 0;
	int sent = fd_write_all(report, "", 1), result = 0;
	struct report e;
	ssize_t n;

	if (sent < 0) /* it has failed already and says why, or shall not wait for ever */
		shutdown(report, SHUT_WR);
	do {
		n = fd_read_all(report, &e, sizeof(e));
		if (n == -ECONNRESET) /* it did not read our word: told once, before its own */
			n = fd_read_all(report, &e, sizeof(e));
		if (n != sizeof(e))
			break;
		has |= e.has;
		result = e.result;
	} while (result == 0);
	sigmerge_command_begins(&x->merge, has, terminal);
	if (result == -EPIPE && sent < 0)
		return sent;
	return result == 0 && n < 0 ? (int)n : result;
}

/* 0 and x->command; a positive errno when the command could not be executed; else a negative errno
 */
static int start_command(struct running *x)
{
	pid_t child = getpid();
	int report[2], result = msg_pair(report);

	if (result < 0)
		return result;
	x->command = fork();
	if (x->command == 0)
		exec_command(x->r, child, report[1]);
	result = x->command < 0 ? -errno : 0;
	close(report[1]);
	if (result == 0)
		result = release_command(x, report[0]);
	close(report[0]);
	return result;
}

static enum outcome reap(struct running *x)
{
	enum outcome o = OUTCOME_NONE;
	int status;

	for (pid_t pid; (pid = proc_reap(&status)) > 0;) {
		if (pid == x->command) {
			x->status = status;
			o = OUTCOME_COMMAND_ENDED;
		}
	}
	return o;
}

static enum outcome serve_signals(struct running *x)
{
	enum outcome o = OUTCOME_NONE;
	struct signalfd_siginfo si;

	while (read(x->sigfd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			o = reap(x);
		else if (si.ssi_code != SI_KERNEL) /* the terminal's go to the whole group */
			sigmerge_direct(&x->merge, (int)si.ssi_signo, (pid_t)si.ssi_pid,
					clock_ms());
		if (o != OUTCOME_NONE)
			break;
	}
	return o;
}

/* who serves is the first of the two, or, when that is dead, the other one of its group. The number
 * is nobody else's while one of them lives */
static void end_agent(const struct run *r, uint32_t i)
{
	if (i < r->nspare && kill(r->spare[i], SIGKILL) < 0)
		kill(-r->spare[i], SIGKILL);
}

static enum outcome serve_parent(struct running *x)
{
	struct msg m;
	const struct hs_signal *s = (const struct hs_signal *)m.payload;
	int n = msg_recv(x->r->sock, &handshake_proto, ROLE_PARENT, HS_RUNNING, MSG_DONTWAIT, &m);

	if (n == -EAGAIN)
		return OUTCOME_NONE;
	if (n == 0)
		return OUTCOME_PARENT_GONE;
	if (n < 0) {
		x->errnum = -n;
		return OUTCOME_FAILED;
	}
	if (m.type == HS_AGENT_END)
		end_agent(x->r, ((const struct hs_agent_end *)m.payload)->kind);
	else
		sigmerge_told(&x->merge, s->signo, s->sender, clock_ms());
	return OUTCOME_NONE;
}

static void settle_signals(struct running *x)
{
	unsigned count;

	for (int signo; (signo = sigmerge_settle(&x->merge, clock_ms(), &count));) {
		log_debug("signals", "%s goes to the command %u times", strsignal(signo), count);
		for (; count; count--) {
			if (kill(x->command, signo) < 0)
				log_warning("signals", "passing %s on: %s, it is lost",
					    strsignal(signo), strerror(errno));
		}
	}
}

static enum outcome serve(struct running *x)
{
	struct pollfd p[2] = { { .fd = x->r->sock, .events = POLLIN },
			       { .fd = x->sigfd, .events = POLLIN } };

	for (enum outcome o = reap(x);;) {
		if (o != OUTCOME_NONE)
			return o;
		settle_signals(x);
		if (poll(p, 2, sigmerge_next_ms(&x->merge, clock_ms())) < 0 && errno != EINTR) {
			x->errnum = errno;
			return OUTCOME_FAILED;
		}
		o = serve_signals(x); /* first: a group's signal is here before the parent's word */
		if (o == OUTCOME_NONE && p[0].revents)
			o = serve_parent(x);
	}
}

int run_parent_gone(const struct run *r)
{
	proc_kill_children(NULL, 0, KILL_MS);
	if (r->state_dir >= 0)
		statenames_remove_orphaned(r->state_dir);
	return 1;
}

/* nothing of the command is left when the parent hears of its end: HS_EXITED or HS_FAILED */
static int tell_end(const struct run *r, enum hs_type type, const void *payload)
{
	int n;

	if (proc_kill_children(r->spare, r->nspare, KILL_MS) < 0)
		log_warning("command",
			    "some of its processes cannot be killed and are left behind");
	n = msg_send(r->sock, &handshake_proto, type, payload, NULL, 0);
	return n < 0 || type == HS_FAILED ? 1 : 0;
}

/* our own failure, in contrast to a command that cannot be executed */
static int tell_failure(const struct run *r, int errnum, const char *what)
{
	struct err err = { 0 };

	err_set(&err, errnum, "%s '%s'", what, r->command[0]);
	return tell_end(r, HS_FAILED, &err);
}

int run_command(struct run *r)
{
	struct running x = { .r = r,
			     .merge.own_session = r->reaper,
			     .merge.own_pidns = getpid() == 1 };
	struct hs_exited e = { 0 };
	sigset_t set;
	int n;

	sigstate_forwarded(r->reaper, &set);
	sigaddset(&set, SIGCHLD);
	x.sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (x.sigfd < 0)
		return tell_failure(r, errno, "starting");
	n = start_command(&x);
	if (n < 0)
		return tell_failure(r, -n, "starting");
	if (n) {
		e.kind = HS_EXIT_EXEC;
		e.value = n;
		return tell_end(r, HS_EXITED, &e);
	}
	switch (serve(&x)) {
	case OUTCOME_PARENT_GONE:
		return run_parent_gone(r);
	case OUTCOME_FAILED:
		return tell_failure(r, x.errnum, "waiting for the end of");
	case OUTCOME_NONE:
	case OUTCOME_COMMAND_ENDED:
	default:
		break;
	}
	e.kind = WIFSIGNALED(x.status) ? HS_EXIT_SIGNAL : HS_EXIT_STATUS;
	e.value = WIFSIGNALED(x.status) ? WTERMSIG(x.status) : WEXITSTATUS(x.status);
	e.core = WIFSIGNALED(x.status) && WCOREDUMP(x.status);
	return tell_end(r, HS_EXITED, &e);
}
