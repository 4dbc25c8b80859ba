/* SPDX-License-Identifier: Apache-2.0 */
/* fd.h - descriptors: whole reads and writes, inheritance, limits */
#ifndef RK_BASE_FD_H
#define RK_BASE_FD_H

#include <stddef.h>
#include <sys/types.h>

/**
 * fd_close_all_but() - close every descriptor that is not listed
 * @keep:	sorted ascending, no duplicates, no negatives; 0-2 are kept only when listed
 * Return: 0 or a negative errno
 */
int fd_close_all_but(const int *keep, size_t nkeep);

/* fd_set_cloexec() - mark (on) or unmark one descriptor close-on-exec; 0 or a negative errno */
int fd_set_cloexec(int fd, int on);

/* fd_write_all() - write everything, through EINTR and short writes; 0 or a negative errno */
int fd_write_all(int fd, const void *buf, size_t len);

/**
 * fd_read_all() - read up to end of file or until the buffer is full
 * Return: bytes read, or a negative errno
 */
ssize_t fd_read_all(int fd, void *buf, size_t len);

/**
 * fd_read_file() - a small file as a string
 * @max:	bytes, without the 0 at the end; more is -EFBIG
 * @ret:	malloc'ed and terminated; the caller frees it
 * Return: length, or a negative errno
 */
ssize_t fd_read_file(int dirfd, const char *path, size_t max, char **ret);

/* fd_write_file() - open for writing without creating (as for /proc), write all; 0 or -errno */
int fd_write_file(int dirfd, const char *path, const char *text);

/* fd_open_std() - opens /dev/null on each of 0-2 that is closed; 0 or a negative errno */
int fd_open_std(void);

/* fd_take_error() - the error (errno) that waits in a socket, which forgets it; 0: none */
int fd_take_error(int fd);

/* fd_raise_limit() - soft RLIMIT_NOFILE to the hard one; 0 or a negative errno */
int fd_raise_limit(void);

#endif
