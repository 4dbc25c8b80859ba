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

/* the API listens when all else is up */
static int ask(const struct ctl *ctl, char **ret_socket, struct err *err)
{
	autojson json_t *info = NULL;
	autofree char *socket_path = NULL;
	int r = ctl_socket(ctl, &socket_path, err);

	if (r == 0)
		r = client_check_socket(socket_path, err);
	if (r == 0)
		r = client_info(socket_path, &info, err);
	if (r == 0)
		*ret_socket = take_ptr(socket_path);
	return r;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

int cmd_ready(const struct ctl *ctl, struct err *err)
{
	int64_t end = now_ms() + (ctl->timeout < INT32_MAX ? ctl->timeout : INT32_MAX) * 1000;
	autofree char *socket_path = NULL;
	int r = ask(ctl, &socket_path, err);

	/* several are no reason to wait */
	while (r < 0 && ctl->wait && r != -EEXIST && now_ms() < end) {
		poll(NULL, 0, STEP_MS);
		r = ask(ctl, &socket_path, err);
	}
	if (ctl->json)
		printf("{\"ready\":%s}\n", r == 0 ? "true" : "false");
	if (r < 0)
		return err_wrap(err, r, "not ready");
	return 0;
}
