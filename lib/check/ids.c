// SPDX-License-Identifier: Apache-2.0
/* ids.c - the user's id ranges: are there any, are they enough, are they its own */
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/check/probes.h"
#include "lib/parent/idmap.h"

#define IDS_WANTED 65536u
#define FILE_MAX (16u << 20) /* bytes of a subuid file */

static void check_count(struct report *r, const struct idmap *m)
{
	const struct subid_list *uids = idmap_list(m, SUBID_UID), *gids = idmap_list(m, SUBID_GID);
	const struct subid_user user = { uids->own, gids->own, idmap_user(m) };
	const bool small[SUBID_NKINDS] = { uids->total < IDS_WANTED, gids->total < IDS_WANTED };
	uint32_t least = uids->total < gids->total ? uids->total : gids->total;
	char command[FINDING_FIX_MAX], count[16];
	struct subid_config c;

	report_good(r, GROUP_IDS, "%u subordinate ids of %s", least, idmap_user(m));
	if (least >= IDS_WANTED)
		return;
	subid_config_default(&c);
	snprintf(count, sizeof(count), "%u", least);
	if (subid_command(&c, &user, small, command, sizeof(command)) > 0)
		report_cause(r, CAUSE_SUBID_SMALL, command, count);
}

static void check_others(struct report *r, const struct idmap *m, enum subid_kind kind)
{
	const struct subid_list *uids = idmap_list(m, SUBID_UID), *gids = idmap_list(m, SUBID_GID);
	const struct subid_user user = { uids->own, gids->own, idmap_user(m) };
	autofree char *text = NULL;
	struct subid_config c;
	char other[64];

	subid_config_default(&c);
	if (fd_read_file(AT_FDCWD, c.file[kind], FILE_MAX, &text) < 0)
		return;
	if (subid_find_other(text, &user, idmap_list(m, kind), other, sizeof(other)))
		report_cause(r, CAUSE_SUBID_OVERLAP, other, NULL);
}

static bool is_in(const struct subid_list *l, uint32_t id)
{
	for (size_t i = 0; i < l->n; i++) {
		if (id >= l->range[i].start && id - l->range[i].start < l->range[i].count)
			return true;
	}
	return false;
}

/* the files alone: asking a name service for everybody may take minutes */
static void check_logins(struct report *r, const struct idmap *m)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *pw;
	const struct group *gr;
	char who[96] = "";

	while (f && !*who && (pw = fgetpwent(f))) {
		if (is_in(idmap_list(m, SUBID_UID), pw->pw_uid))
			snprintf(who, sizeof(who), "user id %u (%s)", pw->pw_uid, pw->pw_name);
	}
	if (f)
		fclose(f);
	f = *who ? NULL : fopen("/etc/group", "re");
	while (f && !*who && (gr = fgetgrent(f))) {
		if (is_in(idmap_list(m, SUBID_GID), gr->gr_gid))
			snprintf(who, sizeof(who), "group id %u (%s)", gr->gr_gid, gr->gr_name);
	}
	if (f)
		fclose(f);
	if (*who)
		report_cause(r, CAUSE_SUBID_LOGIN, who, NULL);
}

void probe_ids(struct report *r, struct idmap **ret)
{
	struct err err = { 0 };

	if (idmap_load("auto", ret, &err) < 0) {
		report_err(r, &err, CAUSE_SUBID_BAD);
		return;
	}
	check_count(r, *ret);
	for (enum subid_kind k = 0; k < SUBID_NKINDS; k++)
		check_others(r, *ret, k);
	check_logins(r, *ret);
}
