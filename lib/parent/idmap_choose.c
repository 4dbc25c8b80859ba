// SPDX-License-Identifier: Apache-2.0
/*
 * idmap_choose.c - --idmap: all ids of the user, or its own alone
 *
 * The kernel lets anybody map the own uid and gid by writing the maps of a namespace that it made,
 * when setgroups() is given up there. No tool and no file is needed for that.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/cause/cause.h"
#include "lib/parent/idmap.h"
#include "lib/parent/tool.h"

#define PATH_BUF 4096

static int single_new(struct idmap **ret, struct err *err)
{
	autofree struct subid_list *list = calloc(SUBID_NKINDS, sizeof(*list));
	char name[16];
	struct subid_user user = { .uid = geteuid(), .gid = getegid(), .name = name };

	if (list) {
		snprintf(name, sizeof(name), "%u", user.uid);
		subid_list_init(&list[SUBID_UID], user.uid);
		subid_list_init(&list[SUBID_GID], user.gid);
		*ret = idmap_new(&user, list);
	}
	return list && *ret ? 0 : err_set(err, ENOMEM, "keeping the user's id");
}

/* NULL, or what is missing of the tools */
static const char *missing_tool(void)
{
	static const struct {
		const char *name;
		int cap;
	} tools[] = { { "newuidmap", CAP_SETUID }, { "newgidmap", CAP_SETGID } };
	char path[PATH_BUF];

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		if (tool_find(tools[i].name, path, sizeof(path)) < 0 ||
		    cause_of_idtool(path, tools[i].cap) != CAUSE_NONE)
			return tools[i].name;
	}
	return NULL;
}

int idmap_choose(enum idmap_mode mode, const char *subid_source, struct idmap **ret,
		 struct err *err)
{
	const char *tool = NULL;
	struct err why = { 0 };
	int r;

	if (mode == IDMAP_SINGLE)
		return single_new(ret, err);
	if (mode == IDMAP_FULL)
		return idmap_load(subid_source, ret, err);
	r = idmap_load(subid_source, ret, &why);
	if (r < 0 && r != -ENOENT) { /* a broken file is to be mended, not passed over */
		*err = why;
		return r;
	}
	tool = r == 0 ? missing_tool() : NULL;
	if (r == 0 && !tool)
		return 0;
	why.msg[strcspn(why.msg, "\n")] = '\0';
	log_warning("ids", "%s%s: only the user's own id is mapped (--idmap=single)",
		    tool ? tool : why.msg, tool ? " is missing or cannot gain rights" : "");
	*ret = idmap_free(*ret);
	return single_new(ret, err);
}

static int write_map(pid_t child, const char *file, const char *text, struct err *err)
{
	char path[64];
	autoclose int fd = -1;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)child, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
	return r < 0 ? err_set(err, -r, "failed to setup UID/GID map: writing '%s'", path) : 0;
}

bool idmap_is_single(const struct idmap *m)
{
	return !idmap_list(m, SUBID_UID)->n && !idmap_list(m, SUBID_GID)->n;
}

int idmap_write(const struct idmap *m, pid_t child, struct err *err)
{
	char uids[32], gids[32];
	int r;

	snprintf(uids, sizeof(uids), "0 %u 1\n", idmap_list(m, SUBID_UID)->own);
	snprintf(gids, sizeof(gids), "0 %u 1\n", idmap_list(m, SUBID_GID)->own);
	r = write_map(child, "setgroups", "deny", err);
	if (r == 0)
		r = write_map(child, "gid_map", gids, err);
	return r < 0 ? r : write_map(child, "uid_map", uids, err);
}
