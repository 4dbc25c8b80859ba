/* SPDX-License-Identifier: Apache-2.0 */
/* counters.h - the relay's counters and budgets, as a pong tells them */
#ifndef RK_RELAY_COUNTERS_H
#define RK_RELAY_COUNTERS_H

#include "lib/ipc/counters.h"
#include "lib/relay/bounce.h"
#include "lib/relay/dns.h"
#include "lib/relay/forward.h"
#include "lib/relay/udpout.h"
#include "lib/relay/udpport.h"

/* who counts; parts that this run has not are zeroed */
struct counted {
	const struct forward *forward;
	const struct bounce *bounce;
	const struct udpout *udpout;
	const struct udp_ports *udp;
	const struct dns *dns;
};

void relay_counters(const struct counted *of, struct worker_counters *ret);

#endif
