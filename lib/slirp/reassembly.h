/* SPDX-License-Identifier: Apache-2.0 */
/* reassembly.h - IPv4 fragments become whole packets before libslirp sees them (slirp only) */
#ifndef RK_SLIRP_REASSEMBLY_H
#define RK_SLIRP_REASSEMBLY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/slirp/frame.h"

#define REASSEMBLY_SLOTS 16     /* packets in the making: 1 MiB at most */
#define REASSEMBLY_AGE_MS 30000 /* an older one may not be continued */

struct reassembly {
	struct reassembly_slot *slots[REASSEMBLY_SLOTS]; /* NULL until first used */
};

void reassembly_done(struct reassembly *r); /* takes a zeroed one */

/**
 * reassembly_add() - take one fragment
 * @f:	a checked IPv4 frame without options, trimmed to its length. On true it is the whole packet,
 *	in memory of @r, valid until the next call
 * Return: true when the packet is complete
 */
bool reassembly_add(struct reassembly *r, struct frame *f, uint64_t now_ms);

#endif
