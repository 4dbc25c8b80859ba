/* SPDX-License-Identifier: Apache-2.0 */
/* portdriver.h - what a port driver is; each stands whole in one file, table.c lists them */
#ifndef RK_PORTDRIVERS_PORTDRIVER_H
#define RK_PORTDRIVERS_PORTDRIVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/portspec.h"

struct event_base;
struct worker_stats_req;
struct port_run; /* a driver's own state */

/* what the parent gives a driver at start; borrowed for its life */
struct port_env {
	int relay_sock;             /* worker protocol to the relay; -1 when there is none. The
				       hooks below change it */
	bool have_child_ip;         /* false with --net=none: only loopback is there */
	bool have_child_ip6;        /* IPv6 is on; never without have_child_ip */
	struct in_addr child_ip;    /* 10.0.2.100 */
	struct in6_addr child_ip6;  /* fd00::100 */
	const char *state_dir;      /* absolute */
	bool source_ip_transparent; /* the flag; false asks for upstream's order of targets */
	bool loopback;              /* the child's loopback may be where a port leads; true
				       without have_child_ip */
	int udp_idle;               /* seconds, of ports that say nothing else; 0: as the relay
				       sees fit */
	bool named_rootlesskit;     /* basename(argv[0]) == "rootlesskit": words of one error */
	enum port_rules rules;      /* what a spec may say */
	/* with PORT_F_NETWORK: the program did not answer, so nobody knows which ports it has. This
	   life of it ends soon, the hooks below are called then, never from within it */
	void (*network_lost)(void *arg, const struct err *why);
	void *network_arg;
};

/* called once for each remove that was accepted */
typedef void port_removed_fn(void *arg);

enum port_flag {
	PORT_F_RELAY = 1,   /* needs the relay worker and the agent of the child netns */
	PORT_F_PUBLISH = 2, /* takes -p and POST /v1/ports */
	PORT_F_NETWORK = 4, /* the program of the network serves the ports: the hooks about the
			       relay's death and next life are about its own */
};

struct port_driver {
	const char *name;          /* what --port-driver= takes, and the API reports */
	const char *net;           /* the value of --net that it belongs to; NULL: any */
	uint32_t flags;            /* enum port_flag */
	const char *const *protos; /* NULL-terminated, for the API; NULL without PORT_F_PUBLISH */
	/* @base: the parent's loop, for what cannot be done at once; borrowed */
	int (*parent_start)(struct event_base *base, const struct port_env *env,
			    struct port_run **ret, struct err *err);
	/* publish; @id is new. The sockets are listening when it returns 0, and a parent port 0 of
	 * @spec is the one that was found */
	int (*parent_add)(struct port_run *run, uint32_t id, struct port_spec *spec,
			  struct err *err);
	/* stop accepting at once, let connections go on for @drain_ms; @done (may be NULL) runs in
	 * parent_removed() or parent_stop(), or before this returns when there is nothing to wait
	 * for. None of these blocks: what the relay has no room for is told later */
	int (*parent_remove)(struct port_run *run, uint32_t id, uint32_t drain_ms,
			     port_removed_fn *done, void *arg, struct err *err);
	/* the relay answered WORKER_PORT_REMOVED */
	void (*parent_removed)(struct port_run *run, uint32_t id);
	/* it did not in time (ports.c has the timer): true when the port is free all the same, and
	 * @done will not be called; false: it is free when the relay answers or dies, not before.
	 * NULL: parent_remove() never leaves anything to wait for */
	bool (*parent_is_free)(struct port_run *run, uint32_t id);
	/* the relay is dead, and its descriptors are closed: what is being removed is free now.
	 * Until there is another one, ports are added and removed without it */
	void (*parent_relay_gone)(struct port_run *run);
	/* there is another one: hand it every port. On failure some are not handed over */
	int (*parent_relay_up)(struct port_run *run, int relay_sock, struct err *err);
	/* have the relay tell what ports have seen; a negative errno: it cannot */
	int (*parent_ask_stats)(struct port_run *run, const struct worker_stats_req *req);
	void (*parent_stop)(struct port_run *run); /* takes NULL */
};

/**
 * port_driver_find() - NULL when unknown or not part of this build
 * @external:	as for net_driver_find(): "slirp4netns" are ports of that program, not builtin's
 */
const struct port_driver *port_driver_find(const char *name, bool external);
const char *port_driver_names(void);

#endif
