// SPDX-License-Identifier: Apache-2.0
/*
 * resolvconf.c - the state dir's resolv.conf and hosts over those of /etc
 *
 * Runs in the child, after copy-up. Bound, not copied: the parent rewrites the files in place when
 * the host's resolver changes. The kernel binds only what is mounted in our own mount namespace, so
 * a descriptor that the parent opened is followed to its path, which must lead to the same file.
 */
#include "lib/child/resolvconf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/child/here.h"

#define FD_PATH_MAX 32

/* an empty regular file in place of what copy-up has put there */
static int make_file(int etc, const char *name, struct err *err)
{
	autoclose int fd = -1;

	if (unlinkat(etc, name, 0) < 0 && errno != ENOENT)
		return err_set(err, errno, "removing the link /etc/%s", name);
	fd = openat(etc, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_set(err, errno, "creating /etc/%s", name);
	if (fchmod(fd, 0644) < 0) /* whatever the umask is */
		return err_set(err, errno, "setting the mode of /etc/%s", name);
	return 0;
}

static int bind_file(int state, const char *name, bool etc_copied, struct err *err)
{
	char target[FD_PATH_MAX], source[FD_PATH_MAX];
	autoclose int fd = openat(state, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_set(err, errno, "opening %s in the state directory", name);
	str_format(target, sizeof(target), "/etc/%s", name);
	str_format(source, sizeof(source), "/proc/self/fd/%d", fd);
	if (mount(source, target, NULL, MS_BIND, NULL) == 0)
		return 0;
	r = err_set(err, errno, "failed to create bind mount %s for %s", target, name);
	if (!etc_copied)
		return err_hint(err, r,
				"with --copy-up=/etc a link that leads nowhere is replaced");
	return r;
}

int resolvconf_bind(int state_dirfd, bool etc_copied, struct err *err)
{
	static const char *const names[] = { "resolv.conf", "hosts" };
	autoclose int state = here_open(state_dirfd);
	autoclose int etc = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (state < 0)
		return err_set(err, -state, "finding the state directory in the new namespace");
	if (etc < 0)
		return err_set(err, errno, "opening /etc");
	if (!etc_copied)
		log_warning("resolver",
			    "/etc is not copied up: the mounts on /etc/resolv.conf and /etc/hosts "
			    "are lost when the host replaces these files (use --copy-up=/etc)");
	for (size_t i = 0; !r && i < ARRAY_SIZE(names); i++) {
		if (etc_copied)
			r = make_file(etc, names[i], err);
		if (!r)
			r = bind_file(state, names[i], etc_copied, err);
	}
	return r;
}
