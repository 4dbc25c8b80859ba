/* SPDX-License-Identifier: Apache-2.0 */
/* api_json.h - the objects of the REST API as JSON; field names, order and texts are RootlessKit's
 */
#ifndef RK_PARENT_API_JSON_H
#define RK_PARENT_API_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/portspec.h"

struct api_info;
struct flows_found;
struct json_t;
struct ports;

/* malloc'ed compact JSON, freed by the caller; NULL when memory is short */
char *api_json_info(const struct api_info *info);
char *api_json_ports(const struct ports *ports, bool with_stats);
char *api_json_flows(const struct api_info *info, const struct flows_found *found);
char *api_json_status(uint32_t id, const struct port_spec *spec);
char *api_json_error(const char *message); /* with the newline at the end */

/* api_json_workers() - a part of others; a new reference, NULL when there is no worker */
struct json_t *api_json_workers(const struct api_info *info);

/**
 * api_json_read_spec() - what POST /v1/ports got: the first JSON value, unknown fields ignored
 * @err:	Go's words ("json: cannot unmarshal ...", "EOF") where they are simple
 * Return: 0, the spec still has to be checked; -EINVAL; -ENOMEM
 */
int api_json_read_spec(const char *body, size_t len, struct port_spec *ret, struct err *err);

#endif
