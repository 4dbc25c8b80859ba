// SPDX-License-Identifier: Apache-2.0
/*
 * idmap.c - write the uid and gid maps of the child's user namespace
 *
 * Runs in the parent, once, while the child waits unmapped. newuidmap and newgidmap do not depend
 * on each other, so both run at once. They decide what the user may map; when one refuses,
 * lib/cause knows the reasons that a user can mend.
 */
#include "lib/parent/idmap.h"

#include <errno.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/cause/cause.h"
#include "lib/parent/tool.h"

#define OUTPUT_MAX 400     /* bytes of a tool's output in a message */
#define ARGS_SHOWN_MAX 200 /* bytes of its arguments in a message; two ranges take 50 */
#define PASSWD_MAX 65536   /* bytes of one passwd entry */
#define PATH_BUF 4096

static const char prefix[] = "failed to setup UID/GID map";
static const char *const tool_name[SUBID_NKINDS] = { "newuidmap", "newgidmap" };

struct idmap {
	struct subid_list list[SUBID_NKINDS];
	char name[]; /* of the user */
};

struct idmap *idmap_new(const struct subid_user *user, const struct subid_list list[SUBID_NKINDS])
{
	size_t len = strlen(user->name) + 1;
	struct idmap *m = malloc(sizeof(*m) + len);

	if (!m)
		return NULL;
	memcpy(m->list, list, sizeof(m->list));
	memcpy(m->name, user->name, len);
	return m;
}

struct idmap *idmap_free(struct idmap *m)
{
	free(m);
	return NULL;
}

const struct subid_list *idmap_list(const struct idmap *m, enum subid_kind kind)
{
	return &m->list[kind];
}

const char *idmap_user(const struct idmap *m)
{
	return m->name;
}

static int load(const char *subid_source, struct idmap **ret, struct err *err)
{
	autofree char *buf = malloc(PASSWD_MAX);
	autofree struct subid_list *list = calloc(SUBID_NKINDS, sizeof(*list));
	struct passwd pw, *found = NULL;
	struct subid_config c;
	struct subid_user user;
	int r;

	if (!buf || !list)
		return err_set(err, ENOMEM, "reading the user's id ranges");
	r = getpwuid_r(getuid(), &pw, buf, PASSWD_MAX, &found);
	if (r)
		return err_set(err, r, "looking up user id %u", getuid());
	if (!found) {
		err_say(err, ENOENT, "user: unknown userid %u", getuid());
		return cause_hint(err, -ENOENT, CAUSE_USER_UNKNOWN, NULL, NULL);
	}
	subid_config_default(&c);
	r = subid_source_parse(subid_source, &c.source, err);
	if (r < 0)
		return r;
	user = (struct subid_user){ pw.pw_uid, pw.pw_gid, pw.pw_name };
	r = subid_load(&c, &user, list, err);
	if (r < 0)
		return r;
	*ret = idmap_new(&user, list);
	return *ret ? 0 : err_set(err, ENOMEM, "keeping the user's id ranges");
}

int idmap_load(const char *subid_source, struct idmap **ret, struct err *err)
{
	int r = load(subid_source, ret, err);

	return r < 0 ? err_wrap(err, r, "%s: failed to compute uid/gid map", prefix) : 0;
}

char *idmap_args(const struct idmap *m, enum subid_kind kind)
{
	const struct subid_list *l = &m->list[kind];
	size_t size = l->text + 1, n;
	char *s = malloc(size);
	uint64_t inside = 1;

	if (!s)
		return NULL;
	n = (size_t)snprintf(s, size, "0 %u 1", l->own);
	for (size_t i = 0; i < l->n; i++) {
		n += (size_t)snprintf(s + n, size - n, " %u %u %u", (uint32_t)inside,
				      l->range[i].start, l->range[i].count);
		inside += l->range[i].count;
	}
	return s;
}

/* one run of a tool, with its texts */
struct run {
	enum subid_kind kind;
	char pid[16], path[PATH_BUF];
	char *args;  /* as in messages */
	char *words; /* the same, cut into argv */
	char **argv;
};

static void run_done(struct run *run)
{
	free(run->args);
	free(run->words);
	free(run->argv);
}

static int run_init(struct run *run, const struct idmap *m, enum subid_kind kind, pid_t child)
{
	size_t n = 0;
	char *save = NULL;

	*run = (struct run){ .kind = kind };
	snprintf(run->pid, sizeof(run->pid), "%d", (int)child);
	run->args = idmap_args(m, kind);
	run->words = run->args ? strdup(run->args) : NULL;
	run->argv = calloc(3 * (SUBID_RANGES_MAX + 1) + 3, sizeof(*run->argv));
	if (!run->words || !run->argv)
		return -ENOMEM;
	run->argv[n++] = (char *)tool_name[kind];
	run->argv[n++] = run->pid;
	for (char *w = strtok_r(run->words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		run->argv[n++] = w;
	return 0;
}

/* "newuidmap 1234 [0 1000 1 1 100000 65536] failed: <output>: <why>" */
static int refuse(const struct run *run, int r, const char *output, const char *why,
		  struct err *err)
{
	size_t len = strlen(run->args);
	bool cut = len > ARGS_SHOWN_MAX;
	char quoted[OUTPUT_MAX + 1];

	len = strlen(output);
	while (len && strchr(" \t\r\n", output[len - 1]))
		len--;
	str_printable(quoted, sizeof(quoted), output, len);
	for (char *p = quoted; *p; p++)
		if (output[p - quoted] == '\n')
			*p = ' ';
	return err_say(err, -r, "%s: %s %s [%.*s%s] failed: %s%s%s", prefix, tool_name[run->kind],
		       run->pid, ARGS_SHOWN_MAX, run->args, cut ? "..." : "", quoted,
		       *quoted ? ": " : "", why);
}

/* the tool has ended without success: say so, and what to do */
static int explain(const struct run *run, const struct tool *t, int limit_ms, struct err *err)
{
	static const char *const file[SUBID_NKINDS] = { "/etc/subuid", "/etc/subgid" };
	static const int cap[SUBID_NKINDS] = { CAP_SETUID, CAP_SETGID };
	enum cause_id cause;
	int r = t->timed_out ? -ETIMEDOUT : -EPERM;
	char why[80];

	tool_status(t, limit_ms, why, sizeof(why));
	refuse(run, r, t->text, why, err);
	if (t->timed_out)
		return cause_hint(err, r, CAUSE_IDTOOL_TIMEOUT, tool_name[run->kind], NULL);
	if (WIFSIGNALED(t->status)) /* whatever rights it had */
		return WTERMSIG(t->status) == SIGKILL
			       ? cause_hint(err, r, CAUSE_IDTOOL_KILLED, tool_name[run->kind], NULL)
			       : r;
	cause = cause_of_idtool(run->path, cap[run->kind]);
	if (cause == CAUSE_NONE && strstr(t->text, "not allowed"))
		return cause_hint(err, r, CAUSE_IDTOOL_RANGE, file[run->kind], NULL);
	return cause == CAUSE_NONE ? r : cause_hint(err, r, cause, run->path, NULL);
}

static int start(struct run *run, struct tool *t, struct err *err)
{
	char why[64];
	int r = tool_find(tool_name[run->kind], run->path, sizeof(run->path));

	if (r < 0) {
		snprintf(why, sizeof(why), "exec: \"%s\": executable file not found in $PATH",
			 tool_name[run->kind]);
		refuse(run, r, "", why, err);
		return cause_hint(err, r, CAUSE_IDTOOL_MISSING, tool_name[run->kind], NULL);
	}
	r = tool_start(t, run->path, run->argv, OUTPUT_MAX, TOOL_BOTH);
	if (r < 0)
		return refuse(run, r, "", strerror(-r), err);
	return 0;
}

static int run_both(const struct idmap *m, struct run *runs, struct tool *tools, pid_t child,
		    int limit_ms, struct err *err)
{
	int r;

	for (size_t k = 0; k < SUBID_NKINDS; k++) {
		r = run_init(&runs[k], m, (enum subid_kind)k, child);
		if (r < 0)
			return err_set(err, -r, "%s", prefix);
		r = start(&runs[k], &tools[k], err);
		if (r < 0)
			return r;
	}
	r = tools_finish(tools, SUBID_NKINDS, limit_ms);
	if (r < 0)
		return err_set(err, -r, "%s: waiting for newuidmap and newgidmap", prefix);
	for (size_t k = 0; k < SUBID_NKINDS; k++)
		if (!tool_ok(&tools[k]))
			return explain(&runs[k], &tools[k], limit_ms, err);
	return 0;
}

int idmap_apply_within(const struct idmap *m, pid_t child, int limit_ms, struct err *err)
{
	struct tool tools[SUBID_NKINDS] = { TOOL_INIT, TOOL_INIT };
	autofree struct run *runs = calloc(SUBID_NKINDS, sizeof(*runs));
	int r;

	if (!runs)
		return err_set(err, ENOMEM, "%s", prefix);
	r = run_both(m, runs, tools, child, limit_ms, err);
	for (size_t k = 0; k < SUBID_NKINDS; k++) {
		tool_done(&tools[k]);
		run_done(&runs[k]);
	}
	return r;
}

int idmap_apply(const struct idmap *m, pid_t child, struct err *err)
{
	return idmap_apply_within(m, child, TOOL_LIMIT_MS, err);
}
