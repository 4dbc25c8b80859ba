// SPDX-License-Identifier: Apache-2.0
/*
 * look.c - what passes now: flows, and what two looks at the totals tell of rates
 *
 * Rates are differences of what two answers say, by the time between them. What was not there
 * before, and a worker that began to count anew, have no rate yet.
 */
#include "cmd/rootlessctl/look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/str.h"
#include "lib/client/client.h"

#define PATH_MAX_BYTES 64
#define ID_MAX 24
#define KEY_MAX (2 * LOOK_ADDRESS_MAX + 32)

long long look_number(const json_t *object, const char *field)
{
	return json_integer_value(json_object_get(object, field));
}

int64_t look_per_second(int64_t n, int64_t us)
{
	return n <= 0 ? 0 : (int64_t)((double)n * 1e6 / (double)(us > 0 ? us : 1));
}

const char *look_amount(int64_t n, char text[static LOOK_AMOUNT_MAX])
{
	static const char units[] = " kMGTP";
	double v = (double)n;
	size_t u = 0;

	while (v >= 1000 && units[u + 1]) {
		v /= 1000;
		u++;
	}
	if (u == 0)
		str_format(text, LOOK_AMOUNT_MAX, "%lld B", (long long)n);
	else
		str_format(text, LOOK_AMOUNT_MAX, "%.1f %cB", v, units[u]);
	return text;
}

const char *look_address(const json_t *flow, const char *side, char text[static LOOK_ADDRESS_MAX])
{
	char ip_field[16], port_field[16];
	const json_t *port;
	const char *ip;
	bool v6;

	str_format(ip_field, sizeof(ip_field), "%sIP", side);
	str_format(port_field, sizeof(port_field), "%sPort", side);
	ip = client_text(flow, ip_field);
	port = json_object_get(flow, port_field);
	v6 = strchr(ip, ':');
	if (!*ip)
		str_format(text, LOOK_ADDRESS_MAX, "-");
	else if (!port)
		str_format(text, LOOK_ADDRESS_MAX, "%.45s", ip);
	else
		str_format(text, LOOK_ADDRESS_MAX, "%s%.45s%s:%lld", v6 ? "[" : "", ip,
			   v6 ? "]" : "", (long long)(json_integer_value(port) & UINT16_MAX));
	return text;
}

/* --- flows -------------------------------------------------------------------------------- */

void flow_list_done(struct flow_list *l)
{
	json_decref(l->flows);
	json_decref(l->workers);
	*l = (struct flow_list){ 0 };
}

/* one answer; *ret_next: where the next call goes on, 0: nowhere */
static int read_some(const char *socket_path, struct flow_list *l, int64_t *ret_next,
		     struct err *err)
{
	autojson json_t *j = NULL;
	autofree char *text = NULL;
	char path[PATH_MAX_BYTES] = "/v1/flows";
	json_t *flows;
	int r;

	if (*ret_next)
		str_format(path, sizeof(path), "/v1/flows?next=%lld", (long long)*ret_next);
	r = client_get(socket_path, path, &text, err);
	if (r < 0)
		return r;
	j = json_loads(text, 0, NULL);
	flows = json_object_get(j, "flows");
	if (!json_is_array(flows))
		return err_say(err, EPROTO, "the answer of the API is no list of flows");
	json_array_extend(l->flows, flows);
	json_decref(l->workers);
	l->workers = json_incref(json_object_get(j, "workers"));
	l->complete &= json_is_true(json_object_get(j, "complete"));
	*ret_next = look_number(j, "next");
	return 0;
}

int flows_read(const char *socket_path, struct flow_list *ret, struct err *err)
{
	struct flow_list l = { .flows = json_array(), .complete = true };
	int64_t next = 0;
	int r = 0, calls = 0;

	do {
		r = read_some(socket_path, &l, &next, err);
		calls++;
	} while (r == 0 && next > 0 && calls < LOOK_CALLS_MAX &&
		 json_array_size(l.flows) < LOOK_FLOWS_MAX);
	if (r < 0) {
		flow_list_done(&l);
		return r;
	}
	l.complete &= next == 0;
	*ret = l;
	return 0;
}

/* --- looks -------------------------------------------------------------------------------- */

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

int look_new(const char *socket_path, bool has_ports, struct look *ret, struct err *err)
{
	struct err unknown = { 0 };
	struct look l = { .us = now_us() };
	int r = 0;

	if (has_ports)
		r = client_list_ports(socket_path, true, &l.ports, err);
	if (r < 0)
		return r;
	r = flows_read(socket_path, &l.list, &unknown);
	if (r < 0 && r != -EOPNOTSUPP) {
		look_done(&l);
		*err = unknown;
		return r;
	}
	*ret = l;
	return 0;
}

void look_done(struct look *l)
{
	json_decref(l->ports);
	flow_list_done(&l->list);
	*l = (struct look){ 0 };
}

/* --- rates -------------------------------------------------------------------------------- */

struct sums {
	int64_t connections, in, out, datagrams;
};

/* what counts anew is no decrease */
static int64_t more(const json_t *now, const json_t *before, const char *field)
{
	int64_t n = look_number(now, field) - look_number(before, field);

	return n > 0 ? n : 0;
}

static const json_t *relay_totals(const struct look *l)
{
	return json_object_get(json_object_get(l->list.workers, "relay"), "totals");
}

static void id_of(const json_t *port, char id[static ID_MAX])
{
	str_format(id, ID_MAX, "%lld", look_number(port, "id"));
}

json_t *look_by_id(const json_t *ports)
{
	json_t *by_id = json_object(), *p;
	char id[ID_MAX];
	size_t i;

	json_array_foreach(ports, i, p)
	{
		id_of(p, id);
		json_object_set(by_id, id, p);
	}
	return by_id;
}

const json_t *look_known(const json_t *by_id, const json_t *port)
{
	char id[ID_MAX];

	id_of(port, id);
	return json_object_get(by_id, id);
}

/* a relay that is slow tells nothing of its ports: what it tells next is not of one look */
static void add_ports(struct sums *s, const json_t *before, const json_t *now)
{
	autojson json_t *known = look_by_id(before);
	json_t *p;
	size_t i;

	json_array_foreach(now, i, p)
	{
		const json_t *stats = json_object_get(p, "stats"), *old, *was;

		old = look_known(known, p);
		was = json_object_get(old, "stats");
		if (old && !was)
			continue;
		s->connections += more(stats, was, "accepted");
		s->in += more(stats, was, "bytesIn");
		s->out += more(stats, was, "bytesOut");
	}
}

static json_t *rate(int64_t n, int64_t us)
{
	return json_integer(look_per_second(n, us));
}

json_t *look_rates(const struct look *before, const struct look *now)
{
	const json_t *b = relay_totals(now), *a = relay_totals(before) ? relay_totals(before) : b;
	const int64_t us = now->us - before->us;
	struct sums s = { .connections = more(b, a, "tcpOutOpened"),
			  .in = more(b, a, "tcpOutBytesIn"),
			  .out = more(b, a, "tcpOutBytesOut"),
			  .datagrams = more(b, a, "udpOutSent") + more(b, a, "udpOutReceived") };
	json_t *j = json_object();

	add_ports(&s, before->ports, now->ports);
	json_object_set_new(j, "connectionsPerSecond", rate(s.connections, us));
	json_object_set_new(j, "bytesInPerSecond", rate(s.in, us));
	json_object_set_new(j, "bytesOutPerSecond", rate(s.out, us));
	json_object_set_new(j, "datagramsPerSecond", rate(s.datagrams, us));
	return j;
}

static void key_of(const json_t *flow, char key[static KEY_MAX])
{
	char child[LOOK_ADDRESS_MAX], far[LOOK_ADDRESS_MAX];

	str_format(key, KEY_MAX, "%.8s %.16s %s %s", client_text(flow, "proto"),
		   client_text(flow, "kind"), look_address(flow, "child", child),
		   look_address(flow, "far", far));
}

static int64_t speed(const json_t *flow)
{
	return look_number(flow, "bytesInPerSecond") + look_number(flow, "bytesOutPerSecond");
}

static int by_speed(const void *a, const void *b)
{
	const int64_t x = speed(*(json_t *const *)a), y = speed(*(json_t *const *)b);

	return x < y ? 1 : x > y ? -1 : 0;
}

/* a borrowed array of @n flows, those of @list */
static json_t **pointers(const json_t *list, size_t n)
{
	json_t **p = calloc(n ? n : 1, sizeof(json_t *));

	for (size_t i = 0; p && i < n; i++)
		p[i] = json_array_get(list, i);
	return p;
}

json_t *look_flow_rates(const struct look *before, const struct look *now, size_t max)
{
	static const char *const counters[] = { "bytesIn", "bytesOut" };
	static const char *const rates[] = { "bytesInPerSecond", "bytesOutPerSecond" };
	autojson json_t *known = json_object();
	const size_t n = json_array_size(now->list.flows);
	autofree json_t **sorted = pointers(now->list.flows, n);
	json_t *ret = json_array(), *f;
	char key[KEY_MAX];
	size_t i;

	json_array_foreach(before->list.flows, i, f)
	{
		key_of(f, key);
		json_object_set(known, key, f);
	}
	json_array_foreach(now->list.flows, i, f)
	{
		const json_t *old;

		key_of(f, key);
		old = json_object_get(known, key);
		for (size_t c = 0; old && c < ARRAY_SIZE(counters); c++)
			json_object_set_new(
				f, rates[c],
				rate(look_number(f, counters[c]) - look_number(old, counters[c]),
				     now->us - before->us));
	}
	if (sorted)
		qsort(sorted, n, sizeof(json_t *), by_speed);
	for (i = 0; sorted && i < n && i < max && speed(sorted[i]) > 0; i++)
		json_array_append(ret, sorted[i]);
	return ret;
}
