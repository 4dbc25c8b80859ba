// SPDX-License-Identifier: Apache-2.0
/*
 * kernel.c - which cause is behind a refusal of the kernel
 *
 * An errno alone says little: EPERM of a clone has seven reasons. They are told apart by asking the
 * kernel again in a way that only one of them refuses, and else by its files, in the order in which
 * the kernel looks at them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/cause/cause.h"
#include "lib/cause/system.h"

#define MOUNTINFO_MAX (16u << 20)

static bool is_number(const char *path, uint64_t want)
{
	uint64_t n;

	return system_number(path, &n) && n == want;
}

/* unshare() refuses unknown flags before it looks at anything else, but a filter comes earlier yet
 */
static bool is_filtered(void)
{
	char mode[8];

	system_status("Seccomp", mode, sizeof(mode));
	if (strcmp(mode, "2") != 0)
		return false;
	return (unshare(0) < 0) || (unshare(CLONE_NEWUSER | CLONE_PARENT) < 0 && errno != EINVAL);
}

/* the fifth field of a line of mountinfo is the mount point */
static bool is_root_mount(const char *line)
{
	for (int i = 0; i < 4; i++) {
		line = strchr(line, ' ');
		if (!line)
			return false;
		line++;
	}
	return str_starts(line, "/ ");
}

/* none of the mounts that we see is the root: it is a plain directory */
static bool is_chroot(void)
{
	autofree char *text = NULL;
	char *save = NULL;

	if (fd_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text) < 0)
		return false;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (is_root_mount(l))
			return false;
	}
	return true;
}

/* our own user id has no meaning in this user namespace: no namespace can be made of it */
static bool is_unmapped(void)
{
	autofree char *text = NULL;

	return fd_read_file(AT_FDCWD, "/proc/self/uid_map", 65536, &text) == 0;
}

/* a program with a profile of its own is not restricted */
static bool is_apparmor(void)
{
	autofree char *label = NULL;

	if (!is_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1))
		return false;
	if (fd_read_file(AT_FDCWD, "/proc/self/attr/current", 4096, &label) <= 0)
		return true;
	return str_starts(label, "unconfined") || str_starts(label, "unprivileged_userns");
}

enum cause_id cause_of_denied(void)
{
	if (is_apparmor())
		return CAUSE_USERNS_APPARMOR;
	if (is_number("/sys/fs/selinux/enforce", 1))
		return CAUSE_USERNS_SELINUX;
	return CAUSE_NONE;
}

int cause_hint_denied(struct err *err, int r)
{
	enum cause_id id = r == -EPERM || r == -EACCES ? cause_of_denied() : CAUSE_NONE;

	return id == CAUSE_NONE ? r : cause_hint(err, r, id, NULL, NULL);
}

static enum cause_id cause_of_refusal(void)
{
	enum cause_id id;

	if (is_number("/proc/sys/kernel/unprivileged_userns_clone", 0))
		return CAUSE_USERNS_SYSCTL;
	if (is_unmapped())
		return CAUSE_USERNS_UNMAPPED;
	if (is_chroot())
		return CAUSE_USERNS_CHROOT;
	id = cause_of_denied();
	return id != CAUSE_NONE ? id : CAUSE_USERNS_REFUSED;
}

/* the first kind of namespaces of which there may be none; "user" when none is shut */
static void find_limit(char ret_what[64])
{
	static const char *const kinds[] = { "user", "mnt", "net", "pid", "ipc", "uts", "cgroup" };
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces", kinds[i]);
		snprintf(ret_what, 64, "%s", kinds[i]);
		if (is_number(path, 0))
			return;
	}
	snprintf(ret_what, 64, "user");
}

enum cause_id cause_of_userns(int errnum, char ret_what[64])
{
	snprintf(ret_what, 64, "%s", strerror(errnum));
	if (access("/proc/self/ns/user", F_OK) < 0 && access("/proc/self/ns", F_OK) == 0)
		return CAUSE_USERNS_KERNEL;
	if (errnum == EUSERS)
		return CAUSE_USERNS_DEPTH;
	if (errnum == EAGAIN)
		return CAUSE_PROCESS_LIMIT;
	if (errnum == ENOSPC) {
		find_limit(ret_what);
		return CAUSE_USERNS_LIMIT;
	}
	if (is_filtered())
		return CAUSE_USERNS_SECCOMP;
	if (errnum == EINVAL || errnum == ENOSYS)
		return CAUSE_USERNS_KERNEL;
	if (errnum == EPERM || errnum == EACCES)
		return cause_of_refusal();
	return CAUSE_USERNS_REFUSED;
}

static bool is_traced(void)
{
	char pid[16];

	system_status("TracerPid", pid, sizeof(pid));
	return pid[0] && strcmp(pid, "0") != 0;
}

/* a set-user-ID program gains nothing under no_new_privs, on a nosuid mount, beyond the bounding
   set, or while it is traced, and then fails with a bare EPERM */
enum cause_id cause_of_idtool(const char *path, int cap)
{
	struct statvfs fs;
	struct stat st;

	if (geteuid() == 0 || stat(path, &st) < 0)
		return CAUSE_NONE;
	if (!((st.st_mode & S_ISUID) && st.st_uid == 0) &&
	    getxattr(path, "security.capability", NULL, 0) <= 0)
		return CAUSE_IDTOOL_RIGHTS;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return CAUSE_NO_NEW_PRIVS;
	if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID))
		return CAUSE_IDTOOL_NOSUID;
	if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 0)
		return CAUSE_IDTOOL_BOUNDING;
	if (is_traced())
		return CAUSE_IDTOOL_TRACED;
	return CAUSE_NONE;
}
