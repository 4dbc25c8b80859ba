// SPDX-License-Identifier: Apache-2.0
/* options_sysctl.c - --sysctl: what can be said of KEY=VALUE before the kernel is asked */
#include "cmd/rootless-supervisor/options_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/gotext.h"

#define SETTINGS_MAX 64
#define KEY_MAX 200
#define VALUE_MAX 1024

/*
 * As sysctl(8): when the first separator is a dot, slashes stand for dots in names
 * ("net.ipv4.conf.eth0/1.rp_filter"), else it is a path already
 */
static void key_to_path(char *key)
{
	if (key[strcspn(key, "./")] != '.')
		return;
	for (; *key; key++) {
		if (*key == '.')
			*key = '/';
		else if (*key == '/')
			*key = '.';
	}
}

/* no element that would lead out of /proc/sys/net, no character that no name has */
static bool is_path_below_net(const char *path)
{
	if (strncmp(path, "net/", 4) != 0 || strlen(path) > KEY_MAX)
		return false;
	for (const char *p = path; *p; p++) {
		if (*p <= ' ' || *p == 0x7f)
			return false;
	}
	for (const char *p = path;; p++) {
		size_t len = strcspn(p, "/");

		if (!len || (p[0] == '.' && (len == 1 || (len == 2 && p[1] == '.'))))
			return false;
		p += len;
		if (!*p)
			return true;
	}
}

static int read_setting(struct sysctl_setting *s, const char *item, struct err *err)
{
	const char *equals = strchr(item, '=');
	char q[GO_QUOTE_MAX];

	go_quote(q, sizeof(q), item);
	if (!equals || equals == item || !equals[1] || strlen(equals) > VALUE_MAX)
		return err_say(err, EINVAL, "sysctl must be KEY=VALUE, not %s", q);
	s->path = strndup(item, (size_t)(equals - item));
	s->value = strdup(equals + 1);
	if (!s->path || !s->value)
		return err_set(err, ENOMEM, "reading --sysctl=%s", q);
	key_to_path(s->path);
	if (is_path_below_net(s->path))
		return 0;
	return err_say(err, EINVAL,
		       "sysctl %s: only net.* belongs to the child's network namespace; everything "
		       "else is the host's",
		       q);
}

int option_check_sysctl(struct check *c, struct err *err)
{
	const struct option_value *typed = &c->v[OPT_SYSCTL];
	struct options *o = c->o;

	if (!typed->nitems)
		return 0;
	if (!option_net_has(c, NET_F_NETNS))
		return err_say(err, EINVAL,
			       "sysctl needs a network namespace of its own, which --net=%s does "
			       "not make",
			       o->net);
	if (typed->nitems > SETTINGS_MAX)
		return err_say(err, EINVAL, "sysctl may be given %d times, not %zu", SETTINGS_MAX,
			       typed->nitems);
	o->sysctl = calloc(typed->nitems, sizeof(*o->sysctl));
	if (!o->sysctl)
		return err_set(err, ENOMEM, "reading %zu sysctls", typed->nitems);
	for (size_t i = 0; i < typed->nitems; i++) {
		int r;

		o->nsysctl++;
		r = read_setting(&o->sysctl[i], typed->items[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}
