// SPDX-License-Identifier: Apache-2.0
/*
 * api.c - the endpoints of the REST API
 *
 * A DELETE is answered when the port is free, a list with statistics when the relay has told them:
 * struct later lives from the request until the port table calls back, and outlives its connection
 * and the API when one of them goes first.
 */
#include "lib/parent/api.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "lib/base/goerr.h"
#include "lib/base/str.h"
#include "lib/parent/api_json.h"
#include "lib/parent/api_server.h"
#include "lib/parent/events.h"
#include "lib/parent/flows.h"
#include "lib/parent/metrics.h"
#include "lib/parent/ports.h"

#define EVENTS_TYPE "application/x-ndjson"
#define QUOTED_MAX 200 /* bytes of the client's text in a message */

struct api {
	struct api_server *server;
	int statedir_fd; /* borrowed */
	const struct api_info *info;
	struct ports *ports; /* NULL: nothing can be published */
};

/* an answer that waits for the relay; outlives its connection, or the other way round */
struct later {
	struct api *api;
	struct api_conn *conn; /* NULL: gone */
	uint64_t after;        /* of events */
};

static void answer_json(struct api_conn *c, int status, const char *body)
{
	if (body)
		api_answer(c, status, "application/json", body);
	else
		api_answer_error(c, 500, "out of memory");
}

static void get_info(struct api *a, struct api_conn *c, const struct api_request *req)
{
	autofree char *body = api_json_info(a->info);

	(void)req;
	answer_json(c, 200, body);
}

static void on_conn_gone(void *arg)
{
	struct later *l = arg;

	l->conn = NULL;
}

/* NULL: memory is short, which @c is told */
static struct later *later_new(struct api *a, struct api_conn *c)
{
	struct later *l = calloc(1, sizeof(*l));

	if (!l) {
		api_answer_error(c, 500, "out of memory");
		return NULL;
	}
	*l = (struct later){ .api = a, .conn = c };
	api_hold(c, on_conn_gone, l);
	return l;
}

static void list_ports(const struct api *a, struct api_conn *c, bool with_stats)
{
	autofree char *body = api_json_ports(a->ports, with_stats);

	answer_json(c, 200, body);
}

static void on_stats(void *arg)
{
	struct later *l = arg;

	if (l->conn)
		list_ports(l->api, l->conn, true);
	free(l);
}

static void get_ports(struct api *a, struct api_conn *c, const struct api_request *req)
{
	struct later *l;

	if (strcmp(req->query, "stats=1") != 0) {
		list_ports(a, c, false);
		return;
	}
	l = later_new(a, c);
	if (l)
		ports_ask_stats(a->ports, on_stats, l);
}

static void send_metrics(const struct api *a, struct api_conn *c)
{
	autofree char *body = metrics_text(a->info, a->ports);

	if (body)
		api_answer(c, 200, METRICS_TYPE, body);
	else
		api_answer_error(c, 500, "out of memory");
}

static void on_metrics(void *arg)
{
	struct later *l = arg;

	if (l->conn)
		send_metrics(l->api, l->conn);
	free(l);
}

static void get_metrics(struct api *a, struct api_conn *c, const struct api_request *req)
{
	struct later *l;

	(void)req;
	if (!a->ports) {
		send_metrics(a, c);
		return;
	}
	l = later_new(a, c);
	if (l)
		ports_ask_stats(a->ports, on_metrics, l);
}

static void on_flows(void *arg, const struct flows_found *found)
{
	struct later *l = arg;

	if (l->conn) {
		autofree char *body = api_json_flows(l->api->info, found);

		answer_json(l->conn, 200, body);
	}
	free(l);
}

/* "next=PLACE"; from the first without it, and with what is no place */
static void get_flows(struct api *a, struct api_conn *c, const struct api_request *req)
{
	static const char next[] = "next=";
	uint64_t from = FLOWS_START;
	struct later *l = later_new(a, c);

	if (!l)
		return;
	if (str_starts(req->query, next) &&
	    str_to_u64(req->query + strlen(next), FLOWS_PLACE_MAX, &from) < 0)
		from = FLOWS_START;
	if (a->info->flows)
		flows_ask(a->info->flows, from, on_flows, l);
	else
		on_flows(l, &(struct flows_found){ .complete = true });
}

static void on_event(void *arg)
{
	struct later *l = arg;

	if (l->conn) {
		autofree char *body = events_text(l->api->info->events, l->after);

		if (body)
			api_answer(l->conn, 200, EVENTS_TYPE, body);
		else
			api_answer_error(l->conn, 500, "out of memory");
	}
	free(l);
}

/* with "after" it waits for the next one */
static void get_events(struct api *a, struct api_conn *c, const struct api_request *req)
{
	static const char after[] = "after=";
	struct later *l;

	if (!a->info->events) {
		api_answer(c, 200, EVENTS_TYPE, "");
		return;
	}
	l = later_new(a, c);
	if (!l)
		return;
	if (str_starts(req->query, after) &&
	    str_to_u64(req->query + strlen(after), INT64_MAX, &l->after) == 0)
		events_wait(a->info->events, l->after, on_event, l);
	else
		on_event(l);
}

/* a port has come; gone: @s is NULL */
static void tell_port(const struct api *a, const char *type, uint32_t id, const struct port_spec *s)
{
	char id_text[16], spec[sizeof(*s) + 32] = "";

	snprintf(id_text, sizeof(id_text), "%u", id);
	if (s)
		port_spec_format(s, spec, sizeof(spec));
	events_add_port(a->info->events, type, id_text, s ? spec : NULL);
}

static void post_port(struct api *a, struct api_conn *c, const struct api_request *req)
{
	autofree char *body = NULL;
	struct err err = { 0 };
	struct port_spec spec;
	uint32_t id;

	if (api_json_read_spec(req->body, req->body_len, &spec, &err) < 0 ||
	    ports_add(a->ports, &spec, &id, &err) < 0) {
		api_answer_error(c, 400, err.msg);
		return;
	}
	tell_port(a, "port-added", id, &spec);
	body = api_json_status(id, &spec);
	answer_json(c, 201, body);
}

static void on_port_free(void *arg, int result)
{
	struct later *l = arg;

	if (l->conn && result < 0)
		api_answer_error(l->conn, 400,
				 "the port takes nothing any more, but the relay process does not "
				 "answer and still has its socket: it is free when that answers or "
				 "has been replaced, which takes 20 s at most");
	else if (l->conn)
		api_answer(l->conn, 200, NULL, NULL);
	free(l);
}

/* "drain=SECONDS" */
static int read_drain(const char *query, uint32_t *ret_ms, struct err *err)
{
	static const char name[] = "drain=";
	char shown[QUOTED_MAX];
	uint64_t s;

	*ret_ms = 0;
	if (!str_starts(query, name))
		return 0;
	if (str_to_u64(query + strlen(name), WORKER_DRAIN_MAX_MS / 1000, &s) < 0) {
		str_printable(shown, sizeof(shown), query, strlen(query));
		return err_say(err, EINVAL, "bad query %s: want drain=SECONDS, 0 to %d", shown,
			       WORKER_DRAIN_MAX_MS / 1000);
	}
	*ret_ms = (uint32_t)(s * 1000);
	return 0;
}

static void delete_port(struct api *a, struct api_conn *c, const struct api_request *req)
{
	const char *text = req->path + strlen("/v1/ports/");
	char shown[QUOTED_MAX];
	struct err err = { 0 };
	uint32_t drain_ms;
	struct later *l;
	int64_t id;

	if (go_atoi(text, &id, &err) < 0) {
		str_printable(shown, sizeof(shown), text, strlen(text));
		err_wrap(&err, -err.code, "bad id %s", shown);
		api_answer_error(c, 400, err.msg);
		return;
	}
	if (read_drain(req->query, &drain_ms, &err) < 0) {
		api_answer_error(c, 400, err.msg);
		return;
	}
	l = later_new(a, c);
	if (!l)
		return;
	if (ports_remove(a->ports, id, drain_ms, on_port_free, l, &err) < 0) {
		api_answer_error(c, 400, err.msg);
		free(l);
		return;
	}
	tell_port(a, "port-removed", (uint32_t)id, NULL);
}

/* a path ending in a slash is met by any one name behind it */
static const struct route {
	const char *path, *method;
	bool needs_ports;
	void (*serve)(struct api *a, struct api_conn *c, const struct api_request *req);
} routes[] = {
	{ "/v1/info", "GET", false, get_info },    { "/v1/events", "GET", false, get_events },
	{ "/v1/flows", "GET", false, get_flows },  { "/v1/metrics", "GET", false, get_metrics },
	{ "/metrics", "GET", false, get_metrics }, { "/v1/ports", "GET", true, get_ports },
	{ "/v1/ports", "POST", true, post_port },  { "/v1/ports/", "DELETE", true, delete_port },
};

static bool route_fits(const struct route *r, const char *path)
{
	size_t n = strlen(r->path);

	if (r->path[n - 1] != '/')
		return strcmp(r->path, path) == 0;
	return strncmp(r->path, path, n) == 0 && path[n] && !strchr(path + n, '/');
}

static void on_request(struct api_conn *c, const struct api_request *req, void *arg)
{
	struct api *a = arg;
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (!route_fits(&routes[i], req->path))
			continue;
		known = true;
		if (strcmp(routes[i].method, req->method) != 0)
			continue;
		if (routes[i].needs_ports && !a->ports)
			api_answer_error(c, 400, "no PortDriver is available");
		else
			routes[i].serve(a, c, req);
		return;
	}
	if (known)
		api_answer(c, 405, NULL, NULL);
	else
		api_answer(c, 404, "text/plain; charset=utf-8", "404 page not found\n");
}

/* through /proc/self/fd, because the path of a state dir may be longer than a socket's may */
static int listen_in(int dirfd, int *ret, struct err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set(err, errno, "making the API socket");
	if (unlinkat(dirfd, API_SOCKET_NAME, 0) < 0 && errno != ENOENT)
		return err_set(err, errno, "removing the old '%s'", API_SOCKET_NAME);
	/* bind() takes the mode of the file from the descriptor: never wider, not for a moment */
	if (fchmod(fd, 0600) < 0)
		return err_set(err, errno, "setting the mode of '%s'", API_SOCKET_NAME);
	snprintf(un.sun_path, sizeof(un.sun_path), "/proc/self/fd/%d/" API_SOCKET_NAME, dirfd);
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
		return err_set(err, errno, "making '%s' in the state directory", API_SOCKET_NAME);
	*ret = take_fd(&fd);
	return 0;
}

int api_new(struct event_base *base, int statedir_fd, const struct api_info *info,
	    struct ports *ports, struct api **ret, struct err *err)
{
	struct api_server_opts opts = { .request_ms = API_REQUEST_MS, .handler = on_request };
	struct api *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return err_set(err, ENOMEM, "starting the API");
	a->statedir_fd = statedir_fd;
	a->info = info;
	a->ports = ports;
	opts.arg = a;
	r = listen_in(statedir_fd, &opts.listen_fd, err);
	if (r == 0)
		r = api_server_new(base, &opts, &a->server, err);
	if (r < 0) {
		free(a);
		return r;
	}
	*ret = a;
	return 0;
}

struct api *api_free(struct api *a)
{
	if (!a)
		return NULL;
	api_server_free(a->server);
	unlinkat(a->statedir_fd, API_SOCKET_NAME, 0);
	free(a);
	return NULL;
}
