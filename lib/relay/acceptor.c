// SPDX-License-Identifier: Apache-2.0
/*
 * acceptor.c - take connections from a listener
 *
 * When descriptors or memory are short, or the owner has no room, or a security module refuses what
 * it may let pass later, the listener rests for 100 ms:
 * its clients wait in the kernel's queue, it is never closed for that. One that was shut down has
 * neither clients nor a rest: epoll would tell of it for ever, whatever it is asked for.
 */
#include "lib/relay/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/relay/tcpopt.h"

#define ACCEPT_BATCH 64
#define PAUSE_MS 100

static int on_pause_due(struct timer *t)
{
	struct acceptor *a = container_of(t, struct acceptor, pause);

	return watch_set(&a->watch, EPOLLIN);
}

static int acceptor_pause(struct acceptor *a, const char *why)
{
	a->on_pause(a, why);
	timer_set(a->loop, &a->pause, PAUSE_MS, on_pause_due);
	return watch_set(&a->watch, 0);
}

/* who did so knows */
static int was_shut_down(struct acceptor *a)
{
	timer_cancel(&a->pause);
	watch_remove(&a->watch);
	return 0;
}

static int accept_failed(struct acceptor *a, int error)
{
	switch (error) {
	case EAGAIN:
		a->inherits = true;
		return 0;
	case EINTR:
	case ECONNABORTED: /* errors of that one connection, or of the network: the next may do */
	case EPROTO:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case ENETDOWN:
	case ENETUNREACH:
	case ENONET:
	case EHOSTDOWN:
	case EHOSTUNREACH:
		return 0;
	case EINVAL: /* this moment */
	case EBADF:
	case ENOTSOCK:
		return was_shut_down(a);
	default: /* a shortage, or a refusal (EPERM of a security module): the client is still there
		  */
		return acceptor_pause(a, strerror(error));
	}
}

static int on_listener_ready(struct watch *w, uint32_t events)
{
	struct acceptor *a = container_of(w, struct acceptor, watch);

	if (events & EPOLLHUP)
		return was_shut_down(a);
	for (int n = 0; n < ACCEPT_BATCH; n++) { /* bounded: no listener starves the others */
		const char *why = a->no_room(a);
		socklen_t len = sizeof(a->peer);
		int fd;

		if (why)
			return acceptor_pause(a, why);
		fd = accept4(w->fd, &a->peer.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return accept_failed(a, errno);
		if (!a->inherits)
			tcp_set_options(fd);
		a->on_accept(a, fd);
	}
	return 0;
}

int acceptor_start(struct acceptor *a, struct loop *l, int listener)
{
	int r;

	tcp_set_options(listener); /* connections inherit them, but for those in the queue already
				    */
	if (fcntl(listener, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	r = watch_add(l, &a->watch, listener, EPOLLIN, on_listener_ready);
	if (r == 0)
		a->loop = l;
	return r;
}

void acceptor_stop(struct acceptor *a)
{
	if (!a->loop)
		return;
	watch_remove(&a->watch);
	timer_cancel(&a->pause);
	close(a->watch.fd);
	a->loop = NULL;
}

bool acceptor_listens(int fd)
{
	int yes = 0;
	socklen_t len = sizeof(yes);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 && yes;
}

bool acceptor_is_tcp(int fd)
{
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
	       protocol == IPPROTO_TCP;
}
