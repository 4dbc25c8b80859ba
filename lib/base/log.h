/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - lines on stderr, in the words of the name the program was called with */
#ifndef RK_BASE_LOG_H
#define RK_BASE_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_ERROR,   /* ends something */
	LOG_WARNING, /* the work goes on; says how */
	LOG_INFO,    /* for users */
	LOG_DEBUG,   /* for us */
	LOG_NLEVELS
};

enum log_style {
	LOG_STYLE_OURS,        /* rootless-supervisor: warning: area: text */
	LOG_STYLE_ROOTLESSKIT, /* as logrus prints: time="..." level=warning
				  msg="[rootlesskit:parent] text" */
	LOG_STYLE_JSON,    /* {"time":"...","level":"warning","role":"parent","msg":"area: text"} */
	LOG_STYLE_JOURNAL, /* <4>area: text: levels of syslog, as systemd reads standard error */
	LOG_STYLE_WORKER,  /* <level digit>area: text; the parent reads the pipe and makes the line
			    */
};

/**
 * log_init() - choose how lines look; the log is the one global of the program
 * @role:	short name of the process, "parent", "child ", "relay"; borrowed for ever
 */
void log_init(enum log_style style, const char *role, bool debug);

bool log_debug_enabled(void);

/* log_line() - one line by one write; never blocks on more than that, never fails the caller */
void log_line(enum log_level level, const char *area, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* log_as() - a line of another process: the parent prints what a worker's pipe carried */
void log_as(const char *role, enum log_level level, const char *text);

/* log_fatal() - the one line that says why the program ends ("rootless-supervisor: error: text") */
void log_fatal(const char *role, const char *text);

#define log_error(area, ...) log_line(LOG_ERROR, area, __VA_ARGS__)
#define log_warning(area, ...) log_line(LOG_WARNING, area, __VA_ARGS__)
#define log_info(area, ...) log_line(LOG_INFO, area, __VA_ARGS__)
#define log_debug(area, ...) \
	do { \
		if (log_debug_enabled()) \
			log_line(LOG_DEBUG, area, __VA_ARGS__); \
	} while (0)

#endif
