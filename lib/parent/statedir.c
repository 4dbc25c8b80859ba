// SPDX-License-Identifier: Apache-2.0
/*
 * statedir.c - the directory of one instance
 *
 * Two locks, as RootlessKit has them: a shared flock on the directory (systemd-tmpfiles leaves a
 * locked directory alone) and an exclusive one on STATE/lock. The exclusive lock is held from
 * before the first look at the content until after the lock file itself is unlinked, so two starts
 * can never clean each other's files. Since a lock file may be unlinked between our open and our
 * flock, the lock counts only when the name still leads to the locked inode.
 */
#include "lib/parent/statedir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/ipc/statenames.h"

#define LOCK_TRIES 16     /* each lost try means that another instance has just ended */
#define CONTENT_SHOWN 300 /* bytes of names in the refusal */

static int make_temporary(struct statedir *s, struct err *err)
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *tmp = getenv("TMPDIR");
	const char *base = tmp && tmp[0] == '/' ? tmp : "/tmp";

	if (!s->upstream && run && run[0] == '/' && access(run, W_OK) == 0)
		base = run;
	s->path = str_dup_format("%s/%s-XXXXXX", base,
				 s->upstream ? "rootlesskit" : "rootless-supervisor");
	if (!s->path)
		return err_set(err, ENOMEM, "creating a state directory");
	if (!mkdtemp(s->path)) {
		int r = err_set(err, errno, "creating a state directory: mkdir %s", s->path);

		free(take_ptr(s->path)); /* nothing was made that could be removed */
		return r;
	}
	s->made = true;
	return 0;
}

/* "/a//b/" and "b" become "/a/b" and "/cwd/b"; links are not resolved */
static char *absolute(const char *path)
{
	autofree char *cwd = NULL;
	char *s;
	size_t n;

	if (path[0] == '/') {
		s = strdup(path);
	} else {
		cwd = getcwd(NULL, 0);
		s = cwd ? str_dup_format("%s/%s", cwd, path) : NULL;
	}
	if (!s)
		return NULL;
	for (n = strlen(s); n > 1 && s[n - 1] == '/'; n--)
		s[n - 1] = '\0';
	return s;
}

static int make_failed(const struct statedir *s, int errnum, struct err *err)
{
	if (access(s->path, F_OK) == 0)
		return 0; /* it is there, in a directory or file system that cannot be written */
	return err_set(err, errnum, "creating a state directory: mkdir %s", s->path);
}

/* the directories on the way that were made, when one behind them cannot be: from @first to @failed
 */
static void unmake(struct statedir *s, const char *first, char *failed)
{
	char *end = failed;

	do {
		char c;

		while (*--end != '/')
			;
		c = *end;
		*end = '\0';
		rmdir(s->path);
		*end = c;
	} while (end > first);
}

static int make_given(struct statedir *s, const char *path, struct err *err)
{
	mode_t mode = s->upstream ? 0755 : 0700;
	char *first = NULL; /* the end of the first name that was made */
	int r = 0;

	s->path = absolute(path);
	if (!s->path)
		return err_set(err, errno, "state directory '%s'", path);
	for (char *p = s->path + 1;; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = '\0';
		s->made = mkdir(s->path, mode) == 0;
		if (s->made && !first)
			first = p;
		/* what is on the way may be there and closed to us, but for the last one */
		if (!s->made && errno != EEXIST && (!c || (errno != EROFS && errno != EACCES)))
			r = make_failed(s, errno, err);
		*p = c;
		if (r < 0 && first)
			unmake(s, first, p);
		if (!c || r < 0)
			return r;
	}
}

static int lock_failed(const struct statedir *s, int errnum, struct err *err)
{
	if (errnum != EWOULDBLOCK) {
		err_set(err, errnum, "locking '%s/" STATE_LOCK "'", s->path);
		if (errnum == EOPNOTSUPP || errnum == ENOLCK || errnum == ENOSYS)
			err_hint(err, -errnum,
				 "its file system has no locks (NFS?): choose a --state-dir on a "
				 "local one");
		return -errnum;
	}
	if (s->upstream)
		return err_say(err, EWOULDBLOCK,
			       "failed to lock %s/" STATE_LOCK
			       ", another RootlessKit is running with the same state directory?",
			       s->path);
	err_say(err, EWOULDBLOCK, "state directory '%s' is in use by another instance", s->path);
	return err_hint(err, -EWOULDBLOCK, "stop it, or choose another --state-dir");
}

struct content {
	char refused[CONTENT_SHOWN]; /* names, quoted; "" when there are none */
	bool locked;                 /* the lock is there: the known names are an instance's */
};

/* what an instance makes under a known name is never a directory, and no mount point is touched */
static bool is_leftover(const struct statedir *s, const char *name)
{
	struct stat st;

	return statenames_known(name) && fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       !S_ISDIR(st.st_mode);
}

/* names that no instance makes; without a lock none of the known ones is ours either */
static int read_content(const struct statedir *s, bool locked, struct content *ret, struct err *err)
{
	int copy = openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	size_t n = 0;

	*ret = (struct content){ .locked = locked };
	if (!d) {
		int r = err_set(err, errno, "reading state directory '%s'", s->path);

		cleanup_closep(&copy);
		return r;
	}
	for (struct dirent *e; (e = readdir(d));) {
		char name[64];

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    (locked && is_leftover(s, e->d_name)))
			continue;
		str_printable(name, sizeof(name), e->d_name, strlen(e->d_name));
		if (n < sizeof(ret->refused))
			n += (size_t)snprintf(ret->refused + n, sizeof(ret->refused) - n, "%s'%s'",
					      n ? ", " : "", name);
	}
	closedir(d);
	return 0;
}

/* before the lock is made: only an empty directory or one with our lock may become ours */
static int refuse_foreign(const struct statedir *s, struct err *err)
{
	struct content c;
	int r = read_content(s, faccessat(s->fd, STATE_LOCK, F_OK, AT_SYMLINK_NOFOLLOW) == 0, &c,
			     err);

	if (r < 0 || !c.refused[0])
		return r;
	err_say(err, EEXIST, "state directory '%s' holds files that are not ours: %s", s->path,
		c.refused);
	return err_hint(err, -EEXIST, "nothing was touched; choose an empty directory");
}

/* our own programs go by the directory's descriptor; others cannot */
static void warn_of_length(const struct statedir *s)
{
	const size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	if (strlen(s->path) + strlen("/" STATE_API_SOCK) > most)
		log_warning("state directory",
			    "'%s/" STATE_API_SOCK "' is longer than the %zu bytes of a socket's "
			    "address: only rootlessctl and rootlesskit-docker-proxy reach it",
			    s->path, most);
}

/* who may rename what is in it may put names and an API of his own in the place of ours */
static void warn_of_others(const struct statedir *s)
{
	struct stat st;

	if (fstat(s->fd, &st) == 0 &&
	    ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & S_IWOTH)))
		log_warning("state directory",
			    "other users can change what is in '%s': its owner is user id %u, its "
			    "mode %03o",
			    s->path, st.st_uid, st.st_mode & 0777);
}

static int open_dir(struct statedir *s, struct err *err)
{
	s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd < 0)
		return err_set(err, errno, "opening state directory '%s'", s->path);
	if (flock(s->fd, LOCK_SH | LOCK_NB) < 0)
		log_warning("state directory",
			    "locking '%s': %s; a cleaner of old files may remove it", s->path,
			    strerror(errno));
	return 0;
}

static int make_dir(struct statedir *s, const char *path, struct err *err)
{
	mode_t mask = umask(0);
	int r;

	umask(mask & ~0700u); /* a umask of 777 is for the command's files */
	r = path ? make_given(s, path, err) : make_temporary(s, err);
	umask(mask);
	return r;
}

/* -ESTALE and -ENOENT: an instance that has just ended took the directory away under us */
static int make_and_lock(struct statedir *s, const char *path, struct err *err)
{
	int r = make_dir(s, path, err);

	if (r == 0)
		r = open_dir(s, err);
	if (r == 0)
		r = refuse_foreign(s, err);
	if (r < 0)
		return r;
	s->lock_fd = statenames_lock(s->fd, true);
	return s->lock_fd < 0 ? lock_failed(s, -s->lock_fd, err) : 0;
}

static void forget_dir(struct statedir *s, struct err *err)
{
	if (s->made && s->path)
		rmdir(s->path); /* that of another try, if it is still there */
	s->made = false;
	if (err)
		*err = (struct err){ 0 };
	cleanup_closep(&s->fd);
	s->fd = s->lock_fd = -1;
	free(take_ptr(s->path));
}

int statedir_open(const char *path, bool upstream, struct statedir **ret, struct err *err)
{
	AUTO(statedir_closep) struct statedir *s = calloc(1, sizeof(*s));
	int r = -ESTALE;

	if (!s)
		return err_set(err, ENOMEM, "state directory");
	*s = (struct statedir){ .fd = -1, .lock_fd = -1, .upstream = upstream };
	for (int i = 0; i < LOCK_TRIES && (r == -ESTALE || r == -ENOENT); i++) {
		forget_dir(s, err);
		r = make_and_lock(s, path, err);
	}
	if (r < 0)
		return r;
	r = statenames_unlink(s->fd);
	if (r < 0)
		return err_set(err, -r, "removing what an earlier run left in '%s'", s->path);
	warn_of_length(s);
	warn_of_others(s);
	*ret = take_ptr(s);
	return 0;
}

/* a directory that the user made may lie where we may not remove it: that is its maker's business
 */
static bool may_stay(const struct statedir *s, int r)
{
	return !s->made && (r == -EACCES || r == -EPERM || r == -EBUSY || r == -EROFS);
}

struct statedir *statedir_close(struct statedir *s)
{
	int r;

	if (!s)
		return NULL;
	if (s->lock_fd >= 0) { /* without the lock nothing in there is ours */
		r = statenames_remove_dir(s->fd);
		if (r == -ENOTEMPTY)
			log_warning("state directory",
				    "'%s' is kept: it holds files that are not ours", s->path);
		else if (r < 0 && !may_stay(s, r))
			log_warning("state directory", "removing '%s': %s", s->path, strerror(-r));
	} else if (s->made && s->path) {
		rmdir(s->path);
	}
	cleanup_closep(&s->lock_fd);
	cleanup_closep(&s->fd);
	free(s->path);
	free(s);
	return NULL;
}

int statedir_write_pid(const struct statedir *s, pid_t pid, struct err *err)
{
	autoclose int fd = openat(s->fd, STATE_CHILD_PID_NEW,
				  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", (int)pid);
	int r;

	if (fd < 0)
		return err_set(err, errno, "creating '%s/" STATE_CHILD_PID "'", s->path);
	r = fd_write_all(fd, text, (size_t)n);
	if (r == 0 && renameat(s->fd, STATE_CHILD_PID_NEW, s->fd, STATE_CHILD_PID) < 0)
		r = -errno;
	return r < 0 ? err_set(err, -r, "writing '%s/" STATE_CHILD_PID "'", s->path) : 0;
}
