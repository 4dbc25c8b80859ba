// SPDX-License-Identifier: Apache-2.0
/*
 * discover.c - the instances of this user, by their state directories
 *
 * Looked for where state directories are made: one level below XDG_RUNTIME_DIR (/run/user/UID when
 * it is not set) and below TMPDIR or /tmp. It counts when the directory is ours, has a lock, and
 * somebody listens on its socket.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/rootlessctl/rootlessctl.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"

#define FOUND_MAX 16

struct found {
	char *path[FOUND_MAX]; /* of sockets */
	size_t n;
	struct stat seen; /* the directory that was looked through last */
};

static bool listens(int dir)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "/proc/self/fd/%d/api.sock", dir);
	/* EAGAIN: its queue is full */
	return fd >= 0 && (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0 || errno == EAGAIN);
}

static bool is_instance(int base, const char *name)
{
	autoclose int dir =
		openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	return dir >= 0 && fstat(dir, &st) == 0 && st.st_uid == geteuid() &&
	       faccessat(dir, "lock", F_OK, AT_SYMLINK_NOFOLLOW) == 0 && listens(dir);
}

static void look_below(const char *path, struct found *f)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	struct stat st;

	/* both may be the same, by two names */
	if (d && (fstat(dirfd(d), &st) < 0 ||
		  (st.st_dev == f->seen.st_dev && st.st_ino == f->seen.st_ino))) {
		closedir(d);
		return;
	}
	if (d)
		f->seen = st;
	while (d && f->n < FOUND_MAX && (e = readdir(d))) {
		char *found;

		if (e->d_name[0] == '.' || (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN) ||
		    !is_instance(dirfd(d), e->d_name))
			continue;
		found = str_dup_format("%s/%s/api.sock", path, e->d_name);
		if (found)
			f->path[f->n++] = found;
	}
	if (d)
		closedir(d);
}

static int list_them(const struct found *f, struct err *err)
{
	char text[ERR_MSG_MAX];
	size_t n = (size_t)snprintf(text, sizeof(text),
				    "several instances run, choose one by --socket:");

	for (size_t i = 0; i < f->n && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "\n  %s", f->path[i]);
	return err_say(err, EEXIST, "%s", text);
}

int discover(char **ret, struct err *err)
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *tmp = getenv("TMPDIR");
	struct found f = { .n = 0 };
	char usual[PATH_MAX];
	int r = 0;

	str_format(usual, sizeof(usual), "/run/user/%u", geteuid());
	look_below(run && *run == '/' ? run : usual, &f);
	look_below(tmp && *tmp == '/' ? tmp : "/tmp", &f);
	if (f.n == 0)
		r = err_say(err, ENOENT, "please specify --socket or set $ROOTLESSKIT_STATE_DIR");
	else if (f.n > 1)
		r = list_them(&f, err);
	else
		*ret = take_ptr(f.path[0]);
	for (size_t i = 0; i < f.n; i++)
		free(f.path[i]);
	return r;
}

int ctl_socket(const struct ctl *ctl, char **ret, struct err *err)
{
	const char *dir = getenv("ROOTLESSKIT_STATE_DIR");

	if (!*ctl->socket_flag && !(dir && *dir))
		return discover(ret, err);
	*ret = *ctl->socket_flag ? strdup(ctl->socket_flag) : str_dup_format("%s/api.sock", dir);
	return *ret ? 0 : err_set(err, ENOMEM, "reading the command line");
}
