/* SPDX-License-Identifier: Apache-2.0 */
/* jsonfree.h - a JSON value of jansson that goes with its scope: autojson */
#ifndef RK_BASE_JSONFREE_H
#define RK_BASE_JSONFREE_H

#include <jansson.h>

#include "lib/base/cleanup.h"

static inline json_t *json_free(json_t *j)
{
	json_decref(j);
	return NULL;
}

DEFINE_FREEP(json_t *, json_free)
#define autojson AUTO(json_freep)

#endif
