// SPDX-License-Identifier: Apache-2.0
/*
 * hostfiles.c - the host's resolver and hosts files, and what the child gets of them
 *
 * Runs in the parent. The child's programs ask our DNS address; which servers stand behind it is
 * told to the relay. Files in the state dir are opened anew for each rewrite: their directory
 * belongs to the user, who is root in the child, so what stands there is checked every time, and
 * nothing is ever read from it.
 */
#include "lib/parent/hostfiles.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/ipc/netplan.h"

#define NAME_BUF (INET6_ADDRSTRLEN + IF_NAMESIZE + 2)

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* the next word of [*p, end) without control characters inside; NULL at the end */
static const char *next_word(const char **p, const char *end, size_t *ret_len)
{
	for (;;) {
		const char *word;
		bool clean = true;

		while (*p < end && is_blank(**p))
			(*p)++;
		if (*p == end)
			return NULL;
		word = *p;
		for (; *p < end && !is_blank(**p); (*p)++)
			clean &= (unsigned char)**p > 0x20 && **p != 0x7f;
		*ret_len = (size_t)(*p - word);
		if (clean)
			return word;
	}
}

/* @text of the form "fe80::1%eth0" or "fe80::1%2"; the scope counts for link-local ones only */
static bool read_address6(char *text, struct net_addr *ret)
{
	char *scope = strchr(text, '%');
	struct in6_addr a;
	uint64_t index;

	if (scope)
		*scope++ = '\0';
	if (inet_pton(AF_INET6, text, &a) != 1)
		return false;
	if (scope && IN6_IS_ADDR_LINKLOCAL(&a)) {
		if (str_to_u64(scope, UINT_MAX, &index) < 0)
			index = if_nametoindex(scope);
		if (!index)
			return false; /* of an interface that is not here */
		ret->scope = (uint32_t)index;
	}
	ret->family = AF_INET6;
	memcpy(ret->addr, &a, sizeof(a));
	return true;
}

static void add_server(struct worker_dns *dns, const char *word, size_t len)
{
	struct net_addr a = { .port = NET_DNS_PORT };
	char text[NAME_BUF];
	struct in_addr a4;

	if (dns->count == WORKER_DNS_MAX || len >= sizeof(text))
		return;
	memcpy(text, word, len);
	text[len] = '\0';
	if (inet_aton(text, &a4)) { /* as the C library: "127.1" too */
		a.family = AF_INET;
		memcpy(a.addr, &a4, sizeof(a4));
	} else if (!read_address6(text, &a)) {
		return;
	}
	dns->server[dns->count++] = a;
}

/* "<keyword> word word\n" with the words of [p, end) */
static void print_words(FILE *f, const char *keyword, const char *p, const char *end)
{
	size_t len, n = 0;
	const char *word;

	while ((word = next_word(&p, end, &len)))
		fprintf(f, "%s %.*s", n++ ? "" : keyword, (int)len, word);
	if (n)
		fputc('\n', f);
}

struct resolv_lines {
	const char *search, *search_end; /* what follows the last "search" or "domain" */
	FILE *options;
};

static void read_line(const char *p, const char *end, struct worker_dns *dns,
		      struct resolv_lines *l)
{
	size_t len = 0, n;
	const char *word;

	while (p + len < end && !is_blank(p[len]))
		len++;
	word = p;
	p += len;
	if (len == strlen("nameserver") && memcmp(word, "nameserver", len) == 0) {
		word = next_word(&p, end, &n);
		if (word)
			add_server(dns, word, n);
	} else if (len == strlen("search") && memcmp(word, "search", len) == 0) {
		l->search = p;
		l->search_end = end;
	} else if (len == strlen("domain") && memcmp(word, "domain", len) == 0) {
		l->search = p;
		l->search_end = next_word(&p, end, &n) ? p : end; /* one word only */
	} else if (len == strlen("options") && memcmp(word, "options", len) == 0) {
		print_words(l->options, "options", p, end);
	}
}

int host_resolver_parse(const char *text, size_t len, struct host_resolver *ret)
{
	const char *end = text + len, *next;
	struct resolv_lines l = { 0 };
	struct host_resolver r = { 0 };
	size_t size = 0;

	l.options = open_memstream(&r.extra, &size);
	if (!l.options)
		return -ENOMEM;
	for (const char *p = text; p < end; p = next + 1) {
		next = memchr(p, '\n', (size_t)(end - p));
		if (!next)
			next = end;
		read_line(p, next, &r.dns, &l);
	}
	if (l.search)
		print_words(l.options, "search", l.search, l.search_end);
	if (fclose(l.options)) {
		free(r.extra);
		return -ENOMEM;
	}
	r.finished = r.dns.count && text[len - 1] == '\n';
	if (!r.dns.count)
		add_server(&r.dns, "127.0.0.1", strlen("127.0.0.1"));
	*ret = r;
	return 0;
}

/* at most @max bytes of a regular file; whatever else stands there is not waited for */
static ssize_t read_head(const char *path, char *buf, size_t max)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return fd_read_all(fd, buf, max);
}

int host_resolver_read(const char *path, struct host_resolver *ret, struct err *err)
{
	autofree char *text = malloc(HOSTFILES_RESOLV_MAX);
	int r, problem = 0;
	ssize_t n;

	if (!text)
		return err_set(err, ENOMEM, "reading %s", path);
	n = read_head(path, text, HOSTFILES_RESOLV_MAX);
	if (n < 0 && n != -ENOENT)
		problem = (int)-n;
	if (n == HOSTFILES_RESOLV_MAX) {
		problem = EFBIG;
		while (n && text[n - 1] != '\n') /* half a line is none */
			n--;
	}
	r = host_resolver_parse(text, n < 0 ? 0 : (size_t)n, ret);
	if (r < 0)
		return err_set(err, -r, "reading %s", path);
	ret->problem = problem;
	return 0;
}

void host_resolver_warn(const char *path, const struct host_resolver *r)
{
	if (r->problem == EFBIG)
		log_warning("resolver", "%s is larger than %u bytes, the rest is ignored", path,
			    HOSTFILES_RESOLV_MAX);
	else if (r->problem)
		log_warning("resolver", "reading %s: %s, asking 127.0.0.1 for names", path,
			    strerror(r->problem));
}

void host_resolver_done(struct host_resolver *r)
{
	free(r->extra);
	r->extra = NULL;
}

/* a regular file of ours, made when it is missing */
static int open_state_file(int state_dirfd, const char *name, struct stat *st, struct err *err)
{
	autoclose int fd =
		openat(state_dirfd, name,
		       O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);

	if (fd < 0 || fstat(fd, st) < 0)
		return err_set(err, errno, "writing %s in the state directory", name);
	if (!S_ISREG(st->st_mode) || st->st_nlink != 1)
		return err_say(err, EINVAL, "%s in the state directory is not a file of ours",
			       name);
	/* whatever the umask is: programs of other ids in the child read it */
	if ((st->st_mode & 0777) != 0644 && fchmod(fd, 0644) < 0)
		return err_set(err, errno, "setting the mode of %s in the state directory", name);
	return take_fd(&fd);
}

/* malloc'ed; NULL when memory is short */
static char *resolver_text(const struct net_plan *plan, const struct host_resolver *host)
{
	char dns[INET_ADDRSTRLEN], dns6[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET, &plan->dns, dns, sizeof(dns));
	if (!plan->ipv6)
		return str_dup_format("nameserver %s\n%s", dns, host->extra);
	inet_ntop(AF_INET6, &plan->dns6, dns6, sizeof(dns6));
	return str_dup_format("nameserver %s\nnameserver %s\n%s", dns, dns6, host->extra);
}

int hostfiles_write_resolver(int state_dirfd, const struct net_plan *plan,
			     const struct host_resolver *host, struct err *err)
{
	autofree char *text = resolver_text(plan, host);
	autoclose int fd = -1;
	size_t len, padded;
	struct stat st;
	char *grown;
	ssize_t n;

	if (!text)
		return err_set(err, ENOMEM, "writing resolv.conf in the state directory");
	fd = open_state_file(state_dirfd, "resolv.conf", &st, err);
	if (fd < 0)
		return fd;
	/* a reader never sees half of the old text: empty lines cover it until the cut */
	padded = (size_t)st.st_size < HOSTFILES_RESOLV_MAX * 2 ? (size_t)st.st_size : 0;
	len = strlen(text);
	if (padded < len)
		padded = len;
	grown = realloc(text, padded + 1);
	if (!grown)
		return err_set(err, ENOMEM, "writing resolv.conf in the state directory");
	text = grown;
	memset(text + len, '\n', padded - len);
	n = pwrite(fd, text, padded, 0);
	if (n >= 0 && (size_t)n < padded) /* full in the middle: the next refresh covers it */
		errno = ENOSPC;
	if (n != (ssize_t)padded || ftruncate(fd, (off_t)len) < 0)
		return err_set(err, errno, "writing resolv.conf in the state directory");
	return 0;
}

/* what the host's file holds, byte by byte; 0 or a negative errno of the writing side */
static int copy_hosts(int to, const char *path)
{
	autoclose int from = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size_t left = HOSTFILES_HOSTS_MAX;
	struct stat st;

	if (from < 0 || fstat(from, &st) < 0 || !S_ISREG(st.st_mode)) {
		log_warning("hosts", "reading %s: %s, starting from an empty one", path,
			    from < 0 ? strerror(errno) : "not a regular file");
		return 0;
	}
	while (left) {
		ssize_t n = sendfile(to, from, NULL, left);

		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		left -= (size_t)n;
	}
	log_warning("hosts", "%s is larger than %u bytes, the rest is ignored", path,
		    HOSTFILES_HOSTS_MAX);
	return 0;
}

int hostfiles_write_hosts(int state_dirfd, const char *path, const char *hostname, struct err *err)
{
	autofree char *tail = str_dup_format("\n127.0.0.1 %s\n::1 %s\n", hostname, hostname);
	autoclose int fd = -1;
	struct stat st;
	int r;

	if (!tail)
		return err_set(err, ENOMEM, "writing hosts in the state directory");
	fd = open_state_file(state_dirfd, "hosts", &st, err);
	if (fd < 0)
		return fd;
	r = ftruncate(fd, 0) < 0 ? -errno : copy_hosts(fd, path);
	if (!r)
		r = fd_write_all(fd, tail, strlen(tail));
	return r < 0 ? err_set(err, -r, "writing hosts in the state directory") : 0;
}
