// SPDX-License-Identifier: Apache-2.0
/*
 * rtdump.c - what rtnetlink says of the routes and links of the netns we are in
 *
 * Runs in the parent. libnl reads and checks the messages; each question has a socket of its own,
 * so that what is not read of one answer is no part of the next. The kernel answers a dump as fast
 * as it is read: nothing waits longer than ANSWER_S.
 *
 * libnl folds errnos into fewer codes of its own: the kernel's own word is kept by the callbacks.
 */
#include "lib/parent/rtdump.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "lib/base/cleanup.h"

#define ANSWER_S 2

struct reading {
	const struct rtdump *d;
	uint32_t n;
	int error; /* negative errno: ours, or the kernel's */
	bool ended;
};

static void sock_put(struct nl_sock **s)
{
	if (*s)
		nl_socket_free(*s);
}

static void route_put(struct rtnl_route **r)
{
	if (*r)
		rtnl_route_put(*r);
}

static void link_put(struct rtnl_link **l)
{
	if (*l)
		rtnl_link_put(*l);
}

/* the negative errno behind a negative code of libnl */
static int errno_of(int nle)
{
	switch (-nle) {
	case NLE_DUMP_INTR:
		return -EAGAIN;
	case NLE_AGAIN:
		return -ETIMEDOUT;
	case NLE_NOMEM: /* of the kernel's ENOBUFS, too */
		return -ENOMEM;
	case NLE_NODEV:
	case NLE_OBJ_NOTFOUND:
		return -ENODEV;
	case NLE_AF_NOSUPPORT:
		return -EAFNOSUPPORT;
	default:
		return -EBADMSG;
	}
}

static int stop(struct reading *r, int error)
{
	r->error = error;
	r->ended = true;
	return NL_STOP;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	AUTO(route_put) struct rtnl_route *route = NULL;
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct reading *r = arg;
	int e;

	if (h->nlmsg_type != RTM_NEWROUTE)
		return NL_SKIP;
	if (!nlmsg_valid_hdr(h, sizeof(struct rtmsg)))
		return stop(r, -EBADMSG);
	if (r->d->most && r->n++ == r->d->most)
		return stop(r, 0);
	if (!r->d->wants(nlmsg_data(h)))
		return NL_SKIP;
	e = rtnl_route_parse(h, &route);
	if (e == -NLE_NOMEM)
		return stop(r, -ENOMEM);
	if (e < 0)
		route = NULL;
	e = r->d->on_route(route, r->d->arg);
	return e ? stop(r, e < 0 ? e : 0) : NL_OK;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *answer, void *arg)
{
	(void)from;
	return stop(arg, answer->error < 0 ? answer->error : -EBADMSG);
}

/* a dump that fails says so at its end */
static int on_finish(struct nl_msg *msg, void *arg)
{
	const struct nlmsghdr *h = nlmsg_hdr(msg);
	int error = 0;

	if (nlmsg_datalen(h) >= (int)sizeof(error))
		memcpy(&error, nlmsg_data(h), sizeof(error));
	return stop(arg, error < 0 ? error : 0);
}

static int on_overrun(struct nl_msg *msg, void *arg)
{
	(void)msg;
	return stop(arg, -EAGAIN);
}

int rtdump_ask(struct nl_sock *sock, const struct rtdump *d)
{
	struct rtmsg rt = { .rtm_family = d->family, .rtm_table = d->table };
	struct nl_cb *cb = nl_socket_get_cb(sock);
	struct reading r = { .d = d };
	int e;

	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, &r);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, &r);
	nl_cb_set(cb, NL_CB_OVERRUN, NL_CB_CUSTOM, on_overrun, &r);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, &r);
	e = nl_send_simple(sock, RTM_GETROUTE, NLM_F_DUMP, &rt, sizeof(rt));
	/* a record without the end of the dump, or without a whole message, is not its end */
	while (e >= 0 && !r.ended) {
		e = nl_recvmsgs_report(sock, cb);
		if (e == 0)
			e = -NLE_MSG_TOOSHORT;
	}
	nl_cb_put(cb);
	if (e == -NLE_DUMP_INTR || !r.ended)
		return errno_of(e);
	/* the kernel lacks that family, or has no such table */
	if (r.error == -EAFNOSUPPORT || r.error == -EOPNOTSUPP || r.error == -ENOENT)
		return 0;
	return r.error;
}

static int open_rtnetlink(struct nl_sock **ret)
{
	const struct timeval wait = { .tv_sec = ANSWER_S };
	AUTO(sock_put) struct nl_sock *sock = nl_socket_alloc();
	const int on = 1;

	if (!sock)
		return -ENOMEM;
	if (nl_connect(sock, NETLINK_ROUTE) < 0)
		return errno ? -errno : -EIO;
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	*ret = take_ptr(sock);
	return 0;
}

int rtdump_routes(const struct rtdump *d)
{
	AUTO(sock_put) struct nl_sock *sock = NULL;
	int r = open_rtnetlink(&sock);

	return r < 0 ? r : rtdump_ask(sock, d);
}

int rtdump_mtu(int ifindex, uint32_t *ret)
{
	AUTO(sock_put) struct nl_sock *sock = NULL;
	AUTO(link_put) struct rtnl_link *link = NULL;
	int r = open_rtnetlink(&sock);

	*ret = 0;
	if (r < 0)
		return r;
	r = rtnl_link_get_kernel(sock, ifindex, NULL, &link);
	if (r < 0)
		return errno_of(r) == -ENODEV ? 0 : errno_of(r);
	*ret = rtnl_link_get_mtu(link);
	return 0;
}
