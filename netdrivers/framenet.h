/* SPDX-License-Identifier: Apache-2.0 */
/* framenet.h - a program that is a network behind a unix socket, whatever it wants to hear first */
#ifndef RK_NETDRIVERS_FRAMENET_H
#define RK_NETDRIVERS_FRAMENET_H

#include <stddef.h>

#include "netdrivers/frames.h"
#include "netdrivers/netdriver.h"

#define FRAMENET_ARGS_MAX 8
#define FRAMENET_ARG_MAX 160

struct framenet_dialect;

/* one life of the program, as a dialect sees it */
struct framenet {
	const struct net_env *env;
	const struct framenet_dialect *dialect;
	unsigned step; /* the dialect's own; 0 at first */
	uint8_t buf[2 + FRAMES_MAX];
	size_t have, need; /* bytes of buf: never more than what is expected */
};

struct framenet_dialect {
	const char *name;   /* of the program, in messages and the log */
	const char *socket; /* its name in the state directory */
	uint32_t gateway;   /* and name server, host order; 0: as DHCP tells */
	const char *(*binary)(const struct options *o);
	/* the words behind the program's path, up to an empty one */
	void (*args)(const struct net_env *env, const char *socket,
		     char ret[static FRAMENET_ARGS_MAX][FRAMENET_ARG_MAX]);
	/* connected: framenet_expect() or framenet_interface() follows, here or in heard() */
	int (*greet)(struct framenet *f, struct err *err);
	/* @need bytes have come; it may ask for more of the same message by @need */
	int (*heard)(struct framenet *f, struct err *err);
};

int framenet_say(struct framenet *f, const void *data, size_t len, struct err *err);
void framenet_expect(struct framenet *f, size_t bytes);

/* framenet_interface() - frames from here on, @pause_ms later; the tap shall have that address */
int framenet_interface(struct framenet *f, const uint8_t mac[6], unsigned pause_ms,
		       struct err *err);

/* as in struct net_driver */
int framenet_probe(const struct framenet_dialect *d, const struct options *o,
		   uint32_t *ret_features, struct err *err);
int framenet_start(const struct framenet_dialect *d, const struct net_env *env,
		   struct net_run **ret, struct err *err);
void framenet_tap(struct net_run *run);
bool framenet_reaped(struct net_run *run, pid_t pid, int status);
void framenet_stop(struct net_run *run);

#endif
