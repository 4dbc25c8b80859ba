// SPDX-License-Identifier: Apache-2.0
/* rights.c - what an agent gives up once its netns is set up */
#include "lib/nsagent/rights.h"

#include <errno.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/fd.h"

#define DATA_MAX (64ul << 20) /* a batch of sockets at a time is all that it holds */

/* transparent sockets, ping sockets, ports below 1024 */
static const cap_value_t kept[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE };

static void cap_free_at(cap_t *c)
{
	if (*c)
		cap_free(*c);
}

static int is_kept(cap_value_t cap)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (kept[i] == cap)
			return 1;
	}
	return 0;
}

static int drop_capabilities(struct err *err)
{
	AUTO(cap_free_at) cap_t caps = cap_init();

	/* the bounding set first: that takes CAP_SETPCAP */
	for (cap_value_t c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++) {
		if (!is_kept(c) && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0)
			return err_set(err, errno, "dropping capability %d", c);
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_set(err, errno, "dropping ambient capabilities");
	if (!caps || cap_set_flag(caps, CAP_PERMITTED, ARRAY_SIZE(kept), kept, CAP_SET) < 0 ||
	    cap_set_flag(caps, CAP_EFFECTIVE, ARRAY_SIZE(kept), kept, CAP_SET) < 0 ||
	    cap_set_proc(caps) < 0)
		return err_set(err, errno, "dropping capabilities");
	return 0;
}

static int lower_limit(int resource, rlim_t max, const char *name, struct err *err)
{
	struct rlimit l;

	if (getrlimit(resource, &l) < 0)
		return err_set(err, errno, "reading the limit %s", name);
	if (l.rlim_max > max)
		l.rlim_max = max;
	l.rlim_cur = l.rlim_max;
	return setrlimit(resource, &l) < 0 ? err_set(err, errno, "lowering the limit %s", name) : 0;
}

/* no limit of files' sizes: our stderr may be one */
static int lower_limits(struct err *err)
{
	static const struct {
		int resource;
		rlim_t most;
		const char *name;
	} limits[] = {
		{ RLIMIT_CORE, 0, "RLIMIT_CORE" },
		{ RLIMIT_MEMLOCK, 0, "RLIMIT_MEMLOCK" },
#if !RK_RELAXED /* reports need a process, and room */
		{ RLIMIT_NPROC, 0, "RLIMIT_NPROC" },
		{ RLIMIT_DATA, DATA_MAX, "RLIMIT_DATA" },
#endif
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(limits) && r == 0; i++)
		r = lower_limit(limits[i].resource, limits[i].most, limits[i].name, err);
	return r;
}

int rights_drop(struct err *err)
{
	int r = lower_limits(err);

	/* the kernel compares the sender's limit with what all processes of the user have in flight
	 */
	if (r == 0 && (r = fd_raise_limit()) < 0)
		err_set(err, -r, "raising the limit of descriptors");
	if (r == 0)
		r = drop_capabilities(err);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, errno, "setting no_new_privs");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_set(err, errno, "forbidding to be traced");
	return 0;
}
