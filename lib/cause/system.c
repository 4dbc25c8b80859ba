// SPDX-License-Identifier: Apache-2.0
/* system.c - which distribution this is, whether it is a container, what the kernel's files say */
#include "lib/cause/system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"

#define FILE_MAX 65536u /* bytes of os-release, of a status file */

static const struct {
	const char *id;
	enum family family;
} ids[] = {
	{ "debian", FAMILY_DEBIAN },       { "ubuntu", FAMILY_DEBIAN }, { "fedora", FAMILY_FEDORA },
	{ "rhel", FAMILY_FEDORA },         { "centos", FAMILY_FEDORA }, { "suse", FAMILY_SUSE },
	{ "opensuse", FAMILY_SUSE },       { "sles", FAMILY_SUSE },     { "alpine", FAMILY_ALPINE },
	{ "postmarketos", FAMILY_ALPINE }, { "arch", FAMILY_ARCH },
};

static const char *const installer[FAMILY_NKINDS] = {
	"sudo apt-get install -y", "sudo dnf install -y",
	"sudo zypper install -y",  "sudo apk add",
	"sudo pacman -S",          NULL,
};

/* what a program or a package of Debian is called elsewhere, NULL: nothing; others have the same
   name everywhere */
static const struct {
	const char *name;
	const char *in[FAMILY_NKINDS];
} packages[] = {
	{ "uidmap", { "uidmap", "shadow-utils", "shadow", "shadow-uidmap", "shadow", "uidmap" } },
	{ "libslirp0",
	  { "libslirp0", "libslirp", "libslirp0", "libslirp", "libslirp", "libslirp" } },
	{ "dockerd",
	  { "docker.io", "moby-engine", "docker", "docker-engine", "docker", "docker" } },
	{ "buildkitd", { NULL, NULL, "buildkit", "buildkit", "buildkit", NULL } },
	{ "k3s", { NULL } }, /* where there is a package, it is a service of root */
	{ "dbus-user-session",
	  { "dbus-user-session", "dbus-daemon", "dbus-1", "dbus", "dbus", "dbus" } },
};

/* a word of the value of @line, without quotes, names a family */
static bool family_in(char *value, enum family *ret)
{
	char *save = NULL;

	for (char *w = strtok_r(value, " \"'", &save); w; w = strtok_r(NULL, " \"'", &save)) {
		for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
			if (strcmp(w, ids[i].id) == 0) {
				*ret = ids[i].family;
				return true;
			}
		}
	}
	return false;
}

enum family family_of(const char *os_release)
{
	static const char *const keys[] = { "ID=", "ID_LIKE=" };
	enum family found = FAMILY_OTHER;

	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		autofree char *text = strdup(os_release);
		char *save = NULL, *line = text ? strtok_r(text, "\n", &save) : NULL;

		for (; line; line = strtok_r(NULL, "\n", &save)) {
			if (str_starts(line, keys[k]) && family_in(line + strlen(keys[k]), &found))
				return found;
		}
	}
	return FAMILY_OTHER;
}

enum family system_family(void)
{
	autofree char *text = NULL;

	if (fd_read_file(AT_FDCWD, "/etc/os-release", FILE_MAX, &text) < 0 &&
	    fd_read_file(AT_FDCWD, "/usr/lib/os-release", FILE_MAX, &text) < 0)
		return FAMILY_OTHER;
	return family_of(text);
}

enum place system_place(void)
{
	const char *said = getenv(SYSTEM_PLACE_ENV);

	if (said && strcmp(said, "host") == 0)
		return PLACE_HOST;
	if (getenv("KUBERNETES_SERVICE_HOST"))
		return PLACE_KUBERNETES;
	if (access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0)
		return PLACE_CONTAINER;
	return PLACE_HOST;
}

int system_install(enum family family, const char *name, char *dst, size_t size)
{
	const char *package = name;

	for (size_t i = 0; i < ARRAY_SIZE(packages); i++) {
		if (strcmp(packages[i].name, name) == 0)
			package = packages[i].in[family];
	}
	if (!installer[family] || !package) {
		snprintf(dst, size, "install %s", package ? package : name);
		return -ENOENT;
	}
	return str_format(dst, size, "%s %s", installer[family], package);
}

bool system_number(const char *path, uint64_t *ret)
{
	autofree char *text = NULL;

	if (fd_read_file(AT_FDCWD, path, FILE_MAX, &text) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return str_to_u64(text, UINT64_MAX, ret) == 0;
}

void system_status(const char *field, char *dst, size_t size)
{
	autofree char *text = NULL;
	char *save = NULL, *line = NULL;
	size_t len = strlen(field);

	dst[0] = '\0';
	if (fd_read_file(AT_FDCWD, "/proc/self/status", FILE_MAX, &text) < 0)
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!str_starts(line, field) || line[len] != ':')
			continue;
		snprintf(dst, size, "%s", line + len + 1 + strspn(line + len + 1, " \t"));
		return;
	}
}
