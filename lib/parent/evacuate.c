// SPDX-License-Identifier: Apache-2.0
/*
 * evacuate.c - --evacuate-cgroup2: leave our cgroup for a subgroup, so that it may have others
 *
 * The parent does it when the child exists and before the agents are forked. Processes that fork
 * while we move them are found in the next round. What was there before us, the user's shell as a
 * rule, moves as well, and comes back at the end: by the nursery, when the parent was killed.
 *
 * A subgroup of ours has MARK, an attribute whose value are the controllers that were opened for
 * it, and a shared lock of each instance that is in it: so one that was left empty is known again,
 * two instances may have the same, and the last of them takes it back. Who is started from a shell
 * that another one has moved makes a subgroup of that one's; whoever ends last takes back both.
 *
 * Root of the child may write the attribute as well, where the user may. So what we take back above
 * our own was marked when we started, and what the value may say are names.
 */
#include "lib/parent/evacuate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

#define FILE_MAX (64 * 1024)
#define MARK "user.rootless-supervisor"
#define ROUNDS_MAX 16 /* of moving what the last round has left */
#define CONTROLLERS_MAX 256
#define REMOVALS_MAX 50 /* attempts, 10 ms apart */
#define REMOVAL_MS 10
#define LEVELS_MAX 16 /* of instances that were started from one another's shells */
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_ "
#define HOLD_TRIES 500 /* 10 ms apart: who has it needs less than a second */

struct evacuation {
	int old, sub;                      /* the two groups */
	bool made;                         /* the subgroup is ours to remove */
	unsigned up;                       /* so many above it are subgroups of others of us */
	char path[PATH_MAX];               /* of old */
	char name[NAME_MAX + 1];           /* of the subgroup */
	char controllers[CONTROLLERS_MAX]; /* that we open, each with a blank behind it */
};

static void close_mounts(FILE **f)
{
	if (*f)
		endmntent(*f);
}

/* where the first cgroup2 is mounted; -ENOENT when there is none */
static int find_mount(char *ret, size_t size)
{
	AUTO(close_mounts) FILE *f = setmntent("/proc/self/mounts", "re");

	if (!f)
		return -errno;
	for (struct mntent *m; (m = getmntent(f));) {
		if (strcmp(m->mnt_type, "cgroup2") == 0)
			return str_format(ret, size, "%s", m->mnt_dir) < 0 ? -ENAMETOOLONG : 0;
	}
	return -ENOENT;
}

/* our group of cgroup2, below its mount point: what follows "0::" */
static int find_own_group(char *ret, size_t size)
{
	autofree char *text = NULL;
	ssize_t n = fd_read_file(AT_FDCWD, "/proc/self/cgroup", FILE_MAX, &text);
	char *save = NULL;

	if (n < 0)
		return (int)n;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (str_starts(l, "0::"))
			return str_format(ret, size, "%s", l + 3) < 0 ? -ENAMETOOLONG : 0;
	}
	return -ENOENT;
}

static int open_own_group(struct evacuation *e, struct err *err)
{
	char mount[PATH_MAX], group[PATH_MAX];
	int r = find_mount(mount, sizeof(mount));

	if (r == 0)
		r = find_own_group(group, sizeof(group));
	if (r == -ENOENT)
		return r;
	if (r == 0 && str_format(e->path, sizeof(e->path), "%s%s", mount, group) < 0)
		r = -ENAMETOOLONG;
	if (r < 0)
		return err_set(err, -r, "evacuating the cgroup: finding it");
	e->old = open(e->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return e->old < 0 ? err_set(err, errno, "evacuating the cgroup: opening '%s'", e->path) : 0;
}

static int open_subgroup(struct evacuation *e, struct err *err)
{
	int r = 0;

	e->made = mkdirat(e->old, e->name, 0755) == 0;
	if (!e->made && errno != EEXIST)
		r = err_set(err, errno, "evacuating the cgroup: making its subgroup '%s'", e->name);
	if (r == 0) {
		e->sub = openat(e->old, e->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (e->sub < 0)
			r = err_set(err, errno, "evacuating the cgroup: opening its subgroup '%s'",
				    e->name);
	}
	if (r == -EACCES || r == -EPERM || r == -EROFS)
		err_hint(err, r,
			 "the cgroup must be delegated to you: systemd-run --user --scope "
			 "-p Delegate=yes COMMAND");
	return r;
}

/* one round; the number of processes that moved. @ret_left: a line for each that did not */
static size_t move_once(int from, int to, size_t *ret_left, char why[128])
{
	autofree char *text = NULL;
	char *save = NULL;
	size_t moved = 0;

	*ret_left = 0;
	if (fd_read_file(from, "cgroup.procs", FILE_MAX, &text) < 0)
		return 0;
	for (char *pid = strtok_r(text, "\n", &save); pid; pid = strtok_r(NULL, "\n", &save)) {
		/* 0: of another PID namespace; to write it would be to move ourselves */
		int r = strcmp(pid, "0") == 0 ? -ESRCH : fd_write_file(to, "cgroup.procs", pid);

		if (r == 0) {
			moved++;
		} else if (r != -ESRCH) {
			*ret_left += 1;
			snprintf(why, 128, "process %.16s: %s", pid, strerror(-r));
		}
	}
	return moved;
}

static void move_all(int from, int to)
{
	char why[128] = "";
	size_t left;

	for (int i = 0; i < ROUNDS_MAX; i++) {
		if (move_once(from, to, &left, why) == 0)
			break;
	}
	if (left)
		log_warning("cgroup", "%zu processes stay in their cgroup: %s", left, why);
}

static int set_controller(int group, char sign, const char *name)
{
	char word[64];

	if (str_format(word, sizeof(word), "%c%s", sign, name) < 0)
		return -ENAMETOOLONG;
	return fd_write_file(group, "cgroup.subtree_control", word);
}

/* is @word one of the blank-separated words of @text? */
static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text; p && (p = strstr(p, word)); p += len) {
		if ((p == text || p[-1] == ' ') && strchr(" \n", p[len]))
			return true;
	}
	return false;
}

/* what is open already stays so at the end */
static void note_controllers(struct evacuation *e)
{
	autofree char *text = NULL, *open = NULL;
	size_t used = 0;
	char *save = NULL;

	if (fd_read_file(e->old, "cgroup.controllers", FILE_MAX, &text) < 0 ||
	    fd_read_file(e->old, "cgroup.subtree_control", FILE_MAX, &open) < 0)
		return;
	for (char *c = strtok_r(text, " \n", &save); c; c = strtok_r(NULL, " \n", &save)) {
		if (!has_word(open, c) && used + strlen(c) + 2 <= sizeof(e->controllers))
			used += (size_t)snprintf(e->controllers + used,
						 sizeof(e->controllers) - used, "%s ", c);
	}
}

/* each for itself: one that cannot be had does not keep the others away */
static void set_controllers(const struct evacuation *e, char sign)
{
	char words[CONTROLLERS_MAX], *save = NULL;

	memcpy(words, e->controllers, sizeof(words));
	for (char *c = strtok_r(words, " ", &save); c; c = strtok_r(NULL, " ", &save)) {
		int r = set_controller(e->old, sign, c);

		if (r < 0 && sign == '+')
			log_warning("cgroup", "handing the controller %s down: %s", c,
				    strerror(-r));
	}
}

/* who was killed is in it for a moment */
static void remove_subgroup(const struct evacuation *e)
{
	for (int i = 0; i < REMOVALS_MAX; i++) {
		if (unlinkat(e->old, e->name, AT_REMOVEDIR) == 0 || errno != EBUSY)
			return;
		poll(NULL, 0, REMOVAL_MS);
	}
}

/*
 * One at a time makes or removes a subgroup of @group: else one that was just made has no mark yet
 * and is taken for a stranger's, and one that is being removed is entered. Return: to be closed;
 * -1: it cannot be had, as anybody may lock what he can read, and we go on without
 */
static int hold_group(int group)
{
	autoclose int fd = openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC);

	for (int i = 0; fd >= 0 && i < HOLD_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return take_fd(&fd);
		poll(NULL, 0, REMOVAL_MS);
	}
	return -1;
}

/* is the subgroup one of ours? Then what was opened for it is known */
static bool read_mark(struct evacuation *e)
{
	ssize_t n = fgetxattr(e->sub, MARK, e->controllers, sizeof(e->controllers) - 1);

	e->controllers[n < 0 ? 0 : n] = '\0';
	if (n >= 0 && strspn(e->controllers, NAME_CHARS) == (size_t)n)
		return true;
	e->controllers[0] = '\0';
	return false;
}

static unsigned count_marked(int group)
{
	autoclose int above = -1;
	unsigned n = 0;

	while (n < LEVELS_MAX && fgetxattr(group, MARK, NULL, 0) >= 0) {
		int next = openat(group, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		cleanup_closep(&above);
		above = group = next;
		n++;
	}
	return n;
}

/* a kernel before Linux 5.7 has no attributes there: then it is ours, and not shared */
static int take_subgroup(struct evacuation *e, struct err *err)
{
	if (e->made) {
		note_controllers(e);
		fsetxattr(e->sub, MARK, e->controllers, strlen(e->controllers), 0);
	} else {
		e->made = read_mark(e);
	}
	if (!e->made || flock(e->sub, LOCK_SH | LOCK_NB) == 0)
		return 0;
	e->made = false;
	return err_set(
		err, errno,
		"evacuating the cgroup: its subgroup '%s' is being removed by another instance",
		e->name);
}

static struct evacuation *forget(struct evacuation *e)
{
	if (!e)
		return NULL;
	cleanup_closep(&e->sub);
	if (e->made)
		remove_subgroup(e);
	cleanup_closep(&e->old);
	free(e);
	return NULL;
}
DEFINE_FREEP(struct evacuation *, forget)

int evacuation_new(const char *name, struct evacuation **ret, struct err *err)
{
	AUTO(forgetp) struct evacuation *e = calloc(1, sizeof(*e));
	autoclose int held = -1;
	int r;

	*ret = NULL;
	if (!e)
		return err_set(err, ENOMEM, "evacuating the cgroup");
	e->old = e->sub = -1;
	if (str_format(e->name, sizeof(e->name), "%s", name) < 0)
		return err_set(err, ENAMETOOLONG, "evacuating the cgroup: the name of a subgroup");
	r = open_own_group(e, err);
	if (r == -ENOENT && (!err || !err->code)) {
		log_warning("cgroup", "cgroup2 is not mounted: nothing is evacuated");
		return 0;
	}
	if (r < 0)
		return r;
	e->up = count_marked(e->old);
	held = hold_group(e->old);
	r = open_subgroup(e, err);
	if (r < 0)
		return r;
	r = take_subgroup(e, err);
	if (r < 0)
		return r;
	*ret = take_ptr(e);
	return 0;
}

void evacuation_go(const struct evacuation *e)
{
	if (!e)
		return;
	move_all(e->old, e->sub);
	set_controllers(e, '+');
}

int evacuation_fds(const struct evacuation *e, int ret[EVACUATION_NFDS])
{
	if (!e)
		return 0;
	ret[0] = e->old;
	ret[1] = e->sub;
	return EVACUATION_NFDS;
}

/* the group that we left, if it is the subgroup of another instance; false: it is not */
static bool step_up(struct evacuation *e)
{
	const char *name = str_basename(e->path);
	int up = e->up ? openat(e->old, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (up < 0 || str_format(e->name, sizeof(e->name), "%s", name) < 0) {
		cleanup_closep(&up);
		return false;
	}
	e->path[name - e->path - (name > e->path)] = '\0';
	cleanup_closep(&e->sub);
	e->sub = e->old;
	e->old = up;
	e->up--;
	e->made = read_mark(e);
	return e->made;
}

/* not made: the group was there before us, and others may be in it; locked: they are */
static void take_back(struct evacuation *e)
{
	autoclose int held = e->made ? hold_group(e->old) : -1;

	e->made = e->made && flock(e->sub, LOCK_EX | LOCK_NB) == 0;
	if (!e->made)
		return;
	set_controllers(e, '-');
	move_all(e->sub, e->old);
	remove_subgroup(e);
}

struct evacuation *evacuation_undo(struct evacuation *e)
{
	if (!e)
		return NULL;
	do
		take_back(e);
	while (e->made && step_up(e));
	e->made = false; /* what is left is somebody's */
	return forget(e);
}
