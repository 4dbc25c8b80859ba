// SPDX-License-Identifier: Apache-2.0
/*
 * jail.c - a user namespace without ids and a root without files
 *
 * The namespace is a sibling of the child's: root of the child has no say over it, so it can
 * neither trace this process nor take its descriptors, whatever capabilities it has at home. No id
 * is mapped there, so nothing can be made that would belong to anybody.
 *
 * The network namespace stays the host's: connecting from there is the work.
 */
#include "lib/sandbox/jail.h"

#include <errno.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/fd.h"
#include "lib/ipc/sandboxstate.h"

#define NEW_NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)
#define MAP_MAX 256
/* a directory that is there for sure: without it the program cannot start */
#define PLACE "/proc"

/* 0: cannot be told */
static ino_t userns_inode(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) < 0 ? 0 : st.st_ino;
}

static int leave_userns(struct err *err)
{
	autofree char *map = NULL;
	ino_t before = userns_inode(), after;
	ssize_t n;

	if (unshare(NEW_NAMESPACES) < 0)
		return err_set(err, errno, "making a user namespace");
	after = userns_inode();
	n = fd_read_file(-1, "/proc/self/uid_map", MAP_MAX, &map);
	if (!before || !after || before == after || n != 0)
		return err_say(err, EPROTO, "the user namespace is not new, or maps ids");
	return 0;
}

/* read-only with room for one inode, which is its root: so it is empty, and stays so */
static int read_back_root(void)
{
	struct statfs fs;

	if (statfs("/", &fs) < 0)
		return -errno;
	return fs.f_type == TMPFS_MAGIC && fs.f_flags & ST_RDONLY && fs.f_files - fs.f_ffree == 1
		       ? 0
		       : -EPROTO;
}

static int leave_root(struct err *err)
{
	/* mounts that the host makes from now on do not come in */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(err, errno, "making the mounts private");
	if (mount("none", PLACE, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "nr_inodes=2,mode=0555") < 0)
		return err_set(err, errno, "mounting an empty root");
	if (chdir(PLACE) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return err_set(err, errno, "changing the root");
	/* the old root lies on top of the new one, where the working directory is */
	if (umount2(".", MNT_DETACH | UMOUNT_NOFOLLOW) < 0 || chdir("/") < 0)
		return err_set(err, errno, "leaving the old root");
	if (read_back_root() < 0)
		return err_say(err, EPROTO, "the new root is not empty");
	return 0;
}

uint32_t jail_enter(struct err *err)
{
	if (leave_userns(err) < 0)
		return 0;
	if (RK_RELAXED || leave_root(err) < 0)
		return SANDBOX_USERNS;
	return SANDBOX_USERNS | SANDBOX_ROOT;
}
