// SPDX-License-Identifier: Apache-2.0
/* msg.c - send and check the records that cross a process boundary */
#include "lib/ipc/msg.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "lib/base/cleanup.h"

union fd_control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(int) * MSG_FDS_MAX)];
};

static const struct msg_type *find_type(const struct msg_proto *proto, uint16_t value)
{
	for (size_t i = 0; i < proto->ntypes; i++) {
		if (proto->types[i].value == value)
			return &proto->types[i];
	}
	return NULL;
}

int msg_pair(int ret[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0 ? -errno : 0;
}

int msg_send(int sock, const struct msg_proto *proto, uint16_t type, const void *payload,
	     const int *fds, size_t nfds)
{
	const struct msg_type *t = find_type(proto, type);
	struct msg_hdr hdr = { .version = proto->version, .type = type };
	struct iovec iov[2];
	union fd_control ctl;
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	if (!t || nfds < t->min_fds || nfds > t->max_fds)
		return -EINVAL;
	hdr.len = t->size;
	iov[0] = (struct iovec){ .iov_base = &hdr, .iov_len = sizeof(hdr) };
	iov[1] = (struct iovec){ .iov_base = (void *)payload, .iov_len = t->size };
	if (nfds) {
		memset(&ctl, 0, sizeof(ctl));
		mh.msg_control = ctl.buf;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		ctl.align.cmsg_level = SOL_SOCKET;
		ctl.align.cmsg_type = SCM_RIGHTS;
		ctl.align.cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(&ctl.align), fds, sizeof(int) * nfds);
	}
	do {
		n = sendmsg(sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static void collect_fds(struct msghdr *mh, struct msg *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (n > MSG_FDS_MAX - ret->nfds)
			n = MSG_FDS_MAX -
			    ret->nfds; /* cannot be: the control buffer is no larger */
		memcpy(ret->fds + ret->nfds, CMSG_DATA(c), n * sizeof(int));
		ret->nfds += n;
	}
}

static int check(const struct msg_proto *proto, enum role from, uint32_t state,
		 const struct msg_hdr *hdr, const struct msghdr *mh, size_t len,
		 const struct msg *m)
{
	const struct msg_type *t;

	if ((mh->msg_flags & MSG_CTRUNC) && m->nfds < MSG_FDS_MAX)
		return -EMFILE; /* there was room for more: our table was full */
	if (len < sizeof(*hdr) || (mh->msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return -EPROTO;
	if (hdr->version != proto->version || hdr->len != len - sizeof(*hdr))
		return -EPROTO;
	t = find_type(proto, hdr->type);
	if (!t || hdr->len != t->size || !(t->senders & ROLE_BIT(from)) || !(t->states & state))
		return -EPROTO;
	if (m->nfds < t->min_fds || m->nfds > t->max_fds)
		return -EPROTO;
	return 0;
}

int msg_recv(int sock, const struct msg_proto *proto, enum role from, uint32_t state, int flags,
	     struct msg *ret)
{
	struct msg_hdr hdr = { 0 };
	struct iovec iov[2] = {
		{ .iov_base = &hdr, .iov_len = sizeof(hdr) },
		{ .iov_base = ret->payload, .iov_len = sizeof(ret->payload) },
	};
	union fd_control ctl;
	struct msghdr mh = { .msg_iov = iov,
			     .msg_iovlen = 2,
			     .msg_control = ctl.buf,
			     .msg_controllen = sizeof(ctl.buf) };
	bool reset = false, again;
	ssize_t n;
	int r;

	ret->nfds = 0;
	do {
		n = recvmsg(sock, &mh, flags | MSG_CMSG_CLOEXEC);
		again = n < 0 && (errno == EINTR || (errno == ECONNRESET && !reset));
		/* a peer that left something unread: told once, before what it had sent */
		reset |= n < 0 && errno == ECONNRESET;
	} while (again);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	collect_fds(&mh, ret);
	if (n == 0 && ret->nfds == 0)
		return 0;
	r = check(proto, from, state, &hdr, &mh, (size_t)n, ret);
	if (r < 0) {
		msg_close_fds(ret);
		return r;
	}
	ret->type = hdr.type;
	return 1;
}

int msg_recv_within(int sock, const struct msg_proto *proto, enum role from, uint32_t state,
		    int timeout_ms, struct msg *ret)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int n;

	do {
		n = poll(&p, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == 0 ? -ETIMEDOUT : msg_recv(sock, proto, from, state, 0, ret);
}

int msg_take_fd(struct msg *m, size_t i)
{
	return i < m->nfds ? take_fd(&m->fds[i]) : -1;
}

void msg_close_fds(struct msg *m)
{
	for (size_t i = 0; i < m->nfds; i++)
		cleanup_closep(&m->fds[i]);
	m->nfds = 0;
}
