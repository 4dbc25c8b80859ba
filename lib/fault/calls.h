/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.h - the one table of calls that the fault injector can fail
 *
 * lib/fault/meson.build reads the symbols for the linker's --wrap from here, so an entry begins on
 * a line of its own. Symbols are what the linker sees: with 64-bit offsets open() is open64().
 * Variadic calls are given the arguments that the ABI passes in registers. close() and exits are
 * absent: a caller can do nothing about them.
 */
#ifndef RK_FAULT_CALLS_H
#define RK_FAULT_CALLS_H

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>

/* symbol, name in the trace, class of its errnos, type, value of failure, parameters, arguments */
#define FAULT_CALLS(X) \
	X(open64, "open", "path", int, -1, (const char *p, int fl, mode_t m), (p, fl, m)) \
	X(openat64, "openat", "path", int, -1, (int d, const char *p, int fl, mode_t m), \
	  (d, p, fl, m)) \
	X(mkdir, "mkdir", "path", int, -1, (const char *p, mode_t m), (p, m)) \
	X(mkdirat, "mkdirat", "path", int, -1, (int d, const char *p, mode_t m), (d, p, m)) \
	X(mkdtemp, "mkdtemp", "path", char *, 0, (char *t), (t)) \
	X(mkfifoat, "mkfifoat", "path", int, -1, (int d, const char *p, mode_t m), (d, p, m)) \
	X(mknodat, "mknodat", "path", int, -1, (int d, const char *p, mode_t m, dev_t v), \
	  (d, p, m, v)) \
	X(symlink, "symlink", "path", int, -1, (const char *t, const char *p), (t, p)) \
	X(symlinkat, "symlinkat", "path", int, -1, (const char *t, int d, const char *p), \
	  (t, d, p)) \
	X(readlink, "readlink", "path", ssize_t, -1, (const char *p, char *b, size_t n), \
	  (p, b, n)) \
	X(readlinkat, "readlinkat", "path", ssize_t, -1, \
	  (int d, const char *p, char *b, size_t n), (d, p, b, n)) \
	X(unlink, "unlink", "path", int, -1, (const char *p), (p)) \
	X(unlinkat, "unlinkat", "path", int, -1, (int d, const char *p, int fl), (d, p, fl)) \
	X(rmdir, "rmdir", "path", int, -1, (const char *p), (p)) \
	X(rename, "rename", "path", int, -1, (const char *o, const char *n), (o, n)) \
	X(renameat, "renameat", "path", int, -1, (int d, const char *o, int e, const char *n), \
	  (d, o, e, n)) \
	X(stat64, "stat", "path", int, -1, (const char *p, void *s), (p, s)) \
	X(lstat64, "lstat", "path", int, -1, (const char *p, void *s), (p, s)) \
	X(fstatat64, "fstatat", "path", int, -1, (int d, const char *p, void *s, int fl), \
	  (d, p, s, fl)) \
	X(fstat64, "fstat", "io", int, -1, (int fd, void *s), (fd, s)) \
	X(statfs64, "statfs", "path", int, -1, (const char *p, void *s), (p, s)) \
	X(fstatfs64, "fstatfs", "io", int, -1, (int fd, void *s), (fd, s)) \
	X(access, "access", "path", int, -1, (const char *p, int m), (p, m)) \
	X(faccessat, "faccessat", "path", int, -1, (int d, const char *p, int m, int fl), \
	  (d, p, m, fl)) \
	X(chdir, "chdir", "path", int, -1, (const char *p), (p)) \
	X(fchdir, "fchdir", "path", int, -1, (int fd), (fd)) \
	X(chmod, "chmod", "path", int, -1, (const char *p, mode_t m), (p, m)) \
	X(fchmod, "fchmod", "path", int, -1, (int fd, mode_t m), (fd, m)) \
	X(fchmodat, "fchmodat", "path", int, -1, (int d, const char *p, mode_t m, int fl), \
	  (d, p, m, fl)) \
	X(fdopendir, "fdopendir", "path", void *, 0, (int fd), (fd)) \
	X(opendir, "opendir", "path", void *, 0, (const char *p), (p)) \
	X(fopen64, "fopen", "path", FILE *, 0, (const char *p, const char *m), (p, m)) \
	X(inotify_init1, "inotify_init1", "path", int, -1, (int fl), (fl)) \
	X(inotify_add_watch, "inotify_add_watch", "path", int, -1, \
	  (int fd, const char *p, uint32_t m), (fd, p, m)) \
	X(mount, "mount", "mount", int, -1, \
	  (const char *s, const char *t, const char *f, unsigned long fl, const void *d), \
	  (s, t, f, fl, d)) \
	X(umount, "umount", "mount", int, -1, (const char *t), (t)) \
	X(umount2, "umount2", "mount", int, -1, (const char *t, int fl), (t, fl)) \
	X(unshare, "unshare", "proc", int, -1, (int fl), (fl)) \
	X(setns, "setns", "proc", int, -1, (int fd, int t), (fd, t)) \
	X(clone, "clone", "proc", int, -1, \
	  (int (*fn)(void *), void *st, int fl, void *arg, void *a, void *b, void *c), \
	  (fn, st, fl, arg, a, b, c)) \
	X(fork, "fork", "proc", pid_t, -1, (void), ()) \
	X(syscall, "syscall", "proc", long, -1, \
	  (long n, long a, long b, long c, long d, long e, long f), (n, a, b, c, d, e, f)) \
	X(execv, "execv", "proc", int, -1, (const char *p, char *const *av), (p, av)) \
	X(prctl, "prctl", "proc", int, -1, \
	  (int o, unsigned long a, unsigned long b, unsigned long c, unsigned long d), \
	  (o, a, b, c, d)) \
	X(waitpid, "waitpid", "proc", pid_t, -1, (pid_t p, int *s, int o), (p, s, o)) \
	X(waitid, "waitid", "proc", int, -1, (idtype_t t, id_t i, siginfo_t * s, int o), \
	  (t, i, s, o)) \
	X(pidfd_open, "pidfd_open", "proc", int, -1, (pid_t p, unsigned fl), (p, fl)) \
	X(pidfd_send_signal, "pidfd_send_signal", "proc", int, -1, \
	  (int fd, int s, siginfo_t *i, unsigned fl), (fd, s, i, fl)) \
	X(kill, "kill", "proc", int, -1, (pid_t p, int s), (p, s)) \
	X(setresuid, "setresuid", "proc", int, -1, (uid_t r, uid_t e, uid_t s), (r, e, s)) \
	X(setresgid, "setresgid", "proc", int, -1, (gid_t r, gid_t e, gid_t s), (r, e, s)) \
	X(setgroups, "setgroups", "proc", int, -1, (size_t n, const gid_t *g), (n, g)) \
	X(getrlimit64, "getrlimit", "proc", int, -1, (int w, void *l), (w, l)) \
	X(setrlimit64, "setrlimit", "proc", int, -1, (int w, const void *l), (w, l)) \
	X(sethostname, "sethostname", "proc", int, -1, (const char *s, size_t n), (s, n)) \
	X(signalfd, "signalfd", "io", int, -1, (int fd, const sigset_t *m, int fl), (fd, m, fl)) \
	X(eventfd, "eventfd", "io", int, -1, (unsigned v, int fl), (v, fl)) \
	X(timerfd_create, "timerfd_create", "io", int, -1, (int c, int fl), (c, fl)) \
	X(timerfd_settime, "timerfd_settime", "io", int, -1, \
	  (int fd, int fl, const struct itimerspec *n, struct itimerspec *o), (fd, fl, n, o)) \
	X(memfd_create, "memfd_create", "io", int, -1, (const char *s, unsigned fl), (s, fl)) \
	X(socket, "socket", "net", int, -1, (int d, int t, int p), (d, t, p)) \
	X(socketpair, "socketpair", "net", int, -1, (int d, int t, int p, int *sv), (d, t, p, sv)) \
	X(bind, "bind", "net", int, -1, (int fd, const struct sockaddr *a, socklen_t n), \
	  (fd, a, n)) \
	X(listen, "listen", "net", int, -1, (int fd, int n), (fd, n)) \
	X(accept4, "accept4", "net", int, -1, (int fd, struct sockaddr *a, socklen_t *n, int fl), \
	  (fd, a, n, fl)) \
	X(connect, "connect", "net", int, -1, (int fd, const struct sockaddr *a, socklen_t n), \
	  (fd, a, n)) \
	X(getsockname, "getsockname", "net", int, -1, (int fd, struct sockaddr *a, socklen_t *n), \
	  (fd, a, n)) \
	X(getsockopt, "getsockopt", "net", int, -1, (int fd, int l, int o, void *v, socklen_t *n), \
	  (fd, l, o, v, n)) \
	X(setsockopt, "setsockopt", "net", int, -1, \
	  (int fd, int l, int o, const void *v, socklen_t n), (fd, l, o, v, n)) \
	X(shutdown, "shutdown", "net", int, -1, (int fd, int h), (fd, h)) \
	X(ioctl, "ioctl", "net", int, -1, (int fd, unsigned long r, unsigned long a), (fd, r, a)) \
	X(send, "send", "io", ssize_t, -1, (int fd, const void *b, size_t n, int fl), \
	  (fd, b, n, fl)) \
	X(sendto, "sendto", "io", ssize_t, -1, \
	  (int fd, const void *b, size_t n, int fl, const struct sockaddr *a, socklen_t l), \
	  (fd, b, n, fl, a, l)) \
	X(sendmsg, "sendmsg", "io", ssize_t, -1, (int fd, const struct msghdr *m, int fl), \
	  (fd, m, fl)) \
	X(sendmmsg, "sendmmsg", "io", int, -1, (int fd, struct mmsghdr *m, unsigned n, int fl), \
	  (fd, m, n, fl)) \
	X(recv, "recv", "io", ssize_t, -1, (int fd, void *b, size_t n, int fl), (fd, b, n, fl)) \
	X(recvfrom, "recvfrom", "io", ssize_t, -1, \
	  (int fd, void *b, size_t n, int fl, struct sockaddr *a, socklen_t *l), \
	  (fd, b, n, fl, a, l)) \
	X(recvmsg, "recvmsg", "io", ssize_t, -1, (int fd, struct msghdr *m, int fl), (fd, m, fl)) \
	X(recvmmsg, "recvmmsg", "io", int, -1, \
	  (int fd, struct mmsghdr *m, unsigned n, int fl, struct timespec *t), (fd, m, n, fl, t)) \
	X(read, "read", "io", ssize_t, -1, (int fd, void *b, size_t n), (fd, b, n)) \
	X(write, "write", "io", ssize_t, -1, (int fd, const void *b, size_t n), (fd, b, n)) \
	X(readv, "readv", "io", ssize_t, -1, (int fd, const struct iovec *v, int n), (fd, v, n)) \
	X(writev, "writev", "io", ssize_t, -1, (int fd, const struct iovec *v, int n), (fd, v, n)) \
	X(splice, "splice", "io", ssize_t, -1, \
	  (int i, off_t *io, int o, off_t *oo, size_t n, unsigned fl), (i, io, o, oo, n, fl)) \
	X(pipe2, "pipe2", "io", int, -1, (int *fd, int fl), (fd, fl)) \
	X(dup2, "dup2", "io", int, -1, (int o, int n), (o, n)) \
	X(dup3, "dup3", "io", int, -1, (int o, int n, int fl), (o, n, fl)) \
	X(fcntl64, "fcntl", "io", int, -1, (int fd, int c, unsigned long a), (fd, c, a)) \
	X(flock, "flock", "io", int, -1, (int fd, int o), (fd, o)) \
	X(ftruncate64, "ftruncate", "io", int, -1, (int fd, off_t n), (fd, n)) \
	X(epoll_create1, "epoll_create1", "io", int, -1, (int fl), (fl)) \
	X(epoll_ctl, "epoll_ctl", "io", int, -1, (int e, int o, int fd, struct epoll_event *v), \
	  (e, o, fd, v)) \
	X(epoll_wait, "epoll_wait", "io", int, -1, (int e, struct epoll_event *v, int n, int t), \
	  (e, v, n, t)) \
	X(poll, "poll", "io", int, -1, (struct pollfd * p, nfds_t n, int t), (p, n, t)) \
	X(ppoll, "ppoll", "io", int, -1, \
	  (struct pollfd * p, nfds_t n, const struct timespec *t, const sigset_t *s), \
	  (p, n, t, s)) \
	X(malloc, "malloc", "memory", void *, 0, (size_t n), (n)) \
	X(calloc, "calloc", "memory", void *, 0, (size_t n, size_t s), (n, s)) \
	X(realloc, "realloc", "memory", void *, 0, (void *p, size_t n), (p, n)) \
	X(strdup, "strdup", "memory", char *, 0, (const char *s), (s)) \
	X(strndup, "strndup", "memory", char *, 0, (const char *s, size_t n), (s, n)) \
	X(vasprintf, "vasprintf", "memory", int, -1, (char **r, const char *f, va_list a), \
	  (r, f, a))

/* these need more than to fail or not: fault.c has their wrappers */
#define FAULT_CALLS_OWN(X) \
	X(execve, "execve", "proc", int, -1, (const char *p, char *const *av, char *const *ev), \
	  (p, av, ev)) \
	X(execvpe, "execvpe", "proc", int, -1, (const char *p, char *const *av, char *const *ev), \
	  (p, av, ev)) \
	X(execveat, "execveat", "proc", int, -1, \
	  (int d, const char *p, char *const *av, char *const *ev, int fl), (d, p, av, ev, fl)) \
	X(fexecve, "fexecve", "proc", int, -1, (int fd, char *const *av, char *const *ev), \
	  (fd, av, ev)) \
	X(close_range, "close_range", "io", int, -1, (unsigned a, unsigned b, int fl), (a, b, fl))
#endif
