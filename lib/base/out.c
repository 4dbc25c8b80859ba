// SPDX-License-Identifier: Apache-2.0
/* out.c - what a command prints has arrived, or it says that it has not */
#include "lib/base/out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/err.h"

int out_hold_closed(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		/* the lowest free number is this one */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
			return -errno;
	}
	return 0;
}

int out_flush(struct err *err)
{
	/* stdio forgets why an earlier write failed, but what is left meets the same again */
	int code = fflush(stdout) == 0 ? 0 : errno;

	if (!code && ferror(stdout))
		code = EIO;
	return code ? err_set(err, code, "writing to standard output") : 0;
}
