/* SPDX-License-Identifier: Apache-2.0 */
/* api.h - the REST API on STATE/api.sock (parent only); docs/api.md has the contract */
#ifndef RK_PARENT_API_H
#define RK_PARENT_API_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/ipc/role.h"

#define API_VERSION "1.1.2"
#define API_SOCKET_NAME "api.sock"

struct event_base;
struct events;
struct flow_calls;
struct ports;
struct worker_counters;
struct worker_dns;
struct api;

struct api_worker {
	const char *name;  /* NULL: not part of this run */
	const char *state; /* "up", or what it is doing instead */
	unsigned restarts;
	enum role role;
	const struct worker_counters *counters; /* NULL: not known; as it told them, so untrusted */
};

struct api_agent {
	const char *netns; /* "child", "gateway" */
	const char *state; /* "up", "alone", "dead"; NULL: not part of this run */
	const char *lost;  /* NULL, or what goes without it, and what to do */
};

/* what GET /v1/info answers; read at each request, so the owner may change it */
struct api_info {
	const char *version;   /* of the program, under the name it was called by */
	const char *state_dir; /* absolute */
	pid_t child_pid;
	pid_t pid; /* of the parent; 0: not told, as what follows */
	time_t started;
	bool detached_netns;                  /* the network is STATE/netns */
	unsigned mtu;                         /* of the network; 0: none of ours */
	bool mtu_auto;                        /* it follows the host's */
	const struct worker_dns *dns_servers; /* of the host; NULL: nobody is asked */
	struct events *events;                /* NULL: none are kept */
	struct flow_calls *flows;             /* NULL: nobody can be asked */
	const char *net_driver;               /* NULL: --net=host, no object at all */
	const char *const *dns;               /* addresses as text, NULL-terminated; NULL: none */
	const char *child_ip;                 /* NULL: unknown */
	bool dynamic_child_ip;                /* by DHCP */
	bool ipv6;
	const char *accel; /* who carries TCP out, by net_accel_name(); NULL: no such choice */
	bool deny_host_addrs;
	const char *accel_why; /* NULL, or why it is less than was asked for */
	/* of relay and slirp: what they have given up; NULL: no such process */
	const char *sandbox[2];
	const char *port_driver;   /* NULL: none or implicit, no object at all */
	const char *const *protos; /* NULL-terminated; NULL: an empty list */
	bool disallow_loopback_child_ip;
	const char
		*show_backend; /* how servers get to see clients, or "none"; NULL: by the network */
	const char *show_why;  /* NULL, or why none */
	bool short_specs;      /* ports are named by our own rules, too (portspec.h) */
	const struct api_worker *workers;
	size_t nworkers;
	const struct api_agent *agents;
	size_t nagents;
};

/**
 * api_new() - listen on @statedir_fd/api.sock, mode 0600; what stood there is removed
 * @base, @statedir_fd, @info:	borrowed until api_free()
 * @ports:	the same; NULL when nothing can be published
 */
int api_new(struct event_base *base, int statedir_fd, const struct api_info *info,
	    struct ports *ports, struct api **ret, struct err *err);

/* api_free() - drops every client and removes the socket; before or after ports_free(). NULL is
 * taken and returned */
struct api *api_free(struct api *a);
DEFINE_FREEP(struct api *, api_free)

#endif
