// SPDX-License-Identifier: Apache-2.0
/* cmd_events.c - rootlessctl events: the lines of the API, and those to come */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rootlessctl/rootlessctl.h"
#include "lib/base/out.h"
#include "lib/base/str.h"
#include "lib/client/client.h"

#define EMPTY_MS 250 /* after an answer without events */

/* the number of the last event in @text, or @last */
static int64_t last_of(const char *text, int64_t last)
{
	static const char seq[] = "{\"seq\":";

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (str_starts(line, seq))
			last = strtoll(line + strlen(seq), NULL, 10);
	}
	return last;
}

int cmd_events(const struct ctl *ctl, struct err *err)
{
	int64_t last = ctl->after;
	bool first = true;
	char path[64];

	do {
		autofree char *text = NULL;
		int r;

		/* with a number the API waits for the next one */
		if (first && last == 0)
			str_format(path, sizeof(path), "/v1/events");
		else
			str_format(path, sizeof(path), "/v1/events?after=%lld", (long long)last);
		r = client_get(ctl->socket_path, path, &text, err);
		if (r < 0) /* who follows has seen the end of the instance */
			return first ? r : 0;
		last = last_of(text, last);
		fputs(text, stdout);
		r = out_flush(err);
		if (r < 0)
			return r;
		if (ctl->follow && !*text) /* too many wait: it did not */
			poll(NULL, 0, EMPTY_MS);
		first = false;
	} while (ctl->follow);
	return 0;
}
