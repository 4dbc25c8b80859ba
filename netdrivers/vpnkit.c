// SPDX-License-Identifier: Apache-2.0
/*
 * vpnkit.c - --net=vpnkit: the program vpnkit, which is a network behind a unix socket
 *
 * Spoken is its protocol "VMN3T", version 22: a greeting each way, the request for an interface and
 * its answer with the hardware address, then frames (framenet.c). A next life asks for the same
 * address.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/log.h"
#include "lib/base/options.h"
#include "lib/base/str.h"
#include "lib/ipc/statenames.h"
#include "netdrivers/framenet.h"
#include "netdrivers/plan.h"

#define MAGIC "VMN3T"
#define DEFAULT_IFNAME "tap0"
#define DEFAULT_MTU 1500

enum {
	VERSION = 22,
	GREETING_LEN = 49, /* magic, version, commit hash */
	REQUEST_LEN = 41,  /* kind, UUID, address */
	PARAMETERS_LEN = 257,
	GATEWAY = 0xc0a84101, /* 192.168.65.1 */
	KIND_ANY_ADDRESS = 1,
	KIND_ADDRESS = 8,
};

/* framenet.step: what is heard next */
enum step {
	GREETING, /* 49 bytes */
	ANSWER,   /* 1 byte, then 257 or a text with its length in front */
};

static int vpnkit_greet(struct framenet *f, struct err *err)
{
	uint8_t m[GREETING_LEN] = MAGIC;

	m[5] = VERSION;
	memset(m + 9, '0', GREETING_LEN - 9); /* a commit hash, which nobody compares */
	framenet_expect(f, GREETING_LEN);
	return framenet_say(f, m, sizeof(m), err);
}

static int say_request(struct framenet *f, struct err *err)
{
	uint8_t m[REQUEST_LEN + 1] = { KIND_ANY_ADDRESS }, id[16];
	uint32_t address = ntohl(f->env->plan->address.s_addr);
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
		for (int i = 0; i < 4; i++) /* little end first */
			m[37 + i] = (uint8_t)(address >> 8 * i);
	}
	return framenet_say(f, m, REQUEST_LEN, err);
}

static int hear_greeting(struct framenet *f, struct err *err)
{
	const uint8_t *b = f->buf;
	uint32_t version = b[5] | (uint32_t)b[6] << 8 | (uint32_t)b[7] << 16 | (uint32_t)b[8] << 24;

	if (memcmp(b, MAGIC, strlen(MAGIC)) != 0)
		return err_say(err, EPROTO,
			       "the program of --vpnkit-binary does not speak vpnkit's protocol");
	if (version != VERSION)
		return err_say(err, EPROTONOSUPPORT,
			       "vpnkit speaks version %u of its protocol, not %d", version,
			       VERSION);
	f->step = ANSWER;
	framenet_expect(f, 1);
	return say_request(f, err);
}

/* its length depends on its first bytes */
static int hear_answer(struct framenet *f, struct err *err)
{
	char text[128];

	if (f->buf[0] == 1 && f->have == 1) {
		f->need = 1 + PARAMETERS_LEN;
		return 0;
	}
	if (f->buf[0] == 1)
		return framenet_interface(f, f->buf + 1 + 4, 0, err);
	if (f->have == 1) {
		f->need = 2;
		return 0;
	}
	if (f->have == 2 && f->buf[1]) {
		f->need = 2 + (size_t)f->buf[1];
		return 0;
	}
	str_printable(text, sizeof(text), (const char *)f->buf + 2, f->have - 2);
	return err_say(err, ECONNREFUSED, "vpnkit refuses an interface: %s", text);
}

static int vpnkit_heard(struct framenet *f, struct err *err)
{
	return f->step == GREETING ? hear_greeting(f, err) : hear_answer(f, err);
}

static void vpnkit_args(const struct net_env *env, const char *socket,
			char ret[static FRAMENET_ARGS_MAX][FRAMENET_ARG_MAX])
{
	str_format(ret[0], FRAMENET_ARG_MAX, "--ethernet");
	str_format(ret[1], FRAMENET_ARG_MAX, "%s", socket);
	str_format(ret[2], FRAMENET_ARG_MAX, "--mtu");
	str_format(ret[3], FRAMENET_ARG_MAX, "%u", env->plan->mtu);
	if (env->options->disable_host_loopback) {
		str_format(ret[4], FRAMENET_ARG_MAX, "--host-ip");
		str_format(ret[5], FRAMENET_ARG_MAX, "0.0.0.0");
	}
}

static const char *vpnkit_binary(const struct options *o)
{
	return o->vpnkit_binary;
}

static const struct framenet_dialect dialect = {
	.name = "vpnkit",
	.socket = STATE_VPNKIT_SOCK,
	.gateway = GATEWAY,
	.binary = vpnkit_binary,
	.args = vpnkit_args,
	.greet = vpnkit_greet,
	.heard = vpnkit_heard,
};

static int vpnkit_parent_probe(const struct options *o, uint32_t *ret_features, struct err *err)
{
	return framenet_probe(&dialect, o, ret_features, err);
}

static int vpnkit_parent_start(const struct net_env *env, struct net_run **ret, struct err *err)
{
	return framenet_start(&dialect, env, ret, err);
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
	.parent_tap = framenet_tap,
	.parent_reaped = framenet_reaped,
	.parent_stop = framenet_stop,
};
