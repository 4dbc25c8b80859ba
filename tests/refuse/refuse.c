// SPDX-License-Identifier: Apache-2.0
/*
 * refuse.c - a kernel that lacks something, for tests: preloaded into the program
 *
 * REFUSE is a list of words, separated by commas:
 *   tproxy, nat, ...   expressions and chains of nf_tables. The message gets a name that no kernel
 *                      knows, so the refusal is the kernel's own, as that of one without the module
 *   nf_tables          sockets to it: EPROTONOSUPPORT
 *   tun                making a tun: EPERM; a tap is made
 *   readonly=TEXT      files in /proc/sys with TEXT in their path cannot be opened to write
 *   kept=TEXT          they can, but keep the value that they have
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define WORDS_MAX 8
#define MESSAGE_MAX 16384

#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static char words[WORDS_MAX][64];
static size_t nwords;

__attribute__((constructor)) static void read_words(void)
{
	const char *s = getenv("REFUSE");

	while (s && nwords < WORDS_MAX && *(s += strspn(s, ","))) {
		size_t n = strcspn(s, ",");

		snprintf(words[nwords++], sizeof(words[0]), "%.*s", (int)n, s);
		s += n;
	}
}

static bool refuses(const char *word)
{
	for (size_t i = 0; i < nwords; i++) {
		if (strcmp(words[i], word) == 0)
			return true;
	}
	return false;
}

/* @path: in /proc/sys; whether a word "@how=TEXT" is about it */
static bool is_about(const char *how, const char *path)
{
	size_t n = strlen(how);

	if (strncmp(path, "/proc/sys/", 10) != 0)
		return false;
	for (size_t i = 0; i < nwords; i++) {
		if (strncmp(words[i], how, n) == 0 && words[i][n] == '=' &&
		    strstr(path, words[i] + n + 1))
			return true;
	}
	return false;
}

int socket(int domain, int type, int protocol)
{
	if (domain == AF_NETLINK && protocol == NETLINK_NETFILTER && refuses("nf_tables")) {
		errno = EPROTONOSUPPORT;
		return -1;
	}
	return NEXT(socket)(domain, type, protocol);
}

static bool is_nf_tables(int fd)
{
	int domain = 0, protocol = 0;
	socklen_t n = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain == AF_NETLINK &&
	       getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &n) == 0 &&
	       protocol == NETLINK_NETFILTER;
}

ssize_t sendto(int fd, const void *buf, size_t len, int flags, __CONST_SOCKADDR_ARG to,
	       socklen_t tolen)
{
	char copy[MESSAGE_MAX];

	if (!nwords || len > sizeof(copy) || !is_nf_tables(fd))
		return NEXT(sendto)(fd, buf, len, flags, to, tolen);
	memcpy(copy, buf, len);
	for (size_t i = 0; i < nwords; i++) {
		size_t n = strlen(words[i]);
		char *at = copy;

		while ((at = memmem(at, (size_t)(copy + len - at), words[i], n + 1)))
			at[n - 1] = '?';
	}
	return NEXT(sendto)(fd, copy, len, flags, to, tolen);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request == TUNSETIFF && (((struct ifreq *)arg)->ifr_flags & IFF_TUN) &&
	    refuses("tun")) {
		errno = EPERM;
		return -1;
	}
	return NEXT(ioctl)(fd, request, arg);
}

int open64(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if ((flags & O_ACCMODE) != O_RDONLY && is_about("readonly", path)) {
		errno = EROFS;
		return -1;
	}
	return NEXT(open64)(path, flags, mode);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	char link[32], path[256];
	ssize_t n;

	if (nwords) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, path, sizeof(path) - 1);
		path[n < 0 ? 0 : n] = '\0';
		if (is_about("kept", path))
			return (ssize_t)len;
	}
	return NEXT(write)(fd, buf, len);
}
