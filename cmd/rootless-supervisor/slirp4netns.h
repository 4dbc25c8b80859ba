/* SPDX-License-Identifier: Apache-2.0 */
/* slirp4netns.h - the program under the name slirp4netns: its parts; for slirp4netns_*.c and main.c
 */
#ifndef RK_CMD_SLIRP4NETNS_H
#define RK_CMD_SLIRP4NETNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/ipc/netplan.h"
#include "lib/slirp/stack.h"

struct s4nn_options {
	bool configure, sandbox, seccomp;
	int exit_fd, ready_fd;                   /* -1: none */
	int tapfd;                               /* given instead of a namespace; -1: none */
	const char *api_socket, *netns, *userns; /* paths; NULL: none, or those of @pid */
	pid_t pid;                               /* 0 with a path or a tap */
	bool have_mac;
	uint8_t mac[NET_MAC_LEN];
	struct net_plan plan; /* with the name of the tap */
	struct stack_services services;
};

/* s4nn_parse() - 1: go on; 0: the end with *@ret_status. All is said */
int s4nn_parse(int argc, char **argv, struct s4nn_options *ret, int *ret_status);

/* s4nn_join() - the tap, made by a fork in the namespaces; or -1, and the reason is said */
int s4nn_join(const struct s4nn_options *o);

/* s4nn_take() - @fd, when it is a tap that we can serve; or -1, and the reason is said */
int s4nn_take(int fd);

struct s4nn_api; /* a listener, the clients of it one after the other, the ports that they added */

/* s4nn_api_new() - listen; 0 or a negative errno, which is said */
int s4nn_api_new(struct stack *s, const struct net_plan *plan, const char *path,
		 struct s4nn_api **ret);
struct s4nn_api *s4nn_api_free(struct s4nn_api *a); /* takes NULL, returns NULL */
DEFINE_FREEP(struct s4nn_api *, s4nn_api_free)

/* s4nn_api_fd() - readable when there is something to do; s4nn_api_serve() does it */
int s4nn_api_fd(const struct s4nn_api *a);
void s4nn_api_serve(struct s4nn_api *a);

/* slirp4netns_main() - the exit status for main() */
int slirp4netns_main(int argc, char **argv);

#endif
