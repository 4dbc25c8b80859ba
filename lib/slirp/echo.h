/* SPDX-License-Identifier: Apache-2.0 */
/*
 * echo.h - echo requests of the child (ping), sent by ping sockets of the host (slirp only)
 *
 * Such a socket is for everybody whose group is in the host's net.ipv4.ping_group_range. Who has
 * none gets an ICMP error instead of silence.
 */
#ifndef RK_SLIRP_ECHO_H
#define RK_SLIRP_ECHO_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ipc/netplan.h"
#include "lib/slirp/frame.h"

struct echo_flow;

struct echo {
	struct net_plan plan;
	const struct policy_hosts *hosts; /* see policy_judge() */
	bool direct;                      /* no gateway has counted a hop */
	/* a frame for the child; borrowed */
	void (*give)(void *owner, const uint8_t *data, size_t len);
	bool (*may_answer)(void *owner); /* errors are counted */
	void *owner;
	struct echo_flow *flows; /* the first @n are in use, in no order */
	uint32_t n, max;
	uint16_t ip_id;
	bool refusal_said;
	uint8_t *buf; /* FRAME_MAX, for what is read */
};

/**
 * echo_init() - the caller has set plan, hosts, direct, give, may_answer and owner, the rest is
 * zero
 * @max:	sockets at once; the one that was silent the longest makes room
 * Return: 0 or -ENOMEM; echo_done() takes a zeroed one
 */
int echo_init(struct echo *e, uint32_t max);
void echo_done(struct echo *e);

/**
 * echo_request() - send an echo request that the policy has allowed as it is, or answer it
 * @f:		as the prefilter left it
 */
void echo_request(struct echo *e, const struct frame *f, const struct frame_info *in,
		  uint64_t now_ms);

/* echo_expire() - end what was silent; ms until there is more to do, -1: nothing is open */
int echo_expire(struct echo *e, uint64_t now_ms);

/* echo_fd() - the socket of flow @i of @n, to be polled for POLLIN; POLLERR counts as well */
int echo_fd(const struct echo *e, uint32_t i);

/* echo_ready() - read what came to flow @i, answers and errors, and give it to the child */
void echo_ready(struct echo *e, uint32_t i);

#endif
