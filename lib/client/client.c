// SPDX-License-Identifier: Apache-2.0
/* client.c - calls of the REST API */
#include "lib/client/client.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/goerr.h"
#include "lib/base/gotext.h"
#include "lib/base/http.h"
#include "lib/base/str.h"

#define QUOTED_MAX 200 /* bytes of an answer in a message */

const char *client_text(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));

	return text ? text : "";
}

int client_check_socket(const char *socket_path, struct err *err)
{
	char why[GO_STRERROR_MAX];
	struct stat st;

	if (stat(socket_path, &st) == 0)
		return 0;
	return err_say(err, errno, "stat %s: %s", socket_path, go_strerror(errno, why));
}

/* the server's message is the error */
static int refused(const struct http_answer *a, struct err *err)
{
	autojson json_t *j = json_loadb(a->body, a->body_len, 0, NULL);
	const char *message = client_text(j, "message");
	char quoted[QUOTED_MAX];

	if (*message)
		return err_say(err, EREMOTEIO, "%s", message);
	return err_say(err, EREMOTEIO, "unexpected HTTP status %s, body=%s", a->status_text,
		       go_quote(quoted, sizeof(quoted), a->body));
}

/* @ret: NULL when no body is expected; @ret_server: may be NULL */
static int call_by(const struct http_request *req, json_t **ret, uid_t *ret_server, struct err *err)
{
	struct http_answer a;
	autofree char *body = NULL;
	json_error_t e;
	int r;

	r = http_call(req, &a, err);
	if (r < 0)
		return r;
	body = a.body;
	if (ret_server)
		*ret_server = a.server;
	if (a.status < 200 || a.status > 299)
		return refused(&a, err);
	if (!ret)
		return 0;
	*ret = json_loadb(a.body, a.body_len, JSON_DECODE_ANY, &e);
	if (!*ret)
		return err_say(err, EPROTO, "the answer to %s %s is no JSON: %s", req->method,
			       req->path, e.text);
	return 0;
}

static int call(const struct http_request *req, json_t **ret, struct err *err)
{
	return call_by(req, ret, NULL, err);
}

int client_get(const char *socket_path, const char *path, char **ret, struct err *err)
{
	const struct http_request req = { socket_path, "GET", path, NULL, CLIENT_TIMEOUT_MS };
	struct http_answer a;
	autofree char *body = NULL;
	int r = http_call(&req, &a, err);

	if (r < 0)
		return r;
	body = a.body;
	if (a.status == 404) /* RootlessKit's, or an older one */
		return err_say(err, EOPNOTSUPP, "this instance does not know %s", path);
	if (a.status != 200)
		return refused(&a, err);
	*ret = take_ptr(body);
	return 0;
}

static int unexpected(json_t **ret, const char *what, struct err *err)
{
	*ret = json_free(*ret);
	return err_say(err, EPROTO, "the answer of the API is no %s", what);
}

static int ask_info(const char *socket_path, int timeout_ms, json_t **ret, uid_t *ret_server,
		    struct err *err)
{
	const struct http_request req = { socket_path, "GET", "/v1/info", NULL, timeout_ms };
	int r = call_by(&req, ret, ret_server, err);

	return r == 0 && !json_is_object(*ret) ? unexpected(ret, "Info object", err) : r;
}

int client_info_by(const char *socket_path, json_t **ret, uid_t *ret_server, struct err *err)
{
	return ask_info(socket_path, CLIENT_TIMEOUT_MS, ret, ret_server, err);
}

int client_info(const char *socket_path, json_t **ret, struct err *err)
{
	return ask_info(socket_path, CLIENT_TIMEOUT_MS, ret, NULL, err);
}

int client_info_within(const char *socket_path, int timeout_ms, json_t **ret, struct err *err)
{
	return ask_info(socket_path, timeout_ms, ret, NULL, err);
}

int client_list_ports(const char *socket_path, bool with_stats, json_t **ret, struct err *err)
{
	const struct http_request req = { socket_path, "GET",
					  with_stats ? "/v1/ports?stats=1" : "/v1/ports", NULL,
					  CLIENT_TIMEOUT_MS };
	int r = call(&req, ret, err);

	if (r == 0 && !json_is_array(*ret) && !json_is_null(*ret))
		return unexpected(ret, "list of ports", err);
	return r;
}

int client_add_port(const char *socket_path, const struct port_spec *spec, json_t **ret,
		    struct err *err)
{
	autojson json_t *j = json_pack("{s:s, s:s, s:i, s:i, s:s}", "proto", spec->proto,
				       "parentIP", spec->parent_ip, "parentPort", spec->parent_port,
				       "childPort", spec->child_port, "childIP", spec->child_ip);
	struct http_request req = { socket_path, "POST", "/v1/ports", NULL, CLIENT_TIMEOUT_MS };
	autofree char *body = NULL;
	int r;

	if (j && spec->more)
		json_object_set_new(j, "count", json_integer(spec->more + 1LL));
	if (j && spec->others)
		json_object_set_new(j, "anyOf", json_integer(spec->others + 1LL));
	if (j && spec->udp_idle)
		json_object_set_new(j, "udpIdle", json_integer(spec->udp_idle));
	req.body = body = j ? json_dumps(j, JSON_COMPACT) : NULL;
	if (!body)
		return err_set(err, ENOMEM, "adding a port");
	r = call(&req, ret, err);
	if (r == 0 && !json_is_integer(json_object_get(*ret, "id")))
		return unexpected(ret, "port status", err);
	return r;
}

int client_remove_port(const char *socket_path, int64_t id, int64_t drain_s, struct err *err)
{
	char path[96];
	const struct http_request req = { socket_path, "DELETE", path, NULL, CLIENT_TIMEOUT_MS };

	if (drain_s)
		str_format(path, sizeof(path), "/v1/ports/%lld?drain=%lld", (long long)id,
			   (long long)drain_s);
	else
		str_format(path, sizeof(path), "/v1/ports/%lld", (long long)id);
	return call(&req, NULL, err);
}
