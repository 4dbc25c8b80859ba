// SPDX-License-Identifier: Apache-2.0
/*
 * pump.c - move the bytes of one flow both ways
 *
 * Small bursts go by recv() and send() through one buffer of the process. When a read fills it,
 * the direction changes to splice() with a pipe lent by the pool, until a splice brings little.
 * What the other end does not take at once is held: in the pipe, or in memory of its own as long as
 * fewer than PUMP_RESTS_MAX directions hold some; beyond that a copy is only peeked at and removed
 * from the source once it was taken, one more call but nothing to hold. While a direction holds
 * bytes it reads no more, so the source feels the back-pressure.
 *
 * Urgent data: splice() stops before the urgent byte for ever, recv() before and after it. With
 * SO_OOBINLINE the byte is read at its mark and sent on with MSG_OOB. splice() gives 0 at the mark
 * as it does at the end: only recv() decides that a source has ended.
 */
#include "lib/relay/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"

#define SPLICE_WORTH (8 * 1024) /* bytes; a smaller splice ends the bulk mode of its direction */

/* one direction, as the steps see it */
struct step {
	struct pump_shared *ps;
	struct pump_dir *d;
	struct pump_side *src, *dst;
};

void pump_note(struct pump_side *s, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI))
		s->readable = true;
	if (events & EPOLLOUT)
		s->writable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		s->hangup = true;
	if (events & EPOLLPRI)
		s->urgent = true;
	if (events & EPOLLERR)
		s->failed = true;
}

static bool holds(const struct pump_dir *d)
{
	return d->pipe || d->rest || d->have_oob;
}

static bool at_mark(const struct pump_side *s)
{
	int yes = 0;

	return ioctl(s->watch.fd, SIOCATMARK, &yes) == 0 && yes;
}

/* a write's result: what was taken, 0 when nothing fits, or a negative errno */
static ssize_t taken(struct step *s, ssize_t n)
{
	if (n >= 0) {
		s->d->moved += (uint64_t)n;
		return n;
	}
	if (errno == EINTR)
		return 0;
	if (errno != EAGAIN)
		return -errno;
	s->dst->writable = false;
	return 0;
}

static void drop_rest(struct pump_shared *ps, struct pump_dir *d)
{
	if (d->rest)
		ps->nrests--;
	free(d->rest);
	d->rest = NULL;
}

static int keep_rest(struct step *s, const uint8_t *data, size_t len)
{
	s->d->rest = malloc(len);
	if (!s->d->rest)
		return -ENOMEM;
	memcpy(s->d->rest, data, len);
	s->d->rest_at = 0;
	s->d->rest_len = (uint32_t)len;
	s->ps->nrests++;
	return 0;
}

/* --- what is held goes first -------------------------------------------------------------- */

static ssize_t flush_pipe(struct step *s)
{
	struct pump_dir *d = s->d;
	ssize_t n = taken(s, splice(d->pipe->rd, NULL, s->dst->watch.fd, NULL, d->pipe_len,
				    SPLICE_F_MOVE | SPLICE_F_NONBLOCK));

	if (n <= 0)
		return n;
	d->pipe_len -= (uint32_t)n;
	if (d->pipe_len == 0) {
		pipepool_return(&s->ps->pipes, d->pipe, 0);
		d->pipe = NULL;
	}
	return n;
}

static ssize_t flush_rest(struct step *s)
{
	struct pump_dir *d = s->d;
	ssize_t n = taken(s, send(s->dst->watch.fd, d->rest + d->rest_at, d->rest_len - d->rest_at,
				  MSG_DONTWAIT | MSG_NOSIGNAL));

	if (n <= 0)
		return n;
	d->rest_at += (uint32_t)n;
	if (d->rest_at == d->rest_len)
		drop_rest(s->ps, d);
	return n;
}

static ssize_t flush_oob(struct step *s)
{
	ssize_t n = taken(
		s, send(s->dst->watch.fd, &s->d->oob, 1, MSG_OOB | MSG_DONTWAIT | MSG_NOSIGNAL));

	if (n > 0)
		s->d->have_oob = false;
	return n;
}

static int flush(struct step *s)
{
	while (holds(s->d) && s->dst->writable) {
		ssize_t n = s->d->pipe ? flush_pipe(s) : s->d->rest ? flush_rest(s) : flush_oob(s);

		if (n < 0)
			return (int)n;
	}
	return 0;
}

/* --- new bytes ---------------------------------------------------------------------------- */

/* recv() that sets the flags of the source; 0 also when nothing is there */
static ssize_t read_source(struct step *s, size_t len, int flags)
{
	ssize_t n = recv(s->src->watch.fd, s->ps->buf, len, MSG_DONTWAIT | flags);

	if (n < 0) {
		if (errno == EINTR)
			return 0;
		if (errno != EAGAIN)
			return -errno;
		s->src->readable = s->src->urgent = false;
		return 0;
	}
	if (n == 0) {
		s->d->eof = true;
		s->src->readable = false;
	} else if ((size_t)n < len && !s->src->hangup && !s->src->urgent) {
		s->src->readable = false; /* all was read; more makes a new edge */
	}
	return n;
}

static ssize_t move_urgent(struct step *s)
{
	ssize_t n = read_source(s, 1, 0);

	if (n <= 0)
		return n;
	s->src->urgent = false;
	s->d->oob = s->ps->buf[0];
	s->d->have_oob = true;
	return n;
}

static ssize_t move_copied(struct step *s)
{
	const bool peek = s->ps->nrests >= PUMP_RESTS_MAX;
	ssize_t n, m;

	if (s->src->urgent && at_mark(s->src))
		return move_urgent(s);
	n = read_source(s, PUMP_BUF, peek ? MSG_PEEK : 0);
	if (n <= 0)
		return n;
	s->d->bulk = n == PUMP_BUF;
	m = taken(s, send(s->dst->watch.fd, s->ps->buf, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL));
	if (m < 0)
		return m;
	if (m < n) {
		s->dst->writable = false; /* a short write asks for an edge as EAGAIN does */
		s->d->bulk = false;
	}
	if (!peek)
		return m < n && keep_rest(s, s->ps->buf + m, (size_t)(n - m)) < 0 ? -ENOMEM : n;
	if (m < n)
		s->src->readable = true;
	if (m > 0 && recv(s->src->watch.fd, NULL, (size_t)m, MSG_TRUNC | MSG_DONTWAIT) != m)
		return -EIO;
	return m;
}

static ssize_t move_spliced(struct step *s)
{
	struct pipe *pipe = pipepool_borrow(&s->ps->pipes);
	ssize_t n;

	if (!pipe)
		return move_copied(s);
	n = splice(s->src->watch.fd, NULL, pipe->wr, NULL, pipe->size,
		   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n > 0) {
		s->d->pipe = pipe;
		s->d->pipe_len = (uint32_t)n;
		s->d->bulk = n >= SPLICE_WORTH;
		return n;
	}
	n = n < 0 ? -errno : 0;
	pipepool_return(&s->ps->pipes, pipe, 0);
	if (n == -EAGAIN && at_mark(s->src)) {
		s->src->urgent = true;
	} else if (n == -EAGAIN && !s->src->hangup) {
		s->src->readable = false;
		return 0;
	}
	s->d->bulk = false; /* recv() tells the end, the urgent byte and a failure apart */
	return 0;
}

static int run_direction(struct step *s)
{
	ssize_t budget = PUMP_BUDGET;

	for (;;) {
		ssize_t n = flush(s);

		if (n < 0)
			return (int)n;
		if (holds(s->d) || !s->dst->writable || s->d->eof || !s->src->readable)
			break;
		if (budget <= 0)
			return PUMP_AGAIN;
		n = s->d->bulk ? move_spliced(s) : move_copied(s);
		if (n < 0)
			return (int)n;
		budget -= n;
	}
	return PUMP_WAIT;
}

/* the end of the source is passed on once; not when both end, for then both sockets are closed */
static int pass_end(struct pump *p, int i)
{
	struct pump_dir *d = &p->dir[i], *back = &p->dir[!i];

	if (!d->eof || d->shut || holds(d))
		return 0;
	d->shut = true;
	if (back->shut)
		return 0;
	return shutdown(p->side[!i].watch.fd, SHUT_WR) < 0 ? -errno : 0;
}

int pump_run(struct pump_shared *ps, struct pump *p)
{
	int result = PUMP_WAIT;

	for (int i = 0; i < 2; i++) {
		struct step s = { ps, &p->dir[i], &p->side[i], &p->side[!i] };
		int r;

		if (s.d->shut)
			continue;
		r = run_direction(&s);
		if (r >= 0 && pass_end(p, i) < 0)
			r = -EPIPE;
		if (r < 0)
			return r;
		if (r == PUMP_AGAIN)
			result = PUMP_AGAIN;
	}
	if (p->dir[0].shut && p->dir[1].shut)
		return PUMP_DONE;
	if (p->side[0].failed || p->side[1].failed)
		return -ECONNRESET; /* what had come before was passed on as far as it was taken */
	return result;
}

void pump_drop(struct pump_shared *ps, struct pump *p)
{
	for (int i = 0; i < 2; i++) {
		struct pump_dir *d = &p->dir[i];

		if (d->pipe)
			pipepool_return(&ps->pipes, d->pipe, d->pipe_len);
		drop_rest(ps, d);
		d->pipe = NULL;
		d->have_oob = false;
	}
}
