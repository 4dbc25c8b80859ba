/* SPDX-License-Identifier: Apache-2.0 */
/* flowlist.h - the relay's flows, some at a time, for the parent who asks */
#ifndef RK_RELAY_FLOWLIST_H
#define RK_RELAY_FLOWLIST_H

#include "lib/ipc/flows.h"
#include "lib/relay/counters.h"

/**
 * flowlist_fill() - the flows of @req's section that lie below its place
 * @now_ms:	loop time
 * @ret:	no more than FLOWS_LOOKS places were looked at for it
 * Return: 0; -EINVAL when the relay has no such section
 */
int flowlist_fill(const struct counted *of, const struct worker_flows_req *req, uint64_t now_ms,
		  struct worker_flows *ret);

#endif
