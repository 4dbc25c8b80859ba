// SPDX-License-Identifier: Apache-2.0
/*
 * ports.c - the table of published ports
 *
 * An entry is made by ports_add() and lives until its port is free again. While it is being removed
 * it is still listed and still conflicts; the driver calls back when the relay has answered, and
 * the entry's timer answers in the relay's place when it does not.
 */
#include "lib/parent/ports.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/list.h"
#include "lib/base/log.h"

struct entry {
	struct list link;
	struct ports *table;
	uint32_t id;
	struct port_spec spec;
	struct event *timer; /* pending while the port is being removed */
	bool removing;
	port_removed_fn *done;
	void *arg;
};

struct ports {
	struct event_base *base;
	const struct port_driver *driver;
	struct port_run *run;
	uint32_t last_id;
	size_t count;
	struct list entries;
};

static struct entry *entry_free(struct entry *e)
{
	if (!e)
		return NULL;
	if (e->timer)
		event_free(e->timer);
	free(e);
	return NULL;
}

DEFINE_FREEP(struct entry *, entry_free)

static struct entry *find(const struct ports *t, int64_t id)
{
	struct list *l;

	list_for_each (l, &t->entries) {
		struct entry *e = container_of(l, struct entry, link);

		if (e->id == id)
			return e;
	}
	return NULL;
}

/* the driver is through with this port */
static void on_port_removed(void *arg)
{
	struct entry *e = arg;
	port_removed_fn *done = e->done;
	void *done_arg = e->arg;

	list_remove(&e->link);
	e->table->count--;
	entry_free(e);
	if (done)
		done(done_arg);
}

static void on_relay_silent(evutil_socket_t fd, short what, void *arg)
{
	struct entry *e = arg;

	(void)fd;
	(void)what;
	log_warning("port", "the relay did not say within %d ms that it closed port %u, going on",
		    PORTS_REMOVE_MS, e->id);
	e->table->driver->parent_removed(e->table->run, e->id);
}

int ports_new(struct event_base *base, const struct port_driver *driver, const struct port_env *env,
	      struct ports **ret, struct err *err)
{
	struct ports *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return err_set(err, ENOMEM, "starting port driver %s", driver->name);
	t->base = base;
	t->driver = driver;
	list_init(&t->entries);
	r = driver->parent_start(env, &t->run, err);
	if (r < 0) {
		free(t);
		return r;
	}
	*ret = t;
	return 0;
}

struct ports *ports_free(struct ports *t)
{
	struct list *l;

	if (!t)
		return NULL;
	t->driver->parent_stop(t->run);
	while ((l = list_first(&t->entries))) {
		list_remove(l);
		entry_free(container_of(l, struct entry, link));
	}
	free(t);
	return NULL;
}

static int check(const struct ports *t, const struct port_spec *spec, struct err *err)
{
	struct list *l;
	int r = port_spec_check(spec, err);

	if (r < 0)
		return r;
	list_for_each (l, &t->entries) {
		const struct entry *e = container_of(l, struct entry, link);

		if (port_spec_conflicts(&e->spec, spec))
			return err_say(err, EEXIST, "conflict with ID %u", e->id);
	}
	if (t->count >= PORTS_MAX || t->last_id == UINT32_MAX)
		return err_say(err, ENOSPC,
			       "no room for another port: at most %d can be published at a time, "
			       "remove one first",
			       PORTS_MAX);
	return 0;
}

int ports_add(struct ports *t, const struct port_spec *spec, uint32_t *ret_id, struct err *err)
{
	AUTO(entry_freep) struct entry *e = NULL;
	int r = check(t, spec, err);

	if (r < 0)
		return r;
	e = calloc(1, sizeof(*e));
	if (!e)
		return err_set(err, ENOMEM, "publishing port %d", spec->parent_port);
	e->timer = evtimer_new(t->base, on_relay_silent, e);
	if (!e->timer)
		return err_set(err, ENOMEM, "publishing port %d", spec->parent_port);
	r = t->driver->parent_add(t->run, t->last_id + 1, spec, err);
	if (r < 0)
		return r;
	e->table = t;
	e->id = ++t->last_id;
	e->spec = *spec;
	*ret_id = e->id;
	t->count++;
	list_append(&t->entries, &take_ptr(e)->link);
	return 0;
}

int ports_remove(struct ports *t, int64_t id, port_removed_fn *done, void *arg, struct err *err)
{
	const struct timeval limit = { .tv_sec = PORTS_REMOVE_MS / 1000 };
	struct entry *e = find(t, id);
	int r;

	if (!e || e->removing)
		return err_say(err, ENOENT, "unknown id: %lld", (long long)id);
	e->removing = true;
	e->done = done;
	e->arg = arg;
	evtimer_add(e->timer, &limit);
	r = t->driver->parent_remove(t->run, e->id, on_port_removed, e, err);
	if (r < 0) { /* on success the entry may be gone already */
		evtimer_del(e->timer);
		e->removing = false;
	}
	return r;
}

void ports_on_removed(struct ports *t, uint32_t id)
{
	t->driver->parent_removed(t->run, id);
}

void ports_relay_gone(struct ports *t)
{
	t->driver->parent_relay_gone(t->run);
}

int ports_relay_up(struct ports *t, int relay_sock, struct err *err)
{
	return t->driver->parent_relay_up(t->run, relay_sock, err);
}

void ports_each(const struct ports *t, port_visit_fn *visit, void *arg)
{
	struct list *l;

	list_for_each (l, &t->entries) {
		const struct entry *e = container_of(l, struct entry, link);

		visit(e->id, &e->spec, arg);
	}
}

const struct port_driver *ports_driver(const struct ports *t)
{
	return t->driver;
}

const char *ports_describe(const struct port_spec *s, char dst[static PORTS_DESCRIBE_MAX])
{
	snprintf(dst, PORTS_DESCRIBE_MAX, "{%s %s %d %d %s}", s->proto, s->parent_ip,
		 s->parent_port, s->child_port, s->child_ip);
	return dst;
}
