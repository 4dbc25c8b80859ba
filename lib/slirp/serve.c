// SPDX-License-Identifier: Apache-2.0
/*
 * serve.c - the loop of a stack: frames one way, sockets the other (slirp only)
 *
 * A round: ask libslirp which sockets it waits for, poll, take up to 64 frames from the tap through
 * the prefilter into libslirp, let libslirp serve its sockets.
 *
 * poll() and not epoll: libslirp walks all its sockets twice a round whatever we do, and chooses
 * each socket's events anew each time. An epoll set would cost a system call for each change and
 * save nothing. What helps is fewer rounds, hence many frames a round. The array only grows.
 *
 * Urgent data: POLLPRI is never asked for. libslirp's sockets have SO_OOBINLINE, so urgent bytes of
 * the host are read in their place like all others.
 */
#include "lib/slirp/stack_impl.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"

#define FRAMES_A_ROUND 64
#define LONG_WAIT_MS 1000
#define ROOM_MS 500     /* libslirp's TCP counts half seconds by the clock that is put forward */
#define ANSWER_ROUNDS 8 /* answers to libslirp's questions before the next poll */

enum { POLL_CONTROL, POLL_TAP, POLL_FIRST }; /* then libslirp's sockets */

/* --- which sockets ------------------------------------------------------------------------ */

static int on_add_poll(int fd, int events, void *opaque)
{
	struct stack *s = opaque;
	short wanted = 0;

	if (s->npolls == s->maxpolls) {
		uint32_t more = s->maxpolls * 2;
		struct pollfd *p = realloc(s->polls, more * sizeof(*p));

		if (!p)
			return -1; /* this socket waits for a better round */
		s->polls = p;
		s->maxpolls = more;
	}
	if (events & SLIRP_POLL_IN)
		wanted |= POLLIN;
	if (events & SLIRP_POLL_OUT)
		wanted |= POLLOUT;
	s->polls[s->npolls] = (struct pollfd){ .fd = fd, .events = wanted };
	return (int)s->npolls++;
}

/*
 * libslirp asks a socket that failed to connect for no reason. An ICMP error that came while the
 * kernel had it locked, as the first SYN's does from a router on this machine, is told by SO_ERROR,
 * and with IPv4 by POLLERR: libslirp sees no error, and after POLLERR never asks for that socket
 * again. Of one that came later it makes an end that no client understands. When the error is taken
 * and the socket shut down, every call on it fails, and libslirp makes a reset of that.
 */
static void fail_connect(struct stack *s, int fd)
{
	const int error = quota_kind_of(&s->quota, fd) == QUOTA_TCP ? fd_take_error(fd) : 0;

	if (!error)
		return;
	shutdown(fd, SHUT_RDWR);
	quota_set_error(&s->quota, fd, error);
}

/* while it waits for nothing else it is connecting, or has a peer that reads nothing: then a reset
 * is right as well */
static bool fails_to_connect(const struct pollfd *p)
{
	return p->revents == POLLERR || (p->revents & POLLERR && p->events == POLLOUT);
}

static int on_get_revents(int idx, void *opaque)
{
	struct stack *s = opaque;
	short got;
	int r = 0;

	if (idx < POLL_FIRST || (uint32_t)idx >= s->npolls)
		return 0;
	got = s->polls[idx].revents;
	if (got && s->shortsyns.n)
		shortsyns_ready(&s->shortsyns, s->polls[idx].fd, clock_ms());
	if (fails_to_connect(&s->polls[idx]))
		fail_connect(s, s->polls[idx].fd);
	s->failing = quota_error_of(&s->quota, s->polls[idx].fd);
	if (got & POLLIN)
		r |= SLIRP_POLL_IN;
	if (got & POLLOUT)
		r |= SLIRP_POLL_OUT;
	if (got & (POLLERR | POLLNVAL))
		r |= SLIRP_POLL_ERR;
	if (got & POLLHUP)
		r |= SLIRP_POLL_HUP;
	return r;
}

/* --- frames ------------------------------------------------------------------------------- */

static uint64_t libslirp_ms(const struct stack *s)
{
	return (uint64_t)privclock_ns(&s->clock) / 1000000;
}

static void to_libslirp(struct stack *s, const uint8_t *data, size_t len)
{
	slirp_input(s->slirp, data, (int)len);
}

/* the gateway has counted one of a datagram's, and so does libslirp */
static void give_hop_back(const struct frame *f, const struct frame_info *in)
{
	uint8_t *ip = f->data + ETH_LEN;
	const uint16_t before = get_be16(ip + 8);

	if (in->family == AF_INET6) {
		ip[7]++;
		return;
	}
	ip[8]++;
	checksum_replace(ip + 10, before, get_be16(ip + 8));
}

static void pass(struct stack *s, const struct frame *f, const struct frame_info *in,
		 uint64_t now_ms)
{
	uint8_t hello[GUESTS_FRAME_MAX];
	size_t n;

	if (in->opens && (in->proto == IPPROTO_ICMP || in->proto == IPPROTO_ICMPV6)) {
		echo_request(&s->echo, f, in, now_ms);
		return;
	}
	if (!quota_admit(&s->quota, in, s->round_ms))
		return;
	if (in->opens && in->proto == IPPROTO_TCP && !shortsyns_take(&s->shortsyns, f, in, now_ms))
		return;
	if (!s->cfg.direct) {
		n = guests_introduce(&s->guests, in->family, in->src, hello);
		if (n)
			to_libslirp(s, hello, n);
	}
	if (!s->cfg.direct && in->proto == IPPROTO_UDP)
		give_hop_back(f, in);
	if (f->vnet)
		offload_take(&s->offload, f->vnet, in);
	s->opened = -1;
	to_libslirp(s, f->data, f->len);
	shortsyns_taken(&s->shortsyns, s->opened, now_ms);
	if (s->opened >= 0)
		fail_connect(s, s->opened);
}

static void take_frame(struct stack *s, const struct virtio_net_hdr *vnet, size_t len,
		       uint64_t now_ms)
{
	struct frame f = { .data = s->frame, .len = len, .vnet = s->tap.vnet ? vnet : NULL };
	struct frame_info in;
	enum policy_verdict why;

	switch (prefilter_judge(&s->prefilter, &f, now_ms, &in, &why)) {
	case FRAME_PASS:
		pass(s, &f, &in, now_ms);
		break;
	case FRAME_ANSWER:
		s->refused++;
		len = answer_unreachable(&s->cfg.net, &f, &in, why, s->answer);
		tap_write(&s->tap, s->answer, len);
		break;
	case FRAME_HELD:
	case FRAME_DROP:
	case FRAME_NVERDICTS:
		break;
	}
}

/* a tap that is gone stays gone: the worker waits for the end of its control socket */
static void drain_tap(struct stack *s)
{
	uint64_t now_ms = clock_ms();

	s->round_ms = libslirp_ms(s);
	for (int i = 0; i < FRAMES_A_ROUND; i++) {
		struct virtio_net_hdr vnet;
		ssize_t n = tap_read(&s->tap, &vnet, s->frame, sizeof(s->frame));

		if (n == 0)
			return;
		if (n < 0) {
			log_error("tap", "reading a frame: %s; the network of the child is down",
				  strerror((int)-n));
			tap_done(&s->tap);
			return;
		}
		take_frame(s, &vnet, (size_t)n, now_ms);
	}
}

/* --- rounds ------------------------------------------------------------------------------- */

void stack_kick(struct stack *s)
{
	slirp_pollfds_poll(s->slirp, 1, on_get_revents, s);
}

/* never more answers at once than libslirp can remember */
static void answer_questions(struct stack *s)
{
	uint8_t buf[GUESTS_FRAME_MAX];
	size_t n;

	if (s->cfg.direct)
		return;
	if (s->guests.crowded)
		stack_kick(s); /* a solicitation may still be in libslirp's own queue */
	for (int i = 0; i < ANSWER_ROUNDS && s->guests.nasked; i++) {
		for (int k = 0; k < GUESTS_KNOWN; k++) {
			n = guests_next_answer(&s->guests, buf);
			if (!n)
				break;
			to_libslirp(s, buf, n);
		}
		stack_kick(s);
	}
}

/* ms until libslirp's timer fires, -1: never */
static int timer_left_ms(struct stack *s)
{
	int64_t left_ms = s->timer_due_ms - privclock_ns(&s->clock) / 1000000;

	if (!s->timer_due_ms)
		return -1;
	return left_ms < 0 ? 0 : left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

static void fire_timer(struct stack *s)
{
	if (timer_left_ms(s) != 0)
		return;
	s->timer_due_ms = 0; /* it sets it anew */
	slirp_handle_timer(s->slirp, s->timer_id, s->timer_opaque);
}

static int sooner(int a_ms, int b_ms)
{
	return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

static int fill_polls(struct stack *s, int control)
{
	uint32_t timeout_ms = UINT32_MAX;
	int ours_ms = -1;
	bool idle;

	if (s->echo.n)
		ours_ms = echo_expire(&s->echo, clock_ms());
	if (s->shortsyns.n)
		ours_ms = sooner(ours_ms, shortsyns_expire(&s->shortsyns, clock_ms()));
	s->npolls = POLL_FIRST;
	slirp_pollfds_fill(s->slirp, &timeout_ms, on_add_poll, s);
	s->polls[POLL_CONTROL] = (struct pollfd){ .fd = control, .events = POLLIN };
	s->polls[POLL_TAP] = (struct pollfd){ .fd = s->tap.fd, .events = POLLIN };
	idle = s->npolls == POLL_FIRST && quota_total(&s->quota) == 0;
	s->echo_polls = s->npolls;
	for (uint32_t i = 0; i < s->echo.n; i++) {
		if (on_add_poll(echo_fd(&s->echo, i), SLIRP_POLL_IN, s) < 0)
			break;
	}
	if (!s->cfg.direct && s->guests.nasked)
		return 0;
	return sooner(sooner(ours_ms, timer_left_ms(s)),
		      idle || timeout_ms > INT_MAX ? -1 : (int)timeout_ms);
}

/* the sockets are asked again in the next round: what they had to say is not lost */
static void jump_clock(struct stack *s)
{
	uint32_t timeout_ms = UINT32_MAX;

	log_debug("stack", "libslirp's clock goes over the wrap of its counter");
	privclock_stop_before_wrap(&s->clock);
	stack_kick(s);
	s->npolls = POLL_FIRST;
	slirp_pollfds_fill(s->slirp, &timeout_ms, on_add_poll, s); /* ends all UDP flows */
	privclock_pass_wrap(&s->clock);
	stack_kick(s);
}

/*
 * libslirp ends a UDP flow 240 s after its last datagram, and in no other way: its clock is put
 * forward by what the quarter that was silent the longest has left. They end in the next round.
 * Ages are by that clock as well: what it was put forward before has come off all that they have.
 */
static void make_room(struct stack *s)
{
	const uint64_t now_ms = clock_ms();

	if (!s->quota.crowded || now_ms < s->room_at_ms)
		return;
	s->room_at_ms = now_ms + ROOM_MS;
	if (!s->full_said)
		log_warning("network",
			    "%u ports of the child talk UDP at once: those that are silent the "
			    "longest are forgotten (raise the limit of open files to have more)",
			    s->quota.now[QUOTA_UDP]);
	s->full_said = true;
	privclock_skip(&s->clock, PRIVCLOCK_LIFE_MS - quota_udp_age(&s->quota, libslirp_ms(s),
								    PRIVCLOCK_LIFE_MS));
}

/* before anything else: what comes from the tap changes the order of flows */
static void serve_echo(struct stack *s)
{
	for (uint32_t i = s->echo_polls; i < s->npolls; i++) {
		if (s->polls[i].revents)
			echo_ready(&s->echo, i - s->echo_polls);
	}
}

/* the parent of a worker, who wants to know of @stack */
struct parent_control {
	struct stack_control control;
	struct stack *stack;
};

/* 1; a negative errno: it is no message for us, or cannot be answered */
static int do_message(struct stack *s, int control, const struct msg *m, struct err *err)
{
	struct worker_counters counters;
	struct worker_mtu to;
	struct worker_flows_req req;
	struct worker_flows flows;
	int r;

	if (m->type == WORKER_PING) {
		stack_counters(s, &counters);
		r = msg_send(control, &worker_proto, WORKER_PONG, &counters, NULL, 0);
		return r < 0 && r != -EAGAIN ? r : 1; /* a parent that does not read asks again */
	}
	if (m->type == WORKER_MTU) {
		memcpy(&to, m->payload, sizeof(to));
		r = stack_set_mtu(s, to.mtu, err);
		return r < 0 ? r : 1;
	}
	if (m->type == WORKER_HOSTS) {
		r = stack_deny_hosts(s, (const struct worker_hosts *)m->payload);
		return r < 0 ? r : 1;
	}
	if (m->type != WORKER_FLOWS_REQ)
		return -EPROTO;
	memcpy(&req, m->payload, sizeof(req));
	r = stack_flows(s, &req, clock_ms(), &flows);
	if (r < 0)
		return -EPROTO;
	r = msg_send(control, &worker_proto, WORKER_FLOWS, &flows, NULL, 0);
	return r < 0 && r != -EAGAIN ? r : 1;
}

/* Return: 1 to go on, 0 at end of file */
static int on_parent_ready(struct stack_control *c, struct err *err)
{
	const struct parent_control *p = container_of(c, struct parent_control, control);
	struct msg m;
	int r = msg_recv(c->fd, &worker_proto, ROLE_PARENT, WORKER_UP, MSG_DONTWAIT, &m);

	if (r == -EAGAIN || r == -EINTR)
		return 1;
	if (r == 1) {
		r = do_message(p->stack, c->fd, &m, err);
		msg_close_fds(&m);
		if (r == 1 || msg_peer_gone(r))
			return 1;
	}
	return r < 0 ? err_wrap(err, r, "control socket of slirp") : 0;
}

/* Return: 1 to go on, 0 at end of file, or a negative errno */
static int serve_round(struct stack *s, struct stack_control *control, struct err *err)
{
	int timeout_ms = fill_polls(s, control->fd);
	int n = poll(s->polls, s->npolls, timeout_ms), r = 1;
	bool jump;

	if (n < 0)
		return errno == EINTR ? 1 : err_set(err, errno, "waiting for frames");
	if (s->polls[POLL_CONTROL].revents) {
		r = control->on_ready(control, err);
		if (r <= 0)
			return r;
	}
	if (n > 0)
		serve_echo(s);
	jump = privclock_must_jump(&s->clock, n == 0);
	if (jump)
		jump_clock(s);
	else if (timeout_ms < 0 || timeout_ms > LONG_WAIT_MS)
		stack_kick(s); /* libslirp has not looked at the clock for long */
	fire_timer(s);
	if (s->tap.fd >= 0 && (jump || s->polls[POLL_TAP].revents))
		drain_tap(s);
	make_room(s);
	slirp_pollfds_poll(s->slirp, jump, on_get_revents, s);
	s->failing = 0;
	answer_questions(s);
	return 1;
}

int stack_serve(struct stack *s, struct stack_control *control, struct err *err)
{
	int r;

	do {
		r = serve_round(s, control, err);
	} while (r > 0);
	return r;
}

int stack_run(struct stack *s, int control, struct err *err)
{
	struct parent_control p = { .control = { .fd = control, .on_ready = on_parent_ready },
				    .stack = s };

	return stack_serve(s, &p.control, err);
}
