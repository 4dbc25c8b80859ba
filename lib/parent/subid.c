// SPDX-License-Identifier: Apache-2.0
/*
 * subid.c - the subordinate user and group ids that were given to a user
 *
 * Runs in the parent. Two sources: the program getsubids, which also asks name services, and the
 * files /etc/subuid and /etc/subgid. When nsswitch.conf names no other service than the files,
 * getsubids could only print the files, so "auto" spares itself its four runs.
 *
 * newuidmap is what decides in the end. A line that it reads differently (octal numbers, CR at the
 * end) is reported here, where the file and the line are known.
 */
#include "lib/parent/subid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/cause/cause.h"
#include "lib/parent/tool.h"

#define FILE_MAX (16u << 20)    /* bytes: half a million users */
#define NSSWITCH_MAX (1u << 20) /* bytes */
#define OUTPUT_MAX (1u << 20)   /* bytes of one run of getsubids */
#define HINT_COUNT 65536u

static const char *const kind_name[SUBID_NKINDS] = { "subuid", "subgid" };

void subid_config_default(struct subid_config *c)
{
	const char *program = getenv("GETSUBIDS");

	*c = (struct subid_config){
		.source = SUBID_AUTO,
		.file = { "/etc/subuid", "/etc/subgid" },
		.nsswitch = "/etc/nsswitch.conf",
		.getsubids = program && *program ? program : "getsubids",
		.limit_ms = TOOL_LIMIT_MS,
	};
	/* another program than the usual one is to be asked whatever nsswitch.conf says */
	if (program && *program)
		c->nsswitch = NULL;
}

int subid_source_parse(const char *text, enum subid_source *ret, struct err *err)
{
	static const char *const name[] = { "auto", "dynamic", "static" };

	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		if (strcmp(text, name[i]))
			continue;
		*ret = (enum subid_source)i;
		return 0;
	}
	return err_say(err, EINVAL, "unknown subid source \"%s\": it is auto, dynamic or static",
		       text);
}

/* a line of nsswitch.conf that names another source of subordinate ids than the files */
static bool names_service(char *line)
{
	static const char key[] = "subid:";
	char *save = NULL;

	line[strcspn(line, "#")] = '\0';
	line += strspn(line, " \t");
	if (strncasecmp(line, key, strlen(key)) != 0)
		return false;
	line += strlen(key);
	for (char *w = strtok_r(line, " \t\r", &save); w; w = strtok_r(NULL, " \t\r", &save))
		if (strcmp(w, "files"))
			return true;
	return false;
}

/* true unless the file says that subordinate ids come from the files alone */
static bool may_have_service(const char *nsswitch)
{
	autofree char *text = NULL;
	char *save = NULL;

	/* without the file shadow reads the files too, but a vendor's copy could say otherwise */
	if (!nsswitch || fd_read_file(AT_FDCWD, nsswitch, NSSWITCH_MAX, &text) < 0)
		return true;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (names_service(l))
			return true;
	return false;
}

/* the four questions: by name and by number, users and groups; all asked at once */
#define NQUESTIONS 4

static int start_questions(struct tool *tools, const char *path, const struct subid_user *u,
			   const char *number)
{
	const char *argv[NQUESTIONS][4] = {
		{ "getsubids", u->name },
		{ "getsubids", number },
		{ "getsubids", "-g", u->name },
		{ "getsubids", "-g", number },
	};

	for (size_t i = 0; i < NQUESTIONS; i++) {
		int r = tool_start(&tools[i], path, (char *const *)argv[i], OUTPUT_MAX,
				   TOOL_STDOUT);

		if (r < 0)
			return r;
	}
	return 0;
}

/* either of the two answers may be missing; both: -ENOENT */
static int read_answers(struct tool tools[2], const struct subid_config *c, const char *kind,
			struct subid_list *l, struct err *err)
{
	int r;

	for (size_t i = 0; i < 2; i++) {
		if (!tool_ok(&tools[i]))
			continue;
		r = subid_parse_output(tools[i].text, tools[i].len, l, err);
		if (r < 0)
			return err_wrap(err, r, "%s", c->getsubids);
	}
	if (!tool_ok(&tools[0]) && !tool_ok(&tools[1])) {
		char why[80];

		tool_status(&tools[0], c->limit_ms, why, sizeof(why));
		return err_say(err, ENOENT, "%s told no %s ranges: %s", c->getsubids, kind, why);
	}
	return 0;
}

static int load_dynamic(const struct subid_config *c, const struct subid_user *u,
			struct subid_list ret[SUBID_NKINDS], struct err *err)
{
	struct tool tools[NQUESTIONS] = { TOOL_INIT, TOOL_INIT, TOOL_INIT, TOOL_INIT };
	char number[16], path[4096];
	int r = tool_find(c->getsubids, path, sizeof(path));

	if (r < 0)
		return err_say(err, ENOENT, "exec: \"%s\": executable file not found in $PATH",
			       c->getsubids);
	snprintf(number, sizeof(number), "%u", u->uid);
	r = start_questions(tools, path, u, number);
	if (!r)
		r = tools_finish(tools, NQUESTIONS, c->limit_ms);
	if (r < 0)
		err_set(err, -r, "running '%s'", path);
	for (size_t k = 0; !r && k < SUBID_NKINDS; k++)
		r = read_answers(&tools[2 * k], c, kind_name[k], &ret[k], err);
	for (size_t i = 0; i < NQUESTIONS; i++)
		tool_done(&tools[i]);
	return r;
}

/* a missing file grants nothing */
static int load_static(const struct subid_config *c, const struct subid_user *u,
		       struct subid_list ret[SUBID_NKINDS], struct err *err)
{
	for (size_t k = 0; k < SUBID_NKINDS; k++) {
		autofree char *text = NULL;
		ssize_t n = fd_read_file(AT_FDCWD, c->file[k], FILE_MAX, &text);
		int r;

		if (n == -ENOENT)
			continue;
		if (n < 0)
			return err_set(err, (int)-n, "open %s", c->file[k]);
		r = subid_parse_file(text, (size_t)n, c->file[k], u, &ret[k], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* names that a shell and usermod take as they stand */
static bool is_plain_name(const char *name)
{
	return *name && *name != '-' &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "_.-")];
}

int subid_command(const struct subid_config *c, const struct subid_user *u,
		  const bool want[SUBID_NKINDS], char *dst, size_t size)
{
	static const char *const option[SUBID_NKINDS] = { "--add-subuids", "--add-subgids" };
	char *text[SUBID_NKINDS] = { NULL, NULL };
	char options[128] = "", files[256] = "";
	const char *touch = "";
	uint32_t first = 0, last;
	int r;

	for (size_t k = 0; k < SUBID_NKINDS; k++)
		if (fd_read_file(AT_FDCWD, c->file[k], FILE_MAX, &text[k]) == -ENOENT)
			touch = "sudo touch /etc/subuid /etc/subgid && ";
	r = subid_free_range((const char *const *)text, &first);
	for (size_t k = 0; k < SUBID_NKINDS; k++)
		free(text[k]);
	if (r < 0)
		return r;
	last = first + HINT_COUNT - 1;
	for (size_t k = 0; k < SUBID_NKINDS; k++) {
		size_t no = strlen(options), nf = strlen(files);

		if (!want[k])
			continue;
		snprintf(options + no, sizeof(options) - no, " %s %u-%u", option[k], first, last);
		snprintf(files + nf, sizeof(files) - nf, " %s", c->file[k]);
	}
	if (is_plain_name(u->name))
		return str_format(dst, size, "%ssudo usermod%s %s", touch, options, u->name);
	return str_format(dst, size, "echo %u:%u:%u | sudo tee -a%s", u->uid, first, HINT_COUNT,
			  files);
}

static int hint_to_add(const struct subid_config *c, const struct subid_user *u,
		       const struct subid_list l[SUBID_NKINDS], struct err *err)
{
	const bool want[SUBID_NKINDS] = { l[SUBID_UID].n == 0, l[SUBID_GID].n == 0 };
	const char *file = c->file[want[SUBID_UID] ? SUBID_UID : SUBID_GID];
	char command[FINDING_FIX_MAX];

	if (subid_command(c, u, want, command, sizeof(command)) < 0)
		return cause_hint(err, -ENOENT, CAUSE_SUBID_BAD, "no free range is left", NULL);
	return cause_hint(err, -ENOENT, CAUSE_SUBID_NONE, command, file);
}

static int load_auto(const struct subid_config *c, const struct subid_user *u,
		     struct subid_list ret[SUBID_NKINDS], struct err *err)
{
	struct err why = { 0 };
	int r;

	if (may_have_service(c->nsswitch)) {
		r = load_dynamic(c, u, ret, &why);
		if (!r && ret[SUBID_UID].n && ret[SUBID_GID].n)
			return 0;
		log_debug("subid", "%s, reading the files",
			  r < 0 ? why.msg : "getsubids knows no range of this user");
		subid_list_init(&ret[SUBID_UID], u->uid);
		subid_list_init(&ret[SUBID_GID], u->gid);
	}
	return load_static(c, u, ret, err);
}

int subid_load(const struct subid_config *c, const struct subid_user *user,
	       struct subid_list ret[SUBID_NKINDS], struct err *err)
{
	int r;

	subid_list_init(&ret[SUBID_UID], user->uid);
	subid_list_init(&ret[SUBID_GID], user->gid);
	if (c->source == SUBID_AUTO)
		r = load_auto(c, user, ret, err);
	else if (c->source == SUBID_DYNAMIC)
		r = load_dynamic(c, user, ret, err);
	else
		r = load_static(c, user, ret, err);
	if (r < 0)
		return r;
	for (size_t k = 0; k < SUBID_NKINDS; k++) {
		if (ret[k].n)
			continue;
		err_say(err, ENOENT, "No %s ranges found for user %u (\"%s\")", kind_name[k],
			user->uid, user->name);
		return hint_to_add(c, user, ret, err);
	}
	return 0;
}
