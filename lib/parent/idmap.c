// SPDX-License-Identifier: Apache-2.0
/*
 * idmap.c - write the uid and gid maps of the child's user namespace
 *
 * Runs in the parent, once, while the child waits unmapped. newuidmap and newgidmap do not depend
 * on each other, so both run at once. They decide what the user may map; when one refuses, the
 * reasons that a user can mend are looked for here: a set-user-ID program gains nothing under
 * no_new_privs, on a nosuid mount, or while it is traced, and then fails with a bare EPERM.
 */
#include "lib/parent/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
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
		return err_hint(err, -ENOENT,
				"the user needs a line in /etc/passwd (or another source of "
				"nsswitch.conf)");
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

static bool is_traced(void)
{
	autofree char *text = NULL;
	const char *p;

	if (fd_read_file(AT_FDCWD, "/proc/self/status", 65536, &text) < 0)
		return false;
	p = strstr(text, "\nTracerPid:\t");
	return p && p[strlen("\nTracerPid:\t")] != '0';
}

/* why the program at @path ran without the rights that it needs; 0 when no cause is in sight */
static int hint_rights(const struct run *run, int r, struct err *err)
{
	const char *path = run->path, *tool = tool_name[run->kind];
	const char *cap = run->kind == SUBID_UID ? "cap_setuid" : "cap_setgid";
	struct statvfs fs;
	struct stat st;
	bool is_setuid;

	if (geteuid() == 0 || stat(path, &st) < 0)
		return 0;
	is_setuid = (st.st_mode & S_ISUID) && st.st_uid == 0;
	if (!is_setuid && getxattr(path, "security.capability", NULL, 0) <= 0)
		return err_hint(err, r,
				"%s is neither set-user-ID root nor has file capabilities; mend it "
				"with: sudo setcap %s+ep %s (or: sudo chmod u+s %s)",
				path, cap, path, path);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return err_hint(err, r,
				"no_new_privs is set, so %s cannot gain rights: start without it "
				"(systemd: NoNewPrivileges=no; Kubernetes: "
				"allowPrivilegeEscalation: true; Docker: no "
				"--security-opt=no-new-privileges)",
				tool);
	if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID))
		return err_hint(err, r,
				"%s is on a file system mounted nosuid, so it cannot gain rights: "
				"remount it suid or install the uidmap package elsewhere",
				path);
	if (is_traced())
		return err_hint(err, r,
				"this process is traced (strace, a debugger), so %s cannot gain "
				"rights",
				tool);
	return 0;
}

/* the tool has ended without success: say so, and what to do */
static int explain(const struct idmap *m, const struct run *run, const struct tool *t, int limit_ms,
		   struct err *err)
{
	static const char *const file[SUBID_NKINDS] = { "/etc/subuid", "/etc/subgid" };
	int r = t->timed_out ? -ETIMEDOUT : -EPERM;
	char why[80];

	tool_status(t, limit_ms, why, sizeof(why));
	refuse(run, r, t->text, why, err);
	if (t->timed_out)
		return err_hint(err, r,
				"a name service that does not answer (LDAP, SSSD, NIS) makes %s "
				"wait; see nsswitch.conf",
				tool_name[run->kind]);
	if (WIFSIGNALED(t->status)) /* whatever rights it had */
		return WTERMSIG(t->status) == SIGKILL
			       ? err_hint(err, r,
					  "it was killed from outside; the kernel does that for "
					  "want of memory: see dmesg")
			       : r;
	if (hint_rights(run, r, err) < 0)
		return r;
	if (strstr(t->text, "not allowed"))
		return err_hint(
			err, r, "%s must grant these ids to %s; what it grants now: getsubids%s %s",
			file[run->kind], m->name, run->kind == SUBID_GID ? " -g" : "", m->name);
	return r;
}

static int start(struct run *run, struct tool *t, struct err *err)
{
	char why[64];
	int r = tool_find(tool_name[run->kind], run->path, sizeof(run->path));

	if (r < 0) {
		snprintf(why, sizeof(why), "exec: \"%s\": executable file not found in $PATH",
			 tool_name[run->kind]);
		refuse(run, r, "", why, err);
		return err_hint(err, r,
				"install the uidmap package (Fedora, RHEL: shadow-utils; Alpine: "
				"shadow-uidmap)");
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
			return explain(m, &runs[k], &tools[k], limit_ms, err);
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
