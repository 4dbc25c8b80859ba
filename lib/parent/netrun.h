/* SPDX-License-Identifier: Apache-2.0 */
/* netrun.h - the program of a network that is not our own: probed, started, watched; for lib/parent
 */
#ifndef RK_PARENT_NETRUN_H
#define RK_PARENT_NETRUN_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/parent/deaths.h"
#include "netdrivers/netdriver.h"

struct instance;

struct netrun {
	struct net_env env;
	struct net_run *run; /* NULL: none is started */
	struct event *timer; /* of its life; NULL: this network has no program */
	int life;            /* enum life; ENDING: its end was told, and is dealt with next */
	struct deaths deaths;
	unsigned restarts;
	struct err why; /* of its end */
	char netns[PATH_MAX];
};

/* netrun_prepare() - before anything is made; nothing is done for networks without a program */
int netrun_prepare(struct instance *in, struct err *err);

/* netrun_attach() - right after the agent of the child netns was asked for */
int netrun_attach(struct instance *in, struct err *err);

/* netrun_tap() - the agent has made the tap (in->tap) that the program asked for */
void netrun_tap(struct instance *in);

/* netrun_start() - the namespaces, and what the agent makes there, are complete */
void netrun_start(struct instance *in);

/* netrun_reaped() - was it the program's process? */
bool netrun_reaped(struct instance *in, pid_t pid, int status);

/* netrun_ended() - this life of it is over, or of no use any more; @arg: the instance */
void netrun_ended(void *arg, const struct err *why);

/* netrun_stop() - end the program; it is not started again */
void netrun_stop(struct instance *in);

#endif
