// SPDX-License-Identifier: Apache-2.0
/*
 * ports.c - the table of published ports
 *
 * An entry is made by ports_add() and lives until its port is free again. While it is being removed
 * it is still listed and still conflicts; the driver calls back when the relay has answered. When
 * it does not in time, the entry's timer tells so whoever waits, and a port that is free all the
 * same (TCP: its listeners are shut) goes.
 */
#include "lib/parent/ports.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "lib/base/list.h"
#include "lib/base/log.h"

struct entry {
	struct list link;
	struct ports *table;
	uint32_t id;
	struct port_spec spec;
	struct event *timer; /* pending while the port is being removed */
	bool removing;
	ports_removed_fn *done;
	void *arg;
	bool have_stats; /* of the question that is or was the last */
	struct worker_port_stats stats;
};

/* one who waits for the answer to the last question */
struct stats_wait {
	struct stats_wait *next;
	ports_stats_fn *done;
	void *arg;
};

struct ports {
	struct event_base *base;
	const struct port_driver *driver;
	struct port_run *run;
	enum port_rules rules;
	uint32_t last_id;
	size_t count, max;   /* of ports: a range is many */
	const char *refuses; /* NULL, or why no port can be added */
	struct list entries;
	struct event *stats_timer;
	struct stats_wait *stats_waits;    /* not NULL: a question is under way */
	struct worker_stats_req stats_req; /* after: the last id that was told */
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

static void entry_end(struct entry *e)
{
	ports_removed_fn *done = e->done;
	void *done_arg = e->arg;

	list_remove(&e->link);
	e->table->count -= (size_t)e->spec.more + 1;
	entry_free(e);
	if (done)
		done(done_arg, 0);
}

/* the driver is through with this port */
static void on_port_removed(void *arg)
{
	entry_end(arg);
}

static void on_relay_silent(evutil_socket_t fd, short what, void *arg)
{
	struct entry *e = arg;
	ports_removed_fn *done = e->done;
	bool is_free = e->table->driver->parent_is_free(e->table->run, e->id);

	(void)fd;
	(void)what;
	log_warning("port", "the relay did not say within %d ms that it closed port %u, %s",
		    PORTS_REMOVE_MS, e->id,
		    is_free ? "going on" : "it stays taken until the relay answers or is replaced");
	if (is_free) {
		entry_end(e);
		return;
	}
	e->done = NULL;
	if (done)
		done(e->arg, -ETIMEDOUT);
}

/* --- what the ports have seen ------------------------------------------------------------- */

static void stats_finish(struct ports *t)
{
	struct stats_wait *w = t->stats_waits, *next;

	t->stats_waits = NULL;
	evtimer_del(t->stats_timer);
	for (; w; w = next) {
		next = w->next;
		w->done(w->arg);
		free(w);
	}
}

static void on_stats_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	stats_finish(arg);
}

static void stats_ask(struct ports *t)
{
	if (t->driver->parent_ask_stats(t->run, &t->stats_req) < 0)
		stats_finish(t);
}

void ports_ask_stats(struct ports *t, ports_stats_fn *done, void *arg)
{
	const struct timeval limit = { .tv_sec = PORTS_STATS_MS / 1000 };
	struct stats_wait *w = calloc(1, sizeof(*w));
	bool under_way = t->stats_waits;
	struct list *l;

	if (!w) {
		done(arg);
		return;
	}
	*w = (struct stats_wait){ t->stats_waits, done, arg };
	t->stats_waits = w;
	if (under_way)
		return;
	list_for_each (l, &t->entries)
		container_of(l, struct entry, link)->have_stats = false;
	t->stats_req = (struct worker_stats_req){ .seq = t->stats_req.seq + 1 };
	evtimer_add(t->stats_timer, &limit);
	stats_ask(t);
}

void ports_on_stats(struct ports *t, const struct worker_stats *s)
{
	uint32_t count = s->count < WORKER_STATS_MAX ? s->count : WORKER_STATS_MAX;
	struct list *l = t->entries.next;

	if (!t->stats_waits || s->req.seq != t->stats_req.seq || s->req.after != t->stats_req.after)
		return; /* too late: that question was given up */
	for (uint32_t i = 0; i < count && s->port[i].id > t->stats_req.after; i++) {
		t->stats_req.after = s->port[i].id;
		while (l != &t->entries &&
		       container_of(l, struct entry, link)->id < t->stats_req.after)
			l = l->next;
		if (l != &t->entries &&
		    container_of(l, struct entry, link)->id == t->stats_req.after) {
			container_of(l, struct entry, link)->stats = s->port[i];
			container_of(l, struct entry, link)->have_stats = true;
		}
	}
	if (count == WORKER_STATS_MAX && t->stats_req.after > s->req.after)
		stats_ask(t);
	else
		stats_finish(t);
}

/* the relay has as many descriptors as we, and its connections and pools need most of them */
static size_t most_ports(const struct port_driver *driver)
{
	struct rlimit l;

	if (!(driver->flags & PORT_F_RELAY) || getrlimit(RLIMIT_NOFILE, &l) < 0 ||
	    l.rlim_max / PORTS_SHARE >= PORTS_MAX)
		return PORTS_MAX;
	return l.rlim_max / PORTS_SHARE;
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
	t->rules = env->rules;
	t->max = most_ports(driver);
	list_init(&t->entries);
	t->stats_timer = evtimer_new(base, on_stats_due, t);
	r = t->stats_timer ? driver->parent_start(base, env, &t->run, err)
			   : err_set(err, ENOMEM, "starting port driver %s", driver->name);
	if (r < 0) {
		if (t->stats_timer)
			event_free(t->stats_timer);
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
	stats_finish(t);
	event_free(t->stats_timer);
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
	int r = port_spec_check(spec, t->rules, err);

	if (r < 0)
		return r;
	if (t->refuses)
		return err_say(err, ECHILD, "%s", t->refuses);
	list_for_each (l, &t->entries) {
		const struct entry *e = container_of(l, struct entry, link);

		if (port_spec_conflicts(&e->spec, spec))
			return err_say(err, EEXIST, "conflict with ID %u", e->id);
	}
	if (t->count + (size_t)spec->more >= t->max || t->last_id == UINT32_MAX)
		return err_say(err, ENOSPC,
			       "no room for %s: at most %zu can be published at a time, "
			       "remove %s first%s",
			       spec->more ? "so many ports" : "another port", t->max,
			       spec->more ? "some" : "one",
			       t->max < PORTS_MAX ? ", or raise the limit of open files (ulimit -n)"
						  : "");
	return 0;
}

int ports_add(struct ports *t, struct port_spec *spec, uint32_t *ret_id, struct err *err)
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
	t->count += (size_t)spec->more + 1;
	list_append(&t->entries, &take_ptr(e)->link);
	return 0;
}

void ports_refuse(struct ports *t, const char *why)
{
	if (t->driver->flags & PORT_F_RELAY)
		t->refuses = why;
}

int ports_remove(struct ports *t, int64_t id, uint32_t drain_ms, ports_removed_fn *done, void *arg,
		 struct err *err)
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
	r = t->driver->parent_remove(t->run, e->id, drain_ms, on_port_removed, e, err);
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
	stats_finish(t);
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

		visit(e->id, &e->spec, e->have_stats ? &e->stats : NULL, arg);
	}
}

const struct port_driver *ports_driver(const struct ports *t)
{
	return t->driver;
}

const char *ports_describe(const struct port_spec *s, char dst[static PORTS_DESCRIBE_MAX])
{
	char parent[PORT_NUMBERS_MAX], child[PORT_NUMBERS_MAX];

	snprintf(dst, PORTS_DESCRIBE_MAX, "{%s %s %s %s %s}", s->proto, s->parent_ip,
		 port_numbers(s->parent_port, s->more + s->others, parent),
		 port_numbers(s->child_port, s->more, child), s->child_ip);
	return dst;
}
