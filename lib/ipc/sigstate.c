// SPDX-License-Identifier: Apache-2.0
/* sigstate.c - which signals are passed on, and what the caller of the program had set for them */
#include "lib/ipc/sigstate.h"

#include <string.h>

#include "lib/base/cleanup.h"

/* job control works on the whole group of the terminal: with the command in it, ours stops too */
static const int job_control[] = { SIGTSTP, SIGTTIN, SIGTTOU };
/* about the process itself */
static const int not_forwarded[] = { SIGCHLD, SIGPIPE, SIGURG, SIGKILL, SIGSTOP, SIGSEGV,
				     SIGBUS,  SIGFPE,  SIGILL, SIGTRAP, SIGSYS };

void sigstate_forwarded(bool reaper, sigset_t *ret)
{
	sigfillset(ret);
	for (size_t i = 0; i < ARRAY_SIZE(not_forwarded); i++)
		sigdelset(ret, not_forwarded[i]);
	for (size_t i = 0; i < ARRAY_SIZE(job_control) && !reaper; i++)
		sigdelset(ret, job_control[i]);
}

static bool is_ignored(int signo)
{
	struct sigaction sa;

	return sigaction(signo, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

void sigstate_enter(const sigset_t *forwarded, struct sigstate *ret)
{
	sigset_t block = *forwarded, old;

	sigaddset(&block, SIGCHLD);
	sigprocmask(SIG_BLOCK, &block, &old);
	if (ret) {
		*ret = (struct sigstate){ 0 };
		for (int s = 1; s <= 64; s++) {
			if (sigismember(&old, s) == 1)
				ret->blocked |= UINT64_C(1) << (s - 1);
			if (is_ignored(s))
				ret->ignored |= UINT64_C(1) << (s - 1);
		}
	}
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
}

void sigstate_restore(const struct sigstate *s)
{
	sigset_t mask;

	sigemptyset(&mask);
	for (int i = 1; i <= 64; i++) {
		uint64_t bit = UINT64_C(1) << (i - 1);

		if (s->blocked & bit)
			sigaddset(&mask, i);
		if (i != SIGKILL && i != SIGSTOP)
			signal(i, s->ignored & bit ? SIG_IGN : SIG_DFL);
	}
	sigprocmask(SIG_SETMASK, &mask, NULL);
}
