// SPDX-License-Identifier: Apache-2.0
/* cmd_metrics.c - rootlessctl metrics */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rootlessctl/rootlessctl.h"
#include "lib/base/cleanup.h"
#include "lib/client/client.h"

/* 'name{a="b"} 1': an object a line */
static void show_json(char *text)
{
	char *at = NULL;

	for (char *line = strtok_r(text, "\n", &at); line; line = strtok_r(NULL, "\n", &at)) {
		char *value = strrchr(line, ' ');
		autojson json_t *j = NULL;

		if (*line == '#' || !value)
			continue;
		*value++ = '\0';
		j = json_pack("{s:s, s:I}", "series", line, "value",
			      (json_int_t)strtoll(value, NULL, 10));
		json_dumpf(j, stdout, JSON_COMPACT);
		putchar('\n');
	}
}

int cmd_metrics(const struct ctl *ctl, struct err *err)
{
	autofree char *text = NULL;
	int r = client_get(ctl->socket_path, "/v1/metrics", &text, err);

	if (r < 0)
		return r;
	if (ctl->json)
		show_json(text);
	else
		fputs(text, stdout);
	return 0;
}
