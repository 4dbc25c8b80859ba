// SPDX-License-Identifier: Apache-2.0
/* session.c - what daemons need besides namespaces: cgroups, services, programs */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/cause/system.h"
#include "lib/check/mountinfo.h"
#include "lib/check/probes.h"
#include "lib/parent/tool.h"

#define CGROUP_DIR "/sys/fs/cgroup"
#define FILE_MAX 65536u
#define MOUNTINFO_MAX (16u << 20)
#define PID_TEXT_MAX 16

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (text += strspn(text, " \n"); *text; text += strspn(text, " \n")) {
		size_t len = strcspn(text, " \n");

		if (len == n && memcmp(text, word, n) == 0)
			return true;
		text += len;
	}
	return false;
}

/* the cgroup that belongs to the user: systemd's for it, else the one we are in */
static bool read_controllers(char **ret)
{
	autofree char *own = NULL;
	char path[512], *p;

	str_format(path, sizeof(path),
		   CGROUP_DIR "/user.slice/user-%u.slice/user@%u.service/cgroup.controllers",
		   getuid(), getuid());
	if (fd_read_file(AT_FDCWD, path, FILE_MAX, ret) >= 0)
		return true;
	if (fd_read_file(AT_FDCWD, "/proc/self/cgroup", FILE_MAX, &own) < 0)
		return false;
	p = str_starts(own, "0::") ? own : strstr(own, "\n0::");
	if (!p)
		return false;
	p = strstr(p, "::") + 2;
	p[strcspn(p, "\n")] = '\0';
	if (str_format(path, sizeof(path), CGROUP_DIR "%s", p) < 0 || access(path, W_OK) < 0)
		return false;
	return str_format(path, sizeof(path), CGROUP_DIR "%s/cgroup.controllers", p) > 0 &&
	       fd_read_file(AT_FDCWD, path, FILE_MAX, ret) >= 0;
}

static void check_cgroup(struct report *r)
{
	static const char *const wanted[] = { "cpu", "cpuset", "io", "memory", "pids" };
	autofree char *mounts = NULL, *have = NULL;
	char lacks[64] = "";
	struct mountinfo m;

	if (fd_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &mounts) < 0 ||
	    !mountinfo_find(mounts, CGROUP_DIR, &m) || strcmp(m.fstype, "cgroup2") != 0) {
		report_cause(r, CAUSE_CGROUP_V1, NULL, NULL);
		return;
	}
	if (!read_controllers(&have)) {
		report_cause(r, CAUSE_CGROUP_DELEGATION, "an owner: it is root's", NULL);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		size_t n = strlen(lacks);

		if (!has_word(have, wanted[i]))
			snprintf(lacks + n, sizeof(lacks) - n, "%s%s", n ? " " : "", wanted[i]);
	}
	if (*lacks)
		report_cause(r, CAUSE_CGROUP_DELEGATION, lacks, NULL);
}

static void check_bus(struct report *r)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const char *dir = getenv("XDG_RUNTIME_DIR");
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (str_format(sa.sun_path, sizeof(sa.sun_path), "%s/bus", dir ? dir : "/run/user") < 0)
		return;
	if (fd < 0 || connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		report_cause(r, CAUSE_USER_BUS, sa.sun_path, NULL);
}

static void check_linger(struct report *r)
{
	const struct passwd *pw = getpwuid(getuid());
	char path[512];

	/* without systemd nobody ends anything at logout */
	if (!pw || access("/run/systemd/system", F_OK) < 0)
		return;
	if (str_format(path, sizeof(path), "/var/lib/systemd/linger/%s", pw->pw_name) > 0 &&
	    access(path, F_OK) < 0)
		report_cause(r, CAUSE_LINGER, pw->pw_name, NULL);
}

static const struct {
	enum cause_preset preset;
	const char *program;
	bool daemon; /* one a user is enough */
} programs[] = {
	{ PRESET_DOCKER, "dockerd", true },       { PRESET_CONTAINERD, "containerd", true },
	{ PRESET_CONTAINERD, "runc", false },     { PRESET_BUILDKIT, "buildkitd", true },
	{ PRESET_BUILDKIT, "runc", false },       { PRESET_K3S, "k3s", true },
	{ PRESET_DOCKER, "rootlesskit", true },   { PRESET_CONTAINERD, "rootlesskit", true },
	{ PRESET_BUILDKIT, "rootlesskit", true },
};

static bool is_in_path(const char *program)
{
	char path[4096];

	return tool_find(program, path, sizeof(path)) == 0;
}

static void report_program(struct report *r, const char *program)
{
	const char *sbin = tool_sbin(program);

	report_cause(r, sbin ? CAUSE_PROGRAM_PATH : CAUSE_PROGRAM_MISSING, program, sbin);
}

static void check_programs(struct report *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		/* that one we stand for */
		if (r->presets & programs[i].preset &&
		    strcmp(programs[i].program, "rootlesskit") != 0 &&
		    !is_in_path(programs[i].program))
			report_program(r, programs[i].program);
	}
	if (r->presets & PRESET_DOCKER && !is_in_path("rootlesskit-docker-proxy"))
		report_cause(r, CAUSE_PORT_HELPER, NULL, NULL);
}

/* a daemon of the presets; @ret_name: 16 bytes */
static bool is_daemon(uint32_t presets, const char *pid, char ret_name[16])
{
	autofree char *comm = NULL;
	char path[64];
	struct stat st;

	if (str_format(path, sizeof(path), "/proc/%s", pid) < 0 || stat(path, &st) < 0 ||
	    st.st_uid != getuid() || str_format(path, sizeof(path), "/proc/%s/comm", pid) < 0 ||
	    fd_read_file(AT_FDCWD, path, FILE_MAX, &comm) < 0)
		return false;
	comm[strcspn(comm, "\n")] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		if (presets & programs[i].preset && programs[i].daemon &&
		    strcmp(comm, programs[i].program) == 0) {
			snprintf(ret_name, 16, "%s", comm);
			return true;
		}
	}
	return false;
}

/* the first one: killing it ends what it has started */
static void check_running(struct report *r)
{
	DIR *d = opendir("/proc");
	const struct dirent *e;
	char name[16];

	while (d && (e = readdir(d))) {
		size_t n = strlen(e->d_name);

		if (n >= PID_TEXT_MAX || e->d_name[strspn(e->d_name, "0123456789")])
			continue;
		if (!is_daemon(r->presets, e->d_name, name))
			continue;
		report_cause(r, CAUSE_ALREADY_RUNNING, name, e->d_name);
		break;
	}
	if (d)
		closedir(d);
}

void probe_session(struct report *r)
{
	uint64_t n;

	if (!r->presets) {
		report_good(r, GROUP_SESSION, "for daemons: see --preset");
		return;
	}
	report_good(r, GROUP_SESSION, "%s", "");
	check_cgroup(r);
	check_bus(r);
	check_linger(r);
	check_programs(r);
	check_running(r);
	if (access("/proc/sys/net/bridge", F_OK) < 0)
		report_cause(r, CAUSE_BRIDGE_MODULE, NULL, NULL);
	if (system_number("/sys/fs/selinux/enforce", &n) && n == 1)
		report_cause(r, CAUSE_SELINUX_LABEL, NULL, NULL);
}
