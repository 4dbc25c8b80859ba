// SPDX-License-Identifier: Apache-2.0
/* callfilter.c - from here on only the system calls of rules.c */
#include "lib/sandbox/callfilter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/sandbox/rules.h"
#include "lib/sandbox/seccomp_filters.h" /* made by make_filters.c */

/* refused to each of these roles; without a filter it says EACCES, or succeeds */
static int try_open(void)
{
	int fd = open("/", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -errno : 0;
}

/* the same for the others; without a filter the kernel says that there is no such operation */
static int try_keys(void)
{
	return syscall(SYS_keyctl, -1, 0, 0, 0, 0) < 0 ? -errno : 0;
}

/* the same for one that may open files */
static int try_access(void)
{
	return access("/", F_OK) < 0 ? -errno : 0;
}

#define FILTER(role, name, try) \
	{ \
		role, name##_filter, ARRAY_SIZE(name##_filter), try \
	}
static const struct {
	enum role role;
	const struct sock_filter *filter;
	unsigned short len;
	int (*try)(void);
} filters[] = {
	FILTER(ROLE_RELAY, relay, try_open),     FILTER(ROLE_SLIRP, slirp, try_open),
	FILTER(ROLE_NSAGENT, nsagent, try_open), FILTER(ROLE_NURSERY, nursery, try_keys),
	FILTER(ROLE_PARENT, parent, try_keys),   FILTER(ROLE_SLIRP4NETNS, slirp4netns, try_access),
	FILTER(ROLE_FRAMES, frames, try_open),
};
#define LEN_MAX 512 /* 4 KiB of stack */
static_assert(ARRAY_SIZE(relay_filter) <= LEN_MAX && ARRAY_SIZE(slirp_filter) <= LEN_MAX &&
		      ARRAY_SIZE(nsagent_filter) <= LEN_MAX &&
		      ARRAY_SIZE(nursery_filter) <= LEN_MAX &&
		      ARRAY_SIZE(parent_filter) <= LEN_MAX &&
		      ARRAY_SIZE(slirp4netns_filter) <= LEN_MAX &&
		      ARRAY_SIZE(frames_filter) <= LEN_MAX,
	      "there is room for each");

int callfilter_enter(enum role role, struct err *err)
{
	struct sock_filter insns[LEN_MAX];
	struct sock_fprog prog = { .filter = insns };
	int (*try)(void) = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		if (filters[i].role != role)
			continue;
		prog.len = filters[i].len;
		memcpy(insns, filters[i].filter, prog.len * sizeof(*insns));
		try = filters[i].try;
	}
	assert(try);
	for (size_t i = 0; i < prog.len; i++) {
		if (insns[i].k == RULE_OWN_PID)
			insns[i].k = (uint32_t)getpid();
	}
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog) != 0)
		return err_set(err, errno, "loading the seccomp filter");
	return try() == -EPERM || RK_RELAXED
		       ? 0
		       : err_say(err, EPROTO, "the seccomp filter has no effect");
}
