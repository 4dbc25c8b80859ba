// SPDX-License-Identifier: Apache-2.0
/* cmd_top.c - rootlessctl top: what passes now, in all, by each port, and the busiest flows */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/rootlessctl/clean.h"
#include "cmd/rootlessctl/look.h"
#include "cmd/rootlessctl/rootlessctl.h"
#include "lib/base/out.h"
#include "lib/base/str.h"
#include "lib/client/client.h"

#define AMOUNT_MAX (LOOK_AMOUNT_MAX + 2)
#define PORT_TEXT_MAX (2 * PORT_IP_MAX + 32)
#define FLOWS_SHOWN 10
#define UNKNOWN "-"

static const char *const counters[] = { "accepted", "bytesIn", "bytesOut" };
static const char *const rates[] = { "connectionsPerSecond", "bytesInPerSecond",
				     "bytesOutPerSecond" };

/* {"id":1,"spec":{...},"active":2,"connectionsPerSecond":...}; without the latter when a relay that
 * is slow has told nothing of it */
static json_t *row_new(const json_t *port, const json_t *known, int64_t us)
{
	json_t *stats = json_object_get(port, "stats"), *row = json_object();
	const json_t *old = json_object_get(look_known(known, port), "stats");

	json_object_set(row, "id", json_object_get(port, "id"));
	json_object_set(row, "spec", json_object_get(port, "spec"));
	if (!stats)
		return row;
	json_object_set(row, "active", json_object_get(stats, "active"));
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		int64_t n = look_number(stats, counters[i]) - look_number(old, counters[i]);

		json_object_set_new(row, rates[i], json_integer(look_per_second(old ? n : 0, us)));
	}
	return row;
}

static json_t *rows_new(const json_t *ports, const json_t *before, int64_t us)
{
	autojson json_t *known = look_by_id(before);
	json_t *rows = json_array(), *p;
	size_t i;

	json_array_foreach(ports, i, p)
	{
		json_array_append_new(rows, row_new(p, known, us));
	}
	return rows;
}

static const char *per_second(const json_t *object, const char *field, char text[AMOUNT_MAX])
{
	char n[LOOK_AMOUNT_MAX];

	if (!json_object_get(object, field))
		return UNKNOWN;
	str_format(text, AMOUNT_MAX, "%s/s", look_amount(look_number(object, field), n));
	return text;
}

static const char *count(const json_t *object, const char *field, char text[AMOUNT_MAX])
{
	if (!json_object_get(object, field))
		return UNKNOWN;
	str_format(text, AMOUNT_MAX, "%lld", look_number(object, field));
	return text;
}

static void show_row(const json_t *row)
{
	const json_t *spec = json_object_get(row, "spec");
	char port[PORT_TEXT_MAX], in[AMOUNT_MAX], out[AMOUNT_MAX];
	char open[AMOUNT_MAX], new[AMOUNT_MAX];

	snprintf(port, sizeof(port), "%.*s:%lld/%s", PORT_IP_MAX, client_text(spec, "parentIP"),
		 look_number(spec, "parentPort"), client_text(spec, "proto"));
	printf("%-6lld %-28s %8s %8s %14s %14s\n", look_number(row, "id"), port,
	       count(row, "active", open), count(row, rates[0], new), per_second(row, rates[1], in),
	       per_second(row, rates[2], out));
}

static void show_flow(const json_t *f)
{
	char who[2 * LOOK_ADDRESS_MAX], child[LOOK_ADDRESS_MAX], far[LOOK_ADDRESS_MAX];
	char in[AMOUNT_MAX], out[AMOUNT_MAX];

	str_format(who, sizeof(who), "%s - %s", look_address(f, "child", child),
		   look_address(f, "far", far));
	printf("%-6s %-46s %14s %14s\n", client_text(f, "proto"), who, per_second(f, rates[1], in),
	       per_second(f, rates[2], out));
}

static void show_text(const json_t *screen)
{
	const json_t *all = json_object_get(screen, "rates");
	const json_t *ports = json_object_get(screen, "ports");
	const json_t *flows = json_object_get(screen, "flows");
	char in[AMOUNT_MAX], out[AMOUNT_MAX];

	if (isatty(STDOUT_FILENO))
		clean_screen();
	printf("%lld connections/s, %s in, %s out, %lld datagrams/s of UDP out\n",
	       look_number(all, rates[0]), per_second(all, rates[1], in),
	       per_second(all, rates[2], out), look_number(all, "datagramsPerSecond"));
	printf("%-6s %-28s %8s %8s %14s %14s\n", "ID", "PORT", "OPEN", "NEW/S", "IN", "OUT");
	for (size_t i = 0; i < json_array_size(ports); i++)
		show_row(json_array_get(ports, i));
	if (json_array_size(flows))
		printf("%-6s %-46s %14s %14s\n", "PROTO", "CHILD - FAR", "IN", "OUT");
	for (size_t i = 0; i < json_array_size(flows); i++)
		show_flow(json_array_get(flows, i));
}

static int show(const struct ctl *ctl, const struct look *before, const struct look *now,
		struct err *err)
{
	autojson json_t *screen = json_object();

	json_object_set_new(screen, "rates", look_rates(before, now));
	json_object_set_new(screen, "ports",
			    rows_new(now->ports, before->ports, now->us - before->us));
	json_object_set_new(screen, "flows", look_flow_rates(before, now, FLOWS_SHOWN));
	if (ctl->json) {
		json_dumpf(screen, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		show_text(screen);
	}
	return out_flush(err);
}

int check_top(const struct ctl *ctl, struct err *err)
{
	if (ctl->interval < 1 || ctl->interval > CTL_INTERVAL_MAX || ctl->count < 0)
		return err_say(err, EINVAL, "--interval is 1 to %d seconds, --count 0 or more",
			       CTL_INTERVAL_MAX);
	return 0;
}

int cmd_top(const struct ctl *ctl, struct err *err)
{
	autojson json_t *info = NULL;
	struct look before = { 0 };
	int r = client_info(ctl->socket_path, &info, err);
	const bool has_ports = json_object_get(info, "portDriver");

	if (r == 0)
		r = look_new(ctl->socket_path, has_ports, &before, err);
	for (int64_t n = 0; r == 0 && (!ctl->count || n < ctl->count); n++) {
		struct look now = { 0 };

		poll(NULL, 0, (int)ctl->interval * 1000);
		r = look_new(ctl->socket_path, has_ports, &now, err);
		if (r == 0)
			r = show(ctl, &before, &now, err);
		look_done(&before);
		before = now;
	}
	look_done(&before);
	return r;
}
