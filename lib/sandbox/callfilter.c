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

static const struct {
	enum role role;
	const struct sock_filter *filter;
	unsigned short len;
} filters[] = {
	{ ROLE_RELAY, relay_filter, ARRAY_SIZE(relay_filter) },
	{ ROLE_SLIRP, slirp_filter, ARRAY_SIZE(slirp_filter) },
};
#define LEN_MAX \
	(sizeof(relay_filter) > sizeof(slirp_filter) ? ARRAY_SIZE(relay_filter) \
						     : ARRAY_SIZE(slirp_filter))

/* the kernel's answer without a filter is EACCES or success, never EPERM */
static int read_back(void)
{
	int fd = open("/", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == EPERM || RK_RELAXED ? 0 : -EPROTO;
	close(fd);
	return RK_RELAXED ? 0 : -EPROTO;
}

int callfilter_enter(enum role role, struct err *err)
{
	struct sock_filter insns[LEN_MAX];
	struct sock_fprog prog = { .filter = insns };

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		if (filters[i].role != role)
			continue;
		prog.len = filters[i].len;
		memcpy(insns, filters[i].filter, prog.len * sizeof(*insns));
	}
	for (size_t i = 0; i < prog.len; i++) {
		if (insns[i].k == RULE_OWN_PID)
			insns[i].k = (uint32_t)getpid();
	}
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog) != 0)
		return err_set(err, errno, "loading the seccomp filter");
	return read_back() < 0 ? err_say(err, EPROTO, "the seccomp filter has no effect") : 0;
}
