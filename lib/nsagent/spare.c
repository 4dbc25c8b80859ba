// SPDX-License-Identifier: Apache-2.0
/*
 * spare.c - the second process of an agent, which goes on when the first has died
 *
 * An agent that has given up its rights can make no process that has them, and nobody else can: so
 * the spare is forked when the netns is set up. It has what the first has, above all the same
 * sockets: what parent and relay have sent lies in them until somebody reads it, so neither has to
 * be told a new address. It waits in one call for the end of file of a socket between both.
 *
 * It is a child of the first, not of the child: whoever looks for an agent below the child finds
 * those that serve. When the first is dead the child, a subreaper, is its parent.
 */
#include "lib/nsagent/spare.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/ipc/msg.h"

#define SPARE_NAME "rs-spare"

/* 1: a word came; 0: the other is dead; else a negative errno */
static int hear(const struct spare *s)
{
	char word;
	ssize_t n;

	do {
		n = recv(s->other, &word, 1, 0);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int)n;
}

static int say(const struct spare *s)
{
	return send(s->other, "", 1, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int spare_fork(struct spare *ret, struct err *err)
{
	int pair[2], r = msg_pair(pair);
	pid_t pid;

	if (r < 0)
		return err_set(err, -r, "making the socket to a spare agent");
	signal(SIGCHLD, SIG_IGN); /* nobody waits for it: the kernel shall */
	pid = fork();
	if (pid < 0) {
		r = err_set(err, errno, "forking a spare agent");
		close(pair[0]);
		close(pair[1]);
		return r;
	}
	ret->is_spare = pid == 0;
	ret->other = pair[ret->is_spare];
	close(pair[!ret->is_spare]);
	if (ret->is_spare)
		prctl(PR_SET_NAME, SPARE_NAME);
	return 0;
}

int spare_settled(struct spare *s, struct err *err)
{
	int r;

	if (s->is_spare) {
		r = say(s);
		return r < 0 ? err_set(err, -r, "telling the agent that its spare is ready") : 0;
	}
	r = hear(s);
	return r == 1 ? 0 : err_set(err, r ? -r : ECHILD, "waiting for the spare agent");
}

void spare_serving(const struct spare *s)
{
	say(s); /* its death is seen by the end of file */
}

bool spare_wait(struct spare *s)
{
	/* nothing more is ever said than that it serves. Who cannot hear whether the first lives
	 * must not serve beside it */
	int n = hear(s);
	bool served = n == 1;

	if (served)
		n = hear(s);
	spare_done(s);
	return served && n == 0;
}

void spare_done(struct spare *s)
{
	cleanup_closep(&s->other);
	s->other = -1;
}
