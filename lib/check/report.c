// SPDX-License-Identifier: Apache-2.0
/* report.c - what a check has found, as text and as JSON */
#include "lib/check/report.h"

#include <jansson.h>
#include <stdarg.h>
#include <string.h>

#include "lib/base/str.h"

static const struct {
	const char *name, *good;
	enum cause_id first; /* of its causes; they end where the next group's begin */
} groups[GROUP_NKINDS] = {
	[GROUP_USERNS] = { "USERNS", "user namespaces can be made", CAUSE_USERNS_KERNEL },
	[GROUP_IDS] = { "IDS", "ids are mapped by newuidmap and newgidmap", CAUSE_USER_UNKNOWN },
	[GROUP_MOUNTS] = { "MOUNTS", "mounts of all kinds work", CAUSE_MOUNT_DENIED },
	[GROUP_NETWORK] = { "NETWORK", "the network can be built", CAUSE_TUN_MISSING },
	[GROUP_HOST] = { "HOST", "directories and mounts of the user fit", CAUSE_HOME_NFS },
	[GROUP_SESSION] = { "SESSION", "what daemons need besides is there", CAUSE_CGROUP_V1 },
	[GROUP_LIMITS] = { "LIMITS", "no limit is low", CAUSE_NOFILE_LIMIT },
	[GROUP_SANDBOX] = { "SANDBOX", "seccomp and Landlock can be used", CAUSE_SECCOMP_ABSENT },
};

static enum report_group group_of(enum cause_id id)
{
	enum report_group g = GROUP_NKINDS - 1;

	while (g > 0 && groups[g].first > id)
		g--;
	return g;
}

void report_add(struct report *r, const struct finding *f)
{
	const struct cause *c = &causes[f->id];

	if (r->n == REPORT_FINDINGS_MAX || (c->presets && !(c->presets & r->presets)))
		return;
	r->finding[r->n++] = *f;
	r->group[group_of(f->id)].done = true;
}

void report_cause(struct report *r, enum cause_id id, const char *a0, const char *a1)
{
	struct finding f;

	finding_make(&f, id, a0, a1);
	report_add(r, &f);
}

void report_err(struct report *r, const struct err *err, enum cause_id fallback)
{
	char line[FINDING_ARG_MAX];
	struct finding f;

	if (finding_of_err(err, &f)) {
		report_add(r, &f);
		return;
	}
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(err->msg, "\n"), err->msg);
	report_cause(r, fallback, line, NULL);
}

void report_good(struct report *r, enum report_group g, const char *fmt, ...)
{
	va_list ap;

	r->group[g].done = true;
	va_start(ap, fmt);
	vsnprintf(r->group[g].fact, sizeof(r->group[g].fact), fmt, ap);
	va_end(ap);
}

size_t report_count(const struct report *r, enum cause_level level)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += causes[r->finding[i].id].level == level;
	return n;
}

bool report_is_command(const struct finding *f)
{
	return !f->by_hand && causes[f->id].level != CAUSE_NOTE;
}

static int by_id(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	return (int)x->id - (int)y->id;
}

void report_sort(struct report *r)
{
	qsort(r->finding, r->n, sizeof(r->finding[0]), by_id);
}

/* notes do not spoil a group */
static bool is_good(const struct report *r, enum report_group g)
{
	for (size_t i = 0; i < r->n; i++) {
		if (group_of(r->finding[i].id) == g && causes[r->finding[i].id].level != CAUSE_NOTE)
			return false;
	}
	return r->group[g].done;
}

static const char *fact_of(const struct report *r, enum report_group g)
{
	return r->group[g].fact[0] ? r->group[g].fact : groups[g].good;
}

static void print_findings(const struct report *r, enum report_group g, FILE *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct finding *f = &r->finding[i];

		if (group_of(f->id) != g)
			continue;
		fprintf(out, "%s  %-17s  %s\n", cause_level_name(causes[f->id].level),
			causes[f->id].id, f->reason);
		fprintf(out, "%25s%s: %s\n", "", f->by_hand ? "by hand" : "fix", f->fix);
	}
}

int report_text(const struct report *r, FILE *out)
{
	size_t fail = report_count(r, CAUSE_FAIL), commands = 0;

	for (enum report_group g = 0; g < GROUP_NKINDS; g++) {
		if (is_good(r, g))
			fprintf(out, "ok    %-17s  %s\n", groups[g].name, fact_of(r, g));
		else if (!r->group[g].done)
			fprintf(out, "--    %-17s  not checked: it needs what fails above\n",
				groups[g].name);
		print_findings(r, g, out);
	}
	for (size_t i = 0; i < r->n; i++)
		commands += report_is_command(&r->finding[i]);
	fprintf(out, "a start %s here: failures %zu, warnings %zu, notes %zu (%u ms)\n",
		fail ? "fails" : "works", fail, report_count(r, CAUSE_WARN),
		report_count(r, CAUSE_NOTE), r->elapsed_ms);
	if (commands)
		fprintf(out,
			"commands that mend: %zu; rootless-supervisor check --apply shows them, "
			"and asks\n",
			commands);
	return ferror(out) ? -EIO : 0;
}

static json_t *text_new(const char *s)
{
	char plain[FINDING_FIX_MAX];
	json_t *j = json_string(s);

	if (j)
		return j;
	str_printable(plain, sizeof(plain), s, strlen(s));
	return json_string(plain);
}

static json_t *finding_new(const struct finding *f)
{
	const struct cause *c = &causes[f->id];
	json_t *j = json_object();

	json_object_set_new(j, "id", json_string(c->id));
	json_object_set_new(j, "level", json_string(cause_level_name(c->level)));
	json_object_set_new(j, "group", json_string(groups[group_of(f->id)].name));
	json_object_set_new(j, "reason", text_new(f->reason));
	json_object_set_new(j, f->by_hand ? "byHand" : "fix", text_new(f->fix));
	json_object_set_new(j, "doc", json_sprintf("docs/check.md#%s", c->id));
	return j;
}

int report_json(const struct report *r, const struct check_options *o, FILE *out)
{
	json_t *j = json_object(), *found = json_array(), *good = json_object();
	int bad;

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(found, finding_new(&r->finding[i]));
	for (enum report_group g = 0; g < GROUP_NKINDS; g++) {
		if (is_good(r, g))
			json_object_set_new(good, groups[g].name, text_new(fact_of(r, g)));
	}
	json_object_set_new(j, "schemaVersion", json_integer(1));
	json_object_set_new(j, "preset", o->preset ? json_string(o->preset) : json_null());
	json_object_set_new(j, "startWorks", json_boolean(report_count(r, CAUSE_FAIL) == 0));
	json_object_set_new(j, "elapsedMs", json_integer(r->elapsed_ms));
	json_object_set_new(j, "ok", good);
	json_object_set_new(j, "findings", found);
	bad = json_dumpf(j, out, JSON_INDENT(2)) < 0 || fputc('\n', out) == EOF;
	json_decref(j);
	return bad ? -EIO : 0;
}
