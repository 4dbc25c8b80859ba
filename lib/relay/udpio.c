// SPDX-License-Identifier: Apache-2.0
/*
 * udpio.c - receive and send many datagrams a call, in bundles where the kernel can
 *
 * A bundle is one pass through the kernel for up to 64 datagrams of the same length (the last may
 * be shorter) between the same two sockets. We get one when the sender made one, or when the
 * kernel has merged what followed each other, and we make one of what came in a row.
 */
#include "lib/relay/udpio.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/loop.h"

#define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)
#define BUNDLE_BYTES 65000 /* what fits in a packet of either family */
#define BUNDLE_DATAGRAMS 64
#define RETRIES 3  /* of one datagram */
#define FLOOD 40   /* messages of one socket in a millisecond */
#define REST_US 50 /* the kernel may make it twice as long; a usual buffer is full after 500 */
#define REST_BYTES 2048

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

void udp_set_options(int fd, int family, int buffer)
{
	const int v4 = IP_PMTUDISC_DONT, v6 = IPV6_PMTUDISC_DONT;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));

	setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof(v4));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof(v6));
}

void udpio_set_options(int fd, int family, bool hops)
{
	const int on = 1;
	const bool v6 = family == AF_INET6;

	setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVTCLASS : IP_RECVTOS, &on,
		   sizeof(on));
	if (hops)
		setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL,
			   &on, sizeof(on));
}

void udpio_set_local(int fd, int family, bool on)
{
	const int v = on;
	const bool v6 = family == AF_INET6;

	setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &v,
		   sizeof(v));
}

int udpio_set_original(int fd, int family)
{
	const int on = 1;
	const bool v6 = family == AF_INET6;

	return setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
			  v6 ? IPV6_RECVORIGDSTADDR : IP_RECVORIGDSTADDR, &on, sizeof(on)) < 0
		       ? -errno
		       : 0;
}

/* --- receiving ------------------------------------------------------------------------------ */

static void read_ip(const struct cmsghdr *c, struct udpio_info *ret)
{
	struct in_pktinfo info;
	int ttl;

	switch (c->cmsg_type) {
	case IP_TTL:
		memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
		ret->ttl = (uint8_t)ttl;
		break;
	case IP_TOS:
		ret->tos = *CMSG_DATA(c);
		break;
	case IP_ORIGDSTADDR:
		memcpy(&ret->dst.in, CMSG_DATA(c), sizeof(ret->dst.in));
		ret->has_dst = true;
		break;
	case IP_PKTINFO:
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		memcpy(ret->local, mapped_prefix, sizeof(mapped_prefix));
		memcpy(ret->local + sizeof(mapped_prefix), &info.ipi_spec_dst,
		       sizeof(info.ipi_spec_dst));
		ret->has_local = true;
		break;
	default:
		break;
	}
}

static void read_ip6(const struct cmsghdr *c, struct udpio_info *ret)
{
	struct in6_pktinfo info;
	int v;

	switch (c->cmsg_type) {
	case IPV6_HOPLIMIT:
		memcpy(&v, CMSG_DATA(c), sizeof(v));
		ret->ttl = (uint8_t)v;
		break;
	case IPV6_TCLASS:
		memcpy(&v, CMSG_DATA(c), sizeof(v));
		ret->tos = (uint8_t)v;
		break;
	case IPV6_ORIGDSTADDR:
		memcpy(&ret->dst.in6, CMSG_DATA(c), sizeof(ret->dst.in6));
		ret->has_dst = true;
		break;
	case IPV6_PKTINFO:
		if (ret->has_local) /* in the words of IPv4, which are those to answer with */
			break;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		memcpy(ret->local, &info.ipi6_addr, sizeof(ret->local));
		ret->has_local = true;
		break;
	default:
		break;
	}
}

static void read_control(struct msghdr *h, size_t len, struct udpio_info *ret)
{
	ret->segment = 0;
	ret->ttl = ret->tos = 0;
	ret->has_dst = ret->has_local = false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == IPPROTO_IP) {
			read_ip(c, ret);
		} else if (c->cmsg_level == IPPROTO_IPV6) {
			read_ip6(c, ret);
		} else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			int size;

			memcpy(&size, CMSG_DATA(c), sizeof(size));
			if (size > 0 && (size_t)size < len)
				ret->segment = (uint16_t)size;
		}
	}
}

static void make_ready(struct udpio *io, unsigned i)
{
	struct msghdr *h = &io->in[i].msg_hdr;

	io->iov[i] = (struct iovec){ io->data[i], UDPIO_SLOT };
	h->msg_iov = &io->iov[i];
	h->msg_iovlen = 1;
	h->msg_name = &io->name[i];
	h->msg_namelen = sizeof(io->name[i]);
	h->msg_control = io->in_control[i].data;
	h->msg_controllen = UDPIO_CONTROL;
}

/* only those that were used: the others are as they were */
static void make_all_ready(struct udpio *io)
{
	const unsigned n = io->begun ? io->ready : UDPIO_BATCH;

	for (unsigned i = 0; i < n; i++)
		make_ready(io, i);
	io->begun = true;
	io->ready = 0;
}

static uint8_t next_want(uint8_t asked, int got)
{
	if (got < asked)
		return got ? (uint8_t)got : 1;
	return asked * 2 < UDPIO_BATCH ? (uint8_t)(asked * 2) : UDPIO_BATCH;
}

static void allow_bundles(int fd)
{
	const int on = 1;

	setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)); /* where the kernel has it */
}

static void from_count(struct udpio_from *from, uint64_t now_ms, unsigned n)
{
	if (from->now_ms != now_ms) {
		const bool next = now_ms - from->now_ms == 1;

		from->before = next ? from->now : 0;
		from->back_before = next ? from->back_now : 0;
		from->now = from->back_now = 0;
		from->now_ms = now_ms;
	}
	from->now = (uint16_t)(from->now + n);
}

/* questions and answers are as many; what tells the sender how much has come is less */
static bool is_flood(unsigned there, unsigned back)
{
	return there >= FLOOD && back * 8 < there * 5;
}

/*
 * A sender that is a little slower than us would wake us for each datagram, which takes both of us
 * longer than all else. So some of a flood may gather, as a network card does it; not what fills
 * the socket's buffer soon. The loop sees to it that nothing else has to wait
 */
static void rest_in_flood(const struct udpio *io, struct udpio_from *from, unsigned n, bool drained)
{
	from_count(from, io->loop->now_ms, n);
	if (is_flood(from->before, from->back_before))
		loop_rest(io->loop,
			  drained && n > 0 && io->in[n - 1].msg_len <= REST_BYTES ? REST_US : 0);
	else if (is_flood(from->back_before, from->before))
		loop_rest(io->loop, 0);
}

int udpio_recv(struct udpio *io, int fd, struct udpio_from *from)
{
	const uint8_t ask = from->want ? from->want : 1;
	int n;

	make_all_ready(io);
	n = recvmmsg(fd, io->in, ask, MSG_DONTWAIT, NULL);
	if (n < 0) {
		io->ready = 1; /* the kernel may have changed it */
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	from->want = next_want(ask, n);
	rest_in_flood(io, from, (unsigned)n, n < ask);
	if (n > 1 && !from->bundles) {
		from->bundles = true;
		allow_bundles(fd);
	}
	io->ready = n < ask ? (unsigned)n + 1 : ask;
	for (int i = 0; i < n; i++) {
		io->iov[i].iov_len = io->in[i].msg_len;
		read_control(&io->in[i].msg_hdr, io->in[i].msg_len, &io->info[i]);
	}
	return n;
}

bool udpio_next(const struct udpio *io, unsigned i, size_t *at, struct iovec *ret)
{
	const size_t len = io->iov[i].iov_len;
	const size_t most = io->info[i].segment ? io->info[i].segment : len;

	if (*at > len || (*at == len && len))
		return false;
	ret->iov_base = (uint8_t *)io->iov[i].iov_base + *at;
	ret->iov_len = len - *at < most ? len - *at : most;
	*at = len ? *at + ret->iov_len : 1; /* the end of an empty one */
	return true;
}

bool udpio_cut(struct udpio *io, unsigned i, size_t at)
{
	struct iovec *v = &io->iov[i];

	if (at >= v->iov_len)
		return false;
	v->iov_base = (uint8_t *)v->iov_base + at;
	v->iov_len -= at;
	if (v->iov_len <= io->info[i].segment)
		io->info[i].segment = 0;
	return true;
}

unsigned udpio_cut_before(struct udpio *io, const void *data)
{
	const unsigned i = (unsigned)(((const uint8_t *)data - io->data[0]) / UDPIO_SLOT);

	udpio_cut(io, i, (size_t)((const uint8_t *)data - (uint8_t *)io->iov[i].iov_base));
	return i;
}

unsigned udpio_count(const struct udpio *io, unsigned first, unsigned n)
{
	unsigned count = 0;

	for (unsigned i = first; i < first + n; i++) {
		const unsigned s = io->info[i].segment;

		count += s ? (unsigned)((io->iov[i].iov_len + s - 1) / s) : 1;
	}
	return count;
}

/* --- sending -------------------------------------------------------------------------------- */

static size_t put_control(uint8_t *at, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)at;

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	return CMSG_SPACE(len);
}

static size_t put_local(uint8_t *at, const struct udpio_way *way)
{
	struct in6_pktinfo info6 = { .ipi6_ifindex = way->scope };
	struct in_pktinfo info = { 0 };

	if (way->family == AF_INET6) {
		memcpy(&info6.ipi6_addr, way->local, 16);
		return put_control(at, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof(info6));
	}
	memcpy(&info.ipi_spec_dst, way->local + sizeof(mapped_prefix), 4);
	return put_control(at, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
}

static size_t put_class(uint8_t *at, const struct udpio_way *way, int tos)
{
	const bool v6 = way->family == AF_INET6;

	/* a socket of both families sends IPv4, too */
	if (v6 && !(way->to && IN6_IS_ADDR_V4MAPPED(&way->to->in6.sin6_addr)))
		return put_control(at, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	return put_control(at, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
}

/* @segment: 0: a single datagram */
static void set_control(struct msghdr *h, uint8_t *control, const struct udpio_way *way,
			uint16_t segment, uint8_t tos)
{
	const bool v6 = way->family == AF_INET6;
	const int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP, ttl = way->ttl;
	size_t n = 0;

	if (segment)
		n += put_control(control + n, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
	if (ttl)
		n += put_control(control + n, level, v6 ? IPV6_HOPLIMIT : IP_TTL, &ttl,
				 sizeof(ttl));
	if (tos)
		n += put_class(control + n, way, tos);
	if (way->local)
		n += put_local(control + n, way);
	h->msg_control = n ? control : NULL;
	h->msg_controllen = n;
}

/* how many messages from @i on, of @n, go into one bundle; 1: none. *ret: its segment size */
static unsigned bundle(const struct udpio *io, unsigned i, unsigned n, uint16_t most, uint16_t *ret)
{
	const size_t size = io->iov[i].iov_len;
	size_t total = size;
	unsigned k = 1;

	*ret = io->info[i].segment;
	if (*ret || size == 0 || size > most)
		return 1;
	while (k < n && k < BUNDLE_DATAGRAMS) {
		const size_t next = io->iov[i + k].iov_len;

		if (io->info[i + k].segment || io->info[i + k].tos != io->info[i].tos ||
		    next == 0 || next > size || total + next > BUNDLE_BYTES)
			break;
		total += next;
		k++;
		if (next < size)
			break;
	}
	if (k > 1)
		*ret = (uint16_t)size;
	return k;
}

/* one datagram, again after an obstacle; false: stop */
static bool send_single(struct msghdr *h, const struct iovec *data, int error,
			const struct udpio_way *way,
			enum udpio_verdict (*failed)(void *, int, const struct iovec *),
			void *owner, unsigned *ret_sent)
{
	ssize_t n;

	for (int i = 0; i < RETRIES; i++) {
		if (error) {
			enum udpio_verdict v = failed(owner, error, data);

			if (v != UDPIO_RETRY)
				return v == UDPIO_DROP;
		}
		n = sendmsg(way->fd, h, SEND_FLAGS);
		if (n >= 0) {
			*ret_sent += 1;
			if (way->bytes)
				*way->bytes += (uint64_t)n;
			return true;
		}
		error = errno;
	}
	return true;
}

/* the datagrams of message @h, which was refused with @error, one by one; false: stop */
static bool send_apart(struct udpio *io, struct msghdr *h, uint16_t segment, int error,
		       const struct udpio_way *way,
		       enum udpio_verdict (*failed)(void *, int, const struct iovec *), void *owner,
		       unsigned *ret_sent)
{
	const struct iovec *iov = h->msg_iov;
	const size_t niov = h->msg_iovlen;
	struct iovec one;
	struct msghdr single = *h;

	if (!segment)
		return send_single(h, iov, error, way, failed, owner, ret_sent);
	if (error == EMSGSIZE || error == EINVAL || error == EIO) { /* of the bundle, it seems */
		if (way->bundle_max)
			*way->bundle_max = error == EIO ? 0 : (uint16_t)(segment - 1);
		error = 0;
	}
	set_control(&single, io->out_control[0].data, way, 0, io->info[iov - io->iov].tos);
	single.msg_iov = &one;
	single.msg_iovlen = 1;
	for (size_t i = 0; i < niov; i++) {
		for (size_t at = 0; at < iov[i].iov_len; at += one.iov_len) {
			one.iov_base = (uint8_t *)iov[i].iov_base + at;
			one.iov_len = iov[i].iov_len - at;
			if (one.iov_len > segment)
				one.iov_len = segment;
			if (!send_single(&single, &one, error, way, failed, owner, ret_sent))
				return false;
			error = 0;
		}
	}
	return true;
}

unsigned udpio_send(struct udpio *io, unsigned first, unsigned n, const struct udpio_way *way,
		    enum udpio_verdict (*failed)(void *owner, int error, const struct iovec *data),
		    void *owner)
{
	const uint16_t most = way->bundle_max ? *way->bundle_max : UINT16_MAX;
	unsigned nout = 0, sent = 0, counts[UDPIO_BATCH] = { 0 };
	uint16_t segments[UDPIO_BATCH] = { 0 };

	for (unsigned i = first, k; i < first + n; i += k, nout++) {
		struct msghdr *h = &io->out[nout].msg_hdr;

		k = bundle(io, i, first + n - i, most, &segments[nout]);
		counts[nout] = udpio_count(io, i, k);
		h->msg_name = (void *)(uintptr_t)way->to;
		h->msg_namelen = way->to ? way->to_len : 0;
		h->msg_iov = &io->iov[i];
		h->msg_iovlen = k;
		set_control(h, io->out_control[nout].data, way, segments[nout], io->info[i].tos);
	}
	for (unsigned done = 0; done < nout;) {
		int r = sendmmsg(way->fd, io->out + done, nout - done, SEND_FLAGS);

		for (int i = 0; i < r; i++) {
			sent += counts[done + (unsigned)i];
			if (way->bytes)
				*way->bytes += io->out[done + (unsigned)i].msg_len;
		}
		if (r > 0) {
			done += (unsigned)r;
			continue;
		}
		if (!send_apart(io, &io->out[done].msg_hdr, segments[done], errno, way, failed,
				owner, &sent))
			break;
		done++;
	}
	return sent;
}
