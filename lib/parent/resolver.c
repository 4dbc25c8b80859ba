// SPDX-License-Identifier: Apache-2.0
/*
 * resolver.c - watch the host's resolver file
 *
 * Runs in the parent. The file is written in place, replaced by rename, or is a symbolic link to
 * another place (systemd-resolved, NetworkManager, resolvconf) that is retargeted; so the directory
 * of the file and of every link on the way to it is watched, by inotify. What that cannot see (a
 * bind mount, a directory that comes later, an interface that gives a scope its number) is found by
 * looking every 5 s.
 *
 * Watching begins with the first look, half a second after the start. A look comes 50 ms after the
 * first event, when most writers are done. A file that looks unfinished (no server, or no newline
 * at its end) is believed only when it has looked so for half a second: until then the servers of
 * before are better than none.
 */
#include "lib/parent/resolver.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

#define LINKS_MAX 16 /* on the way to the file */
#define DEBOUNCE_MS 50
#define UNFINISHED_LOOKS 10 /* of DEBOUNCE_MS each */
#define LOOK_MS 5000
#define FIRST_LOOK_MS \
	500 /* closing an inotify takes the kernel 15 ms: who is short-lived has none */
#define READS_A_TURN 16

#define DIR_EVENTS \
	(IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | \
	 IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct place {  /* a name on the way to the file, in its directory */
	int wd; /* -1: the directory cannot be watched */
	char name[NAME_MAX + 1];
};

struct resolver {
	struct resolver_env env;
	int inotify;     /* -1: none, looking has to do */
	bool no_inotify; /* and it cannot be had */
	struct event *events, *timer;
	bool soon; /* the timer is set for an event, not for the next look */
	struct place place[LINKS_MAX];
	size_t nplaces;
	struct host_resolver now;
	bool told;         /* on_change() has taken what is in now */
	bool refusal_said; /* and that it did not */
	int unfinished;    /* looks that the file has looked so */
};

static void set_timer(struct resolver *r, int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_add(r->timer, &tv);
}

/* --- where to watch ----------------------------------------------------------------------- */

/* where @path leads, when it is a link: in its place */
static bool follow(char path[PATH_MAX])
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target));
	size_t dir = (size_t)(strrchr(path, '/') + 1 - path);

	if (n <= 0 || (size_t)n == sizeof(target))
		return false;
	if (target[0] == '/')
		dir = 0;
	if (dir + (size_t)n >= PATH_MAX)
		return false;
	memcpy(path + dir, target, (size_t)n);
	path[dir + (size_t)n] = '\0';
	return true;
}

/* a directory that is not there yet is waited for in the one above */
static void watch_place(const struct resolver *r, const char *path, struct place *ret)
{
	char dir[PATH_MAX];

	str_format(dir, sizeof(dir), "%s", path);
	do {
		char *name = strrchr(dir, '/') + 1;

		if (str_format(ret->name, sizeof(ret->name), "%s", name) < 0)
			ret->name[0] = '\0';
		*name = '\0';
		ret->wd = inotify_add_watch(r->inotify, dir, DIR_EVENTS);
		if (name - dir > 1)
			name[-1] = '\0';
	} while (ret->wd < 0 && errno == ENOENT && dir[1]);
}

static bool has_wd(const struct place *place, size_t n, int wd)
{
	for (size_t i = 0; i < n; i++) {
		if (place[i].wd == wd)
			return true;
	}
	return false;
}

/* to be called before the file is read: what changes afterwards is told */
static void watch_all(struct resolver *r)
{
	struct place old[LINKS_MAX];
	size_t nold = r->nplaces;
	char path[PATH_MAX];

	if (r->inotify < 0 || str_format(path, sizeof(path), "%s", r->env.path) < 0)
		return;
	memcpy(old, r->place, nold * sizeof(old[0]));
	r->nplaces = 0;
	do {
		watch_place(r, path, &r->place[r->nplaces++]);
	} while (r->nplaces < LINKS_MAX && follow(path));
	for (size_t i = 0; i < nold; i++) {
		if (old[i].wd >= 0 && !has_wd(r->place, r->nplaces, old[i].wd))
			inotify_rm_watch(r->inotify, old[i].wd);
	}
}

/* --- events ------------------------------------------------------------------------------- */

/* a directory is full of other files */
static bool concerns_us(const struct resolver *r, const struct inotify_event *e)
{
	if (e->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))
		return true;
	for (size_t i = 0; e->len && i < r->nplaces; i++) {
		if (r->place[i].wd == e->wd && strcmp(r->place[i].name, e->name) == 0)
			return true;
	}
	return false;
}

static bool read_events(struct resolver *r)
{
	alignas(struct inotify_event) char buf[4096];
	ssize_t n = read(r->inotify, buf, sizeof(buf));
	bool ours = false;

	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (const void *)(buf + at);

		ours |= concerns_us(r, e);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	if (ours && !r->soon) {
		r->soon = true;
		set_timer(r, DEBOUNCE_MS);
	}
	return n > 0;
}

static void on_events(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	for (int i = 0; i < READS_A_TURN && read_events(arg); i++)
		;
}

/* --- looking ------------------------------------------------------------------------------ */

static bool same(const struct host_resolver *a, const struct host_resolver *b)
{
	return memcmp(&a->dns, &b->dns, sizeof(a->dns)) == 0 && strcmp(a->extra, b->extra) == 0;
}

/* @h: consumed */
static void take(struct resolver *r, struct host_resolver *h)
{
	if (h->problem != r->now.problem)
		host_resolver_warn(r->env.path, h);
	if (!same(h, &r->now))
		r->told = r->refusal_said = false;
	host_resolver_done(&r->now);
	r->now = *h;
	r->unfinished = 0;
}

static void tell(struct resolver *r)
{
	struct err err = { 0 };

	if (r->told)
		return;
	r->told = r->env.on_change(&r->now, r->env.arg, &err) >= 0;
	if (!r->told && !r->refusal_said)
		log_warning("resolver", "%s, trying again", err.msg);
	r->refusal_said = !r->told;
}

/* once; without it looking has to do */
static void start_events(struct resolver *r)
{
	if (r->inotify >= 0 || r->no_inotify)
		return;
	r->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r->inotify >= 0)
		r->events = event_new(r->env.base, r->inotify, EV_READ | EV_PERSIST, on_events, r);
	if (r->events && event_add(r->events, NULL) == 0)
		return;
	log_debug("resolver", "inotify: %s, looking every %d s instead", strerror(errno),
		  LOOK_MS / 1000);
	if (r->events)
		event_free(r->events);
	r->events = NULL;
	cleanup_closep(&r->inotify);
	r->inotify = -1;
	r->no_inotify = true;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;
	struct host_resolver h;

	(void)fd;
	(void)what;
	r->soon = false;
	set_timer(r, LOOK_MS);
	start_events(r);
	watch_all(r);
	if (host_resolver_read(r->env.path, &h, NULL) < 0)
		return; /* out of memory: the next look may do */
	if (!h.finished && !same(&h, &r->now) && r->unfinished++ < UNFINISHED_LOOKS) {
		host_resolver_done(&h);
		r->soon = true;
		set_timer(r, DEBOUNCE_MS);
		return;
	}
	take(r, &h);
	tell(r);
}

/* --- all ---------------------------------------------------------------------------------- */

const struct host_resolver *resolver_now(const struct resolver *r)
{
	return &r->now;
}

static int start_timer(struct resolver *r, struct err *err)
{
	r->timer = evtimer_new(r->env.base, on_timer, r);
	if (!r->timer)
		return err_set(err, ENOMEM, "watching %s", r->env.path);
	set_timer(r, FIRST_LOOK_MS);
	return 0;
}

int resolver_new(const struct resolver_env *env, struct resolver **ret, struct err *err)
{
	AUTO(resolver_freep) struct resolver *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return err_set(err, ENOMEM, "watching %s", env->path);
	r->env = *env;
	r->inotify = -1;
	r->told = true;
	e = start_timer(r, err);
	if (e < 0)
		return e;
	e = host_resolver_read(env->path, &r->now, err);
	if (e < 0)
		return e;
	host_resolver_warn(env->path, &r->now);
	*ret = take_ptr(r);
	return 0;
}

struct resolver *resolver_free(struct resolver *r)
{
	if (!r)
		return NULL;
	if (r->events)
		event_free(r->events);
	if (r->timer)
		event_free(r->timer);
	cleanup_closep(&r->inotify);
	host_resolver_done(&r->now);
	free(r);
	return NULL;
}
