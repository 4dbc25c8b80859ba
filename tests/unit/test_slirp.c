// SPDX-License-Identifier: Apache-2.0
/*
 * test_slirp.c - a guest of frames on one side, servers on loopback on the other
 *
 * The worker runs as it does in life, forked, with its control socket; a SEQPACKET pair is the tap.
 * A canary is a server on the host's loopback that must hear nothing.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/ipc/worker.h"
#include "lib/slirp/privclock.h"
#include "lib/slirp/slirp_main.h"
#include "lib/slirp/stack.h"
#include "tests/unit/slirpframes.h"

#define WAIT_MS 10000
#define IN_LIFE (-1) /* for start_worker(): through slirp_main(), with its own clock */

struct worker {
	pid_t pid;
	int control, tap;
	bool vnet; /* a header is in front of each frame: the tap is the gateway's */
};

static struct virtio_net_hdr vnet_next, vnet; /* of the frame that is sent next, that came last */
static uint8_t buf[FRAME_MAX];
static size_t buf_len;

/* --- the worker --------------------------------------------------------------------------- */

static int run_stack(const struct slirp_config *cfg, int tap, int control, int64_t clock_ms_start)
{
	struct stack *s = NULL;
	struct err err = { 0 };
	int r = stack_new(cfg, tap, clock_ms_start, &s, &err);

	if (r == 0)
		r = stack_run(s, control, &err);
	stack_free(s);
	return r < 0;
}

static struct worker start_with(const struct slirp_config *cfg, int64_t clock_ms_start)
{
	struct worker w;
	int control[2], tap[2];

	ck_assert_int_eq(msg_pair(control), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, tap), 0);
	w = (struct worker){
		.pid = fork(), .control = control[0], .tap = tap[0], .vnet = !cfg->direct
	};
	if (w.pid == 0) {
		int fd = fcntl(control[1], F_DUPFD_CLOEXEC, 100);

		log_init(LOG_STYLE_OURS, "slirp", false);
		if (clock_ms_start >= 0) {
			close(control[0]);
			close(tap[0]);
			_exit(run_stack(cfg, tap[1], control[1], clock_ms_start));
		}
		close(control[0]);
		close(tap[0]);
		close(tap[1]);
		dup2(fd, WORKER_CONTROL_FD);
		close(fd);
		role_enter(ROLE_SLIRP, SIGKILL);
		_exit(slirp_main(&(struct sandbox_report){ 0 }));
	}
	close(control[1]);
	if (clock_ms_start < 0)
		ck_assert_int_eq(
			msg_send(w.control, &worker_proto, WORKER_SLIRP_CONFIG, cfg, &tap[1], 1),
			0);
	close(tap[1]);
	return w;
}

static struct slirp_config make_config(bool host_loopback, bool direct)
{
	struct slirp_config c = { .net = make_plan(host_loopback), .direct = direct };

	memcpy(c.tap_mac, guest_mac, NET_MAC_LEN);
	return c;
}

static struct worker start_worker(bool host_loopback, bool direct)
{
	struct slirp_config c = make_config(host_loopback, direct);
	struct worker w = start_with(&c, IN_LIFE);
	struct msg m;

	ck_assert_int_eq(
		msg_recv_within(w.control, &worker_proto, ROLE_SLIRP, WORKER_STARTING, WAIT_MS, &m),
		1);
	ck_assert_int_eq(m.type, WORKER_READY);
	return w;
}

static void end_worker(struct worker *w, int want)
{
	int status;

	close(w->control);
	ck_assert_int_eq(waitpid(w->pid, &status, 0), w->pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), want);
	close(w->tap);
}

/* --- the guest ---------------------------------------------------------------------------- */

static void send_frame(const struct worker *w, size_t len)
{
	const struct iovec iov[] = { { .iov_base = &vnet_next, .iov_len = sizeof(vnet_next) },
				     { .iov_base = buf, .iov_len = len } };
	size_t n = len + (w->vnet ? sizeof(vnet_next) : 0);

	ck_assert_int_eq(writev(w->tap, iov + !w->vnet, 1 + w->vnet), (ssize_t)n);
	vnet_next = (struct virtio_net_hdr){ 0 };
}

/* the next frame into buf; false when none comes in time */
static bool next_frame(const struct worker *w, int timeout_ms)
{
	const struct iovec iov[] = { { .iov_base = &vnet, .iov_len = sizeof(vnet) },
				     { .iov_base = buf, .iov_len = sizeof(buf) } };
	struct pollfd p = { .fd = w->tap, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, timeout_ms) <= 0)
		return false;
	n = readv(w->tap, iov + !w->vnet, 1 + w->vnet);
	if (w->vnet)
		n -= (ssize_t)sizeof(vnet);
	ck_assert_int_gt(n, ETH_LEN);
	buf_len = (size_t)n;
	return true;
}

static void expect_icmp(const struct worker *w, bool v4, uint8_t code)
{
	const uint8_t *ip = buf + ETH_LEN;

	ck_assert_msg(next_frame(w, WAIT_MS), "no answer");
	ck_assert_mem_eq(buf, guest_mac, NET_MAC_LEN);
	if (v4) {
		uint8_t gateway[4] = { 10, 0, 2, 2 };

		ck_assert_uint_eq(ip[9], IPPROTO_ICMP);
		ck_assert_mem_eq(ip + 12, gateway, 4);
		ck_assert_uint_eq(ip[IP4_LEN], 3);
		ck_assert_uint_eq(ip[IP4_LEN + 1], code);
	} else {
		ck_assert_uint_eq(ip[6], IPPROTO_ICMPV6);
		ck_assert_uint_eq(ip[IP6_LEN], 1);
		ck_assert_uint_eq(ip[IP6_LEN + 1], code);
	}
}

/* --- servers on loopback ------------------------------------------------------------------ */

/* bound to every address of the host, loopback included; @ret_port is the same for all callers */
static int make_server(int family, int type, uint16_t *ret_port)
{
	struct sockaddr_in6 a = { .sin6_family = (sa_family_t)family };
	socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(a);
	int fd = socket(family, type | SOCK_CLOEXEC, 0), one = 1;

	ck_assert_int_ge(fd, 0);
	if (family == AF_INET)
		((struct sockaddr_in *)&a)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		a.sin6_addr = in6addr_loopback;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, len), 0);
	if (type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 16), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*ret_port = ntohs(a.sin6_port); /* at the same place in both families */
	return fd;
}

static bool is_readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) > 0;
}

static void echo_once(int server)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	char data[2000];
	ssize_t n;

	ck_assert(is_readable(server, WAIT_MS));
	n = recvfrom(server, data, sizeof(data), 0, (struct sockaddr *)&from, &len);
	ck_assert_int_ge(n, 0);
	ck_assert_int_eq(sendto(server, data, (size_t)n, 0, (struct sockaddr *)&from, len), n);
}

/* one datagram there and back; the answer must come from where it was sent to */
static void echo_udp(const struct worker *w, int server, uint16_t port, const char *src,
		     uint16_t sport, const char *data)
{
	bool v4 = !strchr(src, ':');
	const char *gateway = v4 ? "10.0.2.2" : "fd00::2";
	uint8_t want[16], *ip = buf + ETH_LEN;
	size_t len = strlen(data);

	send_frame(w, make_udp(buf, src, sport, gateway, port, data, len));
	echo_once(server);
	ck_assert_msg(next_frame(w, WAIT_MS), "%s: no echo", src);
	put_addr(v4 ? AF_INET : AF_INET6, gateway, want);
	ck_assert_mem_eq(ip + (v4 ? 12 : 8), want, v4 ? 4 : 16);
	put_addr(v4 ? AF_INET : AF_INET6, src, want);
	ck_assert_mem_eq(ip + (v4 ? 16 : 24), want, v4 ? 4 : 16);
	ck_assert_uint_eq(get_be16(l4_of(buf, src)), port);
	ck_assert_uint_eq(get_be16(l4_of(buf, src) + 2), sport);
	ck_assert_uint_eq(get_be16(l4_of(buf, src) + 4), UDP_LEN + len);
	ck_assert_mem_eq(l4_of(buf, src) + UDP_LEN, data, len);
}

/* --- tests -------------------------------------------------------------------------------- */

START_TEST(udp_reaches_loopback_through_the_gateway)
{
	struct worker w = start_worker(true, _i);
	uint16_t port, port6;
	int server = make_server(AF_INET, SOCK_DGRAM, &port);
	int server6 = make_server(AF_INET6, SOCK_DGRAM, &port6);

	echo_udp(&w, server, port, GUEST, 5000, "hello");
	echo_udp(&w, server, port, GUEST, 5001, "");
	echo_udp(&w, server, port, GUEST, 5000, "again");
	echo_udp(&w, server6, port6, GUEST6, 5000, "hello");
	close(server);
	close(server6);
	end_worker(&w, EXIT_SUCCESS);
}
END_TEST

START_TEST(a_closed_udp_port_is_reported)
{
	struct worker w = start_worker(true, false);
	uint16_t port;
	int server = make_server(AF_INET, SOCK_DGRAM, &port);

	close(server);
	send_frame(&w, make_udp(buf, GUEST, 5000, "10.0.2.2", port, "x", 1));
	expect_icmp(&w, true, 3);
	ck_assert_uint_eq(checksum_fold(checksum_add(0, buf + ETH_LEN, IP4_LEN)), 0);
	end_worker(&w, EXIT_SUCCESS);
}
END_TEST

START_TEST(closed_loopback_is_closed)
{
	struct worker w = start_worker(false, _i);
	uint16_t port, tcp_port, port6;
	int canary = make_server(AF_INET, SOCK_DGRAM, &port);
	int tcp_canary = make_server(AF_INET, SOCK_STREAM, &tcp_port);
	int canary6 = make_server(AF_INET6, SOCK_DGRAM, &port6);

	send_frame(&w, make_udp(buf, GUEST, 5000, "10.0.2.2", port, "x", 1));
	expect_icmp(&w, true, 0);
	send_frame(&w, make_syn(buf, "10.0.2.2", tcp_port));
	expect_icmp(&w, true, 0);
	send_frame(&w, make_udp(buf, GUEST6, 5000, "fd00::2", port6, "x", 1));
	expect_icmp(&w, false, 0);
	send_frame(&w, make_syn(buf, "10.0.2.3", 80));
	expect_icmp(&w, true, 0);
	send_frame(&w, make_syn(buf, "10.0.2.77", 80));
	expect_icmp(&w, true, 1);
	end_worker(&w, EXIT_SUCCESS);
	ck_assert(!is_readable(canary, 0) && !is_readable(tcp_canary, 0) &&
		  !is_readable(canary6, 0));
	close(canary);
	close(tcp_canary);
	close(canary6);
}
END_TEST

/* root in the child can send frames to any literal address: none may find the host's loopback */
START_TEST(no_spelling_of_loopback_reaches_the_host)
{
	static const struct {
		const char *dst;
		bool answered;
	} rows[] = {
		{ "127.0.0.1", true },
		{ "127.0.0.53", true },
		{ "127.255.255.254", true },
		{ "0.0.0.0", true },
		{ "0.0.0.1", true },
		{ "255.255.255.255", false },
		{ "10.0.2.255", false },
		{ "::1", true },
		{ "::", true },
		{ "::127.0.0.1", true },
		{ "::ffff:127.0.0.1", true },
		{ "::ffff:0.0.0.0", true },
		{ "fd00::1", true },
		{ "fd00::ffff", true },
		{ "fe80::2", true },
		{ "ff02::1", false },
		{ "::ffff:10.0.2.2", true },
	};
	struct worker w = start_worker(_i & 1, _i & 2);
	uint16_t port, tcp_port, port6, tcp_port6;
	int canaries[] = { make_server(AF_INET, SOCK_DGRAM, &port),
			   make_server(AF_INET, SOCK_STREAM, &tcp_port),
			   make_server(AF_INET6, SOCK_DGRAM, &port6),
			   make_server(AF_INET6, SOCK_STREAM, &tcp_port6) };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool v4 = !strchr(rows[i].dst, ':');
		uint16_t ports[] = { port, port6, tcp_port, tcp_port6 };

		for (size_t k = 0; k < ARRAY_SIZE(ports); k++) {
			size_t n = k < 2 ? make_udp(buf, v4 ? GUEST : GUEST6, 5000, rows[i].dst,
						    ports[k], "x", 1)
					 : make_syn(buf, rows[i].dst, ports[k]);

			send_frame(&w, n);
			if (rows[i].answered)
				ck_assert_msg(next_frame(&w, WAIT_MS), "%s", rows[i].dst);
		}
	}
	end_worker(&w, EXIT_SUCCESS);
	for (size_t i = 0; i < ARRAY_SIZE(canaries); i++) {
		ck_assert_msg(!is_readable(canaries[i], 0), "canary %zu heard it", i);
		close(canaries[i]);
	}
}
END_TEST

static void expect_segment(const struct worker *w, uint8_t flags)
{
	const uint8_t *tcp = buf + ETH_LEN + IP4_LEN;

	ck_assert_msg(next_frame(w, WAIT_MS), "no segment");
	ck_assert_uint_eq(buf[ETH_LEN + 9], IPPROTO_TCP);
	ck_assert_uint_eq(tcp[13] & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN), flags);
}

START_TEST(tcp_connects_carries_data_and_ends)
{
	struct worker w = start_worker(true, _i);
	uint16_t port;
	int server = make_server(AF_INET, SOCK_STREAM, &port), peer;
	const uint8_t *tcp = buf + ETH_LEN + IP4_LEN;
	struct segment s = { .sport = 40000, .dport = port, .seq = 1001, .flags = TCP_ACK };
	char data[16];

	send_frame(&w, make_syn(buf, "10.0.2.2", port));
	expect_segment(&w, TCP_SYN | TCP_ACK);
	ck_assert_uint_eq(get_be32(tcp + 8), 1001);
	s.ack = get_be32(tcp + 4) + 1;
	send_frame(&w, make_tcp(buf, GUEST, "10.0.2.2", &s));
	ck_assert(is_readable(server, WAIT_MS));
	peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(peer, 0);
	s.data = "urgent";
	s.len = 6;
	s.urgent = 0x7fff; /* must not change a byte of the stream */
	s.flags = TCP_ACK | TCP_URG;
	send_frame(&w, make_tcp(buf, GUEST, "10.0.2.2", &s));
	expect_segment(&w, TCP_ACK);
	ck_assert_uint_eq(get_be32(tcp + 8), 1007);
	ck_assert_int_eq(recv(peer, data, sizeof(data), 0), 6);
	ck_assert_mem_eq(data, "urgent", 6);
	ck_assert_int_eq(send(peer, "O", 1, MSG_OOB), 1); /* and in the other direction */
	expect_segment(&w, TCP_ACK);
	ck_assert_uint_eq(tcp[13] & TCP_URG, 0);
	ck_assert_uint_eq(get_be16(buf + ETH_LEN + 2), IP4_LEN + TCP_LEN + 1u);
	ck_assert_uint_eq(tcp[TCP_LEN], 'O');
	s = (struct segment){ .sport = 40000,
			      .dport = port,
			      .seq = 1007,
			      .ack = s.ack + 1,
			      .flags = TCP_ACK | TCP_FIN };
	send_frame(&w, make_tcp(buf, GUEST, "10.0.2.2", &s));
	ck_assert(is_readable(peer, WAIT_MS));
	ck_assert_int_eq(recv(peer, data, sizeof(data), 0), 0);
	close(peer);
	close(server);
	end_worker(&w, EXIT_SUCCESS);
}
END_TEST

#define LARGE 30000
static uint8_t large[LARGE];

/* one segment of the child, of which the kernel has left the checksum out */
static void give_large(const struct worker *w, int peer, struct segment *s)
{
	uint8_t got[LARGE];
	size_t n;

	s->data = large;
	s->len = sizeof(large);
	n = make_tcp(buf, GUEST, "10.0.2.2", s);
	put_be16(buf + ETH_LEN + IP4_LEN + 16, 0x1234);
	vnet_next = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					     .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
					     .hdr_len = ETH_LEN + IP4_LEN + TCP_LEN,
					     .gso_size = 1460,
					     .csum_start = ETH_LEN + IP4_LEN,
					     .csum_offset = 16 };
	send_frame(w, n);
	ck_assert_int_eq(recv(peer, got, sizeof(got), MSG_WAITALL), LARGE);
	ck_assert_mem_eq(got, large, LARGE);
	s->seq += LARGE;
	expect_segment(w, TCP_ACK);
	ck_assert_uint_eq(get_be32(buf + ETH_LEN + IP4_LEN + 8), s->seq);
}

/* the same the other way; the guest acknowledges each segment */
static void take_large(const struct worker *w, int peer, struct segment *s)
{
	const uint8_t *tcp = buf + ETH_LEN + IP4_LEN, *data = tcp + TCP_LEN;
	size_t longest = 0, n = 0;

	s->len = 0;
	ck_assert_int_eq(send(peer, large, sizeof(large), 0), LARGE);
	while (n < sizeof(large)) {
		size_t len;

		ck_assert(next_frame(w, WAIT_MS));
		len = buf_len - (size_t)(data - buf);
		ck_assert(len && len <= sizeof(large) - n);
		ck_assert_uint_eq(get_be32(tcp + 4), s->ack);
		ck_assert_mem_eq(data, large + n, len);
		ck_assert(vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
		ck_assert_uint_eq(vnet.gso_type,
				  len > 1400 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_NONE);
		ck_assert_uint_eq(vnet.gso_size, len > 1400 ? 1400 : 0);
		longest = len > longest ? len : longest;
		n += len;
		s->ack += (uint32_t)len;
		send_frame(w, make_tcp(buf, GUEST, "10.0.2.2", s));
	}
	ck_assert_uint_gt(longest, 10000);
}

START_TEST(segments_stay_whole_at_a_small_mtu)
{
	struct slirp_config c = make_config(true, false);
	struct worker w;
	uint16_t port;
	int server = make_server(AF_INET, SOCK_STREAM, &port), peer;
	const uint8_t *tcp = buf + ETH_LEN + IP4_LEN;
	const uint8_t mss[] = { 2, 4, 1400 >> 8, 1400 & 0xff };
	struct segment s = { .sport = 40000,
			     .dport = port,
			     .seq = 1000,
			     .flags = TCP_SYN,
			     .data = mss,
			     .len = sizeof(mss) };
	size_t n;

	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (uint8_t)(i * 7 + i / 256);
	c.net.mtu = 1500;
	w = start_with(&c, 0);
	n = make_tcp(buf, GUEST, "10.0.2.2", &s);
	buf[ETH_LEN + IP4_LEN + 12] = 6 << 4;
	put_l4_checksum(buf, TCP_LEN + 4, 16);
	send_frame(&w, n);
	expect_segment(&w, TCP_SYN | TCP_ACK);
	ck_assert_uint_eq(tcp[TCP_LEN], 2);
	ck_assert_uint_eq(get_be16(tcp + TCP_LEN + 2), 1460);
	s = (struct segment){ .sport = 40000, .dport = port, .seq = 1001, .flags = TCP_ACK };
	s.ack = get_be32(tcp + 4) + 1;
	send_frame(&w, make_tcp(buf, GUEST, "10.0.2.2", &s));
	ck_assert(is_readable(server, WAIT_MS));
	peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(peer, 0);
	give_large(&w, peer, &s);
	take_large(&w, peer, &s);
	close(peer);
	close(server);
	end_worker(&w, EXIT_SUCCESS);
}
END_TEST

START_TEST(a_closed_tcp_port_refuses)
{
	struct worker w = start_worker(true, _i);
	uint16_t port;
	int server = make_server(AF_INET, SOCK_STREAM, &port);

	close(server);
	send_frame(&w, make_syn(buf, "10.0.2.2", port));
	expect_segment(&w, TCP_RST | TCP_ACK);
	end_worker(&w, EXIT_SUCCESS);
}
END_TEST

/* libslirp remembers 16; none of its questions may show on the tap, no answer may be lost */
START_TEST(any_number_of_guests_is_served_behind_the_gateway)
{
	struct worker w = start_worker(true, false);
	uint16_t port;
	int server = make_server(AF_INET, SOCK_DGRAM, &port), seen = 0;
	char src[INET_ADDRSTRLEN], data[2000];
	struct sockaddr_in from[40];

	for (int i = 0; i < 40; i++) {
		snprintf(src, sizeof(src), "172.17.0.%d", i + 2);
		echo_udp(&w, server, port, src, 7000, "one by one");
	}
	for (int i = 0; i < 40; i++) {
		socklen_t len = sizeof(from[i]);

		snprintf(src, sizeof(src), "172.17.0.%d", i + 2);
		send_frame(&w, make_udp(buf, src, 7000, "10.0.2.2", port, "x", 1));
		ck_assert(is_readable(server, WAIT_MS));
		recvfrom(server, data, sizeof(data), 0, (struct sockaddr *)&from[i], &len);
	}
	for (int i = 0; i < 40; i++)
		sendto(server, "y", 1, 0, (struct sockaddr *)&from[i], sizeof(from[i]));
	while (seen < 40 && next_frame(&w, WAIT_MS)) {
		ck_assert_uint_eq(frame_ethertype(buf), ETHERTYPE_IP4);
		ck_assert_mem_eq(buf, guest_mac, NET_MAC_LEN);
		ck_assert_uint_eq(buf[ETH_LEN + 9], IPPROTO_UDP);
		seen++;
	}
	ck_assert_int_eq(seen, 40);
	close(server);
	end_worker(&w, EXIT_SUCCESS);
}
END_TEST

START_TEST(many_ipv6_guests_are_served_too)
{
	struct worker w = start_worker(true, false);
	uint16_t port;
	int server = make_server(AF_INET6, SOCK_DGRAM, &port);
	char src[INET6_ADDRSTRLEN];

	for (int i = 0; i < 40; i++) {
		snprintf(src, sizeof(src), "2001:db8::%d", i + 2);
		echo_udp(&w, server, port, src, 7000, "x");
	}
	close(server);
	end_worker(&w, EXIT_SUCCESS);
}
END_TEST

START_TEST(libslirp_is_found_at_its_hardware_address)
{
	struct worker w = start_worker(true, true);
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	struct net_plan p = make_plan(true);
	uint8_t *arp = buf + ETH_LEN, mac[NET_MAC_LEN];

	net_plan_slirp_mac(&p, mac);
	memset(buf, 0xff, NET_MAC_LEN);
	memcpy(buf + NET_MAC_LEN, guest_mac, NET_MAC_LEN);
	put_be16(buf + 12, ETHERTYPE_ARP);
	memcpy(arp, head, sizeof(head));
	memcpy(arp + 8, guest_mac, NET_MAC_LEN);
	put_addr(AF_INET, GUEST, arp + 14);
	put_addr(AF_INET, "10.0.2.2", arp + 24);
	send_frame(&w, ETH_LEN + 28);
	ck_assert(next_frame(&w, WAIT_MS));
	ck_assert_uint_eq(frame_ethertype(buf), ETHERTYPE_ARP);
	ck_assert_mem_eq(arp + 8, mac, NET_MAC_LEN);
	ck_assert_mem_eq(buf + NET_MAC_LEN, mac, NET_MAC_LEN);
	end_worker(&w, EXIT_SUCCESS);
}
END_TEST

static const int64_t clock_starts[] = { 0,
					PRIVCLOCK_WRAP_MS - 300000,
					PRIVCLOCK_LATEST_MS - 300,
					PRIVCLOCK_WRAP_MS - 241000,
					PRIVCLOCK_WRAP_MS - 5000,
					PRIVCLOCK_WRAP_MS - 200 };

/* UDP goes on over the end of libslirp's counter; an echo may be lost while it jumps, not more */
START_TEST(udp_survives_the_end_of_the_counter)
{
	struct slirp_config c = make_config(true, false);
	struct worker w = start_with(&c, clock_starts[_i]);
	uint16_t port;
	int server = make_server(AF_INET, SOCK_DGRAM, &port), lost = 0;
	uint64_t end = clock_ms() + 1800;

	while (clock_ms() < end) {
		send_frame(&w, make_udp(buf, GUEST, 5000, "10.0.2.2", port, "tick", 4));
		echo_once(server);
		lost += !next_frame(&w, 600);
		poll(NULL, 0, 5);
	}
	ck_assert_int_le(lost, 1);
	close(server);
	end_worker(&w, EXIT_SUCCESS);
}
END_TEST

START_TEST(a_wrong_configuration_is_reported)
{
	struct slirp_config c = make_config(true, false);
	struct worker w;
	struct msg m;

	c.net.mtu = 67;
	w = start_with(&c, IN_LIFE);
	ck_assert_int_eq(
		msg_recv_within(w.control, &worker_proto, ROLE_SLIRP, WORKER_STARTING, WAIT_MS, &m),
		1);
	ck_assert_int_eq(m.type, WORKER_FAILED);
	ck_assert_ptr_nonnull(strstr(((struct err *)m.payload)->msg, "MTU 67"));
	end_worker(&w, EXIT_FAILURE);
}
END_TEST

START_TEST(the_worker_outlives_its_tap_and_not_its_parent)
{
	struct worker w = start_worker(true, false);
	struct msg m = { 0 };
	int status;

	shutdown(w.tap, SHUT_RDWR);
	poll(NULL, 0, 50);
	ck_assert_int_eq(waitpid(w.pid, &status, WNOHANG), 0);
	msg_send(w.control, &worker_proto, WORKER_PING, &(struct msg_empty){ 0 }, NULL, 0);
	msg_recv_within(w.control, &worker_proto, ROLE_SLIRP, WORKER_UP, WAIT_MS, &m);
	ck_assert_int_eq(m.type, WORKER_PONG);
	end_worker(&w, EXIT_SUCCESS);
}
END_TEST

START_TEST(a_parent_that_does_not_read_loses_answers)
{
	struct worker w = start_worker(true, false);
	struct msg m = { 0 };
	int r;

	for (int i = 0; i < 2000; i++) {
		do
			r = msg_send(w.control, &worker_proto, WORKER_PING,
				     &(struct msg_empty){ 0 }, NULL, 0);
		while (r == -EAGAIN && usleep(1000) == 0);
		ck_assert_int_eq(r, 0);
	}
	msg_recv_within(w.control, &worker_proto, ROLE_SLIRP, WORKER_UP, WAIT_MS, &m);
	ck_assert_int_eq(m.type, WORKER_PONG);
	end_worker(&w, EXIT_SUCCESS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("slirp");
	TCase *c = tcase_create("slirp");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_set_timeout(c, 20);
	tcase_add_loop_test(c, udp_reaches_loopback_through_the_gateway, 0, 2);
	tcase_add_test(c, a_closed_udp_port_is_reported);
	tcase_add_loop_test(c, closed_loopback_is_closed, 0, 2);
	tcase_add_loop_test(c, no_spelling_of_loopback_reaches_the_host, 0, 4);
	tcase_add_loop_test(c, tcp_connects_carries_data_and_ends, 0, 2);
	tcase_add_test(c, segments_stay_whole_at_a_small_mtu);
	tcase_add_loop_test(c, a_closed_tcp_port_refuses, 0, 2);
	tcase_add_test(c, any_number_of_guests_is_served_behind_the_gateway);
	tcase_add_test(c, many_ipv6_guests_are_served_too);
	tcase_add_test(c, libslirp_is_found_at_its_hardware_address);
	tcase_add_loop_test(c, udp_survives_the_end_of_the_counter, 0, ARRAY_SIZE(clock_starts));
	tcase_add_test(c, a_wrong_configuration_is_reported);
	tcase_add_test(c, the_worker_outlives_its_tap_and_not_its_parent);
	tcase_add_test(c, a_parent_that_does_not_read_loses_answers);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
