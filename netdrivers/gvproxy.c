// SPDX-License-Identifier: Apache-2.0
/*
 * gvproxy.c - --net=gvisor-tap-vsock with --gvproxy-binary: the program of the project
 *             gvisor-tap-vsock
 *
 * The socket that it listens on speaks HTTP; after a POST to /connect, which has no answer, it
 * carries frames (framenet.c). The server may read a little behind the request and lose it: the
 * first frame waits. The hardware address is ours to choose; the one that gvproxy itself keeps a
 * lease for gets the same address in each life.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/options.h"
#include "lib/base/str.h"
#include "lib/ipc/statenames.h"
#include "netdrivers/framenet.h"
#include "netdrivers/plan.h"

#define DEFAULT_IFNAME "tap0"
#define DEFAULT_MTU 1500
#define PAUSE_MS 200 /* from the request to the first frame */

static const uint8_t mac[6] = { 0x5a, 0x94, 0xef, 0xe4, 0x0c, 0xee };

/* no forwarding of a port of the host to ssh inside, as it does by default */
static void gvproxy_args(const struct net_env *env, const char *socket,
			 char ret[static FRAMENET_ARGS_MAX][FRAMENET_ARG_MAX])
{
	str_format(ret[0], FRAMENET_ARG_MAX, "-listen");
	str_format(ret[1], FRAMENET_ARG_MAX, "unix://%s", socket);
	str_format(ret[2], FRAMENET_ARG_MAX, "-mtu");
	str_format(ret[3], FRAMENET_ARG_MAX, "%u", env->plan->mtu);
	str_format(ret[4], FRAMENET_ARG_MAX, "-ssh-port");
	str_format(ret[5], FRAMENET_ARG_MAX, "-1");
}

static int gvproxy_greet(struct framenet *f, struct err *err)
{
	static const char request[] = "POST /connect HTTP/1.1\r\nHost: gvproxy\r\n"
				      "Content-Length: 0\r\n\r\n";
	int r = framenet_say(f, request, sizeof(request) - 1, err);

	return r < 0 ? r : framenet_interface(f, mac, PAUSE_MS, err);
}

static const char *gvproxy_binary(const struct options *o)
{
	return o->gvproxy_binary;
}

static const struct framenet_dialect dialect = {
	.name = "gvproxy",
	.socket = STATE_GVPROXY_SOCK,
	.binary = gvproxy_binary,
	.args = gvproxy_args,
	.greet = gvproxy_greet,
};

static int gvproxy_parent_probe(const struct options *o, uint32_t *ret_features, struct err *err)
{
	return framenet_probe(&dialect, o, ret_features, err);
}

static int gvproxy_parent_plan(const struct net_opts *o, struct net_plan *ret, struct err *err)
{
	return plan_interface(o, DEFAULT_IFNAME, DEFAULT_MTU, ret, err);
}

static int gvproxy_parent_start(const struct net_env *env, struct net_run **ret, struct err *err)
{
	return framenet_start(&dialect, env, ret, err);
}

extern const struct net_driver net_gvproxy;
const struct net_driver net_gvproxy = {
	.name = "gvproxy",
	.flags = NET_F_NETNS | NET_F_RESOLVER | NET_F_IPV4 | NET_F_PROGRAM | NET_F_RESTART |
		 NET_F_TAP | NET_F_LEARNS,
	.parent_plan = gvproxy_parent_plan,
	.parent_probe = gvproxy_parent_probe,
	.parent_start = gvproxy_parent_start,
	.parent_tap = framenet_tap,
	.parent_reaped = framenet_reaped,
	.parent_stop = framenet_stop,
};
