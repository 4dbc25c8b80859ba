// SPDX-License-Identifier: Apache-2.0
/* test_nsagent_paths.c - where packets go between child, gateway and tap; we play libslirp, too */
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "tests/unit/nsagent_rig.h"

static struct sockaddr_in addr4(const char *ip, uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };

	ck_assert_int_eq(inet_pton(AF_INET, ip, &sa.sin_addr), 1);
	return sa;
}

static int udp_socket(const char *bind_ip, uint16_t port)
{
	struct sockaddr_in sa = addr4(bind_ip, port);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void udp_send(int fd, const char *ip, uint16_t port, const char *text)
{
	struct sockaddr_in sa = addr4(ip, port);

	ck_assert_int_eq(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&sa, sizeof(sa)),
			 (int)strlen(text));
}

/* a text from @ip:@port comes */
static void udp_expect(int fd, const char *ip, uint16_t port, const char *text)
{
	struct sockaddr_in want = addr4(ip, port), from;
	socklen_t len = sizeof(from);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[64] = "";

	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	ck_assert_int_gt(recvfrom(fd, buf, sizeof(buf) - 1, 0, (struct sockaddr *)&from, &len), 0);
	ck_assert_str_eq(buf, text);
	ck_assert_uint_eq(from.sin_addr.s_addr, want.sin_addr.s_addr);
	ck_assert_uint_eq(from.sin_port, want.sin_port);
}

/* what stands in front of the frame that tap_next() has given; goes back with its echo */
static struct virtio_net_hdr last_hdr;

static ssize_t tap_read(int tap, uint8_t *buf, size_t size)
{
	struct iovec iov[] = { { &last_hdr, sizeof(last_hdr) }, { buf, size } };
	ssize_t n = readv(tap, iov, 2);

	return n < (ssize_t)sizeof(last_hdr) ? -1 : n - (ssize_t)sizeof(last_hdr);
}

static void tap_write(int tap, const struct virtio_net_hdr *hdr, const void *frame, size_t len)
{
	struct iovec iov[] = { { (void *)hdr, sizeof(*hdr) }, { (void *)frame, len } };

	ck_assert_int_eq(writev(tap, iov, 2), (ssize_t)(sizeof(*hdr) + len));
}

/* the next frame of the tap that carries @proto over @ethertype; its length, 0: none in time */
static size_t tap_next(int tap, uint16_t ethertype, uint8_t proto, uint8_t *buf, size_t size,
		       int timeout_ms)
{
	struct pollfd p = { .fd = tap, .events = POLLIN };
	uint64_t deadline = clock_ms() + (uint64_t)timeout_ms;
	const size_t at = ethertype == ETHERTYPE_IP ? 9 : 6;

	for (uint64_t now = clock_ms(); now < deadline; now = clock_ms()) {
		ssize_t n;

		if (poll(&p, 1, (int)(deadline - now)) < 1)
			return 0;
		n = tap_read(tap, buf, size);
		if (n >= 40 && buf[12] == ethertype >> 8 && buf[13] == (ethertype & 0xff) &&
		    buf[sizeof(struct ether_header) + at] == proto)
			return (size_t)n;
	}
	return 0;
}

static void expect_slirp_frame(const struct rig *rig, const uint8_t *frame)
{
	uint8_t mac[NET_MAC_LEN];

	net_plan_slirp_mac(&rig->plan, mac);
	ck_assert_mem_eq(frame, mac, 6);
	ck_assert_mem_eq(frame + 6, rig->tap_mac, 6);
}

static uint16_t ip_checksum(const void *data, size_t len)
{
	const uint8_t *b = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(b[i] << 8 | b[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* as libslirp does: an IPv4 UDP datagram to the child, from wherever */
static void tap_write_udp(const struct rig *rig, const char *from, uint16_t sport, uint16_t dport,
			  const char *text)
{
	struct {
		struct ether_header eth;
		struct iphdr ip;
		struct udphdr udp;
		char text[64];
	} __attribute__((packed)) f = { 0 };
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP };
	size_t n = strlen(text), len = sizeof(f) - sizeof(f.text) + n;

	memcpy(f.eth.ether_dhost, rig->tap_mac, 6);
	net_plan_slirp_mac(&rig->plan, f.eth.ether_shost);
	f.eth.ether_type = htons(ETHERTYPE_IP);
	ip.tot_len = htons((uint16_t)(len - sizeof(f.eth)));
	ip.saddr = addr4(from, 0).sin_addr.s_addr;
	ip.daddr = rig->plan.address.s_addr;
	ip.check = ip_checksum(&ip, sizeof(ip));
	f.ip = ip;
	f.udp.source = htons(sport);
	f.udp.dest = htons(dport);
	f.udp.len = htons((uint16_t)(sizeof(f.udp) + n));
	memcpy(f.text, text, n);
	tap_write(rig->tap, &(struct virtio_net_hdr){ 0 }, &f, len);
}

START_TEST(what_the_child_sends_reaches_the_tap)
{
	struct rig rig = rig_new(false);
	int fd = udp_socket("0.0.0.0", 4000);
	static const char *const to[] = { "192.0.2.1", "10.0.2.2", "10.0.2.3" };
	uint8_t frame[2048];
	struct iphdr ip;

	for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
		udp_send(fd, to[i], 9, "hello");
		ck_assert(tap_next(rig.tap, ETHERTYPE_IP, IPPROTO_UDP, frame, sizeof(frame),
				   WAIT_MS));
		expect_slirp_frame(&rig, frame);
		memcpy(&ip, frame + sizeof(struct ether_header), sizeof(ip));
		ck_assert_uint_eq(ip.saddr, rig.plan.address.s_addr);
		ck_assert_uint_eq(ip.daddr, addr4(to[i], 0).sin_addr.s_addr);
	}
}
END_TEST

START_TEST(frames_of_the_tap_reach_the_child)
{
	struct rig rig = rig_new(false);
	int fd = udp_socket("10.0.2.100", 4000);

	tap_write_udp(&rig, "192.0.2.1", 53, 4000, "from afar");
	udp_expect(fd, "192.0.2.1", 53, "from afar");
	/* an address that the gateway has itself */
	tap_write_udp(&rig, "10.0.2.2", 9, 4000, "from the host");
	udp_expect(fd, "10.0.2.2", 9, "from the host");
}
END_TEST

START_TEST(dns_questions_are_ours)
{
	struct rig rig = rig_new(false);
	int fd = udp_socket("0.0.0.0", 4000);

	udp_send(fd, "10.0.2.3", 53, "question");
	udp_expect(rig.dns, "10.0.2.100", 4000, "question");
	udp_send(rig.dns, "10.0.2.100", 4000, "answer");
	udp_expect(fd, "10.0.2.3", 53, "answer");
}
END_TEST

START_TEST(a_syn_to_the_gateway_goes_to_the_tap)
{
	struct rig rig = rig_new(false);
	static const char *const to[] = { "10.0.2.2", "198.51.100.7" };
	uint8_t frame[2048];

	for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
		struct sockaddr_in sa = addr4(to[i], 80);
		autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		struct pollfd p = { .fd = fd, .events = POLLOUT };

		ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), -1);
		ck_assert_int_eq(errno, EINPROGRESS);
		ck_assert(tap_next(rig.tap, ETHERTYPE_IP, IPPROTO_TCP, frame, sizeof(frame),
				   WAIT_MS));
		expect_slirp_frame(&rig, frame);
		/* nobody answers: neither the gateway's kernel nor anyone else refuses it */
		ck_assert_int_eq(poll(&p, 1, 50), 0);
	}
}
END_TEST

static void send_ping(int fd, const char *to)
{
	struct sockaddr_in sa = addr4(to, 0);
	struct icmphdr echo = { .type = ICMP_ECHO };

	echo.checksum = ip_checksum(&echo, sizeof(echo));
	ck_assert_int_eq(sendto(fd, &echo, sizeof(echo), 0, (struct sockaddr *)&sa, sizeof(sa)),
			 sizeof(echo));
}

START_TEST(the_kernel_answers_pings_for_its_own_addresses_only)
{
	struct rig rig = rig_new(false);
	static const char *const own[] = { "10.0.2.2", "10.0.2.3" };
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t buf[2048];

	ck_assert_int_ge(fd, 0);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		send_ping(fd, own[i]);
		ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
		ck_assert_int_gt(recv(fd, buf, sizeof(buf), 0), 20);
		ck_assert_uint_eq(buf[20], ICMP_ECHOREPLY);
	}
	send_ping(fd, "192.0.2.1");
	ck_assert(tap_next(rig.tap, ETHERTYPE_IP, IPPROTO_ICMP, buf, sizeof(buf), WAIT_MS));
	ck_assert_int_eq(poll(&p, 1, 50), 0);
}
END_TEST

static void swap_bytes(uint8_t *a, uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t c = a[i];

		a[i] = b[i];
		b[i] = c;
	}
}

START_TEST(ipv6_takes_the_same_ways)
{
	struct rig rig = rig_new(true);
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t frame[2048], *ip = frame + sizeof(struct ether_header), *udp = ip + 40;
	char buf[8] = "";
	size_t len;

	inet_pton(AF_INET6, "2001:db8::1", &sa.sin6_addr);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(send(fd, "echo", 4, 0), 4);
	len = tap_next(rig.tap, ETHERTYPE_IPV6, IPPROTO_UDP, frame, sizeof(frame), WAIT_MS);
	ck_assert_uint_gt(len, 0);
	expect_slirp_frame(&rig, frame);
	ck_assert_mem_eq(ip + 8, &rig.plan.address6, 16);

	/* turned round it is its own answer: the checksum does not mind the order of words */
	swap_bytes(frame, frame + 6, 6);
	swap_bytes(ip + 8, ip + 24, 16);
	swap_bytes(udp, udp + 2, 2);
	tap_write(rig.tap, &last_hdr, frame, len);
	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	ck_assert_int_eq(recv(fd, buf, sizeof(buf), 0), 4);
	ck_assert_str_eq(buf, "echo");
}
END_TEST

static void add_tests(TCase *c)
{
	tcase_add_test(c, what_the_child_sends_reaches_the_tap);
	tcase_add_test(c, frames_of_the_tap_reach_the_child);
	tcase_add_test(c, dns_questions_are_ours);
	tcase_add_test(c, a_syn_to_the_gateway_goes_to_the_tap);
	tcase_add_test(c, the_kernel_answers_pings_for_its_own_addresses_only);
	tcase_add_test(c, ipv6_takes_the_same_ways);
}

int main(void)
{
	return run_suite("nsagent_paths", add_tests);
}
