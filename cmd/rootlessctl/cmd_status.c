// SPDX-License-Identifier: Apache-2.0
/* cmd_status.c - rootlessctl status: what runs, on one screen */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/rootlessctl/look.h"
#include "cmd/rootlessctl/rootlessctl.h"
#include "lib/base/str.h"
#include "lib/client/client.h"

#define PORTS_SHOWN 20
#define WINDOW_MS 250 /* between two looks */
#define WORD_MAX 80
#define COLUMNS 100

/* "3h 05m", the two largest units */
static void show_age(long long seconds)
{
	if (seconds >= 86400)
		printf("%lldd %02lldh", seconds / 86400, seconds / 3600 % 24);
	else if (seconds >= 3600)
		printf("%lldh %02lldm", seconds / 3600, seconds / 60 % 60);
	else
		printf("%lldm %02llds", seconds / 60, seconds % 60);
}

static void show_list(const json_t *list)
{
	size_t i;
	json_t *v;

	json_array_foreach(list, i, v)
	{
		if (json_is_string(v))
			printf("%s%s", i ? ", " : "", json_string_value(v));
	}
}

static void show_instance(const json_t *info)
{
	const json_t *i = json_object_get(info, "instance");

	printf("instance   %s, version %s\n", client_text(info, "stateDir"),
	       client_text(info, "version"));
	printf("processes  child %lld", look_number(info, "childPID"));
	if (i) {
		printf(", supervisor %lld, up for ", look_number(i, "pid"));
		show_age((long long)time(NULL) - look_number(i, "started"));
	}
	putchar('\n');
}

static void show_network(const json_t *info)
{
	const json_t *net = json_object_get(info, "networkDriver");
	const json_t *extra = json_object_get(net, "extra");
	const json_t *servers = json_object_get(extra, "dnsServers");

	if (!net) {
		puts("network    the host's");
		return;
	}
	printf("network    %s", client_text(net, "driver"));
	if (*client_text(net, "childIP"))
		printf(", %s%s", client_text(net, "childIP"),
		       json_is_true(json_object_get(net, "ipv6")) ? " and IPv6" : "");
	if (look_number(extra, "mtu"))
		printf(", MTU %lld%s", look_number(extra, "mtu"),
		       json_is_true(json_object_get(extra, "mtuAuto")) ? " (auto)" : "");
	if (json_is_true(json_object_get(json_object_get(info, "instance"), "detachedNetns")))
		printf(", detached: %s/netns", client_text(info, "stateDir"));
	putchar('\n');
	if (*client_text(extra, "accel")) {
		printf("rung       %s", client_text(extra, "accel"));
		if (*client_text(extra, "accelReason"))
			printf(": %s", client_text(extra, "accelReason"));
		putchar('\n');
	}
	if (servers) {
		printf("names      ");
		show_list(json_object_get(net, "dns"));
		printf(", asked of ");
		if (json_array_size(servers))
			show_list(servers);
		else
			printf("nobody: the host has no server");
		putchar('\n');
	}
}

static void show_workers(const json_t *info)
{
	const json_t *extra = json_object_get(json_object_get(info, "networkDriver"), "extra");
	const json_t *sandbox = json_object_get(extra, "sandbox");
	json_t *workers = json_object_get(info, "workers"), *w;
	const char *name;

	json_object_foreach(workers, name, w)
	{
		printf("worker     %s: %s, %lld restart%s", name, client_text(w, "state"),
		       look_number(w, "restarts"), look_number(w, "restarts") == 1 ? "" : "s");
		if (*client_text(sandbox, name))
			printf("; %s", client_text(sandbox, name));
		putchar('\n');
	}
}

static void show_agents(const json_t *info)
{
	json_t *agents = json_object_get(info, "agents"), *v;
	const char *name;

	json_object_foreach(agents, name, v)
	{
		if (strcmp(client_text(agents, name), "up") != 0)
			printf("agent      %s: %s\n", name, client_text(agents, name));
	}
	ctl_show_degraded("degraded   ", info);
}

/* a list of words that goes on in the next line when one is full */
struct wrapped {
	const char *title, *of;
	int column; /* 0: nothing was shown */
};

static void show_word(struct wrapped *w, const char *word)
{
	if (!w->column)
		w->column = printf("%-10s %s: %s", w->title, w->of, word);
	else if (w->column + (int)strlen(word) + 2 <= COLUMNS)
		w->column += printf(", %s", word);
	else
		w->column = printf(",\n           %s", word);
}

/* false: it is no part of this run */
static bool word_of_budget(const char *name, const json_t *b, char word[WORD_MAX])
{
	str_format(word, WORD_MAX, "%s %lld/%lld", name, look_number(b, "used"),
		   look_number(b, "max"));
	return look_number(b, "max");
}

/* false: nothing was counted */
static bool word_of_total(const char *name, const json_t *n, char word[WORD_MAX])
{
	str_format(word, WORD_MAX, "%s %lld", name, (long long)json_integer_value(n));
	return json_integer_value(n);
}

static void show_words(const char *title, const char *worker, json_t *numbers,
		       bool (*word_of)(const char *name, const json_t *n, char word[WORD_MAX]))
{
	struct wrapped list = { .title = title, .of = worker };
	const char *name;
	char word[WORD_MAX];
	json_t *n;

	json_object_foreach(numbers, name, n)
	{
		if (word_of(name, n, word))
			show_word(&list, word);
	}
	if (list.column)
		putchar('\n');
}

static void show_counters(const json_t *info)
{
	json_t *workers = json_object_get(info, "workers"), *w;
	const char *name;

	json_object_foreach(workers, name, w)
	{
		show_words("budgets", name, json_object_get(w, "budgets"), word_of_budget);
		show_words("totals", name, json_object_get(w, "totals"), word_of_total);
	}
}

static void show_port(const json_t *port)
{
	const json_t *spec = json_object_get(port, "spec"), *stats = json_object_get(port, "stats");
	const char *ip = client_text(spec, "parentIP"), *why = client_text(stats, "lastError");
	char in[LOOK_AMOUNT_MAX], out[LOOK_AMOUNT_MAX];

	printf("port %-5lld %s%s%s:%lld -> %s%s%lld/%s", look_number(port, "id"),
	       strchr(ip, ':') ? "[" : "", *ip ? ip : "*", strchr(ip, ':') ? "]" : "",
	       look_number(spec, "parentPort"), client_text(spec, "childIP"),
	       *client_text(spec, "childIP") ? ":" : "", look_number(spec, "childPort"),
	       client_text(spec, "proto"));
	if (stats) {
		printf(": %lld of %lld open, %s in, %s out", look_number(stats, "active"),
		       look_number(stats, "accepted"),
		       look_amount(look_number(stats, "bytesIn"), in),
		       look_amount(look_number(stats, "bytesOut"), out));
		if (look_number(stats, "refused"))
			printf(", %lld refused%s%s%s", look_number(stats, "refused"),
			       *why ? " (" : "", why, *why ? ")" : "");
	}
	putchar('\n');
}

static void show_ports(const json_t *info, const json_t *ports)
{
	const json_t *driver = json_object_get(info, "portDriver");
	size_t n = json_array_size(ports);

	if (!driver) {
		puts("ports      none can be published");
		return;
	}
	printf("ports      %zu, by %s\n", n, client_text(driver, "driver"));
	for (size_t i = 0; i < n && i < PORTS_SHOWN; i++)
		show_port(json_array_get(ports, i));
	if (n > PORTS_SHOWN)
		printf("           and %zu more: rootlessctl list-ports --stats\n",
		       n - PORTS_SHOWN);
}

static long long used(const json_t *workers, const char *worker, const char *budget)
{
	return look_number(
		json_object_get(json_object_get(json_object_get(workers, worker), "budgets"),
				budget),
		"used");
}

/* what of it passes by us: a network of others, or none, does not */
static void show_flows(const json_t *info)
{
	const json_t *w = json_object_get(info, "workers"), *rates = json_object_get(info, "rates");
	char in[LOOK_AMOUNT_MAX], out[LOOK_AMOUNT_MAX];

	if (!rates)
		return;
	printf("flows      TCP %lld out, %lld published, %lld DNS, %lld by libslirp; UDP %lld out, "
	       "%lld published, %lld by libslirp; %lld pings\n",
	       used(w, "relay", "tcpOut"), used(w, "relay", "tcpPublished"),
	       used(w, "relay", "dnsConnections"), used(w, "slirp", "tcp"),
	       used(w, "relay", "udpOutPairs"), used(w, "relay", "udpClients"),
	       used(w, "slirp", "udp"), used(w, "slirp", "echo"));
	printf("rates      %lld connections/s, %s/s in, %s/s out, %lld datagrams/s of UDP out\n",
	       look_number(rates, "connectionsPerSecond"),
	       look_amount(look_number(rates, "bytesInPerSecond"), in),
	       look_amount(look_number(rates, "bytesOutPerSecond"), out),
	       look_number(rates, "datagramsPerSecond"));
}

/* what passes now goes into @info: ports, workers, and rates between two looks */
static int look_twice(const struct ctl *ctl, json_t *info, struct err *err)
{
	const bool has_ports = json_object_get(info, "portDriver");
	struct look before = { 0 }, now = { 0 };
	int r = look_new(ctl->socket_path, has_ports, &before, err);

	if (r == 0) {
		if (before.list.workers)
			poll(NULL, 0, WINDOW_MS);
		r = look_new(ctl->socket_path, has_ports, &now, err);
	}
	if (r == 0 && json_is_array(now.ports))
		json_object_set(info, "ports", now.ports);
	if (r == 0 && now.list.workers) {
		json_object_set(info, "workers", now.list.workers);
		json_object_set_new(info, "rates", look_rates(&before, &now));
	}
	look_done(&before);
	look_done(&now);
	return r;
}

int cmd_status(const struct ctl *ctl, struct err *err)
{
	autojson json_t *info = NULL;
	int r = client_info(ctl->socket_path, &info, err);

	if (r == 0)
		r = look_twice(ctl, info, err);
	if (r < 0)
		return r;
	if (ctl->json) {
		json_dumpf(info, stdout, JSON_INDENT(4));
		putchar('\n');
		return 0;
	}
	show_instance(info);
	show_network(info);
	show_workers(info);
	show_agents(info);
	show_flows(info);
	show_counters(info);
	show_ports(info, json_object_get(info, "ports"));
	return 0;
}
