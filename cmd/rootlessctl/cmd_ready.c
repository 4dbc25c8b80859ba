// SPDX-License-Identifier: Apache-2.0
/* cmd_ready.c - rootlessctl ready: network, published ports and API are up */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cmd/rootlessctl/rootlessctl.h"
#include "lib/client/client.h"

#define STEP_MS 50
#define LEAST_MS 200 /* for a call: who has no time left still asks */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* the API listens when all else is up. A call that hangs does not outlive the time that there is */
static int ask(const struct ctl *ctl, int64_t end_ms, struct err *err)
{
	autojson json_t *info = NULL;
	autofree char *socket_path = NULL;
	int64_t left = end_ms - now_ms();
	int r = ctl_socket(ctl, &socket_path, err);

	left = left < LEAST_MS ? LEAST_MS : left > CLIENT_TIMEOUT_MS ? CLIENT_TIMEOUT_MS : left;
	if (r == 0)
		r = client_check_socket(socket_path, err);
	if (r == 0)
		r = client_info_within(socket_path, (int)left, &info, err);
	return r;
}

int cmd_ready(const struct ctl *ctl, struct err *err)
{
	int64_t end = now_ms() + (ctl->timeout < INT32_MAX ? ctl->timeout : INT32_MAX) * 1000;
	int r = ask(ctl, end, err);

	/* several are no reason to wait */
	while (r < 0 && ctl->wait && r != -EEXIST && now_ms() < end) {
		poll(NULL, 0, STEP_MS);
		r = ask(ctl, end, err);
	}
	if (ctl->json)
		printf("{\"ready\":%s}\n", r == 0 ? "true" : "false");
	if (r < 0)
		return err_wrap(err, r, "not ready");
	return 0;
}
