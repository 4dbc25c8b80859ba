/* SPDX-License-Identifier: Apache-2.0 */
/* ports.h - the table of published ports (parent only); the driver does the work */
#ifndef RK_PARENT_PORTS_H
#define RK_PARENT_PORTS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/portspec.h"
#include "lib/ipc/worker.h"
#include "portdrivers/portdriver.h"

#define PORTS_MAX 4096       /* published at a time, those of ranges counted */
#define PORTS_SHARE 4        /* with builtin also: one of so many descriptors that we may have */
#define PORTS_REMOVE_MS 2000 /* how long a removal waits for the relay's word */
#define PORTS_STATS_MS 1000  /* the same for what the ports have seen */

struct event_base;
struct ports; /* opaque: entries in the order of their ids, which are never used twice */

/**
 * ports_new() - start a driver with PORT_F_PUBLISH
 * @base, @driver:	borrowed until ports_free()
 */
int ports_new(struct event_base *base, const struct port_driver *driver, const struct port_env *env,
	      struct ports **ret, struct err *err);
/* ports_free() - closes every port; a removal that is under way is done. NULL is taken, returned */
struct ports *ports_free(struct ports *t);
DEFINE_FREEP(struct ports *, ports_free)

/**
 * ports_add() - check, compare with the others, publish
 * @spec:	a parent port 0 is the one that was found, on success
 * Return: 0, the port is listening; -EINVAL, -EEXIST ("conflict with ID 3"), -ENOSPC, or what the
 *         driver says. Texts are RootlessKit's
 */
int ports_add(struct ports *t, struct port_spec *spec, uint32_t *ret_id, struct err *err);

/* ports_refuse() - from now on none can be added, for the reason @why, borrowed. Only a driver with
 * PORT_F_RELAY cares */
void ports_refuse(struct ports *t, const char *why);

/**
 * ports_remove() - stop listening
 * @drain_ms:	how long connections may go on, up to WORKER_DRAIN_MAX_MS
 * @done:	called once, within PORTS_REMOVE_MS, perhaps before this returns; never after a
 *		failure; may be NULL. 0: the port is free; -ETIMEDOUT: the relay still has it, and
 *		the entry stays until it answers or dies
 * Return: 0; -ENOENT ("unknown id: 3")
 */
typedef void ports_removed_fn(void *arg, int result);
int ports_remove(struct ports *t, int64_t id, uint32_t drain_ms, ports_removed_fn *done, void *arg,
		 struct err *err);

/* ports_on_removed() - the relay has closed its side; an id that is not being removed is ignored */
void ports_on_removed(struct ports *t, uint32_t id);

/* ports_relay_gone(), ports_relay_up() - see portdriver.h */
void ports_relay_gone(struct ports *t);
int ports_relay_up(struct ports *t, int relay_sock, struct err *err);

/**
 * ports_ask_stats() - have the relay tell what the ports have seen
 * @done:	called once, within PORTS_STATS_MS, perhaps before this returns; ports_each() has
 *		what came until then
 */
typedef void ports_stats_fn(void *arg);
void ports_ask_stats(struct ports *t, ports_stats_fn *done, void *arg);

/* ports_on_stats() - the relay's answer; what does not fit is ignored */
void ports_on_stats(struct ports *t, const struct worker_stats *s);

/**
 * ports_each() - @visit every entry in the order of the ids; it must not change the table
 * @stats:	of the last ports_ask_stats(); NULL: none came. Values of the relay, not checked
 */
typedef void port_visit_fn(uint32_t id, const struct port_spec *spec,
			   const struct worker_port_stats *stats, void *arg);
void ports_each(const struct ports *t, port_visit_fn *visit, void *arg);

const struct port_driver *ports_driver(const struct ports *t);

/* ports_describe() - "{tcp 127.0.0.1 8080 80 }", the spec in an error of the start; returns @dst */
#define PORTS_DESCRIBE_MAX (PORT_PROTO_MAX + 2 * PORT_IP_MAX + 2 * PORT_NUMBERS_MAX)
const char *ports_describe(const struct port_spec *s, char dst[static PORTS_DESCRIBE_MAX]);

#endif
