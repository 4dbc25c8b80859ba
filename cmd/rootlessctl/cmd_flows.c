// SPDX-License-Identifier: Apache-2.0
/* cmd_flows.c - rootlessctl flows: who talks to whom through the instance */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/rootlessctl/look.h"
#include "cmd/rootlessctl/rootlessctl.h"
#include "lib/base/str.h"
#include "lib/client/client.h"

#define LINES_DEFAULT 20 /* where there is no screen */
#define LINES_AROUND 4   /* the head, the end, the prompt */
#define CELL_MAX 24
#define UNKNOWN "-"

/* what has moved the most first; then what has begun, or talked, the latest */
static int by_bytes(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	const int64_t moved_x = look_number(x, "bytesIn") + look_number(x, "bytesOut"),
		      moved_y = look_number(y, "bytesIn") + look_number(y, "bytesOut"),
		      since_x = look_number(x, "idle") + look_number(x, "age"),
		      since_y = look_number(y, "idle") + look_number(y, "age");

	if (moved_x != moved_y)
		return moved_x < moved_y ? 1 : -1;
	return since_x < since_y ? -1 : since_x > since_y ? 1 : 0;
}

/* the first @max in order, as a new array */
static json_t *sorted(const json_t *flows, size_t max)
{
	const size_t n = json_array_size(flows);
	autofree json_t **p = calloc(n ? n : 1, sizeof(json_t *));
	json_t *ret = json_array();

	for (size_t i = 0; p && i < n; i++)
		p[i] = json_array_get(flows, i);
	if (p)
		qsort(p, n, sizeof(json_t *), by_bytes);
	for (size_t i = 0; p && i < n && i < max; i++)
		json_array_append(ret, p[i]);
	return ret;
}

static size_t screenful(void)
{
	struct winsize w = { 0 };

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 ||
	    w.ws_row <= LINES_AROUND)
		return LINES_DEFAULT;
	return w.ws_row - LINES_AROUND;
}

static const char *amount(const json_t *flow, const char *field, char text[LOOK_AMOUNT_MAX])
{
	return json_object_get(flow, field) ? look_amount(look_number(flow, field), text) : UNKNOWN;
}

static const char *seconds(const json_t *flow, const char *field, char text[CELL_MAX])
{
	if (!json_object_get(flow, field))
		return UNKNOWN;
	str_format(text, CELL_MAX, "%llds", (long long)look_number(flow, field));
	return text;
}

static void show_flow(const json_t *f)
{
	char child[LOOK_ADDRESS_MAX], far[LOOK_ADDRESS_MAX], in[LOOK_AMOUNT_MAX],
		out[LOOK_AMOUNT_MAX], age[CELL_MAX], idle[CELL_MAX];

	printf("%-5s %-9s %-21s %-21s %-10s %7s %6s %9s %9s\n", client_text(f, "proto"),
	       client_text(f, "kind"), look_address(f, "child", child), look_address(f, "far", far),
	       client_text(f, "state"), seconds(f, "age", age), seconds(f, "idle", idle),
	       amount(f, "bytesIn", in), amount(f, "bytesOut", out));
}

static void show(const json_t *flows, size_t total, bool complete)
{
	printf("%-5s %-9s %-21s %-21s %-10s %7s %6s %9s %9s\n", "PROTO", "KIND", "CHILD", "FAR",
	       "STATE", "AGE", "IDLE", "IN", "OUT");
	for (size_t i = 0; i < json_array_size(flows); i++)
		show_flow(json_array_get(flows, i));
	if (json_array_size(flows) < total)
		printf("and %zu more: --limit\n", total - json_array_size(flows));
	if (!complete)
		puts("not all: there are too many, or a worker does not answer (rootlessctl "
		     "status)");
}

int check_flows(const struct ctl *ctl, struct err *err)
{
	if (ctl->limit < 0 || ctl->limit > LOOK_FLOWS_MAX)
		return err_say(err, EINVAL, "--limit is 1 to %d flows, or 0: a screenful",
			       LOOK_FLOWS_MAX);
	return 0;
}

int cmd_flows(const struct ctl *ctl, struct err *err)
{
	autojson json_t *first = NULL, *answer = NULL;
	struct flow_list l = { 0 };
	size_t total;
	int r = flows_read(ctl->socket_path, &l, err);

	if (r < 0)
		return r;
	total = json_array_size(l.flows);
	first = sorted(l.flows, ctl->limit ? (size_t)ctl->limit : ctl->json ? total : screenful());
	if (ctl->json) {
		answer = json_pack("{s:O, s:I, s:b}", "flows", first, "total", (json_int_t)total,
				   "complete", l.complete);
		json_dumpf(answer, stdout, JSON_INDENT(4));
		putchar('\n');
	} else {
		show(first, total, l.complete);
	}
	flow_list_done(&l);
	return 0;
}
