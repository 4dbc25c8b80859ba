// SPDX-License-Identifier: Apache-2.0
/*
 * slirp4netns_join.c - the tap of the target's network namespace
 *
 * A fork enters the namespaces, makes the tap, sets it up when asked to, and hands its descriptor
 * over; we stay in those of the caller, from where connections are made. What failed stands in the
 * original's words, which name the call. Or the caller has made the tap and gives it to us.
 */
#include "cmd/rootless-supervisor/slirp4netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define PATH_ROOM 64

/* perror() for a descriptor or a result, which is returned */
static int tell(int r, const char *what)
{
	if (r < 0)
		perror(what);
	return r;
}

static int enter_namespaces(const struct s4nn_options *o)
{
	char netns_of_pid[PATH_ROOM], userns_of_pid[PATH_ROOM];
	const char *netns = o->netns, *userns = o->userns;
	autoclose int net = -1, user = -1;

	snprintf(netns_of_pid, sizeof(netns_of_pid), "/proc/%d/ns/net", (int)o->pid);
	snprintf(userns_of_pid, sizeof(userns_of_pid), "/proc/%d/ns/user", (int)o->pid);
	if (!netns)
		netns = netns_of_pid;
	if (!userns && o->pid)
		userns = userns_of_pid;
	net = tell(open(netns, O_RDONLY | O_CLOEXEC), netns);
	if (net < 0)
		return -1;
	if (userns) {
		user = tell(open(userns, O_RDONLY | O_CLOEXEC), userns);
		if (user < 0)
			return -1;
	}
	/* who has capabilities over that user namespace may trace whoever enters it and may be
	   traced: in there this process still has the caller's memory and descriptors */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return tell(-1, "prctl(PR_SET_DUMPABLE)");
	if (userns) {
		/* EINVAL: we are in there; what else fails shows in the next step */
		if (setns(user, CLONE_NEWUSER) < 0 && o->userns && errno != EINVAL)
			return tell(-1, "setns(CLONE_NEWUSER)");
	}
	return tell(setns(net, CLONE_NEWNET), "setns(CLONE_NEWNET)");
}

static int open_tap(const char *name)
{
	autoclose int fd = tell(open("/dev/net/tun", O_RDWR | O_CLOEXEC), "open(\"/dev/net/tun\")");
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	if (fd < 0)
		return -1;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return tell(-1, "ioctl(TUNSETIFF)");
	return take_fd(&fd);
}

static struct sockaddr ip4(struct in_addr a)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = a };
	struct sockaddr sa;

	memcpy(&sa, &in, sizeof(sa));
	return sa;
}

static int set_route(int sock, const struct s4nn_options *o)
{
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };
	struct in_addr any = { 0 };
	char name[IFNAMSIZ];

	memcpy(name, o->plan.ifname, sizeof(name));
	route.rt_dev = name;
	route.rt_dst = route.rt_genmask = ip4(any);
	route.rt_gateway = ip4(o->plan.gateway);
	return tell(ioctl(sock, SIOCADDRT, &route), "set route");
}

static int configure(const struct s4nn_options *o)
{
	autoclose int sock =
		tell(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "cannot create socket");
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING }, ifr = { 0 };
	struct in_addr mask = { htonl(UINT32_MAX << (32 - o->plan.prefix)) };

	if (sock < 0)
		return -1;
	if (ioctl(sock, SIOCSIFFLAGS, &lo) < 0)
		return tell(-1, "cannot set device up");
	memcpy(ifr.ifr_name, o->plan.ifname, sizeof(ifr.ifr_name));
	if (o->have_mac) {
		ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
		memcpy(ifr.ifr_hwaddr.sa_data, o->mac, sizeof(o->mac));
		if (ioctl(sock, SIOCSIFHWADDR, &ifr) < 0)
			return tell(-1, "cannot set MAC address");
	}
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(sock, SIOCSIFFLAGS, &ifr) < 0)
		return tell(-1, "cannot set device up");
	ifr.ifr_mtu = (int)o->plan.mtu;
	if (ioctl(sock, SIOCSIFMTU, &ifr) < 0)
		return tell(-1, "cannot set MTU");
	ifr.ifr_addr = ip4(o->plan.address);
	if (ioctl(sock, SIOCSIFADDR, &ifr) < 0)
		return tell(-1, "cannot set device address");
	ifr.ifr_netmask = ip4(mask);
	if (ioctl(sock, SIOCSIFNETMASK, &ifr) < 0)
		return tell(-1, "cannot set device netmask");
	return set_route(sock, o);
}

/* room for one descriptor beside one byte */
struct parcel {
	char byte;
	struct iovec iov;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg;
};

static void parcel_init(struct parcel *p)
{
	*p = (struct parcel){ .iov = { .iov_base = &p->byte, .iov_len = 1 } };
	p->msg = (struct msghdr){ .msg_iov = &p->iov,
				  .msg_iovlen = 1,
				  .msg_control = p->control.bytes,
				  .msg_controllen = sizeof(p->control.bytes) };
}

static int send_tap(int sock, int tap)
{
	struct parcel p;
	struct cmsghdr *c;

	parcel_init(&p);
	c = CMSG_FIRSTHDR(&p.msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(tap));
	memcpy(CMSG_DATA(c), &tap, sizeof(tap));
	return tell((int)sendmsg(sock, &p.msg, MSG_NOSIGNAL), "sendmsg");
}

static int receive_tap(int sock)
{
	struct parcel p;
	struct cmsghdr *c;
	int tap = -1;

	parcel_init(&p);
	if (tell((int)recvmsg(sock, &p.msg, MSG_CMSG_CLOEXEC), "recvmsg") < 0)
		return -1;
	c = CMSG_FIRSTHDR(&p.msg);
	if (c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(tap)))
		memcpy(&tap, CMSG_DATA(c), sizeof(tap));
	else
		fputs("the message does not contain fd\n", stderr);
	return tap;
}

static int child(const struct s4nn_options *o, int sock)
{
	autoclose int tap = -1;

	if (enter_namespaces(o) < 0)
		return EXIT_FAILURE;
	tap = open_tap(o->plan.ifname);
	if (tap < 0 || (o->configure && configure(o) < 0) || send_tap(sock, tap) < 0)
		return EXIT_FAILURE;
	fprintf(stderr, "sent tapfd=%d for %s\n", tap, o->plan.ifname);
	return EXIT_SUCCESS;
}

int s4nn_join(const struct s4nn_options *o)
{
	autoclose int ours = -1, theirs = -1;
	int pair[2], status, tap;
	pid_t pid;

	if (tell(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair") < 0)
		return -1;
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid == 0)
		_exit(child(o, theirs));
	if (tell(pid, "fork") < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return tell(-1, "waitpid");
	}
	if (!WIFEXITED(status))
		fprintf(stderr, "child failed(wstatus=%d, !WIFEXITED)\n", status);
	else if (WEXITSTATUS(status) != 0)
		fprintf(stderr, "child failed(%d)\n", WEXITSTATUS(status));
	if (status != 0)
		return -1;
	tap = receive_tap(ours);
	if (tap >= 0)
		fprintf(stderr, "received tapfd=%d\n", tap);
	return tap;
}

int s4nn_take(int fd)
{
	struct ifreq ifr = { 0 };

	if (ioctl(fd, TUNGETIFF, &ifr) < 0) {
		fprintf(stderr, "tapfd %d is no tap: ioctl(TUNGETIFF): %s\n", fd, strerror(errno));
		return -1;
	}
	if (!(ifr.ifr_flags & IFF_TAP) || !(ifr.ifr_flags & IFF_NO_PI) ||
	    (ifr.ifr_flags & IFF_VNET_HDR)) {
		fprintf(stderr, "tapfd %d: made with other flags than IFF_TAP|IFF_NO_PI\n", fd);
		return -1;
	}
	return tell(fcntl(fd, F_SETFD, FD_CLOEXEC), "fcntl(F_SETFD)") < 0 ? -1 : fd;
}
