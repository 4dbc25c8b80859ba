// SPDX-License-Identifier: Apache-2.0
/* confined.c - what the workers have given up, and whether that is enough (parent only) */
#include <errno.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/parent/instance.h"
#include "lib/sandbox/sandbox.h"

int worker_confined(struct worker *w, const void *payload, struct err *err)
{
	const struct instance *in = w->in;
	struct sandbox_report report;
	char names[SANDBOX_TEXT_MAX], why[SANDBOX_WHY_MAX];
	uint32_t missing;

	memcpy(&report, payload, sizeof(report));
	w->sandbox = report.have;
	if (in->opt->sandbox == SANDBOX_OFF)
		return 0;
	missing = sandbox_missing(report.have);
	log_debug("sandbox", "%s: %s", role_name(w->role), sandbox_text(report.have, names));
	if (!missing)
		return 0;
	sandbox_text(missing, names);
	str_printable(why, sizeof(why), report.why, strnlen(report.why, sizeof(report.why)));
	if (in->opt->sandbox == SANDBOX_REQUIRE)
		return err_hint(err,
				err_say(err, EPERM, "--sandbox=require: the %s worker lacks %s: %s",
					role_name(w->role), names, why),
				"with --sandbox=auto it serves all the same");
	if (!w->sandbox_said)
		log_warning("sandbox", "the %s worker lacks %s: %s; it serves all the same",
			    role_name(w->role), names, why);
	w->sandbox_said = true; /* not again when it is restarted */
	return 0;
}

void confined_info(struct instance *in)
{
	for (int i = 0; i < NWORKERS; i++) {
		if (in->worker[i].state == WORKER_UP)
			in->info.sandbox[i] =
				sandbox_text(in->worker[i].sandbox, in->text.sandbox[i]);
	}
}
