// SPDX-License-Identifier: Apache-2.0
/*
 * namespaces.c - the throw-away child: made, mapped, listened to, buried
 *
 * The child makes its user namespace itself, waits until its ids are mapped and then does what
 * inside.c says. It sends findings and facts, one a packet, and its end is the end of the socket.
 * When its ids cannot be mapped a second child gets the user's own id alone, so that one run tells
 * all that is wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/loop.h"
#include "lib/check/packet.h"
#include "lib/check/probes.h"
#include "lib/parent/idmap.h"

#define CHILD_MS 3000 /* all that it does takes 50 ms on a machine that is not loaded */
#define TOOLS_MS 2000 /* a name service behind newuidmap */

struct child {
	pid_t pid;
	int sock;
	uint64_t deadline_ms;
};

static int run_child(int sock, uint32_t presets)
{
	char what[64], go;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWUSER) < 0) {
		enum cause_id id = cause_of_userns(errno, what);

		packet_cause(sock, id, what, NULL);
		return 1;
	}
	packet_mark(sock, PACKET_UNMAPPED);
	if (recv(sock, &go, 1, 0) != 1)
		return 1;
	return probe_inside(sock, presets);
}

static bool start_child(struct report *r, struct child *c)
{
	char what[64];
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		report_cause(r, CAUSE_CHECK_STUCK, strerror(errno), NULL);
		return false;
	}
	fflush(stdout);
	*c = (struct child){ .pid = fork(), .sock = pair[0], .deadline_ms = clock_ms() + CHILD_MS };
	if (c->pid == 0) {
		close(pair[0]);
		_exit(run_child(pair[1], r->presets));
	}
	close(pair[1]);
	if (c->pid > 0)
		return true;
	report_cause(r, cause_of_userns(errno, what), what, NULL);
	close(c->sock);
	return false;
}

/* it may have been killed by a filter that spares nobody */
static void end_child(struct report *r, struct child *c, bool stuck)
{
	int status = 0;

	close(c->sock);
	if (stuck)
		kill(c->pid, SIGKILL);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		report_cause(r, CAUSE_USERNS_SECCOMP, "it kills", NULL);
	else if (stuck || WIFSIGNALED(status))
		report_cause(r, CAUSE_CHECK_STUCK, "the child with the namespaces has not ended",
			     NULL);
}

/* takes packets until @until (then true), or its end; a child that says nothing is stuck */
static bool listen_to(struct report *r, struct child *c, enum packet_kind until, bool *ret_stuck)
{
	struct packet p;

	*ret_stuck = false;
	for (;;) {
		struct pollfd pfd = { .fd = c->sock, .events = POLLIN };
		uint64_t now = clock_ms();
		int n = now < c->deadline_ms ? poll(&pfd, 1, (int)(c->deadline_ms - now)) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		*ret_stuck = n <= 0;
		if (n <= 0 || packet_recv(c->sock, &p) <= 0)
			return false;
		if (p.kind == PACKET_FINDING)
			report_add(r, &p.finding);
		else if (p.kind == PACKET_GOOD)
			report_good(r, p.group, "%s", p.finding.reason);
		if (p.kind == until)
			return true;
	}
}

/* the user's own id as root, as the kernel lets everybody do */
static int map_one(pid_t pid)
{
	static const char *const file[] = { "setgroups", "uid_map", "gid_map" };
	char path[64], text[32];
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(file); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file[i]);
		if (i == 0)
			snprintf(text, sizeof(text), "deny");
		else
			snprintf(text, sizeof(text), "0 %u 1", i == 1 ? geteuid() : getegid());
		r = fd_write_file(AT_FDCWD, path, text);
	}
	return r;
}

/* true: the child may go on */
static bool map_ids(struct report *r, const struct idmap *ids, pid_t pid)
{
	struct err err = { 0 };
	enum cause_id id;
	int bad;

	if (ids && idmap_apply_within(ids, pid, TOOLS_MS, &err) == 0)
		return true;
	if (ids) {
		report_err(r, &err, CAUSE_IDTOOL_FAILED);
		return false;
	}
	bad = map_one(pid);
	if (bad == 0)
		return true;
	id = cause_of_denied();
	report_cause(r, id == CAUSE_NONE ? CAUSE_USERNS_REFUSED : id, strerror(-bad), NULL);
	return false;
}

/* false: it could not be mapped, but another child may be */
static bool try_child(struct report *r, const struct idmap *ids)
{
	bool stuck = false, mapped = true;
	struct child c;

	if (!start_child(r, &c))
		return true;
	if (listen_to(r, &c, PACKET_UNMAPPED, &stuck)) {
		r->group[GROUP_USERNS].done = true;
		mapped = map_ids(r, ids, c.pid);
		if (mapped && send(c.sock, "", 1, MSG_NOSIGNAL) == 1)
			listen_to(r, &c, PACKET_NKINDS, &stuck);
	}
	end_child(r, &c, stuck);
	return mapped;
}

void probe_namespaces(struct report *r, const struct idmap *ids)
{
	if (!try_child(r, ids) && ids)
		try_child(r, NULL);
	/* silence is not consent */
	if (!r->group[GROUP_NETWORK].done && report_count(r, CAUSE_FAIL) == 0)
		report_cause(r, CAUSE_CHECK_STUCK, "the child has told nothing of the network",
			     NULL);
}
