// SPDX-License-Identifier: Apache-2.0
/*
 * stack.c - libslirp: its configuration, its callbacks, birth and death (slirp only)
 *
 * What libslirp would do and a worker must not: serve DNS, DHCP or TFTP (prefilter, configuration),
 * send router advertisements (its timer never fires, solicitations are dropped: it would read the
 * host's resolver file for one). The program slirp4netns has it do this, but for TFTP. What nobody
 * has it do: treat urgent data (prefilter.c, serve.c), ask the tap for hardware
 * addresses when the tap is the gateway's (guests.c).
 *
 * Limits: quota.c counts sockets, prefilter.c fragments and answers. The rest of what libslirp
 * holds is bounded by its sockets: 256 KiB of buffers a TCP connection, a packet a UDP flow.
 */
#include "lib/slirp/stack_impl.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/slirp/library.h"

#define CONFIG_VERSION 6 /* the newest configuration that is filled in here */
#define DHCP_FIRST 15    /* of the network, as slirp4netns */
#define POLLS_FIRST 64   /* room for so many sockets; doubled when needed */
#define LINES_BURST 20   /* of libslirp's own lines, and so many a second */

/* --- what libslirp calls ------------------------------------------------------------------ */

static void give_frame(struct stack *s, const uint8_t *data, size_t len)
{
	struct offload_out *out = &s->out;
	struct iovec parts[TAP_PARTS_MAX];

	offload_give(&s->offload, data, len, out);
	parts[0] = (struct iovec){ .iov_base = out->headers, .iov_len = out->nheaders };
	parts[1] = (struct iovec){ .iov_base = (void *)out->rest, .iov_len = out->nrest };
	tap_write_parts(&s->tap, &out->vnet, parts, out->nrest ? 2 : 1);
}

/* Return: whether an error took the place of this frame */
static bool give_reason(struct stack *s, const uint8_t *data, size_t len)
{
	const size_t n = answer_failed(&s->cfg.net, data, len, s->failing, s->answer);

	if (!n || !prefilter_may_answer(&s->prefilter, clock_ms()))
		return false;
	tap_write(&s->tap, s->answer, n);
	return true;
}

static ssize_t on_send_packet(const void *buf, size_t len, void *opaque)
{
	struct stack *s = opaque;
	size_t n;

	if (s->shortsyns.n && shortsyns_hush(&s->shortsyns, buf, len))
		return (ssize_t)len;
	if (s->failing && give_reason(s, buf, len))
		return (ssize_t)len;
	if (!s->cfg.direct && guests_take(&s->guests, buf, len))
		return (ssize_t)len;
	n = answer_relabel(&s->cfg.net, buf, len, s->answer);
	if (n)
		tap_write(&s->tap, s->answer, n);
	else if (s->tap.vnet)
		give_frame(s, buf, len);
	else
		tap_write(&s->tap, buf, len);
	return (ssize_t)len;
}

/* the child can make libslirp complain as often as it likes */
static void on_guest_error(const char *msg, void *opaque)
{
	struct stack *s = opaque;
	uint64_t now;

	if (!log_debug_enabled())
		return;
	now = clock_ms();
	if (now - s->lines_at_ms >= 1000) {
		s->lines = LINES_BURST;
		s->lines_at_ms = now;
	}
	if (s->lines) {
		s->lines--;
		log_debug("libslirp", "%s", msg);
	}
}

static void on_glib_line(const gchar *domain, GLogLevelFlags level, const gchar *msg,
			 gpointer opaque)
{
	(void)domain;
	(void)level;
	on_guest_error(msg, opaque);
}

static int64_t on_clock_get_ns(void *opaque)
{
	struct stack *s = opaque;

	return privclock_ns(&s->clock);
}

static void *on_timer_new(SlirpTimerId id, void *cb_opaque, void *opaque)
{
	struct stack *s = opaque;

	s->timer_id = id;
	s->timer_opaque = cb_opaque;
	return opaque;
}

static void *on_timer_new_cb(SlirpTimerCb cb, void *cb_opaque, void *opaque)
{
	(void)cb;
	(void)cb_opaque;
	return opaque;
}

static void on_timer_free(void *timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

static void on_timer_mod(void *timer, int64_t expire_ms, void *opaque)
{
	struct stack *s = opaque;

	(void)timer;
	s->timer_due_ms = s->services.on ? expire_ms : 0;
}

static void on_socket_opened(int fd, void *opaque)
{
	struct stack *s = opaque;

	quota_opened(&s->quota, fd);
	shortsyns_opened(&s->shortsyns, fd);
	s->opened = fd;
}

static void on_socket_closed(int fd, void *opaque)
{
	struct stack *s = opaque;

	quota_closed(&s->quota, fd);
	shortsyns_closed(&s->shortsyns, fd);
}

/* room in a buffer is found at the end of the round in any case */
static void on_notify(void *opaque)
{
	(void)opaque;
}

static const SlirpCb callbacks = {
	.send_packet = on_send_packet,
	.guest_error = on_guest_error,
	.clock_get_ns = on_clock_get_ns,
	.timer_new = on_timer_new_cb,
	.timer_free = on_timer_free,
	.timer_mod = on_timer_mod,
	.register_poll_fd = on_socket_opened,
	.unregister_poll_fd = on_socket_closed,
	.notify = on_notify,
	.timer_new_opaque = on_timer_new,
#if SLIRP_CONFIG_VERSION_MAX >= 6
	.register_poll_socket = on_socket_opened,
	.unregister_poll_socket = on_socket_closed,
#endif
};

/* --- birth and death ---------------------------------------------------------------------- */

static int check_mtu(const struct net_plan *p, uint32_t mtu, struct err *err)
{
	uint32_t least = p->ipv6 ? NET_MTU_MIN_IPV6 : NET_MTU_MIN;

	static_assert(NET_MTU_MAX == OFFLOAD_MTU,
		      "the most that is asked for is the most it takes");
	if (mtu < least || mtu > NET_MTU_MAX)
		return err_say(err, EINVAL, "MTU %u: libslirp takes %u to %u", mtu, least,
			       NET_MTU_MAX);
	return 0;
}

static int check_config(const struct slirp_config *cfg, struct err *err)
{
	const struct net_plan *p = &cfg->net;
	int r = check_mtu(p, p->mtu, err);

	if (r < 0)
		return r;
	if (p->prefix < 1 || p->prefix > 30 || p->prefix6 > 126)
		return err_say(err, EINVAL,
			       "prefix length %u or %u leaves no room for child, gateway and DNS",
			       p->prefix, p->prefix6);
	return 0;
}

static SlirpConfig make_config(const struct slirp_config *cfg, struct stack_services *sv,
			       bool offload)
{
	const struct net_plan *p = &cfg->net;
	size_t mtu = offload ? OFFLOAD_MTU : p->mtu;
	/* it cannot be told later: what fits the largest fits all */
	size_t segment = offload_segment(cfg->mtu_follows ? OFFLOAD_MTU : p->mtu);
	size_t mru = offload ? segment + IP4_LEN + TCP_LEN : p->mtu;
	uint32_t mask = UINT32_MAX << (32 - p->prefix);
	SlirpConfig c = {
		.version = SLIRP_CONFIG_VERSION_MAX < CONFIG_VERSION ? SLIRP_CONFIG_VERSION_MAX
								     : CONFIG_VERSION,
		.in_enabled = true,
		.vnetwork = p->network,
		.vnetmask = { htonl(mask) },
		.vhost = p->gateway,
		.in6_enabled = p->ipv6 != 0,
		.vprefix_addr6 = p->network6,
		.vprefix_len = p->prefix6,
		.vhost6 = p->gateway6,
		.vnameserver = p->dns,
		.vnameserver6 = p->dns6,
		.if_mtu = mtu,
		.if_mru = mru,
		.disable_host_loopback = !p->host_loopback,
		.enable_emu = false, /* its parsers have been holes more than once */
		.disable_dns = !sv->dns,
		.disable_dhcp = !sv->on,
		.vdhcp_start = { htonl(ntohl(p->network.s_addr) + DHCP_FIRST) },
		.outbound_addr = sv->outbound.sin_family ? &sv->outbound : NULL,
		.outbound_addr6 = sv->outbound6.sin6_family ? &sv->outbound6 : NULL,
	};

	return c;
}

/* the guest of a direct tap is known from the start; others introduce themselves by ARP */
static void introduce_child(struct stack *s)
{
	uint8_t buf[GUESTS_FRAME_MAX];
	const struct net_plan *p = &s->cfg.net;
	size_t n = guests_introduce(&s->guests, AF_INET, (const uint8_t *)&p->address, buf);

	slirp_input(s->slirp, buf, (int)n);
	if (!p->ipv6)
		return;
	n = guests_introduce(&s->guests, AF_INET6, p->address6.s6_addr, buf);
	slirp_input(s->slirp, buf, (int)n);
}

static void on_frame(void *owner, const uint8_t *data, size_t len)
{
	tap_write(&((struct stack *)owner)->tap, data, len);
}

static bool may_answer(void *owner)
{
	return prefilter_may_answer(&((struct stack *)owner)->prefilter, clock_ms());
}

int stack_new(const struct slirp_config *cfg, int tap, int64_t clock_ms_start, struct stack **ret,
	      struct err *err)
{
	static const struct stack_services none;

	return stack_new_serving(cfg, &none, tap, clock_ms_start, ret, err);
}

/* what libslirp is surrounded by */
static int make_parts(struct stack *s, struct err *err)
{
	const struct slirp_config *cfg = &s->cfg;
	struct rlimit limit = { .rlim_cur = 1024 };
	int r;

	getrlimit(RLIMIT_NOFILE, &limit);
	s->maxpolls = POLLS_FIRST;
	s->polls = calloc(s->maxpolls, sizeof(*s->polls));
	r = quota_init(&s->quota,
		       limit.rlim_cur < UINT32_MAX ? (uint32_t)limit.rlim_cur : UINT32_MAX,
		       cfg->udp_ports_max);
	s->echo = (struct echo){ .plan = cfg->net,
				 .hosts = &s->hosts,
				 .direct = cfg->direct,
				 .give = on_frame,
				 .may_answer = may_answer,
				 .owner = s };
	s->shortsyns = (struct shortsyns){ .plan = cfg->net,
					   .hosts = &s->hosts,
					   .direct = cfg->direct,
					   .give = on_frame,
					   .may_answer = may_answer,
					   .owner = s };
	if (r == 0)
		r = echo_init(&s->echo, s->quota.max[QUOTA_ICMP]);
	if (r == 0)
		r = offload_init(&s->offload, cfg->net.mtu);
	if (r < 0 || !s->polls)
		return err_set(err, ENOMEM, "making the user-mode stack");
	return 0;
}

int stack_new_serving(const struct slirp_config *cfg, const struct stack_services *services,
		      int tap, int64_t clock_ms_start, struct stack **ret, struct err *err)
{
	AUTO(stack_freep) struct stack *s = NULL;
	SlirpConfig config;
	int r = libslirp_load(err);

	s = r < 0 ? NULL : calloc(1, sizeof(*s));
	if (!s) {
		cleanup_closep(&tap);
		return r < 0 ? r : err_set(err, ENOMEM, "making the user-mode stack");
	}
	r = tap_init(&s->tap, tap, !cfg->direct);
	if (r < 0)
		return err_set(err, -r, "tap: making it non-blocking");
	r = check_config(cfg, err);
	if (r < 0)
		return r;
	s->cfg = *cfg;
	s->services = *services;
	r = make_parts(s, err);
	if (r < 0)
		return r;
	prefilter_init(&s->prefilter, &cfg->net, cfg->direct);
	s->prefilter.hosts = &s->hosts;
	s->prefilter.serves = services->on;
	s->prefilter.serves_dns = services->dns;
	guests_init(&s->guests, &cfg->net, cfg->tap_mac);
	privclock_init(&s->clock, clock_ms_start);
	g_log_set_default_handler(on_glib_line, s);
	config = make_config(cfg, &s->services, s->tap.vnet);
	s->slirp = slirp_new(&config, &callbacks, s);
	if (!s->slirp)
		return err_say(err, EINVAL, "libslirp %s refuses its configuration",
			       slirp_version_string());
	stack_kick(s); /* it reads its clock */
	if (!s->services.on)
		introduce_child(s);
	*ret = take_ptr(s);
	return 0;
}

int stack_deny_hosts(struct stack *s, const struct worker_hosts *part)
{
	return policy_hosts_take(&s->hosts, part);
}

int stack_forward_add(struct stack *s, const struct stack_forward *f)
{
	int r = slirp_add_hostfwd(s->slirp, f->udp, f->host, f->host_port, f->guest, f->guest_port);

	return r < 0 ? -EADDRNOTAVAIL : 0; /* it tells no reason */
}

int stack_forward_remove(struct stack *s, const struct stack_forward *f)
{
	return slirp_remove_hostfwd(s->slirp, f->udp, f->host, f->host_port) < 0 ? -ENOENT : 0;
}

int stack_set_mtu(struct stack *s, uint32_t mtu, struct err *err)
{
	int r = check_mtu(&s->cfg.net, mtu, err);

	if (r < 0)
		return r;
	if (!s->cfg.mtu_follows || !s->tap.vnet)
		return err_say(err, EPROTO, "MTU %u: that of this network does not change", mtu);
	s->cfg.net.mtu = s->offload.mtu = mtu;
	return 0;
}

static void log_counters(const struct stack *s)
{
	for (int i = 0; i < FAULT_NFAULTS; i++) {
		if (s->prefilter.faults[i])
			log_debug("prefilter", "%llu frames dropped: %s",
				  (unsigned long long)s->prefilter.faults[i],
				  prefilter_fault_name((enum frame_fault)i));
	}
	if (s->tap.dropped)
		log_debug("tap", "%llu frames not taken", (unsigned long long)s->tap.dropped);
}

struct stack *stack_free(struct stack *s)
{
	if (!s)
		return NULL;
	log_counters(s);
	if (s->slirp)
		slirp_cleanup(s->slirp);
	g_log_set_default_handler(g_log_default_handler, NULL);
	tap_done(&s->tap);
	prefilter_done(&s->prefilter);
	echo_done(&s->echo);
	quota_done(&s->quota);
	offload_done(&s->offload);
	free(s->polls);
	free(s);
	return NULL;
}
