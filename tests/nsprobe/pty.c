// SPDX-License-Identifier: Apache-2.0
/*
 * pty.c - run a command on a terminal of its own, type keys, see what it does to the terminal
 *
 * nsprobe copies the terminal's output to stdout. A leader (the shell of the session) runs the
 * command as foreground job and continues it when it stops, unless -r. Keys are sent at a time
 * (-s MS:KEYS) or after a text was seen (-w TEXT:KEYS), each once, in the order given; ^C and the
 * like are control characters. Status: the command's; 99 when terminal modes or the foreground
 * group are not as before.
 */
#include "nsprobe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define EVENTS_MAX 16
#define SEEN_MAX 65536
#define STATUS_TERMINAL_CHANGED 99

struct event {
	const char *text; /* NULL: at_ms */
	long at_ms;       /* after the event before */
	const char *keys;
};

static struct event events[EVENTS_MAX];
static size_t nevents;

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void add_event(char *spec, bool by_text)
{
	char *colon = strrchr(spec, ':');

	if (!colon || nevents == EVENTS_MAX)
		die("'%s' is not WHEN:KEYS, or there are more than %d", spec, EVENTS_MAX);
	*colon = '\0';
	events[nevents++] = (struct event){ .text = by_text ? spec : NULL,
					    .at_ms = by_text ? 0 : atol(spec),
					    .keys = colon + 1 };
}

static void type_keys(int master, const char *keys)
{
	while (*keys) {
		char c = *keys++;

		if (c == '^' && *keys)
			c = (char)(*keys++ & 0x1f);
		if (write(master, &c, 1) != 1)
			return;
	}
}

static bool same_modes(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag &&
	       a->c_lflag == b->c_lflag && memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)) == 0;
}

static void run_command(char **cmd)
{
	setpgid(0, 0);
	tcsetpgrp(0, getpgrp()); /* TTOU is ignored by the leader, and so by us until now */
	signal(SIGTTOU, SIG_DFL);
	execvp(cmd[0], cmd);
	fprintf(stderr, "nsprobe: %s: %s\n", cmd[0], strerror(errno));
	_exit(127);
}

/* the session's leader; never returns */
static void lead(char **cmd, bool resume)
{
	struct termios before, after;
	int status;
	pid_t pid;

	signal(SIGTTOU, SIG_IGN);
	tcgetattr(0, &before);
	pid = fork();
	if (pid == 0)
		run_command(cmd);
	setpgid(pid, pid);
	for (;;) {
		if (waitpid(pid, &status, WUNTRACED) < 0)
			_exit(2);
		if (!WIFSTOPPED(status))
			break;
		printf("[stopped by SIG%s]\r\n", sigabbrev_np(WSTOPSIG(status)));
		if (!resume)
			continue;
		tcsetpgrp(0, pid);
		printf("[continued]\r\n");
		kill(-pid, SIGCONT);
	}
	tcgetattr(0, &after);
	if (!same_modes(&before, &after)) {
		printf("[terminal modes changed]\r\n");
		_exit(STATUS_TERMINAL_CHANGED);
	}
	if (tcgetpgrp(0) != pid) {
		printf("[foreground group changed]\r\n");
		_exit(STATUS_TERMINAL_CHANGED);
	}
	_exit(shell_status(status));
}

/* time until the next event in ms, -1: none, or one that waits for text */
static int until_next(size_t next, long last)
{
	long left;

	if (next == nevents || events[next].text)
		return -1;
	left = events[next].at_ms - (now_ms() - last);
	return left > 0 ? (int)left : 0;
}

static void serve_terminal(int master)
{
	static char seen[SEEN_MAX];
	size_t nseen = 0, next = 0;
	long last = now_ms();

	for (;;) {
		struct pollfd p = { .fd = master, .events = POLLIN };
		int n = poll(&p, 1, until_next(next, last));

		if (n > 0) {
			ssize_t got = read(master, seen + nseen, sizeof(seen) - 1 - nseen);

			if (got <= 0)
				return; /* EIO: nobody has the terminal open any more */
			fwrite(seen + nseen, 1, (size_t)got, stdout);
			fflush(stdout);
			nseen += (size_t)got;
			seen[nseen] = '\0';
		}
		if (next < nevents && (events[next].text ? strstr(seen, events[next].text) != NULL
							 : until_next(next, last) == 0)) {
			type_keys(master, events[next++].keys);
			last = now_ms();
			nseen = 0;
			seen[0] = '\0';
		} else if (nseen > sizeof(seen) / 2) {
			nseen = 0;
		}
	}
}

int probe_pty(int argc, char **argv)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 80 };
	bool resume = true;
	int c, master, status;
	pid_t pid;

	while ((c = getopt(argc, argv, "+s:w:r")) != -1) {
		if (c == 's' || c == 'w')
			add_event(optarg, c == 'w');
		else if (c == 'r')
			resume = false;
		else
			exit(2);
	}
	if (optind == argc)
		die("pty wants a command");
	pid = forkpty(&master, NULL, NULL, &size);
	if (pid < 0)
		die("forkpty: %s", strerror(errno));
	if (pid == 0)
		lead(argv + optind, resume);
	fcntl(master, F_SETFD, FD_CLOEXEC);
	serve_terminal(master);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid: %s", strerror(errno));
	return shell_status(status);
}
