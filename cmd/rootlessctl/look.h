/* SPDX-License-Identifier: Apache-2.0 */
/* look.h - what passes now: flows, and what two looks at the totals tell of rates */
#ifndef RK_CMD_LOOK_H
#define RK_CMD_LOOK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"

#define LOOK_FLOWS_MAX 10000 /* read of one instance */
#define LOOK_CALLS_MAX 64    /* calls of the API for them */
#define LOOK_AMOUNT_MAX 24

/* flows_read() - all flows, LOOK_FLOWS_MAX at most */
struct flow_list {
	json_t *flows;   /* an array */
	json_t *workers; /* as in Info, but of now; NULL: there are none */
	bool complete;   /* these are all, and every worker has answered */
};
int flows_read(const char *socket_path, struct flow_list *ret, struct err *err);
void flow_list_done(struct flow_list *l); /* takes a zeroed one */

/* one look at all that is counted */
struct look {
	int64_t us; /* CLOCK_MONOTONIC */
	json_t *ports;
	struct flow_list list;
};

/**
 * look_new() - ask for ports with statistics, flows and totals
 * Return: 0 or a negative errno; an instance that knows no flows has none
 */
int look_new(const char *socket_path, bool has_ports, struct look *ret, struct err *err);
void look_done(struct look *l); /* takes a zeroed one */

/* look_rates() - {"connectionsPerSecond":..,"bytesInPerSecond":..,"bytesOutPerSecond":..,
 * "datagramsPerSecond":..} of TCP and published ports together, datagrams of UDP out */
json_t *look_rates(const struct look *before, const struct look *now);

/* look_flow_rates() - the flows of @now, each with bytesInPerSecond and bytesOutPerSecond, the
 * busiest first, @max at most; those that were not there before have no rate */
json_t *look_flow_rates(const struct look *before, const struct look *now, size_t max);

/* look_by_id() - ports of one answer, for look_known() of those of another; NULL is none */
json_t *look_by_id(const json_t *ports);
const json_t *look_known(const json_t *by_id, const json_t *port);

/* a field that is a number; 0: it is none */
long long look_number(const json_t *object, const char *field);

/* look_per_second() - @n more within @us; 0 when it is less, as after a restart */
int64_t look_per_second(int64_t n, int64_t us);

/* look_amount() - "1.2 MB" */
const char *look_amount(int64_t n, char text[static LOOK_AMOUNT_MAX]);

/* look_address() - "10.0.2.100:80", "[fd00::100]:80", "-"; the fields are <side>IP and <side>Port
 */
#define LOOK_ADDRESS_MAX 64
const char *look_address(const json_t *flow, const char *side, char text[static LOOK_ADDRESS_MAX]);

#endif
