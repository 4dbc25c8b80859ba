// SPDX-License-Identifier: Apache-2.0
/*
 * frames.c - a process that carries frames between a tap and the stream of a network program
 *
 * Neither side is trusted and nothing of a frame is looked at but its length. What one side cannot
 * take now is held, one buffer each way, and then the other is not read: the tap drops what its
 * queue has no room for, as a cable does.
 */
#include "netdrivers/frames.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/ipc/role.h"
#include "lib/parent/starter.h"
#include "lib/sandbox/landlock.h"
#include "lib/sandbox/sandbox.h"

#define PREFIX 2
#define BUFFER (4 * (PREFIX + FRAMES_MAX)) /* many small frames go in one call */

struct way {
	size_t begin, end; /* of what is held in buf */
	uint8_t buf[BUFFER];
};

struct frames {
	int tap, sock;
	struct way out, in; /* to the program, to the tap */
};

static bool is_later(int errnum)
{
	return errnum == EAGAIN || errnum == EINTR || errnum == ENOBUFS;
}

/* frames of the tap as long as there is room for the longest */
static int read_tap(struct frames *f)
{
	struct way *w = &f->out;

	while (BUFFER - w->end >= PREFIX + FRAMES_MAX) {
		uint8_t *at = w->buf + w->end;
		ssize_t n = read(f->tap, at + PREFIX, FRAMES_MAX);

		if (n <= 0)
			return n < 0 && !is_later(errno) ? -errno : 0;
		at[0] = (uint8_t)n;
		at[1] = (uint8_t)(n >> 8);
		w->end += PREFIX + (size_t)n;
	}
	return 0;
}

static int write_sock(struct frames *f)
{
	struct way *w = &f->out;
	ssize_t n =
		send(f->sock, w->buf + w->begin, w->end - w->begin, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return is_later(errno) ? 0 : -errno;
	w->begin += (size_t)n;
	if (w->begin == w->end)
		w->begin = w->end = 0;
	return 0;
}

/* 1 at end of file */
static int read_sock(struct frames *f)
{
	struct way *w = &f->in;
	ssize_t n = recv(f->sock, w->buf + w->end, BUFFER - w->end, MSG_DONTWAIT);

	if (n < 0)
		return is_later(errno) ? 0 : -errno;
	w->end += (size_t)n;
	return n == 0;
}

/* whole frames; one that the tap refuses (too long for it, its interface is down) is dropped */
static int write_tap(struct frames *f)
{
	struct way *w = &f->in;

	while (w->end - w->begin >= PREFIX) {
		const uint8_t *at = w->buf + w->begin;
		size_t len = at[0] | (size_t)at[1] << 8;

		if (w->end - w->begin < PREFIX + len)
			break;
		if (len && write(f->tap, at + PREFIX, len) < 0 && errno == EBADFD)
			return -errno; /* the interface is gone */
		w->begin += PREFIX + len;
	}
	memmove(w->buf, w->buf + w->begin, w->end - w->begin);
	w->end -= w->begin;
	w->begin = 0;
	return 0;
}

static int carry(struct frames *f)
{
	for (;;) {
		bool held = f->out.end > 0;
		struct pollfd p[2] = {
			{ .fd = f->sock, .events = held ? POLLIN | POLLOUT : POLLIN },
			{ .fd = held ? -1 : f->tap, .events = POLLIN },
		};
		int r = 0;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (p[1].revents)
			r = read_tap(f);
		if (r == 0 && f->out.end)
			r = write_sock(f);
		if (r == 0 && p[0].revents & ~POLLOUT)
			r = read_sock(f);
		if (r == 0)
			r = write_tap(f);
		if (r) /* gone is gone, whichever call has noticed */
			return r > 0 || r == -EPIPE || r == -ECONNRESET ? 0 : r;
	}
}

static int be_alone(struct frames *f, pid_t parent, enum sandbox_mode mode)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	int keep[2] = { f->tap < f->sock ? f->tap : f->sock, f->tap < f->sock ? f->sock : f->tap };
	struct err err = { 0 };
	int r = role_enter(ROLE_FRAMES, SIGKILL);

	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &hdr, none) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0)
		return -errno;
	if (getppid() != parent)
		return -ESRCH;
	landlock_enter(ROLE_RELAY); /* no file; where the kernel has it */
	r = fd_close_all_but(keep, ARRAY_SIZE(keep));
	if (r < 0)
		return r;
	if (fcntl(f->tap, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	if (chdir("/") < 0)
		return -errno;
	/* its lack, with --sandbox=auto, is the parent's as well, which says so */
	r = sandbox_calls(mode, "process that carries frames", &err);
	return r < 0 ? r : 0;
}

int frames_carry(int tap, int sock, pid_t parent, enum sandbox_mode mode)
{
	struct frames *f = calloc(1, sizeof(*f)); /* a process of its own: its end frees it */
	int r;

	if (!f)
		return ENOMEM;
	f->tap = tap;
	f->sock = sock;
	r = be_alone(f, parent, mode);
	return -(r < 0 ? r : carry(f));
}

int frames_start(struct starter *s, int tap, int sock, pid_t *ret, struct err *err)
{
	static const struct starter_work settled; /* by the start of the program */
	const int fds[] = { tap, sock };

	return starter_run(s, &settled, STARTER_FRAMES, fds, ARRAY_SIZE(fds), ret, err);
}
