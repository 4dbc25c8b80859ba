// SPDX-License-Identifier: Apache-2.0
/* print_protocol.c - the message tables as docs/protocol.md has them */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/ipc/handshake.h"
#include "lib/ipc/nsagent.h"
#include "lib/ipc/nursery.h"
#include "lib/ipc/starter.h"
#include "lib/ipc/worker.h"

struct row {
	const char *name;
	int value;
	const char *payload;
	size_t size;
	unsigned min_fds, max_fds;
	uint32_t senders;
	const char *states;
};

static void print_row(const struct row *r)
{
	const char *between = "";

	printf("| %d | %s | `%s` | %zu | ", r->value, r->name, r->payload, r->size);
	if (r->min_fds == r->max_fds)
		printf("%u | ", r->min_fds);
	else
		printf("%u-%u | ", r->min_fds, r->max_fds);
	for (enum role role = 0; role < ROLE_NROLES; role++) {
		if (!(r->senders & ROLE_BIT(role)))
			continue;
		printf("%s%s", between, role_name(role));
		between = ", ";
	}
	printf(" | ");
	for (const char *s = r->states; *s; s++) {
		if (*s == '|')
			printf("or");
		else
			putchar(*s);
	}
	printf(" |\n");
}

static void print_head(const char *name, int version)
{
	printf("\n### %s, version %d\n\n", name, version);
	printf("| value | name | payload | bytes | descriptors | sent by | in the receiver's state "
	       "|\n");
	printf("|---|---|---|---|---|---|---|\n");
}

#define PRINT(name, value, payload, min_fds, max_fds, senders, states) \
	print_row(&(struct row){ #name, value, #payload, sizeof(payload), min_fds, max_fds, \
				 senders, #states });

static void print_counters(void)
{
	printf("\n### Counters of the workers, in WORKER_PONG and in the API\n\n");
	printf("| worker | kind | name | what |\n|---|---|---|---|\n");
	for (size_t i = 0; i < WORKER_NCOUNTERS; i++) {
		const struct counter_row *row = &worker_counter_rows[i];

		printf("| %s | %s | `%s` | %s |\n", role_name(row->role),
		       row->kind == COUNTER_BUDGET ? "budget" : "total", row->name, row->help);
	}
}

int main(void)
{
	print_head("handshake: parent and child", HANDSHAKE_VERSION);
	HANDSHAKE_MESSAGES(PRINT)
	print_head("worker: parent and relay or slirp", WORKER_VERSION);
	WORKER_MESSAGES(PRINT)
	print_head("nsagent: parent or relay and an agent", NSAGENT_VERSION);
	NSAGENT_MESSAGES(PRINT)
	print_head("nursery: parent and nursery", NURSERY_VERSION);
	NURSERY_MESSAGES(PRINT)
	print_head("starter: parent and starter", STARTER_VERSION);
	STARTER_MESSAGES(PRINT)
	print_counters();
	return 0;
}
