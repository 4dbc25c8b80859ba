// SPDX-License-Identifier: Apache-2.0
/* err.c - fixed-size errors; the only place that turns an errno into words */
#include "lib/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* what is cut is the middle: a path may be long, but why it failed is said at the end */
static int err_vset(struct err *err, int errnum, const char *why, const char *fmt, va_list ap)
{
	size_t size = sizeof(err->msg), need = why ? strlen(why) + strlen("...: ") : 0;
	char *end;
	int n;

	if (errnum <= 0)
		errnum = EIO;
	if (!err)
		return -errnum;
	err->code = errnum;
	n = vsnprintf(err->msg, size, fmt, ap);
	if (n < 0)
		n = 0;
	if (need > size / 2)
		need = size / 2;
	if (why && (size_t)n + need >= size) {
		end = err->msg + size - need - 1;
		snprintf(end, need + 1, "...: %s", why);
	} else if (why) {
		snprintf(err->msg + n, size - (size_t)n, "%s%s", n ? ": " : "", why);
	}
	return -errnum;
}

int err_set(struct err *err, int errnum, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = err_vset(err, errnum, strerror(errnum > 0 ? errnum : EIO), fmt, ap);
	va_end(ap);
	return r;
}

int err_say(struct err *err, int errnum, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = err_vset(err, errnum, NULL, fmt, ap);
	va_end(ap);
	return r;
}

int err_wrap(struct err *err, int r, const char *fmt, ...)
{
	char why[ERR_MSG_MAX];
	va_list ap;

	if (!err)
		return r;
	snprintf(why, sizeof(why), "%s", err->code ? err->msg : strerror(-r));
	va_start(ap, fmt);
	err_vset(err, err->code ? err->code : -r, why, fmt, ap);
	va_end(ap);
	return r;
}

int err_hint(struct err *err, int r, const char *fmt, ...)
{
	size_t n;
	va_list ap;

	if (!err)
		return r;
	n = strnlen(err->msg, sizeof(err->msg) - 1);
	if (n && n + 1 < sizeof(err->msg))
		err->msg[n++] = '\n';
	va_start(ap, fmt);
	vsnprintf(err->msg + n, sizeof(err->msg) - n, fmt, ap);
	va_end(ap);
	return r;
}
