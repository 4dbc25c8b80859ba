// SPDX-License-Identifier: Apache-2.0
/*
 * check.c - rootless-supervisor check: would a start work here, and if not, why
 *
 * Nothing is guessed from versions: the check does what a start does, by the same code, in a child
 * that is thrown away. What cannot be tried that way (the session, limits) is read. It contacts
 * nobody and leaves nothing behind.
 */
#include "lib/check/check.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/loop.h"
#include "lib/check/probes.h"
#include "lib/parent/idmap.h"

enum { STATUS_OK, STATUS_FAIL, STATUS_WARN };

static const struct {
	const char *name;
	enum cause_preset bit;
} presets[] = {
	{ "docker", PRESET_DOCKER },         { "dockerd", PRESET_DOCKER },
	{ "containerd", PRESET_CONTAINERD }, { "buildkit", PRESET_BUILDKIT },
	{ "buildkitd", PRESET_BUILDKIT },    { "k3s", PRESET_K3S },
};

uint32_t check_preset(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(presets); i++) {
		if (strcmp(name, presets[i].name) == 0)
			return presets[i].bit;
	}
	return 0;
}

static int print(const struct report *r, const struct check_options *o)
{
	if (o->json)
		return report_json(r, o, stdout);
	return o->fix_script ? report_script(r, stdout) : report_text(r, stdout);
}

int check_main(const struct check_options *o)
{
	autofree struct report *r = calloc(1, sizeof(*r));
	AUTO(idmap_freep) struct idmap *ids = NULL;
	uint64_t since = clock_ms();

	if (!r)
		return STATUS_FAIL;
	r->presets = o->presets;
	probe_ids(r, &ids);
	probe_namespaces(r, ids);
	probe_host(r);
	probe_session(r);
	r->elapsed_ms = (unsigned)(clock_ms() - since);
	report_sort(r);
	if (o->apply)
		return report_apply(r, stdin, stdout);
	if (print(r, o) < 0)
		return STATUS_FAIL;
	if (report_count(r, CAUSE_FAIL))
		return STATUS_FAIL;
	return o->strict && report_count(r, CAUSE_WARN) ? STATUS_WARN : STATUS_OK;
}

int check_list(void)
{
	for (size_t i = 0; i < CAUSE_NIDS; i++) {
		struct finding f;

		finding_make(&f, (enum cause_id)i, "...", "...");
		printf("%-17s  %s  %s\n%25s%s: %s\n", causes[i].id,
		       cause_level_name(causes[i].level), f.reason, "",
		       f.by_hand ? "by hand" : "fix", f.fix);
	}
	return STATUS_OK;
}
