// SPDX-License-Identifier: Apache-2.0
/*
 * slirp_main.c - the worker that runs libslirp on a tap
 *
 * Born with a control socket to the parent and a log pipe, nothing else. Waits for its
 * configuration and the tap, says that it is ready, serves until the parent is gone.
 */
#include "lib/slirp/slirp_main.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/ipc/worker.h"
#include "lib/sandbox/sandbox.h"
#include "lib/slirp/stack.h"

#define CONFIG_WAIT_MS (-1) /* the parent has a limit, and ends us by the end of its socket */

/* Return: 1; 0 when the parent has gone already; else a negative errno */
static int receive_config(struct slirp_config *ret, int *ret_tap, struct err *err)
{
	struct msg m;
	int r = msg_recv_within(WORKER_CONTROL_FD, &worker_proto, ROLE_PARENT, WORKER_STARTING,
				CONFIG_WAIT_MS, &m);

	if (r == 0)
		return 0;
	if (r > 0 && m.type != WORKER_SLIRP_CONFIG) {
		msg_close_fds(&m);
		r = -EPROTO;
	}
	if (r < 0)
		return err_set(err, -r, "waiting for the configuration of slirp");
	memcpy(ret, m.payload, sizeof(*ret));
	*ret_tap = msg_take_fd(&m, 0);
	return 1;
}

/* before anything is served: there is no moment in which they could be reached. Return: as above */
static int receive_hosts(struct stack *s, struct err *err)
{
	struct msg m;
	int r, done = 0;

	do {
		r = msg_recv_within(WORKER_CONTROL_FD, &worker_proto, ROLE_PARENT, WORKER_STARTING,
				    CONFIG_WAIT_MS, &m);
		if (r == 0)
			return 0;
		if (r > 0 && m.type == WORKER_HOSTS)
			done = r = stack_deny_hosts(s, (const struct worker_hosts *)m.payload);
		else if (r > 0)
			r = -EPROTO;
		if (r < 0)
			return err_set(err, -r, "waiting for the host's addresses");
	} while (!done);
	return 1;
}

static int start_and_serve(struct sandbox_report *sandbox, struct err *err)
{
	AUTO(stack_freep) struct stack *s = NULL;
	struct slirp_config cfg = { 0 };
	int tap = -1, r;

	r = receive_config(&cfg, &tap, err);
	if (r <= 0)
		return r;
	r = stack_new(&cfg, tap, 0, &s, err);
	if (r == 0)
		r = cfg.deny_hosts ? receive_hosts(s, err) : 1;
	if (r <= 0)
		return r;
	sandbox_seal(sandbox);
	r = msg_send(WORKER_CONTROL_FD, &worker_proto, WORKER_READY, sandbox, NULL, 0);
	if (msg_peer_gone(r))
		return 0;
	if (r < 0)
		return err_set(err, -r, "telling the parent that slirp is ready");
	return stack_run(s, WORKER_CONTROL_FD, err);
}

int slirp_main(struct sandbox_report *sandbox)
{
	struct err err = { 0 };
	int r;

	role_assert(ROLE_SLIRP);
	r = fd_raise_limit();
	if (r < 0)
		log_warning("slirp", "raising the descriptor limit: %s, fewer connections fit",
			    strerror(-r));
	r = start_and_serve(sandbox, &err);
	if (r >= 0)
		return EXIT_SUCCESS;
	r = msg_send(WORKER_CONTROL_FD, &worker_proto, WORKER_FAILED, &err, NULL, 0);
	if (r < 0 && !msg_peer_gone(r))
		log_error("slirp", "%s", err.msg);
	return EXIT_FAILURE;
}
