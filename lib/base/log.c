// SPDX-License-Identifier: Apache-2.0
/* log.c - lines on stderr, one write each */
#include "lib/base/log.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define FATAL_WAIT_MS 1000  /* the reason of the end may wait a moment for its reader */
#define JSON_FRAME 160      /* bytes of a line of JSON around its text */
#define LINE_MAX_BYTES 2048 /* below PIPE_BUF, so that a line of a worker is never cut in two */

static struct {
	enum log_style style;
	const char *role;
	bool debug;
} the_log = { LOG_STYLE_OURS, "parent", false };

static const char *const level_name[] = { "error", "warning", "info", "debug" };
static_assert(ARRAY_SIZE(level_name) == LOG_NLEVELS, "a name for each level");

void log_init(enum log_style style, const char *role, bool debug)
{
	the_log.style = style;
	the_log.role = role;
	the_log.debug = debug;
}

bool log_debug_enabled(void)
{
	return the_log.debug;
}

/*
 * Never longer than @wait_ms: a reader that has stopped must not stop us. In the background of a
 * terminal with tostop set a write would stop the process: that signal is blocked meanwhile.
 */
static void put(char *line, size_t len, int wait_ms)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	sigset_t ttou, old;
	ssize_t n;

	line[len++] = '\n';
	if (poll(&p, 1, wait_ms) != 1 || !(p.revents & POLLOUT))
		return;
	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &ttou, &old);
	do {
		n = write(STDERR_FILENO, line, len);
	} while (n < 0 && errno == EINTR);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* as logrus' text formatter does on a pipe; nobody parses it, people read it */
static int format_rootlesskit(char *line, size_t size, const char *role, enum log_level level,
			      const char *text)
{
	char stamp[40] = "", quoted[LINE_MAX_BYTES];
	time_t now = time(NULL);
	struct tm tm;
	size_t n = 0;

	if (localtime_r(&now, &tm))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S%z", &tm);
	for (const char *p = text; *p && n + 3 < sizeof(quoted); p++) {
		if (*p == '\n') {
			quoted[n++] = '\\';
			quoted[n++] = 'n';
			continue;
		}
		if (*p == '"' || *p == '\\')
			quoted[n++] = '\\';
		quoted[n++] = *p;
	}
	quoted[n] = '\0';
	return snprintf(line, size, "time=\"%s\" level=%s msg=\"[rootlesskit:%s] %s\"", stamp,
			level_name[level], role, quoted);
}

/* bytes of the letter at @p; 0 when that is no UTF-8 */
static size_t utf8_len(const char *p)
{
	unsigned char c = (unsigned char)*p;
	size_t len = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

	if (len > 1 && (c < 0xc2 || c > 0xf4))
		return 0;
	/* too long a form, half of a pair of UTF-16, beyond the last letter */
	if ((c == 0xe0 && (unsigned char)p[1] < 0xa0) ||
	    (c == 0xed && (unsigned char)p[1] > 0x9f) ||
	    (c == 0xf0 && (unsigned char)p[1] < 0x90) || (c == 0xf4 && (unsigned char)p[1] > 0x8f))
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

/* a JSON string without its quotes, cut between letters */
static void escape_json(char *dst, size_t size, const char *text)
{
	size_t n = 0, len;

	for (const char *p = text; *p && n + 7 < size; p += len ? len : 1) {
		len = utf8_len(p);
		if (len == 0) {
			dst[n++] = '?';
		} else if ((unsigned char)*p < ' ') {
			n += (size_t)snprintf(dst + n, size - n, "\\u%04x", (unsigned char)*p);
		} else {
			if (*p == '"' || *p == '\\')
				dst[n++] = '\\';
			memcpy(dst + n, p, len);
			n += len;
		}
	}
	dst[n] = '\0';
}

static int format_json(char *line, size_t size, const char *role, enum log_level level,
		       const char *text)
{
	int role_len = (int)strcspn(role, " "); /* "child " is padded for columns */
	char stamp[40] = "", escaped[LINE_MAX_BYTES];
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	escape_json(escaped, sizeof(escaped) - JSON_FRAME, text); /* the line stays whole */
	return snprintf(line, size,
			"{\"time\":\"%s\",\"level\":\"%s\",\"role\":\"%.*s\",\"msg\":\"%s\"}",
			stamp, level_name[level], role_len, role, escaped);
}

/* each line is an entry of its own, so those of one message get the level each */
static int format_journal(char *line, size_t size, enum log_level level, const char *text)
{
	static const int of_syslog[LOG_NLEVELS] = { 3, 4, 6, 7 };
	int n = 0;

	while (*text && n >= 0 && (size_t)n < size) {
		size_t len = strcspn(text, "\n");

		n += snprintf(line + n, size - (size_t)n, "%s<%d>%.*s", n ? "\n" : "",
			      of_syslog[level], (int)len, text);
		text += len + (text[len] == '\n');
	}
	return n;
}

static void emit(const char *role, enum log_level level, const char *text)
{
	char line[LINE_MAX_BYTES + 256];
	int n;

	switch (the_log.style) {
	case LOG_STYLE_WORKER:
		n = snprintf(line, LINE_MAX_BYTES, "%d%s", (int)level, text);
		break;
	case LOG_STYLE_ROOTLESSKIT:
		n = format_rootlesskit(line, sizeof(line) - 1, role, level, text);
		break;
	case LOG_STYLE_JSON:
		n = format_json(line, sizeof(line) - 1, role, level, text);
		break;
	case LOG_STYLE_JOURNAL:
		n = format_journal(line, sizeof(line) - 1, level, text);
		break;
	case LOG_STYLE_OURS:
	default:
		n = the_log.debug
			    ? snprintf(line, sizeof(line) - 1, "rootless-supervisor: [%s] %s: %s",
				       role, level_name[level], text)
			    : snprintf(line, sizeof(line) - 1, "rootless-supervisor: %s: %s",
				       level_name[level], text);
		break;
	}
	if (n < 0)
		return;
	put(line, (size_t)n < sizeof(line) - 1 ? (size_t)n : sizeof(line) - 2, 0);
}

void log_line(enum log_level level, const char *area, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES - 8];
	va_list ap;
	int n, saved = errno;

	if (level == LOG_DEBUG && !the_log.debug)
		return;
	n = snprintf(text, sizeof(text), "%s%s", area, *area ? ": " : "");
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	emit(the_log.role, level, text);
	errno = saved;
}

void log_as(const char *role, enum log_level level, const char *text)
{
	if (level != LOG_DEBUG || the_log.debug)
		emit(role, level, text);
}

void log_fatal(const char *role, const char *text)
{
	char line[LINE_MAX_BYTES];
	int n;

	if (the_log.style == LOG_STYLE_ROOTLESSKIT)
		n = snprintf(line, sizeof(line) - 1, "[rootlesskit:%s] error: %s", role, text);
	else if (the_log.style == LOG_STYLE_WORKER)
		n = snprintf(line, sizeof(line) - 1, "%d%s", (int)LOG_ERROR, text);
	else if (the_log.style == LOG_STYLE_JSON)
		n = format_json(line, sizeof(line) - 1, role, LOG_ERROR, text);
	else if (the_log.style == LOG_STYLE_JOURNAL)
		n = format_journal(line, sizeof(line) - 1, LOG_ERROR, text);
	else if (the_log.debug)
		n = snprintf(line, sizeof(line) - 1, "rootless-supervisor: [%s] error: %s", role,
			     text);
	else
		n = snprintf(line, sizeof(line) - 1, "rootless-supervisor: error: %s", text);
	if (n > 0)
		put(line, (size_t)n < sizeof(line) - 1 ? (size_t)n : sizeof(line) - 2,
		    FATAL_WAIT_MS);
}
