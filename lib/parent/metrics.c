// SPDX-License-Identifier: Apache-2.0
/* metrics.c - the numbers of an instance, in the text that Prometheus reads */
#include "lib/parent/metrics.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/ipc/counters.h"
#include "lib/parent/api.h"
#include "lib/parent/events.h"
#include "lib/parent/ports.h"

#define PREFIX "rootless_supervisor_"

/* of a published port; all but active only ever grow, until the relay starts again */
static const struct port_metric {
	const char *name, *type, *help;
	size_t offset; /* of a uint64_t in struct worker_port_stats; 0: active */
} port_metrics[] = {
	{ "port_connections_total", "counter", "Connections, or addresses and ports of UDP clients",
	  offsetof(struct worker_port_stats, accepted) },
	{ "port_connections_active", "gauge", "Those that are there now", 0 },
	{ "port_in_bytes_total", "counter", "Bytes passed on to the child",
	  offsetof(struct worker_port_stats, bytes_in) },
	{ "port_out_bytes_total", "counter", "Bytes passed on to clients",
	  offsetof(struct worker_port_stats, bytes_out) },
	{ "port_refused_total", "counter", "Connections that no server took",
	  offsetof(struct worker_port_stats, refused) },
};

struct port_arg {
	FILE *f;
	const struct port_metric *metric;
};

static void head(FILE *f, const char *name, const char *type, const char *help)
{
	fprintf(f, "# HELP " PREFIX "%s %s.\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

/* name="value", where value may have been posted by somebody */
static void label(FILE *f, const char *before, const char *name, const char *value)
{
	fprintf(f, "%s%s=\"", before, name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			fputc('\\', f);
		fputc(*value == '\n' ? ' ' : *value, f);
	}
	fputc('"', f);
}

static void put_port(uint32_t id, const struct port_spec *spec,
		     const struct worker_port_stats *stats, void *arg)
{
	const struct port_arg *a = arg;
	uint64_t n;

	if (!stats)
		return;
	n = stats->active;
	if (a->metric->offset)
		memcpy(&n, (const char *)stats + a->metric->offset, sizeof(n));
	fprintf(a->f, PREFIX "%s{id=\"%u\"", a->metric->name, id);
	label(a->f, ",", "proto", spec->proto);
	label(a->f, ",", "parent_ip", spec->parent_ip);
	fprintf(a->f, ",parent_port=\"%d\",child_port=\"%d\"} %" PRIu64 "\n", spec->parent_port,
		spec->child_port, n);
}

static void count_port(uint32_t id, const struct port_spec *spec,
		       const struct worker_port_stats *stats, void *arg)
{
	unsigned *n = arg;

	(void)id;
	(void)spec;
	(void)stats;
	++*n;
}

static void put_ports(FILE *f, const struct ports *ports)
{
	unsigned n = 0;

	ports_each(ports, count_port, &n);
	head(f, "ports", "gauge", "Published ports");
	fprintf(f, PREFIX "ports %u\n", n);
	for (size_t i = 0; i < ARRAY_SIZE(port_metrics); i++) {
		const struct port_metric *m = &port_metrics[i];

		head(f, m->name, m->type, m->help);
		ports_each(ports, put_port, &(struct port_arg){ f, m });
	}
}

static void put_workers(FILE *f, const struct api_info *info)
{
	head(f, "worker_up", "gauge", "1 when the process serves");
	for (size_t i = 0; i < info->nworkers; i++) {
		const struct api_worker *w = &info->workers[i];

		if (w->name)
			fprintf(f, PREFIX "worker_up{worker=\"%s\"} %d\n", w->name,
				strcmp(w->state, "up") == 0);
	}
	head(f, "worker_restarts_total", "counter", "How often the process came up again");
	for (size_t i = 0; i < info->nworkers; i++) {
		if (info->workers[i].name)
			fprintf(f, PREFIX "worker_restarts_total{worker=\"%s\"} %u\n",
				info->workers[i].name, info->workers[i].restarts);
	}
}

/* of the workers' last pongs: every budget, or every total */
static void put_counters(FILE *f, const struct api_info *info, const char *name,
			 enum counter_kind kind, bool limits)
{
	for (size_t i = 0; i < info->nworkers; i++) {
		const struct api_worker *w = &info->workers[i];

		for (size_t c = 0; w->counters && c < WORKER_NCOUNTERS; c++) {
			const struct counter_row *row = &worker_counter_rows[c];
			uint64_t n = limits ? w->counters->max[c] : w->counters->value[c];

			if (row->role == w->role && row->kind == kind)
				fprintf(f, PREFIX "%s{worker=\"%s\",of=\"%s\"} %" PRIu64 "\n", name,
					w->name, row->name, n);
		}
	}
}

static void put_budgets(FILE *f, const struct api_info *info)
{
	head(f, "budget_used", "gauge", "How much of a budget is used");
	put_counters(f, info, "budget_used", COUNTER_BUDGET, false);
	head(f, "budget_limit", "gauge", "How much of it there is");
	put_counters(f, info, "budget_limit", COUNTER_BUDGET, true);
	head(f, "network_total", "counter", "What the process has seen since it was started");
	put_counters(f, info, "network_total", COUNTER_TOTAL, false);
}

static void put_info(FILE *f, const struct api_info *info)
{
	head(f, "info", "gauge", "What runs");
	label(f, PREFIX "info{", "version", info->version);
	label(f, ",", "network_driver", info->net_driver ? info->net_driver : "host");
	label(f, ",", "port_driver", info->port_driver ? info->port_driver : "none");
	label(f, ",", "accel", info->accel ? info->accel : "");
	fputs("} 1\n", f);
	head(f, "start_time_seconds", "gauge", "When the instance was up, since the epoch");
	fprintf(f, PREFIX "start_time_seconds %lld\n", (long long)info->started);
	if (info->dns_servers) {
		head(f, "dns_servers", "gauge", "Servers of the host that names are asked of");
		fprintf(f, PREFIX "dns_servers %u\n", info->dns_servers->count);
	}
	if (info->events) {
		head(f, "events_total", "counter", "Events of the instance");
		fprintf(f, PREFIX "events_total %" PRIu64 "\n", events_count(info->events));
	}
}

char *metrics_text(const struct api_info *info, const struct ports *ports)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	put_info(f, info);
	put_workers(f, info);
	put_budgets(f, info);
	if (ports)
		put_ports(f, ports);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
