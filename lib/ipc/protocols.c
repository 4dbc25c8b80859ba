// SPDX-License-Identifier: Apache-2.0
/* protocols.c - the message tables, made from the X-macros of their headers */
#include "lib/base/cleanup.h"
#include "lib/ipc/handshake.h"
#include "lib/ipc/nsagent.h"
#include "lib/ipc/nursery.h"
#include "lib/ipc/starter.h"
#include "lib/ipc/worker.h"

/* NOLINTBEGIN(bugprone-sizeof-expression): sizeof(struct x) of a table's column */
static const struct msg_type handshake_types[] = { HANDSHAKE_MESSAGES(MSG_TABLE_ENTRY) };
static const struct msg_type worker_types[] = { WORKER_MESSAGES(MSG_TABLE_ENTRY) };
static const struct msg_type nsagent_types[] = { NSAGENT_MESSAGES(MSG_TABLE_ENTRY) };
static const struct msg_type nursery_types[] = { NURSERY_MESSAGES(MSG_TABLE_ENTRY) };
static const struct msg_type starter_types[] = { STARTER_MESSAGES(MSG_TABLE_ENTRY) };
/* NOLINTEND(bugprone-sizeof-expression) */

#define FITS(name, value, payload, min_fds, max_fds, senders, states) \
	static_assert(sizeof(payload) <= MSG_PAYLOAD_MAX && (max_fds) <= MSG_FDS_MAX, \
		      #name " is too large for struct msg");
HANDSHAKE_MESSAGES(FITS)
WORKER_MESSAGES(FITS)
NSAGENT_MESSAGES(FITS)
NURSERY_MESSAGES(FITS)
STARTER_MESSAGES(FITS)

static_assert(sizeof(struct err) == 1024, "wire format: bump the versions");
static_assert(sizeof(struct hs_setup) == 24, "wire format: bump HANDSHAKE_VERSION");
static_assert(sizeof(struct hs_exited) == 12, "wire format: bump HANDSHAKE_VERSION");
static_assert(sizeof(struct relay_config) == 140, "wire format: bump WORKER_VERSION");
static_assert(sizeof(struct sandbox_report) == 252, "wire format: bump WORKER_VERSION");
static_assert(sizeof(struct slirp_config) == 120, "wire format: bump WORKER_VERSION");
static_assert(sizeof(struct worker_port) == 92, "wire format: bump WORKER_VERSION");
static_assert(sizeof(struct worker_port_stats) == 48, "wire format: bump WORKER_VERSION");
static_assert(sizeof(struct worker_stats) == 1936, "wire format: bump WORKER_VERSION");
static_assert(sizeof(struct worker_flow) == 80, "wire format: bump WORKER_VERSION");
static_assert(sizeof(struct worker_flows) == 2024, "wire format: bump WORKER_VERSION");
static_assert(sizeof(struct worker_counters) == 688, "wire format: bump WORKER_VERSION");
static_assert(sizeof(struct worker_dns) == 76, "wire format: bump WORKER_VERSION");
static_assert(sizeof(struct worker_hosts) == 1296, "wire format: bump WORKER_VERSION");
static_assert(sizeof(struct nsagent_config) == 120, "wire format: bump NSAGENT_VERSION");
static_assert(sizeof(struct nsagent_ready) == 276, "wire format: bump NSAGENT_VERSION");
static_assert(sizeof(struct nsagent_sockets) == 12, "wire format: bump NSAGENT_VERSION");

const struct msg_proto handshake_proto = { "handshake", HANDSHAKE_VERSION, handshake_types,
					   ARRAY_SIZE(handshake_types) };
const struct msg_proto worker_proto = { "worker", WORKER_VERSION, worker_types,
					ARRAY_SIZE(worker_types) };
const struct msg_proto nsagent_proto = { "nsagent", NSAGENT_VERSION, nsagent_types,
					 ARRAY_SIZE(nsagent_types) };
const struct msg_proto nursery_proto = { "nursery", NURSERY_VERSION, nursery_types,
					 ARRAY_SIZE(nursery_types) };
const struct msg_proto starter_proto = { "starter", STARTER_VERSION, starter_types,
					 ARRAY_SIZE(starter_types) };
