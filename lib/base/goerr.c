// SPDX-License-Identifier: Apache-2.0
/* goerr.c - errors in the words of Go's standard library */
#include "lib/base/goerr.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/gotext.h"

#define QUOTED_MAX 200 /* bytes of foreign text in a message of ours */

const char *go_strerror(int errnum, char dst[static GO_STRERROR_MAX])
{
	snprintf(dst, GO_STRERROR_MAX, "%s", strerror(errnum));
	/* as Go's table was made: "RFS specific error" keeps its capitals */
	if (isupper((unsigned char)dst[0]) && islower((unsigned char)dst[1]))
		dst[0] = (char)tolower((unsigned char)dst[0]);
	return dst;
}

int go_atoi(const char *text, int64_t *ret, struct err *err)
{
	int r = go_parse_int(text, false, ret);
	char quoted[QUOTED_MAX];

	if (r == 0)
		return 0;
	return err_say(err, -r, "strconv.Atoi: parsing %s: %s",
		       go_quote(quoted, sizeof(quoted), text),
		       r == -ERANGE ? "value out of range" : "invalid syntax");
}
