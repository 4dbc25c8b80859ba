// SPDX-License-Identifier: Apache-2.0
/* sysctl.c - network settings of the netns we are in, each read back after it was written */
#include "lib/nsagent/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/options.h"
#include "lib/base/str.h"
#include "lib/cause/cause.h"

/* the next word of *@text, which moves behind it; its length, 0 at the end */
static size_t next_word(const char **text, const char **ret_word)
{
	size_t n;

	*text += strspn(*text, " \t\n");
	n = strcspn(*text, " \t\n");
	*ret_word = *text;
	*text += n;
	return n;
}

/* equal but for the kind and number of blanks */
static bool same_words(const char *a, const char *b)
{
	for (;;) {
		const char *wa, *wb;
		size_t na = next_word(&a, &wa), nb = next_word(&b, &wb);

		if (na != nb || memcmp(wa, wb, na) != 0)
			return false;
		if (!na)
			return true;
	}
}

int sysctl_set(const char *name, const char *value, struct err *err)
{
	char path[96], now[64] = "";
	autoclose int fd = -1;
	ssize_t n;
	int r;

	if (str_format(path, sizeof(path), "/proc/sys/%s", name) < 0)
		return err_set(err, ENAMETOOLONG, "setting '%s'", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0) {
		r = err_set(err, errno, "setting '%s' to '%s'", path, value);
		return r == -EROFS ? cause_hint(err, r, CAUSE_NET_SYSCTL, strerror(-r), NULL) : r;
	}
	n = pread(fd, now, sizeof(now) - 1, 0);
	if (n < 0)
		return err_set(err, errno, "reading back '%s'", path);
	now[n] = '\0';
	if (!same_words(now, value))
		return err_say(err, EIO, "setting '%s' to '%s': the kernel kept another value",
			       path, value);
	return 0;
}

/* not read back: the kernel may show it in other words, and some cannot be read */
int sysctl_set_asked(const struct sysctl_setting *s, struct err *err)
{
	char path[256], key[200], value[256];
	autoclose int fd = -1;
	int r;

	str_printable(key, sizeof(key), s->path, strlen(s->path));
	str_printable(value, sizeof(value), s->value, strlen(s->value));
	if (str_format(path, sizeof(path), "/proc/sys/%s", s->path) < 0)
		return err_set(err, ENAMETOOLONG, "--sysctl: setting '%s'", key);
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd >= 0 && write(fd, s->value, strlen(s->value)) >= 0)
		return 0;
	r = err_set(err, errno, "--sysctl: setting '%s' to '%s'", key, value);
	if (r == -EROFS)
		return cause_hint(err, r, CAUSE_NET_SYSCTL, strerror(-r), NULL);
	if (r == -ENOENT)
		return err_hint(err, r,
				"a network namespace has no such setting: it is the host's alone, "
				"or a module is not loaded, or the name is wrong");
	if (r == -EACCES || r == -EPERM)
		return err_hint(err, r,
				"the kernel shows it here, but only the host's root may set it");
	return err_hint(err, r, "the kernel does not take that value");
}

int sysctl_pin_congestion(struct err *err)
{
	static const char name[] = "net/ipv4/tcp_congestion_control";

	if (sysctl_set(name, "cubic", NULL) == 0)
		return 0;
	return sysctl_set(name, "reno", err);
}
