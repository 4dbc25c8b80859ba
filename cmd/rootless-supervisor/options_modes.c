// SPDX-License-Identifier: Apache-2.0
/* options_modes.c - the flags of ours whose value is one of a few words */
#include "cmd/rootless-supervisor/options_table.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/gotext.h"

/* the index of @text among @modes, or -EINVAL */
static int mode_of(const char *text, const char *const *modes, const char *rule, struct err *err)
{
	char q[GO_QUOTE_MAX];

	for (int i = 0; modes[i]; i++) {
		if (strcmp(text, modes[i]) == 0)
			return i;
	}
	return err_say(err, EINVAL, "%s, not %s", rule, go_quote(q, sizeof(q), text));
}

/* words in the order of the enums in lib/base/options.h */
int options_modes(const struct option_values *values, struct options *o, struct err *err)
{
	static const struct {
		enum option_id id;
		const char *words[ACCEL_NMODES + 1], *rule;
	} modes[] = {
		{ OPT_ACCEL,
		  { "auto", "tproxy", "redirect", "off" },
		  "accel must be auto, tproxy, redirect or off" },
		{ OPT_SANDBOX,
		  { "auto", "require", "off" },
		  "sandbox must be auto, require or off" },
		{ OPT_ON_WORKER_CRASH,
		  { "restart", "exit" },
		  "on-worker-crash must be restart or exit" },
		{ OPT_IDMAP, { "full", "auto", "single" }, "idmap must be auto, full or single" },
		{ OPT_LOG_FORMAT,
		  { "text", "json", "journal" },
		  "log-format must be text, json or journal" },
		{ OPT_PORT_LOOPBACK, { "yes", "no" }, "port-loopback must be yes or no" },
	};
	int r[ARRAY_SIZE(modes)];

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		r[i] = mode_of(values->v[modes[i].id].text, modes[i].words, modes[i].rule, err);
		if (r[i] < 0)
			return r[i];
	}
	o->accel = (enum accel_mode)r[0];
	o->sandbox = (enum sandbox_mode)r[1];
	o->on_worker_crash = (enum crash_mode)r[2];
	o->explain = values->v[OPT_EXPLAIN].flag;
	o->idmap = (enum idmap_mode)r[3];
	o->log_format = (enum log_format_mode)r[4];
	o->port_loopback = r[5] == 0;
	return 0;
}
