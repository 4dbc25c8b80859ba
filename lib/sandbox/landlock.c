// SPDX-License-Identifier: Apache-2.0
/*
 * landlock.c - no file, no abstract socket, no signal, whatever namespaces allow
 *
 * A second lock behind the empty root: it holds where user namespaces are refused. The kernel tells
 * what it knows by a version; older ones are asked for less. The headers of the oldest system that
 * we build on know less than the kernels that we run on, so the numbers stand here.
 */
#include "lib/sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define CREATE_RULESET_VERSION 1u
#define NET_BIND_TCP 1u
#define SCOPE_ABSTRACT_UNIX 1u
#define SCOPE_SIGNAL 2u
#define RULE_PATH_BENEATH 1
#define FS_READ_FILE 4u
#define FS_READ_DIR 8u

struct path_beneath { /* landlock_path_beneath_attr */
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

struct ruleset { /* landlock_ruleset_attr */
	uint64_t fs, net, scoped;
};

/* of each version: all rights of the file system, and how much of struct ruleset it takes */
static const struct {
	uint64_t fs;
	size_t size;
} versions[] = {
	{ 0x1fff, offsetof(struct ruleset, net) },    /* 5.13 */
	{ 0x3fff, offsetof(struct ruleset, net) },    /* 5.19: renames across directories */
	{ 0x7fff, offsetof(struct ruleset, net) },    /* 6.2: truncate */
	{ 0x7fff, offsetof(struct ruleset, scoped) }, /* 6.7: TCP ports */
	{ 0xffff,
	  offsetof(struct ruleset, scoped) }, /* 6.10: ioctl of devices opened from now on */
	{ 0xffff, sizeof(struct ruleset) },   /* 6.12: scopes */
};

static int allow_reading(int ruleset, const char *dir)
{
	autoclose int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct path_beneath rule = { .allowed = FS_READ_FILE | FS_READ_DIR, .fd = fd };

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno
											: 0;
}

static int restrict_self(struct ruleset rules, const char *const *dirs, size_t n)
{
	long v = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
	autoclose int fd = -1;
	int r = 0;
	size_t known;

	if (v < 1)
		return v < 0 ? -errno : -ENOSYS;
	known = (size_t)v < ARRAY_SIZE(versions) ? (size_t)v : ARRAY_SIZE(versions);
	rules.fs = versions[known - 1].fs;
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules, versions[known - 1].size, 0);
	for (size_t i = 0; i < n && fd >= 0 && r == 0; i++)
		r = allow_reading(fd, dirs[i]);
	if (r < 0)
		return r;
	if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return -errno;
	close(take_fd(&fd));
	fd = open("/", O_RDONLY | O_CLOEXEC);
	return fd < 0 && errno == EACCES ? 0 : -EPROTO;
}

int landlock_enter(enum role role)
{
	/* the relay binds: the client's address, an address of the child's */
	struct ruleset rules = { .net = role == ROLE_SLIRP ? NET_BIND_TCP : 0,
				 .scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL };

	return restrict_self(rules, NULL, 0);
}

int landlock_enter_reading(const char *const *dirs, size_t n)
{
	return restrict_self((struct ruleset){ .scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL }, dirs,
			     n);
}
