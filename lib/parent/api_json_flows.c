// SPDX-License-Identifier: Apache-2.0
/* api_json_flows.c - flows as JSON: the answer to GET /v1/flows */
#include <arpa/inet.h>
#include <jansson.h>

#include "lib/base/cleanup.h"
#include "lib/parent/api_json.h"
#include "lib/parent/flows.h"

#define WORKER(name, role, what) [name] = (role),
static const enum role worker_of[FLOWS_NSECTIONS] = { FLOW_SECTIONS(WORKER) };
static const char *const kind_name[] = { "out", "published", "dns" };
static const char *const shape_name[] = { "connecting", "open", "closing", "unanswered" };
static_assert(ARRAY_SIZE(kind_name) == FLOW_NKINDS && ARRAY_SIZE(shape_name) == FLOW_NSHAPES,
	      "a word for each");

static void set_number(json_t *j, const char *field, uint64_t n)
{
	json_object_set_new(j, field, json_integer(n < INT64_MAX ? (json_int_t)n : INT64_MAX));
}

static void set_address(json_t *j, const struct net_addr *a, const char *ip, const char *port)
{
	char text[INET6_ADDRSTRLEN];

	if ((a->family != AF_INET && a->family != AF_INET6) ||
	    !inet_ntop(a->family, a->addr, text, sizeof(text)))
		return;
	json_object_set_new(j, ip, json_string(text));
	if (port)
		set_number(j, port, a->port);
}

static const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : protocol == IPPROTO_UDP ? "udp" : "icmp";
}

/* @f: what flows.c has let through */
static json_t *flow_new(const struct worker_flow *f, enum role worker)
{
	json_t *j = json_object();

	json_object_set_new(j, "worker", json_string(role_name(worker)));
	json_object_set_new(j, "proto", json_string(protocol_name(f->protocol)));
	json_object_set_new(j, "kind", json_string(kind_name[f->kind]));
	json_object_set_new(j, "state", json_string(shape_name[f->shape]));
	if (f->kind == FLOW_KIND_PUBLISHED)
		set_number(j, "portID", f->port_id);
	set_address(j, &f->child, "childIP", "childPort");
	set_address(j, &f->far, "farIP", f->protocol == IPPROTO_ICMP ? NULL : "farPort");
	if (f->known & FLOW_KNOWS_AGE)
		set_number(j, "age", f->age_s);
	if (f->known & FLOW_KNOWS_IDLE)
		set_number(j, "idle", f->idle_s);
	if (f->known & FLOW_KNOWS_BYTES) {
		set_number(j, "bytesIn", f->bytes_in);
		set_number(j, "bytesOut", f->bytes_out);
	}
	return j;
}

char *api_json_flows(const struct api_info *info, const struct flows_found *found)
{
	json_t *j = json_object(), *list = json_array(), *workers = api_json_workers(info);
	char *text;

	for (size_t i = 0; i < found->n; i++)
		json_array_append_new(list,
				      flow_new(&found->flow[i], worker_of[found->section[i]]));
	json_object_set_new(j, "flows", list);
	json_object_set_new(j, "complete", json_boolean(found->complete));
	set_number(j, "next", found->next);
	if (workers)
		json_object_set_new(j, "workers", workers);
	text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	return text;
}
