// SPDX-License-Identifier: Apache-2.0
/*
 * cmd_top.c - rootlessctl top: what passes each published port, now
 *
 * Rates are differences of what two answers say, by the time between them. A port that was not
 * there before, and a relay that began to count anew, have no rate yet.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cmd/rootlessctl/rootlessctl.h"
#include "lib/base/str.h"
#include "lib/client/client.h"

#define AMOUNT_MAX 24
#define PORT_TEXT_MAX (2 * PORT_IP_MAX + 32)
#define CLEAR "\033[H\033[2J"

static const char *const counters[] = { "accepted", "bytesIn", "bytesOut" };
static const char *const rates[] = { "connectionsPerSecond", "bytesInPerSecond",
				     "bytesOutPerSecond" };

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static int64_t number(const json_t *object, const char *field)
{
	return json_integer_value(json_object_get(object, field));
}

/* the statistics of a port in an earlier answer; NULL: it was not there */
static const json_t *earlier(const json_t *ports, int64_t id)
{
	size_t i;
	json_t *p;

	json_array_foreach(ports, i, p)
	{
		if (number(p, "id") == id)
			return json_object_get(p, "stats");
	}
	return NULL;
}

/* {"id":1,"spec":{...},"active":2,"connectionsPerSecond":...}; NULL: nothing is known of it */
static json_t *row_new(const json_t *port, const json_t *before, int64_t us)
{
	json_t *stats = json_object_get(port, "stats"), *row;
	const json_t *old = earlier(before, number(port, "id"));

	if (!stats)
		return NULL;
	row = json_object();
	json_object_set(row, "id", json_object_get(port, "id"));
	json_object_set(row, "spec", json_object_get(port, "spec"));
	json_object_set(row, "active", json_object_get(stats, "active"));
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		int64_t n = number(stats, counters[i]) - number(old, counters[i]);

		if (!old || n < 0)
			n = 0;
		json_object_set_new(row, rates[i],
				    json_integer((json_int_t)((double)n * 1e6 / (double)us)));
	}
	return row;
}

static json_t *rows_new(const json_t *ports, const json_t *before, int64_t us)
{
	json_t *rows = json_array(), *p;
	size_t i;

	json_array_foreach(ports, i, p)
	{
		json_t *row = row_new(p, before, us > 0 ? us : 1);

		if (row)
			json_array_append_new(rows, row);
	}
	return rows;
}

static const char *amount(int64_t n, char text[AMOUNT_MAX])
{
	static const char *const units[] = { "", "k", "M", "G", "T", "P" };
	double v = (double)n;
	size_t u = 0;

	while (v >= 1000 && u + 1 < ARRAY_SIZE(units)) {
		v /= 1000;
		u++;
	}
	str_format(text, AMOUNT_MAX, "%.*f %sB/s", u ? 1 : 0, v, units[u]);
	return text;
}

static void show_row(const json_t *row)
{
	const json_t *spec = json_object_get(row, "spec");
	char port[PORT_TEXT_MAX], in[AMOUNT_MAX], out[AMOUNT_MAX];

	snprintf(port, sizeof(port), "%.*s:%lld/%s", PORT_IP_MAX, client_text(spec, "parentIP"),
		 (long long)number(spec, "parentPort"), client_text(spec, "proto"));
	printf("%-6lld %-28s %8lld %8lld %14s %14s\n", (long long)number(row, "id"), port,
	       (long long)number(row, "active"), (long long)number(row, rates[0]),
	       amount(number(row, rates[1]), in), amount(number(row, rates[2]), out));
}

static void show(const struct ctl *ctl, const json_t *rows)
{
	if (ctl->json) {
		json_dumpf(rows, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		if (isatty(STDOUT_FILENO))
			fputs(CLEAR, stdout);
		printf("%-6s %-28s %8s %8s %14s %14s\n", "ID", "PORT", "OPEN", "NEW/S", "IN",
		       "OUT");
		for (size_t i = 0; i < json_array_size(rows); i++)
			show_row(json_array_get(rows, i));
	}
	fflush(stdout);
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
	autojson json_t *before = NULL;
	int64_t then = now_us();
	int r = client_list_ports(ctl->socket_path, true, &before, err);

	for (int64_t n = 0; r == 0 && !ferror(stdout) && (!ctl->count || n < ctl->count); n++) {
		autojson json_t *rows = NULL;
		json_t *ports = NULL;
		int64_t now;

		poll(NULL, 0, (int)ctl->interval * 1000);
		now = now_us();
		r = client_list_ports(ctl->socket_path, true, &ports, err);
		if (r < 0)
			return r;
		rows = rows_new(ports, before, now - then);
		show(ctl, rows);
		json_decref(before);
		before = ports;
		then = now;
	}
	return r;
}
