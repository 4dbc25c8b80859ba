/* SPDX-License-Identifier: Apache-2.0 */
/* stack_impl.h - what a stack is made of; for stack.c and serve.c only */
#ifndef RK_SLIRP_STACK_IMPL_H
#define RK_SLIRP_STACK_IMPL_H

#include <libslirp.h>
#include <poll.h>

#include "lib/policy/hosts.h"
#include "lib/slirp/answer.h"
#include "lib/slirp/echo.h"
#include "lib/slirp/quota.h"
#include "lib/slirp/guests.h"
#include "lib/slirp/offload.h"
#include "lib/slirp/prefilter.h"
#include "lib/slirp/privclock.h"
#include "lib/slirp/shortsyn.h"
#include "lib/slirp/stack.h"
#include "lib/slirp/tap.h"

struct stack {
	Slirp *slirp;
	struct slirp_config cfg;
	struct stack_services services;
	/* libslirp's only timer, the one of router advertisements: by its clock, 0 when it is not
	   to fire */
	int64_t timer_due_ms;
	SlirpTimerId timer_id;
	void *timer_opaque;
	struct tap tap;
	struct prefilter prefilter;
	struct policy_hosts hosts;
	struct quota quota;
	struct echo echo;
	struct shortsyns shortsyns;
	uint64_t refused; /* frames that were answered by an ICMP error */
	int failing;      /* errno of the socket that libslirp is at; 0: it has not failed */
	int opened;       /* socket of the frame that libslirp has just got; -1: none */
	struct guests guests;
	struct offload offload; /* not with a direct tap */
	struct privclock clock;
	uint64_t round_ms;   /* of that clock, when the frames of this round were read */
	uint64_t room_at_ms; /* no flow of UDP is ended to make room before */
	bool full_said;
	struct pollfd *polls;
	uint32_t npolls, maxpolls;
	uint32_t echo_polls; /* the first of echo's; they are the last of all */
	uint32_t lines;      /* tokens for libslirp's lines */
	uint64_t lines_at_ms;
	/* here and not on the stack, where each would be cleared for each frame */
	uint8_t frame[FRAME_MAX], answer[ANSWER_MAX];
	struct offload_out out;
};

/* stack_counters() - what a pong tells */
void stack_counters(const struct stack *s, struct worker_counters *ret);

/**
 * stack_flows() - the flows of @req's section that lie below its place
 * @now_ms:	of the monotonic clock
 * @ret:	no more than FLOWS_LOOKS places were looked at for it
 * Return: 0; -EINVAL when slirp has no such section
 */
int stack_flows(const struct stack *s, const struct worker_flows_req *req, uint64_t now_ms,
		struct worker_flows *ret);

/* stack_kick() - libslirp reads the clock and sends what it holds, without a look at its sockets */
void stack_kick(struct stack *s);

#endif
