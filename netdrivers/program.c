// SPDX-License-Identifier: Apache-2.0
/* program.c - find the program of a network, in upstream's words when it is not there */
#include "netdrivers/program.h"

#include <errno.h>
#include <string.h>

#include "lib/parent/tool.h"

int program_find(const char *name, char ret[static PATH_MAX], struct err *err)
{
	if (tool_find(name, ret, PATH_MAX) == 0)
		return 0;
	if (strchr(name, '/'))
		return err_say(err, ENOENT, "exec: \"%s\": stat %s: no such file or directory",
			       name, name);
	return err_say(err, ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
}
