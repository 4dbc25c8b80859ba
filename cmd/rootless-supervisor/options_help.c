// SPDX-License-Identifier: Apache-2.0
/* options_help.c - --help, --version and --print-semver of both dialects */
#include "cmd/rootless-supervisor/options_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/gotext.h"
#include "lib/base/str.h"
#include "lib/base/version.h"

#define LEFT_MAX 128 /* the names of a flag and of its value */
#define HELP_MAX 512 /* its help with choices and default */
#define OURS_COLUMN 34
#define OURS_WIDTH 100

/* sorted bytewise, as upstream shows them */
static const char *const categories[] = {
	"Misc",
	"Mount",
	"Network",
	"Network [gvisor-tap-vsock]",
	"Network [lxc-user-nic]",
	"Network [pasta]",
	"Network [slirp4netns]",
	"Network [vpnkit]",
	"Port",
	"Process",
	"State",
	"SubID",
};

static const char rootlesskit_head[] =
	"NAME:\n"
	"   rootlesskit - Linux-native fakeroot using user namespaces\n"
	"\n"
	"USAGE:\n"
	"   rootlesskit [global options] [arguments...]\n"
	"\n"
	"VERSION:\n"
	"   " RK_ROOTLESSKIT_VERSION "\n"
	"\n"
	"DESCRIPTION:\n"
	"   The command line of RootlessKit, served by rootless-supervisor.\n"
	"   Runs a command as the root of its own user, mount and network namespaces.\n"
	"\n"
	"   Examples:\n"
	"     # spawn a shell with a new user namespace and a mount namespace\n"
	"     rootlesskit bash\n"
	"\n"
	"     # make /etc writable\n"
	"     rootlesskit --copy-up=/etc bash\n"
	"\n"
	"     # a network of its own, and port 80/tcp in it as 8080/tcp on the host\n"
	"     rootlesskit --copy-up=/etc --net=slirp4netns --disable-host-loopback "
	"--port-driver=builtin -p 127.0.0.1:8080:80/tcp bash\n"
	"\n"
	"   Note: the user needs ranges in /etc/subuid and /etc/subgid.\n"
	"\n"
	"OPTIONS:\n";

static const char ours_head[] =
	"Run a command as the root of its own user, mount and network namespaces, without\n"
	"privileges: ids from /etc/subuid and /etc/subgid, a user-mode network, published ports.\n"
	"\n"
	"Options come before the command; what follows it belongs to the command. A list option "
	"may\n"
	"be repeated, and is split at commas; of others the last one counts.\n"
	"\n"
	"Examples:\n"
	"  rootless-supervisor bash\n"
	"  rootless-supervisor -p 127.0.0.1:8080:80/tcp -- dockerd\n";

/* "--publish value, -p value [ --publish value, -p value ]" */
static void left_of_rootlesskit(const struct option_def *d, char left[LEFT_MAX])
{
	const char *value = d->type == OPTION_BOOL ? "" : " value";
	char forms[LEFT_MAX / 2];

	if (d->alias)
		str_format(forms, sizeof(forms), "--%s%s, -%s%s", d->name, value, d->alias, value);
	else
		str_format(forms, sizeof(forms), "--%s%s", d->name, value);
	if (d->type == OPTION_SLICE)
		str_format(left, LEFT_MAX, "%s [ %s ]", forms, forms);
	else
		str_format(left, LEFT_MAX, "%s", forms);
}

/* "-p, --publish=SPEC"; a bool that is on shows how to turn it off */
static void left_of_ours(const struct option_def *d, char left[LEFT_MAX])
{
	const char *text = d->default_value[DIALECT_OURS];
	bool is_on = d->type == OPTION_BOOL && text && strcmp(text, "true") == 0;

	str_format(left, LEFT_MAX, "%s%s%s--%s%s%s", d->alias ? "-" : "", d->alias ? d->alias : "",
		   d->alias ? ", " : "    ", d->name, d->value ? "=" : "",
		   d->value ? d->value
		   : is_on  ? "[=false]"
			    : "");
}

/* the text with the choices and the default behind it */
static void right_of(const struct option_def *d, enum dialect dialect, char right[HELP_MAX])
{
	const char *text = d->hide_default ? NULL : d->default_value[dialect];
	const char *mark = d->type == OPTION_STRING ? "\"" : "";

	str_format(right, HELP_MAX, "%s%s%s%s%s%s%s%s%s", d->help, d->choices ? " [" : "",
		   d->choices ? d->choices() : "", d->choices ? "]" : "", text ? " (default: " : "",
		   text ? mark : "", text ? text : "", text ? mark : "", text ? ")" : "");
}

/* @text in lines of OURS_WIDTH, from @column on; words are never cut */
static void print_wrapped(FILE *out, const char *text, size_t column)
{
	size_t at = column;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (at > column && at + 1 + len > OURS_WIDTH) {
			fprintf(out, "\n%*s", (int)column, "");
			at = column;
		} else if (at > column) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", (int)len, text);
		at += len;
		text += len + (text[len] == ' ');
	}
	fputc('\n', out);
}

static void print_option(FILE *out, enum dialect dialect, const struct option_def *d, int width)
{
	char left[LEFT_MAX], right[HELP_MAX];

	right_of(d, dialect, right);
	if (dialect == DIALECT_ROOTLESSKIT) {
		left_of_rootlesskit(d, left);
		fprintf(out, "    %-*s  %s\n", width, left, right);
		return;
	}
	left_of_ours(d, left);
	fprintf(out, "  %-*s", OURS_COLUMN - 2, left);
	if (strlen(left) + 4 > OURS_COLUMN)
		fprintf(out, "\n%*s", OURS_COLUMN, "");
	print_wrapped(out, right, OURS_COLUMN);
}

static void print_category(FILE *out, enum dialect dialect, const char *category, int width)
{
	fprintf(out, dialect == DIALECT_ROOTLESSKIT ? "  %s:\n" : "\n%s:\n", category);
	for (size_t i = 0; i < OPT_NIDS; i++) {
		const struct option_def *d = &option_table[i];

		if (d->dialects & 1u << dialect && strcmp(d->category, category) == 0)
			print_option(out, dialect, d, width);
	}
}

/* a category may be of one dialect only */
static bool has_options(enum dialect dialect, const char *category)
{
	for (size_t i = 0; i < OPT_NIDS; i++) {
		if (option_table[i].dialects & 1u << dialect &&
		    strcmp(option_table[i].category, category) == 0)
			return true;
	}
	return false;
}

/* upstream aligns all texts behind the longest flag */
static int widest_left(void)
{
	char left[LEFT_MAX];
	size_t widest = 0;

	for (size_t i = 0; i < OPT_NIDS; i++) {
		left_of_rootlesskit(&option_table[i], left);
		if (strlen(left) > widest)
			widest = strlen(left);
	}
	return (int)widest;
}

void options_help(FILE *out, enum dialect dialect, const char *program)
{
	int width = widest_left();

	if (dialect == DIALECT_ROOTLESSKIT)
		fputs(rootlesskit_head, out);
	else
		fprintf(out,
			"Usage: %s [OPTION]... [--] COMMAND [ARG]...\n"
			"       %s check [OPTION]...    would a start work here, what is missing\n"
			"%s",
			program, program, ours_head);
	for (size_t i = 0; i < ARRAY_SIZE(categories); i++) {
		if (!has_options(dialect, categories[i]))
			continue;
		if (i && dialect == DIALECT_ROOTLESSKIT)
			fputc('\n', out);
		print_category(out, dialect, categories[i], width);
	}
}

void options_version(FILE *out, enum dialect dialect)
{
	if (dialect == DIALECT_ROOTLESSKIT)
		fputs("rootlesskit version " RK_ROOTLESSKIT_VERSION "\n", out);
	else
		fputs("rootless-supervisor " RK_VERSION "\n", out);
}

int options_print_semver(FILE *out, enum dialect dialect, const char *part, struct err *err)
{
	static const char *const parts[] = { "major", "minor", "patch" };
	const char *version = dialect == DIALECT_ROOTLESSKIT ? RK_ROOTLESSKIT_VERSION : RK_VERSION;
	char q[GO_QUOTE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (strcmp(part, parts[i]) == 0) {
			fprintf(out, "%lu\n", strtoul(version, NULL, 10));
			return 0;
		}
		version += strcspn(version, ".") + 1;
	}
	return err_say(err, EINVAL, "expected --print-semver=(major|minor|patch), got %s",
		       go_quote(q, sizeof(q), part));
}
