// SPDX-License-Identifier: Apache-2.0
/* sockets.c - make batches of sockets in the agent's netns and hand them to the relay */
#include "lib/nsagent/sockets.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/ipc/nsagent.h"

/* only what the relay can need: plain TCP and UDP sockets, and where routes lead; nothing raw */
static bool is_valid(const struct nsagent_sockets *req)
{
	if (req->zero || req->transparent > 1)
		return false;
	if (req->family == AF_NETLINK)
		return req->socktype == SOCK_RAW && req->count == 1 && req->error == 0 &&
		       !req->transparent;
	return (req->family == AF_INET || req->family == AF_INET6) &&
	       (req->socktype == SOCK_STREAM || req->socktype == SOCK_DGRAM) && req->count >= 1 &&
	       req->count <= MSG_FDS_MAX && req->error == 0;
}

/* fewer than asked for, down to none, is an answer too */
static int answer(int sock, struct nsagent_sockets *ans, const int *fds, size_t nfds)
{
	int r = msg_send(sock, &nsagent_proto, NSAGENT_SOCKETS_ANS, ans, fds, nfds);

	if (r != -ETOOMANYREFS)
		return r;
	/* the user's processes have too many descriptors in flight: not the relay's fault */
	ans->error = ETOOMANYREFS;
	return msg_send(sock, &nsagent_proto, NSAGENT_SOCKETS_ANS, ans, NULL, 0);
}

/* 0 or a negative errno */
static int make_route_socket(int *ret)
{
	const struct sockaddr_nl all = { .nl_family = AF_NETLINK,
					 .nl_groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE |
						      RTMGRP_IPV4_RULE | RTMGRP_IPV4_IFADDR |
						      RTMGRP_IPV6_IFADDR |
						      1u << (RTNLGRP_IPV6_RULE - 1) };
	autoclose int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&all, sizeof(all)) < 0)
		return -errno;
	*ret = take_fd(&fd);
	return 0;
}

/* 0 or a negative errno */
static int make_socket(const struct nsagent_sockets *req, enum nsagent_kind kind, int *ret)
{
	const bool v6 = req->family == AF_INET6, of_child = kind == NSAGENT_CHILD;
	const uint32_t mark = NET_SHOW_MARK;
	autoclose int fd = socket(req->family, req->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0)
		return -errno;
	if ((!of_child || req->transparent) &&
	    (setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT,
			&on, sizeof(on)) < 0 ||
	     setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	     (of_child && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)))
		return -errno;
	*ret = take_fd(&fd);
	return 0;
}

static int do_sockets(int sock, const struct nsagent_sockets *req, enum nsagent_kind kind)
{
	struct nsagent_sockets ans = *req;
	int fds[MSG_FDS_MAX];
	size_t nfds = 0;
	int r;

	for (; nfds < req->count; nfds++) {
		r = req->family == AF_NETLINK ? make_route_socket(&fds[nfds])
					      : make_socket(req, kind, &fds[nfds]);
		if (r < 0) {
			ans.error = (uint16_t)-r;
			break;
		}
	}
	r = answer(sock, &ans, fds, nfds);
	for (size_t i = 0; i < nfds; i++)
		close(fds[i]);
	return r;
}

int sockets_serve(int relay_sock, enum nsagent_kind kind)
{
	struct nsagent_sockets req;
	struct msg m;
	int r = msg_recv(relay_sock, &nsagent_proto, ROLE_RELAY, NSAGENT_UP, MSG_DONTWAIT, &m);

	if (r == -EAGAIN)
		return 1;
	if (r <= 0)
		return r;
	memcpy(&req, m.payload, sizeof(req));
	if (!is_valid(&req))
		return -EPROTO;
	r = do_sockets(relay_sock, &req, kind);
	return r < 0 ? r : 1;
}
