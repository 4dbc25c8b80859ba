// SPDX-License-Identifier: Apache-2.0
/* rights.c - capabilities, tracing, limits: what remains after the jail */
#include "lib/sandbox/rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/ipc/sandboxstate.h"

/* PR_SET_MDWE and its kin: younger than the headers of the oldest system that we build on */
#define SET_MDWE 65
#define GET_MDWE 66
#define MDWE_REFUSE_EXEC_GAIN 1

/* takes CAP_SETPCAP, which a process has that has just made its user namespace */
static int drop_bound(struct err *err)
{
	unsigned long c = 0;

	while (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) == 0 || errno != EINVAL) {
		if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) != 0)
			return err_set(err, EPERM, "dropping capability %lu from the bounding set",
				       c);
		c++;
	}
	/* there is none of that number, as the kernel said? */
	return prctl(PR_CAPBSET_READ, c, 0, 0, 0) < 0
		       ? 0
		       : err_say(err, EPROTO, "the bounding set has no end");
}

static int drop_capabilities(struct err *err)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &hdr, caps) < 0 || syscall(SYS_capget, &hdr, caps) < 0)
		return err_set(err, errno, "dropping capabilities");
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		if (caps[i].effective || caps[i].permitted || caps[i].inheritable)
			return err_say(err, EPROTO, "capabilities are still there");
	}
	return 0;
}

static int forbid_tracing(struct err *err)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_set(err, errno, "forbidding to be traced");
	return 0;
}

static int forbid_new_rights(struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return err_set(err, errno, "setting no_new_privs");
	return 0;
}

/* libslirp: 283 MB with 1000 connections, and there may be 8192; the relay: 7 MB with 6000 */
#define DATA_MAX ((rlim_t)4 << 30)

static int lower_limits(struct err *err)
{
	static const struct {
		int resource;
		rlim_t most;
		const char *name;
	} limits[] = {
		{ RLIMIT_CORE, 0, "RLIMIT_CORE" },       /* a core would hold the users' data */
		{ RLIMIT_MEMLOCK, 0, "RLIMIT_MEMLOCK" }, /* nothing is locked */
#if !RK_RELAXED
		{ RLIMIT_FSIZE, 0, "RLIMIT_FSIZE" },      /* pipes and sockets do not count */
		{ RLIMIT_NPROC, 0, "RLIMIT_NPROC" },      /* neither processes nor threads */
		{ RLIMIT_DATA, DATA_MAX, "RLIMIT_DATA" }, /* the machine's memory is not ours */
#endif
	};
	struct rlimit l;

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		const int resource = limits[i].resource;

		if (getrlimit((__rlimit_resource_t)resource, &l) < 0)
			return err_set(err, errno, "reading %s", limits[i].name);
		if (l.rlim_max > limits[i].most)
			l.rlim_max = limits[i].most;
		l.rlim_cur = l.rlim_max;
		if (setrlimit((__rlimit_resource_t)resource, &l) < 0 ||
		    getrlimit((__rlimit_resource_t)resource, &l) < 0)
			return err_set(err, errno, "lowering %s", limits[i].name);
		if (l.rlim_cur > limits[i].most || l.rlim_max > limits[i].most)
			return err_say(err, EPROTO, "%s is still too high", limits[i].name);
	}
	return 0;
}

/* what is read back is what was asked for: kernels before 6.3 refuse both */
static bool refuse_exec(void)
{
	return prctl(SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0 &&
	       prctl(GET_MDWE, 0, 0, 0, 0) == MDWE_REFUSE_EXEC_GAIN;
}

uint32_t rights_drop_all(struct err *err)
{
	static const struct {
		enum sandbox_property property;
		int (*drop)(struct err *err);
	} steps[] = {
		{ SANDBOX_BOUND, drop_bound },       { SANDBOX_NOCAPS, drop_capabilities },
		{ SANDBOX_NOTRACE, forbid_tracing }, { SANDBOX_NONEWPRIVS, forbid_new_rights },
		{ SANDBOX_LIMITS, lower_limits },
	};
	uint32_t have = 0;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct err e = { 0 };

		if (steps[i].drop(&e) == 0)
			have |= steps[i].property;
		else if (!err->code)
			*err = e;
	}
	return refuse_exec() ? have | SANDBOX_NOEXEC : have;
}

static int keep_low_ports(struct err *err)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	uint32_t keep;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capget, &hdr, caps) < 0)
		return err_set(err, errno, "reading capabilities");
	keep = caps[0].permitted & CAP_TO_MASK(CAP_NET_BIND_SERVICE);
	caps[0] = (struct __user_cap_data_struct){ .effective = keep, .permitted = keep };
	caps[1] = (struct __user_cap_data_struct){ 0 };
	return syscall(SYS_capset, &hdr, caps) < 0 ? err_set(err, errno, "dropping capabilities")
						   : 0;
}

int rights_drop_unjailed(struct err *err)
{
	int r = keep_low_ports(err);

	if (r == 0)
		r = forbid_tracing(err);
	return r < 0 ? r : forbid_new_rights(err);
}
