// SPDX-License-Identifier: Apache-2.0
/*
 * tool.c - run small helper programs to their end, several at once, within a time limit
 *
 * Runs in the parent. posix_spawn() shares the memory until the exec, so a start costs the same
 * however large the parent is. The end of a tool is its exit (pidfd), never the end of its output:
 * a daemon that it leaves behind may hold the pipe for ever. Output beyond the limit is read and
 * dropped.
 */
#include "lib/parent/tool.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/loop.h"
#include "lib/base/str.h"

#define TOOLS_MAX 8
#define DRAIN_READS 64    /* of 4 KiB: more than a pipe holds; a writer left behind ends here */
#define KILL_WAIT_MS 2000 /* a task in an uninterruptible wait is left to the kernel after that */
#define SLICE_MS 100      /* of a wait: more than that in one slice is time that did not count */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int tool_find(const char *name, char *ret, size_t size)
{
	const char *p = getenv("PATH");

	if (strchr(name, '/')) {
		int r = str_format(ret, size, "%s", name);

		return r < 0 ? r : is_program(ret) ? 0 : -ENOENT;
	}
	if (!p || !*p)
		p = DEFAULT_PATH;
	while (*p) {
		size_t n = strcspn(p, ":");

		/* only absolute entries: a tool from the working directory is nobody's wish */
		if (n && p[0] == '/' && str_format(ret, size, "%.*s/%s", (int)n, p, name) > 0 &&
		    is_program(ret))
			return 0;
		p += n + (p[n] == ':');
	}
	if (size)
		ret[0] = '\0';
	return -ENOENT;
}

const char *tool_sbin(const char *name)
{
	static const char *const dirs[] = { "/usr/local/sbin", "/usr/sbin", "/sbin" };
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (str_format(path, sizeof(path), "%s/%s", dirs[i], name) > 0 && is_program(path))
			return dirs[i];
	}
	return NULL;
}

/* standard input empty, output to @out, the rest is close-on-exec */
static int make_actions(posix_spawn_file_actions_t *a, int out, enum tool_output output)
{
	int r = posix_spawn_file_actions_addopen(a, 0, "/dev/null", O_RDONLY, 0);

	if (!r)
		r = posix_spawn_file_actions_adddup2(a, out, 1);
	if (!r && output == TOOL_BOTH)
		r = posix_spawn_file_actions_adddup2(a, out, 2);
	if (!r && output == TOOL_STDOUT)
		r = posix_spawn_file_actions_addopen(a, 2, "/dev/null", O_WRONLY, 0);
	return -r;
}

static int make_attr(posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawnattr_setsigmask(attr, &none);
	if (!r)
		r = posix_spawnattr_setsigdefault(attr, &all);
	if (!r)
		r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return -r;
}

static int spawn(struct tool *t, const char *path, char *const argv[], int out,
		 enum tool_output output)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	pid_t pid = 0;
	int r;

	if (posix_spawn_file_actions_init(&actions))
		return -ENOMEM;
	if (posix_spawnattr_init(&attr)) {
		posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	r = make_actions(&actions, out, output);
	if (!r)
		r = make_attr(&attr);
	if (!r)
		r = -posix_spawn(&pid, path, &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (!r)
		t->pid = pid;
	return r;
}

int tool_start(struct tool *t, const char *path, char *const argv[], size_t max,
	       enum tool_output output)
{
	int pipefd[2], r;
	autoclose int writer = -1;

	t->text = calloc(1, max + 1);
	if (!t->text)
		return -ENOMEM;
	t->max = max;
	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return -errno;
	t->out = pipefd[0];
	writer = pipefd[1]; /* ours to read only: the tool's end stays blocking */
	if (fcntl(t->out, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	r = spawn(t, path, argv, writer, output);
	if (r < 0)
		return r;
	t->pidfd = pidfd_open(t->pid, 0); /* our own child, not reaped: the id is still its */
	return t->pidfd < 0 ? -errno : 0;
}

/* 1 when there may be more, 0 when the pipe is empty or closed (then t->out is -1) */
static int read_some(struct tool *t)
{
	char buf[4096];
	ssize_t n = read(t->out, buf, sizeof(buf));
	size_t keep;

	if (n < 0 && errno == EINTR)
		return 1;
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		close(take_fd(&t->out));
		return 0;
	}
	keep = (size_t)n < t->max - t->len ? (size_t)n : t->max - t->len;
	memcpy(t->text + t->len, buf, keep);
	t->len += keep;
	t->text[t->len] = '\0';
	return 1;
}

/* the tool has exited: take its status and what is left in the pipe */
static int reap(struct tool *t)
{
	for (int i = 0; i < DRAIN_READS && t->out >= 0 && read_some(t); i++)
		continue;
	while (waitpid(t->pid, &t->status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	t->pid = 0;
	t->ended = true;
	return 0;
}

/* readable while a blocked signal is pending that ends the start; it stays pending */
static int open_abort_signals(void)
{
	sigset_t set;

	tool_abort_signals(&set);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int wait_round(struct tool *tools, size_t n, int abort_fd, int timeout_ms)
{
	struct pollfd p[2 * TOOLS_MAX + 1];

	for (size_t i = 0; i < n; i++) {
		bool runs = tools[i].pid > 0;

		p[2 * i] = (struct pollfd){ .fd = runs ? tools[i].pidfd : -1, .events = POLLIN };
		p[2 * i + 1] = (struct pollfd){ .fd = runs ? tools[i].out : -1, .events = POLLIN };
	}
	p[2 * n] = (struct pollfd){ .fd = abort_fd, .events = POLLIN };
	if (poll(p, 2 * n + 1, timeout_ms) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[2 * n].revents)
		return -EINTR;
	for (size_t i = 0; i < n; i++) {
		int r = 0;

		if (p[2 * i].revents)
			r = reap(&tools[i]);
		else if (p[2 * i + 1].revents)
			read_some(&tools[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * All have ended, or the time is up (-ETIMEDOUT), or a signal ends the start (-EINTR). Time in
 * which we were stopped (^Z) does not count: the tools were stopped as well.
 */
static int wait_within(struct tool *tools, size_t n, int abort_fd, int limit_ms)
{
	for (int left = limit_ms;;) {
		int slice = left < SLICE_MS ? left : SLICE_MS, r;
		uint64_t began = clock_ms(), took;
		bool runs = false;

		for (size_t i = 0; i < n; i++)
			runs |= tools[i].pid > 0;
		if (!runs)
			return 0;
		if (left <= 0)
			return -ETIMEDOUT;
		r = wait_round(tools, n, abort_fd, slice);
		if (r < 0)
			return r;
		took = clock_ms() - began;
		left -= took < (uint64_t)slice ? (int)took : slice;
	}
}

void tool_abort_signals(sigset_t *ret)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	sigemptyset(ret);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct sigaction sa;

		if (sigaction(signals[i], NULL, &sa) == 0 && sa.sa_handler != SIG_IGN)
			sigaddset(ret, signals[i]);
	}
}

int tools_finish(struct tool *tools, size_t n, int limit_ms)
{
	autoclose int abort_fd = open_abort_signals();
	int r;

	assert(n <= TOOLS_MAX);
	if (abort_fd < 0)
		return -errno;
	r = wait_within(tools, n, abort_fd, limit_ms);
	if (r != -ETIMEDOUT)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (tools[i].pid <= 0)
			continue;
		tools[i].timed_out = true;
		/* a setuid tool too: its real user id is ours */
		pidfd_send_signal(tools[i].pidfd, SIGKILL, NULL, 0);
	}
	r = wait_within(tools, n, -1, KILL_WAIT_MS);
	return r == -ETIMEDOUT ? 0 : r;
}

bool tool_ok(const struct tool *t)
{
	return t->ended && !t->timed_out && WIFEXITED(t->status) && WEXITSTATUS(t->status) == 0;
}

void tool_status(const struct tool *t, int limit_ms, char *dst, size_t size)
{
	if (t->timed_out) {
		snprintf(dst, size, "no end within %g s, killed", limit_ms / 1000.0);
	} else if (WIFSIGNALED(t->status)) {
		char name[64];

		snprintf(name, sizeof(name), "%s", strsignal(WTERMSIG(t->status)));
		name[0] = (char)tolower((unsigned char)name[0]);
		snprintf(dst, size, "signal: %s", name);
	} else {
		snprintf(dst, size, "exit status %d", WEXITSTATUS(t->status));
	}
}

void tool_done(struct tool *t)
{
	if (t->pid > 0 && t->pidfd >= 0) {
		pidfd_send_signal(t->pidfd, SIGKILL, NULL, 0);
		wait_within(t, 1, -1, KILL_WAIT_MS);
	}
	if (t->pidfd >= 0)
		close(take_fd(&t->pidfd));
	if (t->out >= 0)
		close(take_fd(&t->out));
	free(t->text);
	t->text = NULL;
}
