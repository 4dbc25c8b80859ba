// SPDX-License-Identifier: Apache-2.0
/* statenames.c - the names that an instance makes in its state directory, and their removal */
#include "lib/ipc/statenames.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

/* the second half is what RootlessKit 1 to 3 leave behind after a SIGKILL */
static const char *const names[] = {
	STATE_CHILD_PID,  STATE_CHILD_PID_NEW,    STATE_API_SOCK, STATE_NETNS,
	STATE_HOSTS,      STATE_RESOLV_CONF,      ".s4nn.sock",   ".bp.sock",
	".bp-ready.pipe", "vpnkit-ethernet.sock",
};

int statenames_known(const char *name)
{
	if (strcmp(name, STATE_LOCK) == 0)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return 1;
	}
	return 0;
}

void statenames_unlink(int dirfd)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(dirfd, names[i], 0);
}

int statenames_remove_dir(int dirfd, const char *name)
{
	autoclose int up = openat(dirfd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat own, named;

	statenames_unlink(dirfd);
	unlinkat(dirfd, STATE_LOCK, 0);
	if (up < 0 || fstat(dirfd, &own) < 0)
		return -errno;
	if (fstatat(up, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (named.st_dev != own.st_dev || named.st_ino != own.st_ino)
		return -ESTALE;
	return unlinkat(up, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}
