// SPDX-License-Identifier: Apache-2.0
/*
 * fault.c - fail one chosen call of one role, or write down all calls (tests only, -Dfault=true)
 *
 * The linker's --wrap sends each call of calls.h here; no other source knows of it.
 *   FAULT=relay:7:ENOSPC     the seventh call of a relay fails with that errno (a number will do)
 *   FAULT=relay:7:SIGKILL    the relay gets that signal just before its seventh call
 *   FAULT=record:FILE        each call appends "ROLE INDEX CALL CLASS" to FILE, by one write
 * (FAULT=record with FAULT_TRACE=FILE is the same; with the others that file gets the call that was
 * hit.) Indexes count from 1, per role, in each process
 * on its own; "none" is what runs before role_enter(). Processes of one role with the same history
 * have the same indexes, and the fault hits each of them. A fork hands its counters on.
 *
 * Variables reach exec'ed roles whatever environment they are given. The trace's descriptor is high
 * and spared by close_range(), so that sandboxed roles, which cannot open files, are recorded too.
 * Single-threaded use only; the relay's pump threads may count a call twice.
 */
#include "lib/fault/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/ipc/role.h"

#define TRACE_FD_MIN 200
#define ENV_MAX 1024
#define ERRNO_MAX 133

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names.
 * bugprone-macro-parentheses is off for the same lines: types and parameter lists */
#define DECLARE(symbol, name, class, type, failure, params, args) \
	type __real_##symbol params; \
	type __wrap_##symbol params;
FAULT_CALLS(DECLARE)
FAULT_CALLS_OWN(DECLARE)

static struct {
	const char *setting, *file; /* the variables, to hand on; NULL: nothing is asked */
	char role[16];              /* "": recording */
	unsigned long index;
	int errnum, signo; /* one of them */
	int trace_fd;
} plan = { .trace_fd = -1 };

static unsigned long count[ROLE_NROLES + 1];

static const char *current_role(void)
{
	enum role r = role_current();

	return r < ROLE_NROLES ? role_name(r) : "none";
}

__attribute__((noreturn)) static void complain(const char *what)
{
	dprintf(STDERR_FILENO, "fault: %s: FAULT=%s\n", what, plan.setting);
	_exit(125);
}

static int errno_by_name(const char *name)
{
	for (int e = 1; e <= ERRNO_MAX; e++) {
		const char *n = strerrorname_np(e);

		if (n && strcmp(n, name) == 0)
			return e;
	}
	return (int)strtol(name, NULL, 10);
}

static int signal_by_name(const char *name)
{
	for (int s = 1; s < SIGRTMIN; s++) {
		const char *n = sigabbrev_np(s);

		if (n && strcmp(n, name) == 0)
			return s;
	}
	return 0;
}

static void open_trace(const char *file)
{
	int fd = __real_open64(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	if (fd < 0)
		complain("cannot open the trace");
	plan.trace_fd = __real_fcntl64(fd, F_DUPFD_CLOEXEC, TRACE_FD_MIN);
	close(fd);
}

__attribute__((constructor)) static void read_setting(void)
{
	const char *colon, *kind;
	char *end;

	plan.setting = getenv("FAULT");
	plan.file = getenv("FAULT_TRACE");
	if (!plan.setting)
		return;
	colon = strchr(plan.setting, ':');
	if (strncmp(plan.setting, "record", strlen("record")) == 0) {
		open_trace(colon ? colon + 1 : plan.file ? plan.file : "");
		return;
	}
	if (!colon || (size_t)(colon - plan.setting) >= sizeof(plan.role))
		complain("not ROLE:INDEX:ERRNO");
	memcpy(plan.role, plan.setting, (size_t)(colon - plan.setting));
	plan.index = strtoul(colon + 1, &end, 10);
	if (*end != ':')
		complain("not ROLE:INDEX:ERRNO");
	kind = end + 1;
	if (strncmp(kind, "SIG", 3) == 0)
		plan.signo = signal_by_name(kind + 3);
	else
		plan.errnum = errno_by_name(kind);
	if (plan.signo <= 0 && plan.errnum <= 0)
		complain("no such errno or signal");
	if (plan.file)
		open_trace(plan.file);
}

static void trace(const char *role, unsigned long n, const char *name, const char *class)
{
	char line[80];
	int len = snprintf(line, sizeof(line), "%s %lu %s %s\n", role, n, name, class);

	if (__real_write(plan.trace_fd, line, (size_t)len) != len)
		complain("cannot write the trace");
}

/* true: the call shall fail, errno is set; else errno is as it was */
static bool fault_here(const char *name, const char *class)
{
	const char *role;
	unsigned long n;
	bool hit;
	int saved = errno;

	if (!plan.setting)
		return false;
	role = current_role();
	n = ++count[role_current() < ROLE_NROLES ? role_current() : ROLE_NROLES];
	hit = n == plan.index && strcmp(role, plan.role) == 0;
	if (plan.trace_fd >= 0 && (hit || !plan.role[0]))
		trace(role, n, name, class);
	if (hit && plan.signo)
		__real_kill(getpid(), plan.signo);
	errno = hit && plan.errnum ? plan.errnum : saved;
	return hit && plan.errnum;
}

#define DEFINE(symbol, name, class, type, failure, params, args) \
	type __wrap_##symbol params \
	{ \
		return fault_here(name, class) ? (type)(failure) : __real_##symbol args; \
	}
FAULT_CALLS(DEFINE)

/* the environment with our variables; memory is the exec's, or lost with the failed child */
static char *const *env_with_plan(char *const *envp)
{
	static char setting[ENV_MAX], file[ENV_MAX];
	char **env;
	size_t n = 0;

	if (!plan.setting)
		return envp;
	while (envp[n])
		n++;
	env = __real_calloc(n + 3, sizeof(*env));
	if (!env)
		complain("no memory");
	memcpy(env, envp, n * sizeof(*env));
	for (size_t i = 0; i < n; i++) {
		if (strncmp(env[i], "FAULT=", strlen("FAULT=")) == 0)
			return env;
	}
	snprintf(setting, sizeof(setting), "FAULT=%s", plan.setting);
	env[n++] = setting;
	if (plan.file) {
		snprintf(file, sizeof(file), "FAULT_TRACE=%s", plan.file);
		env[n] = file;
	}
	return env;
}

int __wrap_execve(const char *p, char *const *av, char *const *ev)
{
	return fault_here("execve", "proc") ? -1 : __real_execve(p, av, env_with_plan(ev));
}

int __wrap_execvpe(const char *p, char *const *av, char *const *ev)
{
	return fault_here("execvpe", "proc") ? -1 : __real_execvpe(p, av, env_with_plan(ev));
}

int __wrap_execveat(int d, const char *p, char *const *av, char *const *ev, int fl)
{
	return fault_here("execveat", "proc") ? -1
					      : __real_execveat(d, p, av, env_with_plan(ev), fl);
}

int __wrap_fexecve(int fd, char *const *av, char *const *ev)
{
	return fault_here("fexecve", "proc") ? -1 : __real_fexecve(fd, av, env_with_plan(ev));
}

int __wrap_close_range(unsigned a, unsigned b, int fl)
{
	unsigned spare = (unsigned)plan.trace_fd;

	if (fault_here("close_range", "io"))
		return -1;
	if (plan.trace_fd < 0 || spare < a || spare > b)
		return __real_close_range(a, b, fl);
	if (spare > a && __real_close_range(a, spare - 1, fl) < 0)
		return -1;
	return spare < b ? __real_close_range(spare + 1, b, fl) : 0;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
