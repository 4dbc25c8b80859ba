// SPDX-License-Identifier: Apache-2.0
/* cmd_info.c - rootlessctl info */
#include <stdio.h>

#include "cmd/rootlessctl/rootlessctl.h"
#include "lib/client/client.h"

#define JSON_BLANKS 4

/* "[a b]", as Go prints a slice */
static void print_list(const char *title, const json_t *list)
{
	const char *blank = "";
	size_t i;
	json_t *v;

	printf("%s[", title);
	json_array_foreach(list, i, v)
	{
		const char *text = json_string_value(v);

		printf("%s%s", blank, text ? text : "");
		blank = " ";
	}
	puts("]");
}

void ctl_show_degraded(const char *title, const json_t *info)
{
	size_t i;
	json_t *v;

	json_array_foreach(json_object_get(info, "degraded"), i, v)
	{
		if (json_is_string(v))
			printf("%s%s\n", title, json_string_value(v));
	}
}

int cmd_info(const struct ctl *ctl, struct err *err)
{
	autojson json_t *info = NULL;
	const json_t *net, *port;
	int r = client_info(ctl->socket_path, &info, err);

	if (r < 0)
		return r;
	if (ctl->json) {
		json_dumpf(info, stdout, JSON_INDENT(JSON_BLANKS));
		putchar('\n');
		return 0;
	}
	printf("- REST API version: %s\n", client_text(info, "apiVersion"));
	printf("- Implementation version: %s\n", client_text(info, "version"));
	printf("- State Directory: %s\n", client_text(info, "stateDir"));
	printf("- Child PID: %lld\n",
	       (long long)json_integer_value(json_object_get(info, "childPID")));
	net = json_object_get(info, "networkDriver");
	if (net) {
		printf("- Network Driver: %s\n", client_text(net, "driver"));
		print_list("  - DNS: ", json_object_get(net, "dns"));
		if (*client_text(net, "childIP"))
			printf("  - IP: %s\n", client_text(net, "childIP"));
	}
	port = json_object_get(info, "portDriver");
	if (port) {
		printf("- Port Driver: %s\n", client_text(port, "driver"));
		print_list("  - Supported protocols: ", json_object_get(port, "protos"));
	}
	ctl_show_degraded("- Degraded: ", info);
	return 0;
}
