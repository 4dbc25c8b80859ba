// SPDX-License-Identifier: Apache-2.0
/*
 * vpnkit.c - --net=vpnkit: the program vpnkit, which is a network behind a unix socket
 *
 * Spoken is its protocol "VMN3T", version 22: a greeting each way, the request for an interface and
 * its answer with the hardware address, then frames. Which address the child has only vpnkit's
 * DHCP tells, so it is asked on that connection, before the child's interface is made; then
 * frames.c carries the frames. A next life asks for the same address.
 *
 *   CONNECT -> GREETING -> ANSWER -> ( LEASE -> TAP -> ) CARRIED -> CLOSED
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/dhcpmsg.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/base/options.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/ipc/statenames.h"
#include "netdrivers/frames.h"
#include "netdrivers/helper.h"
#include "netdrivers/plan.h"
#include "netdrivers/program.h"

#define MAGIC "VMN3T"
#define DEFAULT_IFNAME "tap0"
#define DEFAULT_MTU 1500
#define CONNECT_MS 10000 /* until it listens */
#define RETRY_MS 20      /* between two tries to connect */
#define DISCOVER_MS 1000 /* between two questions for the address */
#define CLOSED_MS 500    /* from the end of its connection to its own */
#define STOP_MS 2000     /* for the process that carries frames to be gone */

enum {
	VERSION = 22,
	GREETING_LEN = 49, /* magic, version, commit hash */
	REQUEST_LEN = 41,  /* kind, UUID, address */
	PARAMETERS_LEN = 257,
	PREFIX = 24,
	GATEWAY = 0xc0a84101, /* 192.168.65.1 */
	KIND_ANY_ADDRESS = 1,
	KIND_ADDRESS = 8,
	XID = 1,
};

enum state {
	CONNECT,  /* the timer tries until vpnkit listens */
	GREETING, /* 49 bytes are expected */
	ANSWER,   /* 1 byte, then 257 or a text with its length in front */
	LEASE,    /* frames; the timer asks for the address */
	TAP,      /* the agent makes the interface; nothing is read */
	CARRIED,  /* by the other process */
	CLOSED,   /* that has seen an end of file; vpnkit's own end may say why, or the timer */
};

struct net_run {
	const struct net_env *env;
	struct helper *helper;
	enum state state;
	int sock;
	pid_t frames; /* 0: not started, or reaped */
	struct event *timer, *readable;
	uint64_t deadline_ms;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	uint8_t mac[6];
	uint8_t buf[2 + FRAMES_MAX]; /* never more than the message that is expected */
	size_t have, need;
};

static void failed(struct net_run *run, const struct err *why)
{
	if (run->readable)
		event_del(run->readable);
	event_del(run->timer);
	run->env->on_ended(run->env->arg, why);
}

static void set_timer(struct net_run *run, unsigned ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_add(run->timer, &tv);
}

static void expect(struct net_run *run, enum state state, size_t bytes)
{
	run->state = state;
	run->have = 0;
	run->need = bytes;
}

/* less than the socket holds when it is empty: it is sent at once, or the peer is no vpnkit */
static int say(struct net_run *run, const void *data, size_t len, struct err *err)
{
	ssize_t n = send(run->sock, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n == (ssize_t)len)
		return 0;
	return err_set(err, n < 0 ? errno : EIO, "sending to vpnkit");
}

/* --- what is said ------------------------------------------------------------------------- */

static int say_greeting(struct net_run *run, struct err *err)
{
	uint8_t m[GREETING_LEN] = MAGIC;

	m[5] = VERSION;
	memset(m + 9, '0', GREETING_LEN - 9); /* a commit hash, which nobody compares */
	return say(run, m, sizeof(m), err);
}

static int say_request(struct net_run *run, struct err *err)
{
	uint8_t m[REQUEST_LEN + 1] = { KIND_ANY_ADDRESS }, id[16];
	uint32_t address = htonl(run->env->plan->address.s_addr); /* little end first */
	char uuid[37];

	if (getrandom(id, sizeof(id), 0) < 0)
		return err_set(err, errno, "getrandom");
	snprintf(uuid, sizeof(uuid),
		 "%02x%02x%02x%02x-%02x%02x-4%x%02x-a%x%02x-%02x%02x%02x%02x%02x%02x", id[0], id[1],
		 id[2], id[3], id[4], id[5], id[6] & 15, id[7], id[8] & 15, id[9], id[10], id[11],
		 id[12], id[13], id[14], id[15]);
	memcpy(m + 1, uuid, 36);
	if (address) {
		m[0] = KIND_ADDRESS;
		memcpy(m + 37, &address, 4);
	}
	return say(run, m, REQUEST_LEN, err);
}

static int say_discover(struct net_run *run, struct err *err)
{
	struct dhcp_ask ask = { .type = DHCP_DISCOVER, .xid = XID };
	uint8_t m[2 + ETH_HLEN + DHCPMSG_MAX] = { 0 }, *frame = m + 2;
	size_t len;

	memcpy(ask.mac, run->mac, 6);
	len = ETH_HLEN + dhcpmsg_build(&ask, frame + ETH_HLEN);
	m[0] = (uint8_t)len;
	m[1] = (uint8_t)(len >> 8);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, run->mac, 6);
	frame[12] = 8; /* IPv4 */
	return say(run, m, 2 + len, err);
}

/* --- what is heard ------------------------------------------------------------------------ */

static int carry(struct net_run *run, struct err *err)
{
	int r;

	event_del(run->readable);
	r = frames_start(run->env->tap, run->sock, &run->frames, err);
	if (r < 0)
		return r;
	run->state = CARRIED;
	run->env->on_ready(run->env->arg);
	return 0;
}

static int hear_greeting(struct net_run *run, struct err *err)
{
	const uint8_t *b = run->buf;
	uint32_t version = b[5] | (uint32_t)b[6] << 8 | (uint32_t)b[7] << 16 | (uint32_t)b[8] << 24;

	if (memcmp(b, MAGIC, strlen(MAGIC)) != 0)
		return err_say(err, EPROTO, "%s: that is not vpnkit's protocol", run->path);
	if (version != VERSION)
		return err_say(err, EPROTONOSUPPORT,
			       "vpnkit speaks version %u of its protocol, not %d", version,
			       VERSION);
	expect(run, ANSWER, 1);
	return say_request(run, err);
}

static int hear_parameters(struct net_run *run, struct err *err)
{
	const uint8_t *mac = run->buf + 1 + 4;
	bool again = run->env->tap >= 0;

	if (again && memcmp(mac, run->env->mac, 6) != 0)
		return err_say(err, EADDRNOTAVAIL,
			       "vpnkit gave another hardware address than before");
	memcpy(run->mac, mac, 6);
	if (again)
		return carry(run, err);
	expect(run, LEASE, 2);
	set_timer(run, DISCOVER_MS);
	return say_discover(run, err);
}

/* its length depends on its first bytes */
static int hear_answer(struct net_run *run, struct err *err)
{
	char text[128];

	if (run->buf[0] == 1 && run->have == 1) {
		run->need = 1 + PARAMETERS_LEN;
		return 0;
	}
	if (run->buf[0] == 1)
		return hear_parameters(run, err);
	if (run->have == 1) {
		run->need = 2;
		return 0;
	}
	if (run->have == 2 && run->buf[1]) {
		run->need = 2 + (size_t)run->buf[1];
		return 0;
	}
	str_printable(text, sizeof(text), (const char *)run->buf + 2, run->have - 2);
	return err_say(err, ECONNREFUSED, "vpnkit refuses an interface: %s", text);
}

static bool is_for_us(const struct net_run *run, const uint8_t *frame)
{
	static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	return memcmp(frame, everybody, 6) == 0 || memcmp(frame, run->mac, 6) == 0;
}

static int hear_frame(struct net_run *run, struct err *err)
{
	size_t len = run->buf[0] | (size_t)run->buf[1] << 8;
	const uint8_t *frame = run->buf + 2;
	struct dhcp_answer a;
	struct net_plan plan = *run->env->plan;

	(void)err;
	if (run->have == 2 && len) {
		run->need = 2 + len;
		return 0;
	}
	expect(run, LEASE, 2);
	if (len <= ETH_HLEN || !is_for_us(run, frame) || frame[12] != 8 || frame[13] != 0 ||
	    dhcpmsg_parse(frame + ETH_HLEN, len - ETH_HLEN, XID, run->mac, &a) < 0 ||
	    !a.address.s_addr)
		return 0;
	plan.address = a.address;
	plan.prefix = PREFIX;
	plan.network.s_addr = a.address.s_addr & htonl(0xffffff00);
	plan.gateway.s_addr = plan.dns.s_addr = htonl(GATEWAY);
	run->state = TAP;
	event_del(run->readable); /* what comes now, the interface gets */
	event_del(run->timer);
	run->env->on_plan(run->env->arg, &plan, run->mac);
	return 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct net_run *run = arg;
	struct err err = { 0 };
	ssize_t n = recv(fd, run->buf + run->have, run->need - run->have, MSG_DONTWAIT);
	int r = 0;

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		err_set(&err, n < 0 ? errno : ECONNRESET, "talking to vpnkit");
		failed(run, &err);
		return;
	}
	run->have += (size_t)n;
	if (run->have < run->need)
		return;
	if (run->state == GREETING)
		r = hear_greeting(run, &err);
	else if (run->state == ANSWER)
		r = hear_answer(run, &err);
	else if (run->state == LEASE)
		r = hear_frame(run, &err);
	if (r < 0)
		failed(run, &err);
}

/* --- a life of it ------------------------------------------------------------------------- */

/* Return: 1 when it does not listen yet */
static int try_connect(struct net_run *run, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int r;

	memcpy(addr.sun_path, run->path, sizeof(addr.sun_path));
	if (connect(run->sock, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		if (clock_ms() < run->deadline_ms)
			return 1;
		return err_say(err, ETIMEDOUT,
			       "connecting to %s: last error: %s: context deadline exceeded",
			       run->path, strerror(errno));
	}
	r = event_assign(run->readable, run->env->base, run->sock, EV_READ | EV_PERSIST,
			 on_readable, run);
	if (r < 0 || event_add(run->readable, NULL) < 0)
		return err_set(err, ENOMEM, "watching vpnkit");
	expect(run, GREETING, GREETING_LEN);
	return say_greeting(run, err);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct net_run *run = arg;
	struct err err = { 0 };
	int r;

	(void)fd;
	(void)what;
	if (run->state == CLOSED) {
		r = err_say(&err, ECONNRESET, "vpnkit has closed its connection");
	} else if (run->state == CONNECT) {
		r = try_connect(run, &err);
		if (r > 0)
			set_timer(run, RETRY_MS);
	} else {
		r = say_discover(run, &err);
		set_timer(run, DISCOVER_MS);
	}
	if (r < 0)
		failed(run, &err);
}

static int vpnkit_parent_probe(const struct options *o, uint32_t *ret_features, struct err *err)
{
	char path[PATH_MAX];

	*ret_features = 0;
	return program_find(o->vpnkit_binary, path, err);
}

static int start_program(struct net_run *run, struct err *err)
{
	const struct options *o = run->env->options;
	char path[PATH_MAX], mtu[16];
	char *argv[8] = { path, (char *)"--ethernet", run->path, (char *)"--mtu", mtu };
	const struct helper_spec spec = { .base = run->env->base,
					  .name = "vpnkit",
					  .argv = argv,
					  .on_ended = run->env->on_ended,
					  .arg = run->env->arg };
	int r = program_find(o->vpnkit_binary, path, err);

	if (r < 0)
		return r;
	snprintf(mtu, sizeof(mtu), "%u", run->env->plan->mtu);
	if (o->disable_host_loopback) {
		argv[5] = (char *)"--host-ip";
		argv[6] = (char *)"0.0.0.0";
	}
	if (str_format(run->path, sizeof(run->path), "%s/" STATE_VPNKIT_SOCK, run->env->state_dir) <
	    0)
		return err_say(err, ENAMETOOLONG,
			       "state directory '%s' is too long for the socket of vpnkit, whose "
			       "path has %zu bytes at most; --state-dir chooses another",
			       run->env->state_dir, sizeof(run->path) - 1);
	if (unlink(run->path) < 0 && errno != ENOENT) /* of the life before */
		return err_set(err, errno, "removing '%s'", run->path);
	return helper_start(&spec, &run->helper, err);
}

static void vpnkit_parent_stop(struct net_run *run)
{
	if (!run)
		return;
	if (run->timer)
		event_free(run->timer);
	if (run->readable)
		event_free(run->readable);
	if (run->frames > 0) {
		kill(run->frames, SIGKILL);
		proc_wait_within(run->frames, STOP_MS, NULL);
	}
	if (run->sock >= 0)
		close(run->sock);
	helper_stop(run->helper);
	free(run);
}

static int vpnkit_parent_start(const struct net_env *env, struct net_run **ret, struct err *err)
{
	struct net_run *run = calloc(1, sizeof(*run));
	int r;

	if (!run)
		return err_set(err, ENOMEM, "starting vpnkit");
	run->env = env;
	run->deadline_ms = clock_ms() + CONNECT_MS;
	run->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	run->timer = evtimer_new(env->base, on_timer, run);
	run->readable = event_new(env->base, -1, 0, on_readable, run);
	if (run->sock < 0 || !run->timer || !run->readable)
		r = err_set(err, ENOMEM, "starting vpnkit");
	else
		r = start_program(run, err);
	if (r < 0) {
		vpnkit_parent_stop(run);
		return r;
	}
	set_timer(run, 0);
	*ret = run;
	return 0;
}

static void vpnkit_parent_tap(struct net_run *run)
{
	struct err err = { 0 };

	if (run->state == TAP && carry(run, &err) < 0)
		failed(run, &err);
}

static bool vpnkit_parent_reaped(struct net_run *run, pid_t pid, int status)
{
	struct err err = { 0 };

	if (pid != run->frames)
		return helper_reaped(run->helper, pid, status);
	run->frames = 0;
	if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		run->state = CLOSED;
		set_timer(run, CLOSED_MS);
		return true;
	}
	if (WIFEXITED(status))
		err_set(&err, WEXITSTATUS(status), "carrying frames of vpnkit");
	else
		err_say(&err, ECHILD, "the process that carries frames was killed by signal %d",
			WTERMSIG(status));
	failed(run, &err);
	return true;
}

static int vpnkit_parent_plan(const struct net_opts *o, struct net_plan *ret, struct err *err)
{
	int r = plan_interface(o, DEFAULT_IFNAME, DEFAULT_MTU, ret, err);

	if (r == 0 && ret->mtu != DEFAULT_MTU)
		log_warning("network", "vpnkit is made for an MTU of %d, not %u", DEFAULT_MTU,
			    ret->mtu);
	return r;
}

extern const struct net_driver net_vpnkit;
const struct net_driver net_vpnkit = {
	.name = "vpnkit",
	.flags = NET_F_NETNS | NET_F_RESOLVER | NET_F_IPV4 | NET_F_PROGRAM | NET_F_RESTART |
		 NET_F_TAP | NET_F_LEARNS,
	.parent_plan = vpnkit_parent_plan,
	.parent_probe = vpnkit_parent_probe,
	.parent_start = vpnkit_parent_start,
	.parent_tap = vpnkit_parent_tap,
	.parent_reaped = vpnkit_parent_reaped,
	.parent_stop = vpnkit_parent_stop,
};
