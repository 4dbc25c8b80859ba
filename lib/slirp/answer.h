/* SPDX-License-Identifier: Apache-2.0 */
/* answer.h - the ICMP error that tells a sender why its packet went nowhere (slirp only) */
#ifndef RK_SLIRP_ANSWER_H
#define RK_SLIRP_ANSWER_H

#include "lib/policy/policy.h"
#include "lib/slirp/frame.h"

#define ANSWER_MAX (ETH_LEN + 1280)

struct answer_error {
	uint8_t type, code; /* by the family of the frame */
	uint32_t rest;      /* of the header, host order: an MTU */
	const void *from;   /* in_addr or in6_addr; NULL: the gateway */
};

/**
 * answer_error() - an ICMP error to the sender of @f; as below
 */
size_t answer_error(const struct net_plan *plan, const struct frame *f,
		    const struct frame_info *info, const struct answer_error *what, uint8_t *buf);

/**
 * answer_unreachable() - destination unreachable, from the gateway to the sender of @f
 * @f:		a frame that the prefilter answered FRAME_ANSWER to; @info is about it
 * @why:	the refusal: net 3/0, host 3/1, prohibited 3/13; ICMPv6 1/0, 1/3, 1/1
 * @buf:	at least ANSWER_MAX bytes
 * Return: length of the frame
 */
size_t answer_unreachable(const struct net_plan *plan, const struct frame *f,
			  const struct frame_info *info, enum policy_verdict why, uint8_t *buf);

/**
 * answer_failed() - a reset of libslirp's for a connection that could not be made becomes the
 * reason
 * @data:	a frame that libslirp sends
 * @error:	errno of the host's socket
 * @buf:	at least ANSWER_MAX bytes
 * Return: length of the frame in @buf; 0 when @data is to be sent as it is
 */
size_t answer_failed(const struct net_plan *plan, const uint8_t *data, size_t len, int error,
		     uint8_t *buf);

/**
 * answer_relabel() - an ICMP error of libslirp that comes from the host's loopback becomes ours
 * @data:	a frame that libslirp sends
 * @buf:	at least ANSWER_MAX bytes
 * Return: length of the frame in @buf; 0 when @data is to be sent as it is
 */
size_t answer_relabel(const struct net_plan *plan, const uint8_t *data, size_t len, uint8_t *buf);

#endif
