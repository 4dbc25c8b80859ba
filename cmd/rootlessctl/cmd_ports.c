// SPDX-License-Identifier: Apache-2.0
/* cmd_ports.c - rootlessctl list-ports, add-ports, remove-ports */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rootlessctl/rootlessctl.h"
#include "lib/base/cleanup.h"
#include "lib/base/goerr.h"
#include "lib/base/str.h"
#include "lib/client/client.h"

#define NCOLUMNS 6
#define NCOLUMNS_MAX 12 /* with --stats */
#define CELL_MAX 128
#define PADDING 4 /* blanks behind the longest cell of a column */

/* as Go's tabwriter makes it: every cell ends in blanks, the last of a line as well */
struct table {
	char (*rows)[NCOLUMNS_MAX][CELL_MAX];
	size_t nrows, ncolumns;
};

static const char *const titles[NCOLUMNS_MAX] = {
	"ID",       "PROTO",  "PARENTIP", "PARENTPORT", "CHILDIP", "CHILDPORT",
	"ACCEPTED", "ACTIVE", "BYTESIN",  "BYTESOUT",   "REFUSED", "LASTERROR",
};

static void set_number(char cell[static CELL_MAX], const json_t *object, const char *field)
{
	snprintf(cell, CELL_MAX, "%lld",
		 (long long)json_integer_value(json_object_get(object, field)));
}

/* one port, or those of a range */
static void set_ports(char cell[static CELL_MAX], const json_t *spec, const char *field)
{
	json_int_t first = json_integer_value(json_object_get(spec, field)),
		   count = json_integer_value(json_object_get(spec, "count"));

	if (count > 1)
		snprintf(cell, CELL_MAX, "%lld-%lld", (long long)first,
			 (long long)(first + count - 1));
	else
		set_number(cell, spec, field);
}

static void set_text(char cell[static CELL_MAX], const json_t *object, const char *field)
{
	snprintf(cell, CELL_MAX, "%s", client_text(object, field));
}

static void fill_row(char row[NCOLUMNS_MAX][CELL_MAX], const json_t *status)
{
	const json_t *spec = json_object_get(status, "spec"),
		     *stats = json_object_get(status, "stats");

	set_number(row[0], status, "id");
	set_text(row[1], spec, "proto");
	set_text(row[2], spec, "parentIP");
	set_ports(row[3], spec, "parentPort");
	set_text(row[4], spec, "childIP");
	set_ports(row[5], spec, "childPort");
	if (!stats)
		return;
	set_number(row[6], stats, "accepted");
	set_number(row[7], stats, "active");
	set_number(row[8], stats, "bytesIn");
	set_number(row[9], stats, "bytesOut");
	set_number(row[10], stats, "refused");
	set_text(row[11], stats, "lastError");
}

static void print_table(const struct table *t)
{
	int width[NCOLUMNS_MAX] = { 0 };

	for (size_t i = 0; i < t->nrows; i++) {
		for (size_t j = 0; j < t->ncolumns; j++) {
			int len = (int)strlen(t->rows[i][j]);

			width[j] = len > width[j] ? len : width[j];
		}
	}
	for (size_t i = 0; i < t->nrows; i++) {
		for (size_t j = 0; j < t->ncolumns; j++)
			printf("%-*s", width[j] + PADDING, t->rows[i][j]);
		putchar('\n');
	}
}

static int list_as_table(const json_t *ports, bool stats, struct err *err)
{
	struct table t = { .nrows = json_array_size(ports) + 1,
			   .ncolumns = stats ? NCOLUMNS_MAX : NCOLUMNS };
	autofree void *rows = calloc(t.nrows, sizeof(*t.rows));

	if (!rows)
		return err_set(err, ENOMEM, "listing %zu ports", t.nrows - 1);
	t.rows = rows;
	for (size_t j = 0; j < t.ncolumns; j++)
		snprintf(t.rows[0][j], CELL_MAX, "%s", titles[j]);
	for (size_t i = 1; i < t.nrows; i++)
		fill_row(t.rows[i], json_array_get(ports, i - 1));
	print_table(&t);
	return 0;
}

static void print_json_line(const json_t *j)
{
	json_dumpf(j, stdout, JSON_COMPACT);
	putchar('\n');
}

int cmd_list_ports(const struct ctl *ctl, struct err *err)
{
	autojson json_t *ports = NULL;
	int r = client_list_ports(ctl->socket_path, ctl->stats, &ports, err);

	if (r < 0)
		return r;
	if (!ctl->json)
		return list_as_table(ports, ctl->stats, err);
	for (size_t i = 0; i < json_array_size(ports); i++)
		print_json_line(json_array_get(ports, i));
	return 0;
}

/*
 * RootlessKit's rules and words, unless the server says that it knows shorter ones: its word comes
 * after these have failed, and a spec that is none by either is refused before it is asked.
 */
int check_add_ports(const struct ctl *ctl, struct err *err)
{
	struct port_spec spec;

	if (!ctl->args[0])
		return err_say(err, EINVAL, "no port specified");
	if (ctl->udp_idle < 0 || ctl->udp_idle > PORT_UDP_IDLE_MAX)
		return err_say(err, EINVAL, "--udp-idle is 0 to %d seconds", PORT_UDP_IDLE_MAX);
	for (char **a = ctl->args; *a; a++) {
		int r = port_spec_parse(&spec, *a, PORT_RULES_ROOTLESSKIT, err);

		if (r < 0 && port_spec_parse(&spec, *a, PORT_RULES_OURS, NULL) < 0)
			return r;
	}
	return 0;
}

static int ask_rules(const struct ctl *ctl, enum port_rules *ret, struct err *err)
{
	autojson json_t *info = NULL;
	const json_t *extra;
	int r = client_info(ctl->socket_path, &info, err);

	if (r < 0)
		return r;
	extra = json_object_get(json_object_get(info, "portDriver"), "extra");
	*ret = strcmp(client_text(extra, "specs"), "short") == 0 ? PORT_RULES_OURS
								 : PORT_RULES_ROOTLESSKIT;
	return 0;
}

/* all of them, before the first is published; malloc'ed */
static int read_specs(const struct ctl *ctl, struct port_spec **ret, struct err *err)
{
	enum port_rules rules = PORT_RULES_ROOTLESSKIT;
	autofree struct port_spec *specs = NULL;
	size_t n = 0;

	while (ctl->args[n])
		n++;
	specs = calloc(n + 1, sizeof(*specs));
	if (!specs)
		return err_set(err, ENOMEM, "reading %zu ports", n);
	for (size_t i = 0; i < n; i++) {
		int r = port_spec_parse(&specs[i], ctl->args[i], rules, NULL);

		if (r < 0 && rules == PORT_RULES_ROOTLESSKIT)
			r = ask_rules(ctl, &rules, err);
		if (r == 0)
			r = port_spec_parse(&specs[i], ctl->args[i], rules, err);
		if (r < 0)
			return r;
		specs[i].udp_idle = (int)ctl->udp_idle;
	}
	*ret = take_ptr(specs);
	return 0;
}

int cmd_add_ports(const struct ctl *ctl, struct err *err)
{
	autofree struct port_spec *specs = NULL;
	int r = read_specs(ctl, &specs, err);

	for (size_t i = 0; r == 0 && ctl->args[i]; i++) {
		autojson json_t *status = NULL;

		r = client_add_port(ctl->socket_path, &specs[i], &status, err);
		if (r < 0)
			break;
		if (ctl->json)
			print_json_line(status);
		else
			printf("%lld\n",
			       (long long)json_integer_value(json_object_get(status, "id")));
		fflush(stdout); /* what is published is told, whatever comes next */
	}
	return r;
}

int check_remove_ports(const struct ctl *ctl, struct err *err)
{
	int64_t id;

	if (ctl->drain_s < 0)
		return err_say(err, EINVAL, "--drain wants seconds, not %lld",
			       (long long)ctl->drain_s);
	if (!ctl->args[0])
		return err_say(err, EINVAL, "no ID specified");
	for (char **a = ctl->args; *a; a++) {
		int r = go_atoi(*a, &id, err);

		if (r < 0)
			return r;
	}
	return 0;
}

int cmd_remove_ports(const struct ctl *ctl, struct err *err)
{
	for (char **a = ctl->args; *a; a++) {
		int64_t id;
		int r = go_atoi(*a, &id, err);

		if (r == 0)
			r = client_remove_port(ctl->socket_path, id, ctl->drain_s, err);
		if (r < 0)
			return r;
		printf(ctl->json ? "{\"id\":%lld}\n" : "%lld\n", (long long)id);
		fflush(stdout);
	}
	return 0;
}
