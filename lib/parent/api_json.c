// SPDX-License-Identifier: Apache-2.0
/*
 * api_json.c - the objects of the REST API as JSON
 *
 * What is read comes from whoever may open the socket: at most 64 KiB (api_server.c), nested at
 * most as deep as jansson allows (2048).
 */
#include "lib/parent/api_json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"
#include "lib/base/goerr.h"
#include "lib/base/gotext.h"
#include "lib/base/jsonfree.h"
#include "lib/base/str.h"
#include "lib/ipc/counters.h"
#include "lib/parent/api.h"
#include "lib/parent/ports.h"

#define ERRNO_MAX 4095
#define QUOTED_MAX 200 /* bytes of the client's text in a message */

/* a text of ours: not all of them are UTF-8 (paths), and a message may be cut inside a letter */
static json_t *text_new(const char *s)
{
	json_t *j = json_string(s);
	char plain[ERR_MSG_MAX];

	if (j)
		return j;
	str_printable(plain, sizeof(plain), s, strlen(s));
	return json_string(plain);
}

static json_t *list_new(const char *const *texts)
{
	json_t *j = json_array();

	for (; texts && *texts; texts++)
		json_array_append_new(j, text_new(*texts));
	return j;
}

static char *dump(json_t *j)
{
	return j ? json_dumps(j, JSON_COMPACT) : NULL;
}

static json_t *number_new(uint64_t n)
{
	return json_integer(n < INT64_MAX ? (json_int_t)n : INT64_MAX);
}

static json_t *sandbox_new(const struct api_info *info)
{
	static const char *const names[] = { "relay", "slirp" };
	json_t *j = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (info->sandbox[i])
			json_object_set_new(j, names[i], text_new(info->sandbox[i]));
	}
	return j;
}

static json_t *dns_servers_new(const struct worker_dns *dns)
{
	json_t *j = json_array();

	for (size_t i = 0; i < dns->count && i < WORKER_DNS_MAX; i++) {
		const struct net_addr *a = &dns->server[i];
		char text[INET6_ADDRSTRLEN];

		if (inet_ntop(a->family, a->addr, text, sizeof(text)))
			json_array_append_new(j, json_string(text));
	}
	return j;
}

/* what upstream's clients do not know */
static json_t *extra_new(const struct api_info *info)
{
	json_t *j = json_object();

	json_object_set_new(j, "accel", text_new(info->accel));
	if (info->accel_why)
		json_object_set_new(j, "accelReason", text_new(info->accel_why));
	if (info->deny_host_addrs)
		json_object_set_new(j, "denyHostAddrs", json_true());
	if (info->sandbox[0] || info->sandbox[1])
		json_object_set_new(j, "sandbox", sandbox_new(info));
	if (info->mtu)
		json_object_set_new(j, "mtu", json_integer(info->mtu));
	if (info->mtu_auto)
		json_object_set_new(j, "mtuAuto", json_true());
	if (info->dns_servers)
		json_object_set_new(j, "dnsServers", dns_servers_new(info->dns_servers));
	return j;
}

/* not known to upstream's clients */
static json_t *instance_new(const struct api_info *info)
{
	json_t *j = json_object();

	json_object_set_new(j, "pid", json_integer(info->pid));
	json_object_set_new(j, "started", json_integer(info->started));
	json_object_set_new(j, "detachedNetns", json_boolean(info->detached_netns));
	return j;
}

static json_t *net_driver_new(const struct api_info *info)
{
	json_t *j = json_object();

	json_object_set_new(j, "driver", text_new(info->net_driver));
	if (info->dns && *info->dns)
		json_object_set_new(j, "dns", list_new(info->dns));
	if (info->child_ip)
		json_object_set_new(j, "childIP", text_new(info->child_ip));
	if (info->dynamic_child_ip)
		json_object_set_new(j, "dynamicChildIP", json_true());
	if (info->ipv6)
		json_object_set_new(j, "ipv6", json_true());
	if (info->accel)
		json_object_set_new(j, "extra", extra_new(info));
	return j;
}

static json_t *port_driver_new(const struct api_info *info)
{
	json_t *j = json_object();

	json_object_set_new(j, "driver", text_new(info->port_driver));
	json_object_set_new(j, "protos", list_new(info->protos));
	if (info->disallow_loopback_child_ip)
		json_object_set_new(j, "disallowLoopbackChildIP", json_true());
	if (info->short_specs) {
		json_t *extra = json_object();

		json_object_set_new(extra, "specs", json_string("short"));
		if (info->show_backend)
			json_object_set_new(extra, "sourceIPTransparentBackend",
					    json_string(info->show_backend));
		if (info->show_why)
			json_object_set_new(extra, "sourceIPTransparentReason",
					    text_new(info->show_why));
		json_object_set_new(j, "extra", extra);
	}
	return j;
}

static void set_counters(json_t *j, const struct api_worker *w)
{
	json_t *budgets = json_object(), *totals = json_object();

	for (size_t i = 0; i < WORKER_NCOUNTERS; i++) {
		const struct counter_row *row = &worker_counter_rows[i];
		const uint64_t n = w->counters->value[i];
		json_t *one;

		if (row->role != w->role)
			continue;
		if (row->kind == COUNTER_BUDGET) {
			one = json_object();
			json_object_set_new(one, "used", number_new(n));
			json_object_set_new(one, "max", number_new(w->counters->max[i]));
			json_object_set_new(budgets, row->name, one);
		} else {
			json_object_set_new(totals, row->name, number_new(n));
		}
	}
	json_object_set_new(j, "budgets", budgets);
	json_object_set_new(j, "totals", totals);
}

json_t *api_json_workers(const struct api_info *info)
{
	json_t *j = NULL;

	for (size_t i = 0; i < info->nworkers; i++) {
		const struct api_worker *w = &info->workers[i];
		json_t *one;

		if (!w->name)
			continue;
		if (!j)
			j = json_object();
		one = json_object();
		json_object_set_new(one, "state", text_new(w->state));
		json_object_set_new(one, "restarts", json_integer(w->restarts));
		if (w->counters)
			set_counters(one, w);
		json_object_set_new(j, w->name, one);
	}
	return j;
}

/* "agents" has the state of each, "degraded" what goes without those that are dead */
static void set_agents(json_t *j, const struct api_info *info)
{
	json_t *agents = json_object(), *degraded = json_array();

	for (size_t i = 0; i < info->nagents; i++) {
		const struct api_agent *a = &info->agents[i];

		if (a->state)
			json_object_set_new(agents, a->netns, text_new(a->state));
		if (a->lost)
			json_array_append_new(degraded, text_new(a->lost));
	}
	if (json_object_size(agents))
		json_object_set(j, "agents", agents);
	if (json_array_size(degraded))
		json_object_set(j, "degraded", degraded);
	json_decref(agents);
	json_decref(degraded);
}

char *api_json_info(const struct api_info *info)
{
	autojson json_t *j = json_object();
	json_t *workers = api_json_workers(info);

	json_object_set_new(j, "apiVersion", json_string(API_VERSION));
	json_object_set_new(j, "version", text_new(info->version));
	json_object_set_new(j, "stateDir", text_new(info->state_dir));
	json_object_set_new(j, "childPID", json_integer(info->child_pid));
	if (info->net_driver)
		json_object_set_new(j, "networkDriver", net_driver_new(info));
	if (info->port_driver)
		json_object_set_new(j, "portDriver", port_driver_new(info));
	if (workers)
		json_object_set_new(j, "workers", workers);
	set_agents(j, info);
	if (info->pid)
		json_object_set_new(j, "instance", instance_new(info));
	return dump(j);
}

static void set_unless_empty(json_t *j, const char *name, const char *text)
{
	if (*text)
		json_object_set_new(j, name, text_new(text));
}

static json_t *status_new(uint32_t id, const struct port_spec *s)
{
	json_t *j = json_object(), *spec = json_object();

	set_unless_empty(spec, "proto", s->proto);
	set_unless_empty(spec, "parentIP", s->parent_ip);
	json_object_set_new(spec, "parentPort", json_integer(s->parent_port));
	json_object_set_new(spec, "childPort", json_integer(s->child_port));
	set_unless_empty(spec, "childIP", s->child_ip);
	if (s->more)
		json_object_set_new(spec, "count", json_integer(s->more + 1));
	if (s->udp_idle)
		json_object_set_new(spec, "udpIdle", json_integer(s->udp_idle));
	json_object_set_new(j, "id", json_integer(id));
	json_object_set_new(j, "spec", spec);
	return j;
}

char *api_json_status(uint32_t id, const struct port_spec *spec)
{
	autojson json_t *j = status_new(id, spec);

	return dump(j);
}

static json_t *stats_new(const struct worker_port_stats *s)
{
	json_t *j = json_object();
	char text[GO_STRERROR_MAX];

	json_object_set_new(j, "accepted", number_new(s->accepted));
	json_object_set_new(j, "active", number_new(s->active));
	json_object_set_new(j, "bytesIn", number_new(s->bytes_in));
	json_object_set_new(j, "bytesOut", number_new(s->bytes_out));
	json_object_set_new(j, "refused", number_new(s->refused));
	if (s->last_error && s->last_error <= ERRNO_MAX)
		json_object_set_new(j, "lastError",
				    text_new(go_strerror((int)s->last_error, text)));
	return j;
}

struct list_arg {
	json_t *list;
	bool with_stats;
};

static void append_status(uint32_t id, const struct port_spec *spec,
			  const struct worker_port_stats *stats, void *arg)
{
	const struct list_arg *a = arg;
	json_t *j = status_new(id, spec);

	if (a->with_stats && stats)
		json_object_set_new(j, "stats", stats_new(stats));
	json_array_append_new(a->list, j);
}

char *api_json_ports(const struct ports *ports, bool with_stats)
{
	autojson json_t *j = json_array();

	ports_each(ports, append_status, &(struct list_arg){ j, with_stats });
	return json_array_size(j) ? dump(j) : strdup("null"); /* as Go writes an empty slice */
}

char *api_json_error(const char *message)
{
	autojson json_t *j = json_object();
	autofree char *text = NULL;

	json_object_set_new(j, "message", text_new(message));
	text = dump(j);
	return text ? str_dup_format("%s\n", text) : NULL;
}

static const char *go_kind(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "bool";
	case JSON_NULL:
	default:
		return "null";
	}
}

static int type_error(const json_t *v, const char *field, const char *type, struct err *err)
{
	return err_say(err, EINVAL,
		       "json: cannot unmarshal %s into Go struct field Spec.%s of type %s",
		       go_kind(v), field, type);
}

/* one that does not fit is refused here, in the words of the check that it would not pass */
static int read_text(const json_t *v, const char *field, const char *bad, char *dst, size_t size,
		     struct err *err)
{
	char quoted[QUOTED_MAX];

	if (!json_is_string(v))
		return type_error(v, field, "string", err);
	if (json_string_length(v) >= size)
		return err_say(err, EINVAL, "%s: %s", bad,
			       go_quote(quoted, sizeof(quoted), json_string_value(v)));
	memcpy(dst, json_string_value(v), json_string_length(v) + 1);
	return 0;
}

static int read_port(const json_t *v, const char *field, int *ret, struct err *err)
{
	json_int_t n = json_integer_value(v);

	if (json_is_real(v))
		return err_say(err, EINVAL,
			       "json: cannot unmarshal number %.15g into Go struct field Spec.%s "
			       "of type int",
			       json_real_value(v), field);
	if (!json_is_integer(v))
		return type_error(v, field, "int", err);
	*ret = n > INT_MAX ? INT_MAX : n < INT_MIN ? INT_MIN : (int)n; /* refused either way */
	return 0;
}

/* ports of a range; what cannot be one stays so, and is refused by the check */
static int read_count(const json_t *v, const char *field, int *ret_more, struct err *err)
{
	int count = 1, r = read_port(v, field, &count, err);

	*ret_more = count > 0 ? count - 1 : -1;
	return r;
}

static int read_field(const char *name, const json_t *v, struct port_spec *s, struct err *err)
{
	if (json_is_null(v))
		return 0;
	if (strcasecmp(name, "proto") == 0)
		return read_text(v, "proto", "unknown proto", s->proto, sizeof(s->proto), err);
	if (strcasecmp(name, "parentIP") == 0)
		return read_text(v, "parentIP", "invalid ParentIP", s->parent_ip,
				 sizeof(s->parent_ip), err);
	if (strcasecmp(name, "childIP") == 0)
		return read_text(v, "childIP", "invalid ChildIP", s->child_ip, sizeof(s->child_ip),
				 err);
	if (strcasecmp(name, "parentPort") == 0)
		return read_port(v, "parentPort", &s->parent_port, err);
	if (strcasecmp(name, "childPort") == 0)
		return read_port(v, "childPort", &s->child_port, err);
	if (strcasecmp(name, "count") == 0)
		return read_count(v, "count", &s->more, err);
	if (strcasecmp(name, "anyOf") == 0)
		return read_count(v, "anyOf", &s->others, err);
	if (strcasecmp(name, "udpIdle") == 0)
		return read_port(v, "udpIdle", &s->udp_idle, err);
	return 0;
}

static int parse_failed(const char *body, size_t len, const json_error_t *e, struct err *err)
{
	char text[QUOTED_MAX];
	size_t at = 0;

	while (at < len && strchr(" \t\r\n", body[at]) && body[at])
		at++;
	if (at == len)
		return err_say(err, EINVAL, "EOF");
	if (json_error_code(e) == json_error_premature_end_of_input)
		return err_say(err, EINVAL, "unexpected EOF");
	str_printable(text, sizeof(text), e->text, strnlen(e->text, sizeof(e->text)));
	return err_say(err, EINVAL, "invalid JSON: %s (line %d, column %d)", text, e->line,
		       e->column);
}

int api_json_read_spec(const char *body, size_t len, struct port_spec *ret, struct err *err)
{
	autojson json_t *j = NULL;
	struct port_spec s = { 0 };
	json_error_t e;
	const char *name;
	json_t *v;
	int r;

	/* like Go's decoder: one value, what follows it is not looked at */
	j = json_loadb(body, len, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &e);
	if (!j)
		return parse_failed(body, len, &e, err);
	if (!json_is_object(j) && !json_is_null(j))
		return err_say(err, EINVAL,
			       "json: cannot unmarshal %s into Go value of type port.Spec",
			       go_kind(j));
	json_object_foreach(j, name, v)
	{
		r = read_field(name, v, &s, err);
		if (r < 0)
			return r;
	}
	*ret = s;
	return 0;
}
