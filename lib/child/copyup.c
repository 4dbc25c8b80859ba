// SPDX-License-Identifier: Apache-2.0
/*
 * copyup.c - directories of the host whose top-level entries the child may replace
 *
 * Runs in the child, as root of its namespaces. For each directory: hold a copy of its mounts,
 * mount a tmpfs on it, make DIR/.ro<digits>, mount the copy there, then one link an entry. The
 * names are read from the copy before anything is mounted. There is no call in this file that
 * removes or unmounts something: a failure ends the start, and the namespace with it.
 */
#include "lib/child/copyup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/child/subtree.h"

#define ENTRIES_MAX (1u << 20) /* of one directory: their names and links live in memory */
#define RO_NAME_MAX 20
#define RO_TRIES 100

struct entry {
	char *name;
	bool is_link;
};

struct listing {
	struct entry *entry;
	size_t n, size;
};

static void listing_done(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->entry[i].name);
	free(l->entry);
}

static int listing_add(struct listing *l, const char *name, bool is_link)
{
	if (l->n == ENTRIES_MAX)
		return -E2BIG;
	if (l->n == l->size) {
		size_t size = l->size ? 2 * l->size : 256;
		struct entry *grown = reallocarray(l->entry, size, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		l->entry = grown;
		l->size = size;
	}
	l->entry[l->n] = (struct entry){ strdup(name), is_link };
	if (!l->entry[l->n].name)
		return -ENOMEM;
	l->n++;
	return 0;
}

/* 1 or 0, or a negative errno; not every file system tells the type in the directory */
static int is_symlink(int dirfd, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_LNK;
	if (fstatat(dirfd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISLNK(st.st_mode);
}

static int read_entries(DIR *dir, struct listing *l)
{
	for (;;) {
		const struct dirent *d;
		int r;

		errno = 0;
		d = readdir(dir);
		if (!d)
			return -errno;
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		r = is_symlink(dirfd(dir), d);
		if (r == -ENOENT) /* it is gone again */
			continue;
		if (r >= 0)
			r = listing_add(l, d->d_name, r);
		if (r < 0)
			return r;
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int listing_read(struct listing *l, int tree)
{
	autoclose int fd = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir;
	int r;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	take_fd(&fd);
	r = read_entries(dir, l);
	closedir(dir);
	if (!r && l->n)
		qsort(l->entry, l->n, sizeof(*l->entry), by_name);
	return r;
}

/* ".ro<digits>" that no entry is called */
static int make_ro(int top, int tree, char name[RO_NAME_MAX])
{
	for (int i = 0; i < RO_TRIES; i++) {
		uint32_t digits;

		if (getrandom(&digits, sizeof(digits), 0) != sizeof(digits))
			return -errno;
		snprintf(name, RO_NAME_MAX, ".ro%u", digits);
		if (faccessat(tree, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		if (mkdirat(top, name, 0700) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

static bool is_skipped(const char *dir, const char *name, const char *const *skip, size_t nskip)
{
	size_t len = strlen(dir);

	for (size_t i = 0; i < nskip; i++)
		if (strncmp(skip[i], dir, len) == 0 && skip[i][len] == '/' &&
		    strcmp(skip[i] + len + 1, name) == 0)
			return true;
	return false;
}

static int link_entry(int top, int tree, const char *ro, const struct entry *e)
{
	char target[PATH_MAX];
	ssize_t n;

	if (!e->is_link) {
		snprintf(target, sizeof(target), "%s/%s", ro, e->name);
	} else {
		n = readlinkat(tree, e->name, target, sizeof(target) - 1);
		if (n == -1)
			return errno == ENOENT ? 0 : -errno; /* gone since the listing */
		target[n] = '\0';
	}
	return symlinkat(target, top, e->name) < 0 ? -errno : 0;
}

/* what the tmpfs cannot hold is named with the limit that was met */
static int refuse_write(const char *dir, const char *name, size_t done, size_t n, int r,
			struct err *err)
{
	char quoted[NAME_MAX + 1];

	str_printable(quoted, sizeof(quoted), name, strlen(name));
	err_set(err, -r, "failed to create %s/%s (entry %zu of %zu) in the tmpfs on %s", dir,
		quoted, done, n, dir);
	if (r == -ENOSPC || r == -ENOMEM || r == -EDQUOT)
		return err_hint(
			err, r,
			"it may use half of the memory, less under a memory limit (cgroup); "
			"each entry takes one inode");
	return r;
}

/* the tmpfs is mounted: fill it */
static int fill(const char *dir, struct subtree *tree, const struct listing *l,
		const char *const *skip, size_t nskip, struct err *err)
{
	autoclose int top = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char ro[RO_NAME_MAX], path[PATH_MAX];
	int r;

	if (top < 0)
		return err_set(err, errno, "opening the tmpfs on %s", dir);
	r = make_ro(top, tree->fd, ro);
	if (r < 0)
		return refuse_write(dir, ".ro", 0, l->n, r, err);
	r = str_format(path, sizeof(path), "%s/%s", dir, ro);
	if (r >= 0)
		r = subtree_put(tree, path);
	if (r < 0)
		return err_set(err, -r, "failed to move mount point from %s to %s/%s",
			       tree->scratch[0] ? tree->scratch : dir, dir, ro);
	for (size_t i = 0; i < l->n; i++) {
		if (is_skipped(dir, l->entry[i].name, skip, nskip))
			continue;
		r = link_entry(top, tree->fd, ro, &l->entry[i]);
		if (r < 0)
			return refuse_write(dir, l->entry[i].name, i + 1, l->n, r, err);
	}
	return 0;
}

static int copy_up(const char *dir, const char *const *skip, size_t nskip, struct err *err)
{
	struct subtree tree;
	struct listing l = { 0 };
	int r = subtree_take(&tree, dir, "rootlesskit-b");

	if (r < 0) {
		err_set(err, -r, "failed to create bind mount on %s", dir);
	} else {
		r = listing_read(&l, tree.fd);
		if (r < 0)
			err_set(err, -r, "reading dir %s", dir);
	}
	if (!r && mount("none", dir, "tmpfs", 0, NULL) < 0)
		r = err_set(err, errno, "failed to mount tmpfs on %s", dir);
	if (!r)
		r = fill(dir, &tree, &l, skip, nskip, err);
	listing_done(&l);
	subtree_done(&tree);
	return r;
}

/* before any mount: what can be refused is refused now */
static int check_dir(const char *dir, struct err *err)
{
	autoclose int fd = -1;

	if (strcmp(dir, "/tmp") == 0 || strcmp(dir, "/") == 0)
		return err_say(err, EINVAL, "%s cannot be copied up", dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, errno, "failed to create bind mount on %s", dir);
	return 0;
}

int copyup_run(const char *const *dirs, size_t n, const char *const *skip, size_t nskip,
	       struct err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		r = check_dir(dirs[i], err);
	for (size_t i = 0; !r && i < n; i++)
		r = copy_up(dirs[i], skip, nskip, err);
	return r;
}
