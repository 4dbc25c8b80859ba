// SPDX-License-Identifier: Apache-2.0
/* hostsock.c - the host's end of a published port, with the rules and words of Go's net package */
#include "portdrivers/hostsock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/goerr.h"
#include "lib/base/str.h"

#define BACKLOG UINT16_MAX /* the kernel takes net.core.somaxconn when that is less */
#define PRIVILEGED_DEFAULT 1024
#define ADDR_TEXT_MAX (PORT_IP_MAX + 16)

/* where a spec listens, as Go's net.Listen() would choose it */
struct endpoint {
	struct net_addr addr;
	bool dual;                /* one IPv6 socket that takes IPv4 as well */
	char text[ADDR_TEXT_MAX]; /* for messages */
};

/* a small number in /proc, or @fallback */
static int read_proc_number(const char *path, int fallback)
{
	autofree char *text = NULL;
	uint64_t v;

	if (fd_read_file(AT_FDCWD, path, 64, &text) < 0)
		return fallback;
	text[strcspn(text, "\n")] = '\0';
	return str_to_u64(text, UINT16_MAX, &v) < 0 ? fallback : (int)v;
}

int hostsock_parse_ip(const char *text, struct net_addr *ret)
{
	struct in6_addr in6;

	memset(ret, 0, sizeof(*ret));
	ret->family = AF_INET;
	if (inet_pton(AF_INET, text, ret->addr) == 1)
		return 0;
	if (inet_pton(AF_INET6, text, &in6) != 1)
		return -EINVAL;
	if (IN6_IS_ADDR_V4MAPPED(&in6)) {
		memcpy(ret->addr, in6.s6_addr + 12, 4);
		return 0;
	}
	ret->family = AF_INET6;
	memcpy(ret->addr, in6.s6_addr, sizeof(ret->addr));
	return 0;
}

bool hostsock_is_unspecified(const struct net_addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->addr, zero, a->family == AF_INET ? 4 : 16) == 0;
}

bool hostsock_is_loopback(const struct net_addr *a)
{
	struct in6_addr in6;

	if (a->family == AF_INET)
		return a->addr[0] == 127;
	memcpy(&in6, a->addr, sizeof(in6));
	return IN6_IS_ADDR_LOOPBACK(&in6);
}

void hostsock_set_loopback(struct net_addr *a, sa_family_t family)
{
	memset(a, 0, sizeof(*a));
	a->family = family;
	if (family == AF_INET6) {
		a->addr[15] = 1;
	} else {
		a->addr[0] = 127;
		a->addr[3] = 1;
	}
}

static void endpoint_name(struct endpoint *e, const char *parent_ip)
{
	char ip[INET6_ADDRSTRLEN] = "";

	if (*parent_ip)
		inet_ntop(e->addr.family, e->addr.addr, ip, sizeof(ip));
	str_format(e->text, sizeof(e->text), e->addr.family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip,
		   e->addr.port);
}

static bool is_udp(const struct port_spec *s)
{
	return str_starts(s->proto, "udp");
}

/* net.Listen() names itself, net.ResolveUDPAddr() does not */
static int not_suitable(const struct port_spec *s, struct err *err)
{
	if (is_udp(s))
		return err_say(err, EINVAL, "address %s: no suitable address found", s->parent_ip);
	return err_say(err, EINVAL, "listen %s: address %s: no suitable address found", s->proto,
		       s->parent_ip);
}

/* Go's rules: a wildcard without a family is both; "::" is also IPv4's wildcard */
static int endpoint_resolve(const struct port_spec *s, struct endpoint *ret, struct err *err)
{
	char want = s->proto[3];
	bool any;

	*ret = (struct endpoint){ 0 };
	if (hostsock_parse_ip(*s->parent_ip ? s->parent_ip : "::", &ret->addr) < 0)
		return not_suitable(s, err);
	any = hostsock_is_unspecified(&ret->addr);
	if (any && ret->addr.family == AF_INET6 && want != '6' && (want || !is_udp(s)))
		ret->addr.family = AF_INET; /* of the two, ListenUDP() keeps the one as written */
	if ((want == '4' && ret->addr.family != AF_INET) ||
	    (want == '6' && ret->addr.family != AF_INET6))
		return not_suitable(s, err);
	ret->addr.port = (uint16_t)s->parent_port;
	if (*s->parent_ip)
		endpoint_name(ret, s->parent_ip);
	else
		str_format(ret->text, sizeof(ret->text), ":%d", s->parent_port);
	ret->dual = any && !want;
	return 0;
}

/* Go's "listen tcp4 0.0.0.0:80: bind: permission denied", with what to do about a small number */
static int listen_failed(const struct port_spec *s, bool named_rootlesskit,
			 const struct endpoint *e, const char *call, int errnum, struct err *err)
{
	char why[GO_STRERROR_MAX];
	int start;

	go_strerror(errnum, why);
	if (errnum == EACCES || errnum == EPERM) {
		start = read_proc_number("/proc/sys/net/ipv4/ip_unprivileged_port_start",
					 PRIVILEGED_DEFAULT);
		if (s->parent_port < start)
			return err_say(
				err, errnum,
				"cannot expose privileged port %d, you can add "
				"'net.ipv4.ip_unprivileged_port_start=%d' to "
				"/etc/sysctl.conf (currently %d)%s, or choose a larger port "
				"number (>= %d): listen %s %s: %s: %s",
				s->parent_port, s->parent_port, start,
				named_rootlesskit
					? ", or set CAP_NET_BIND_SERVICE on rootlesskit binary"
					: "",
				start, s->proto, e->text, call, why);
	}
	return err_say(err, errnum, "listen %s %s: %s: %s", s->proto, e->text, call, why);
}

static socklen_t to_sockaddr(const struct endpoint *e, sa_family_t family,
			     struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *in = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = family;
	if (family == AF_INET6) {
		in6->sin6_port = htons(e->addr.port);
		memcpy(&in6->sin6_addr, e->addr.addr, sizeof(in6->sin6_addr));
		return sizeof(*in6);
	}
	in->sin_port = htons(e->addr.port);
	memcpy(&in->sin_addr, e->addr.addr, sizeof(in->sin_addr));
	return sizeof(*in);
}

static int set_on(int fd, int level, int name)
{
	const int on = 1;

	return setsockopt(fd, level, name, &on, sizeof(on));
}

/* the options that must be set before bind(); -1 with errno. A second UDP socket with SO_REUSEADDR
 * would take the datagrams of the first, so only TCP has it. Bundles of datagrams are for us alone:
 * who goes on with a socket that was passed to us does not know of them */
static int set_options(int fd, sa_family_t family, bool dual, bool udp)
{
	const int v6only = !dual;

	if (family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)) < 0)
		return -1;
	if (!udp)
		return set_on(fd, SOL_SOCKET, SO_REUSEADDR);
	set_on(fd, IPPROTO_UDP, UDP_GRO); /* where the kernel has it */
	if (family == AF_INET6 && set_on(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO) < 0)
		return -1;
	return family == AF_INET || dual ? set_on(fd, IPPROTO_IP, IP_PKTINFO) : 0;
}

/* binds, and listens with TCP; NULL, or the call that failed, with errno */
static const char *open_at(const struct endpoint *e, bool udp, int *ret)
{
	const int type = (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
	sa_family_t family = e->dual ? AF_INET6 : (sa_family_t)e->addr.family;
	autoclose int fd = socket(family, type, 0);
	struct sockaddr_storage ss;
	socklen_t len;

	if (fd < 0 && e->dual && errno == EAFNOSUPPORT) { /* a kernel without IPv6 */
		family = AF_INET;
		fd = socket(family, type, 0);
	}
	if (fd < 0)
		return "socket";
	if (set_options(fd, family, e->dual, udp) < 0)
		return "setsockopt";
	len = to_sockaddr(e, family, &ss);
	if (bind(fd, (struct sockaddr *)&ss, len) < 0)
		return "bind";
	if (!udp && listen(fd, BACKLOG) < 0)
		return "listen";
	*ret = take_fd(&fd);
	return NULL;
}

int hostsock_adopt(int fd, bool udp)
{
	int domain = AF_UNSPEC;
	socklen_t len = sizeof(domain);

	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return -errno;
	if (!udp)
		return 0;
	if (domain == AF_INET6 && set_on(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO) < 0)
		return -errno;
	/* one that takes IPv4 as well tells its address so; one that does not, does not care */
	return set_on(fd, IPPROTO_IP, IP_PKTINFO) < 0 && domain == AF_INET ? -errno : 0;
}

int hostsock_port(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
		return -errno;
	return ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port
					      : ((struct sockaddr_in *)&ss)->sin_port);
}

int hostsock_open(const struct port_spec *spec, bool named_rootlesskit, int *ret, struct err *err)
{
	const char *failed;
	struct endpoint e;
	int r = endpoint_resolve(spec, &e, err);

	if (r < 0)
		return r;
	failed = open_at(&e, is_udp(spec), ret);
	return failed ? listen_failed(spec, named_rootlesskit, &e, failed, errno, err) : 0;
}
