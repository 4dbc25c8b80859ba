/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - calls of the REST API, for the programs that use it */
#ifndef RK_CLIENT_CLIENT_H
#define RK_CLIENT_CLIENT_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/jsonfree.h"
#include "lib/base/portspec.h"

#define CLIENT_TIMEOUT_MS 10000 /* for each call */

/* client_check_socket() - "stat /x/api.sock: no such file or directory" before any call */
int client_check_socket(const char *socket_path, struct err *err);

/*
 * Each returns 0 or a negative errno, with the server's own message in @err when it sent one. What
 * they hand out is freed by json_decref(), the fields that are read here have the right type.
 */
int client_info(const char *socket_path, json_t **ret, struct err *err);
/* client_info_within() - the same, @timeout_ms at most */
int client_info_within(const char *socket_path, int timeout_ms, json_t **ret, struct err *err);
/* client_info_by() - the same; *ret_server is the user who answered */
int client_info_by(const char *socket_path, json_t **ret, uid_t *ret_server, struct err *err);
/* an array, or JSON null when no port is published */
int client_list_ports(const char *socket_path, bool with_stats, json_t **ret, struct err *err);
/* the status: {"id":1,"spec":{...}} */
int client_add_port(const char *socket_path, const struct port_spec *spec, json_t **ret,
		    struct err *err);
/* @drain_s: how long connections may go on */
int client_remove_port(const char *socket_path, int64_t id, int64_t drain_s, struct err *err);

/* client_get() - the body of any path as it is; malloc'ed */
int client_get(const char *socket_path, const char *path, char **ret, struct err *err);

/* client_text() - a string field, "" when it is absent or of another type */
const char *client_text(const json_t *object, const char *field);

#endif
