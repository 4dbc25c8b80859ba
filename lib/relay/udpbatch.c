// SPDX-License-Identifier: Apache-2.0
/* udpbatch.c - receive many datagrams a call, with the local address that each one hit */
#include "lib/relay/udpbatch.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

static void map_v4(uint8_t ret[static 16], const void *addr)
{
	memcpy(ret, mapped_prefix, sizeof(mapped_prefix));
	memcpy(ret + sizeof(mapped_prefix), addr, 4);
}

int udpbatch_recv(struct udp_batch *b, int fd, bool with_names)
{
	int n;

	for (unsigned i = 0; i < UDP_BATCH; i++) {
		struct msghdr *h = &b->msg[i].msg_hdr;

		b->iov[i] = (struct iovec){ b->data[i], UDP_DATAGRAM_MAX };
		*h = (struct msghdr){ .msg_iov = &b->iov[i], .msg_iovlen = 1 };
		if (with_names) {
			h->msg_name = &b->name[i];
			h->msg_namelen = sizeof(b->name[i]);
			h->msg_control = b->control[i].data;
			h->msg_controllen = UDP_CONTROL_MAX;
		}
	}
	n = recvmmsg(fd, b->msg, UDP_BATCH, MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++)
		b->iov[i].iov_len = b->msg[i].msg_len;
	return n;
}

void udpbatch_local(struct udp_batch *b, unsigned i, uint8_t ret[static 16])
{
	struct msghdr *h = &b->msg[i].msg_hdr;

	memset(ret, 0, 16);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			map_v4(ret, &info.ipi_spec_dst);
			return;
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			memcpy(ret, &info.ipi6_addr, 16); /* the other one may still come */
		}
	}
}

void udpbatch_client(const struct udp_batch *b, unsigned i, uint8_t ret[static 16],
		     uint16_t *ret_port, uint32_t *ret_scope)
{
	const union sock_addr *a = &b->name[i];

	*ret_scope = 0;
	if (a->sa.sa_family == AF_INET) {
		map_v4(ret, &a->in.sin_addr);
		*ret_port = ntohs(a->in.sin_port);
		return;
	}
	memcpy(ret, &a->in6.sin6_addr, 16);
	*ret_port = ntohs(a->in6.sin6_port);
	if (IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr))
		*ret_scope = a->in6.sin6_scope_id;
}

static size_t put_control(uint8_t *control, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)control;

	memset(control, 0, CMSG_SPACE(len));
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	return CMSG_SPACE(len);
}

size_t udpbatch_source(uint8_t *control, int family, const uint8_t local[static 16], uint32_t scope)
{
	struct in6_pktinfo info6 = { .ipi6_ifindex = scope };
	struct in_pktinfo info = { 0 };

	memcpy(&info6.ipi6_addr, local, 16);
	if (IN6_IS_ADDR_UNSPECIFIED(&info6.ipi6_addr) || IN6_IS_ADDR_MULTICAST(&info6.ipi6_addr))
		return 0;
	if (family == AF_INET6)
		return put_control(control, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof(info6));
	memcpy(&info.ipi_spec_dst, local + 12, 4);
	return put_control(control, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
}

void udp_set_options(int fd, int family, int buffer)
{
	const int v4 = IP_PMTUDISC_DONT, v6 = IPV6_PMTUDISC_DONT;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));

	setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof(v4));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof(v6));
}
