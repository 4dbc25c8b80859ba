// SPDX-License-Identifier: Apache-2.0
/*
 * options_check.c - from typed values to struct options, refused in upstream's order and words
 *
 * One function a row of the contract, in one table. Upstream makes some of these checks in its
 * child, where nobody hears them: here all are made before anything is started.
 */
#include "cmd/rootless-supervisor/options_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/gotext.h"
#include "lib/base/str.h"

static const char *const ours_copy_up[] = { "/etc", "/run" };

/* what a daemon of the host left in /run and one inside must make anew */
static const char *ours_copy_up_skip[] = { "/run/docker", "/run/containerd", "/run/xtables.lock" };

static const char *text_or_null(const char *text)
{
	return *text ? text : NULL;
}

static int check_evacuation(struct check *c, struct err *err)
{
	const char *group = c->v[OPT_EVACUATE_CGROUP2].text;
	char q[GO_QUOTE_MAX];

	if (*group && !c->v[OPT_CGROUPNS].flag)
		return err_say(err, EINVAL, "evacuate-cgroup2 requires --cgroupns");
	if (*group && !c->v[OPT_PIDNS].flag)
		return err_say(err, EINVAL, "evacuate-cgroup2 requires --pidns");
	if (strchr(group, '/'))
		return err_say(err, EINVAL,
			       "unexpected evacuation group name %s: must not contain \"/\"",
			       go_quote(q, sizeof(q), group));
	if (strcmp(group, ".") == 0 || strcmp(group, "..") == 0 || strlen(group) > NAME_MAX)
		return err_say(err, EINVAL,
			       "unexpected evacuation group name %s: must be the name of a group",
			       go_quote(q, sizeof(q), group));
	c->o->evacuate_cgroup2 = text_or_null(group);
	c->o->detach_netns = c->v[OPT_DETACH_NETNS].flag;
	return 0;
}

static int check_mtu(struct check *c, struct err *err)
{
	int64_t mtu = c->v[OPT_MTU].number;

	if (mtu < 0 || mtu > NET_MTU_MAX)
		return err_say(err, EINVAL, "mtu must be <= %d, got %lld", NET_MTU_MAX,
			       (long long)mtu);
	c->o->mtu = (int)mtu;
	c->o->mtu_auto = *c->v[OPT_MTU].text != '\0';
	return 0;
}

/* Go's ParseCIDR; *ret_masked says whether no bit is set behind the prefix */
static int parse_cidr(const char *cidr, bool *ret_masked)
{
	const char *slash = strchr(cidr, '/');
	size_t len = slash ? (size_t)(slash - cidr) : 0;
	char addr[INET6_ADDRSTRLEN];
	unsigned char bits[16];
	uint64_t prefix, nbits = 32;
	int family = AF_INET;

	if (!slash || len >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, cidr, len);
	addr[len] = '\0';
	if (strchr(addr, ':')) {
		family = AF_INET6;
		nbits = 128;
	}
	if (inet_pton(family, addr, bits) != 1 || str_to_u64(slash + 1, nbits, &prefix) < 0)
		return -EINVAL;
	*ret_masked = true;
	for (uint64_t i = prefix; i < nbits; i++) {
		if (bits[i / 8] & 0x80u >> i % 8)
			*ret_masked = false;
	}
	return 0;
}

static int check_cidr(struct check *c, struct err *err)
{
	const char *cidr = c->v[OPT_CIDR].text;
	bool masked;

	if (!*cidr)
		return 0;
	if (parse_cidr(cidr, &masked) < 0)
		return err_say(err, EINVAL, "invalid CIDR address: %s", cidr);
	if (!masked)
		return err_say(err, EINVAL,
			       "cidr must be like 10.0.2.0/24, not like 10.0.2.100/24");
	c->o->cidr = cidr;
	return 0;
}

static int check_ifname(struct check *c, struct err *err)
{
	const char *ifname = c->v[OPT_IFNAME].text;

	if (strchr(ifname, '/'))
		return err_say(err, EINVAL, "ifname must not contain \"/\"");
	c->o->ifname = text_or_null(ifname);
	return 0;
}

static int check_ipv6(struct check *c, struct err *err)
{
	(void)err;
	if (!c->v[OPT_IPV6].flag)
		return 0;
	if (c->o->dialect == DIALECT_ROOTLESSKIT)
		option_warn(c, "ipv6 is experimental");
	if (option_net_has(c, NET_F_ADDRESS) && !option_net_has(c, NET_F_IPV4))
		c->o->ipv6 = true;
	else if (c->v[OPT_IPV6].given)
		option_warn(c, "--ipv6 is discarded for --net=%s", c->v[OPT_NET].text);
	return 0;
}

/* our dialect closes it by default: who opens it there knows */
static int check_host_loopback(struct check *c, struct err *err)
{
	(void)err;
	c->o->disable_host_loopback = c->v[OPT_DISABLE_HOST_LOOPBACK].flag;
	if (c->o->dialect == DIALECT_ROOTLESSKIT && !c->o->disable_host_loopback &&
	    (!c->net || option_net_has(c, NET_F_ADDRESS)))
		option_warn(c,
			    "specifying --disable-host-loopback is highly recommended to prohibit "
			    "connecting to 127.0.0.1:* on the host namespace (requires pasta, "
			    "slirp4netns, or VPNKit)");
	return 0;
}

/* a network of others would not keep it */
static int check_host_addrs(struct check *c, struct err *err)
{
	c->o->deny_host_addrs = c->v[OPT_DENY_HOST_ADDRS].flag;
	if (!c->o->deny_host_addrs || option_net_has(c, NET_F_GATEWAY))
		return 0;
	return err_say(err, EINVAL,
		       "deny-host-addrs needs the built-in network (--net=slirp), "
		       "--net=%s%s does not have it",
		       c->o->net, c->o->net_external ? " by a program of others" : "");
}

static int check_modes(struct check *c, struct err *err)
{
	return options_modes(c->values, c->o, err);
}

static int check_transparency(struct check *c, struct err *err)
{
	static const char *const backends[] = { "auto", "nft", "iptables", NULL };
	const char *backend = c->v[OPT_SOURCE_IP_TRANSPARENT_BACKEND].text;
	char q[GO_QUOTE_MAX];

	c->o->source_ip_transparent = c->v[OPT_SOURCE_IP_TRANSPARENT].flag;
	if (!option_is_one_of(backend, backends))
		return err_say(err, EINVAL, "unknown source-ip-transparent-backend: %s",
			       go_quote(q, sizeof(q), backend));
	return 0;
}

static int check_udp_idle(struct check *c, struct err *err)
{
	const int64_t v = c->v[OPT_PORT_UDP_IDLE].number;

	const struct port_driver *driver = port_driver_find(c->o->port_driver, c->o->net_external);

	c->o->port_udp_idle = (int)v;
	if (v < 0 || v > PORT_UDP_IDLE_MAX)
		return err_say(err, EINVAL, "port-udp-idle must be 0 to %d seconds, got %lld",
			       PORT_UDP_IDLE_MAX, (long long)v);
	if (v && !(driver->flags & PORT_F_RELAY))
		option_warn(c, "--port-driver=%s ignores --port-udp-idle: that is of builtin",
			    c->o->port_driver);
	return 0;
}

static int check_loopback(struct check *c, struct err *err)
{
	if (c->o->port_loopback || option_net_has(c, NET_F_ADDRESS))
		return 0;
	return err_say(
		err, EINVAL,
		"port-loopback=no needs a network (--net=slirp): with --net=%s the child has "
		"no address but loopback, so that no published port would lead anywhere",
		c->o->net);
}

static int check_publish(struct check *c, struct err *err)
{
	const struct option_value *publish = &c->v[OPT_PUBLISH];
	struct options *o = c->o;

	if (!publish->nitems)
		return 0;
	o->publish = calloc(publish->nitems, sizeof(*o->publish));
	o->publish_given = calloc(publish->nitems, sizeof(*o->publish_given));
	if (!o->publish || !o->publish_given)
		return err_set(err, ENOMEM, "reading %zu published ports", publish->nitems);
	for (size_t i = 0; i < publish->nitems; i++) {
		const char *text = publish->items[i];
		int r;

		if (*text == '@' && o->dialect == DIALECT_OURS) {
			o->publish_given[o->npublish_given] = strdup(text);
			if (!o->publish_given[o->npublish_given])
				return err_set(err, ENOMEM, "reading %zu published ports",
					       publish->nitems);
			o->npublish_given++;
			continue;
		}
		r = port_spec_parse(&o->publish[o->npublish], text, port_rules_of(o->dialect), err);
		if (r < 0)
			return r;
		o->npublish++;
	}
	return 0;
}

static int check_reaper(struct check *c, struct err *err)
{
	const char *mode = c->v[OPT_REAPER].text;
	bool pidns = c->v[OPT_PIDNS].flag;

	if (strcmp(mode, "auto") == 0) {
		c->o->reaper = pidns;
	} else if (strcmp(mode, "true") == 0) {
		if (!pidns)
			return err_say(err, EINVAL, "reaper requires --pidns");
		c->o->reaper = true;
	} else if (strcmp(mode, "false") != 0) {
		return err_say(err, EINVAL, "unknown reaper mode: %s", mode);
	}
	return 0;
}

/* in place: no empty, "." or ".." element and no slash at the end; @path is absolute */
static void clean_path(char *path)
{
	char *to = path;

	for (const char *from = path; *from;) {
		size_t len;

		while (*from == '/')
			from++;
		len = strcspn(from, "/");
		if (len == 2 && from[0] == '.' && from[1] == '.') {
			while (to > path && *--to != '/')
				;
		} else if (len && !(len == 1 && *from == '.')) {
			*to++ = '/';
			memmove(to, from, len);
			to += len;
		}
		from += len;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

static int append_copy_up(struct options *o, const char *path, struct err *err)
{
	autofree char *cwd = NULL, *full = NULL;

	if (*path != '/') {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return err_set(err, errno, "finding the working directory for --copy-up=%s",
				       path);
	}
	full = str_dup_format("%s/%s", cwd ? cwd : "", path);
	if (!full)
		return err_set(err, ENOMEM, "reading --copy-up=%s", path);
	clean_path(full);
	if (strcmp(full, "/tmp") == 0)
		return err_say(err, EINVAL, "/tmp cannot be copied up");
	o->copy_up[o->ncopy_up++] = take_ptr(full);
	return 0;
}

/* an empty piece is the working directory upstream; in our dialect it is nothing */
static int check_copy_up(struct check *c, struct err *err)
{
	const struct option_value *typed = &c->v[OPT_COPY_UP];
	const char *mode = c->v[OPT_COPY_UP_MODE].text;
	bool ours = c->o->dialect == DIALECT_OURS;
	bool by_default = ours && !typed->given && option_net_has(c, NET_F_NETNS);
	const char *const *items = by_default ? ours_copy_up : (const char *const *)typed->items;
	size_t n = by_default ? ARRAY_SIZE(ours_copy_up) : typed->nitems;

	if (strcmp(mode, "tmpfs+symlink") != 0)
		return err_say(err, EINVAL, "unknown copy-up mode: %s", mode);
	c->o->copy_up = calloc(n ? n : 1, sizeof(*c->o->copy_up));
	if (!c->o->copy_up)
		return err_set(err, ENOMEM, "reading %zu directories to copy up", n);
	for (size_t i = 0; i < n; i++) {
		int r = ours && !*items[i] ? 0 : append_copy_up(c->o, items[i], err);

		if (r < 0)
			return r;
	}
	if (ours) {
		c->o->copy_up_skip = ours_copy_up_skip;
		c->o->ncopy_up_skip = ARRAY_SIZE(ours_copy_up_skip);
	}
	return 0;
}

/* upstream takes any word and does nothing for one that it does not know */
static int check_propagation(struct check *c, struct err *err)
{
	static const char *const known[] = { "private", "rprivate", "shared", "rshared",
					     "slave",   "rslave",   NULL };
	static const char *const shared[] = { "shared", "rshared", NULL };
	const char *type = c->v[OPT_PROPAGATION].text;
	bool ours = c->o->dialect == DIALECT_OURS;

	c->o->propagation = type;
	if (c->o->ncopy_up && option_is_one_of(type, shared)) {
		err_say(err, EINVAL, "propagation %s does not support copy-up driver tmpfs+symlink",
			type);
		if (ours && !c->v[OPT_COPY_UP].given)
			err_hint(err, -EINVAL, "--copy-up= turns the default copy-up off");
		return -EINVAL;
	}
	if (ours && !option_is_one_of(type, known))
		return err_say(err, EINVAL,
			       "unknown mount propagation: %s (private, rprivate, shared, rshared, "
			       "slave or rslave)",
			       type);
	return 0;
}

static int check_process(struct check *c, struct err *err)
{
	static const char *const sources[] = { "auto", "dynamic", "static", NULL };
	const char *source = c->v[OPT_SUBID_SOURCE].text;
	int64_t ready_fd = c->v[OPT_READY_FD].number;
	char q[GO_QUOTE_MAX];

	c->o->debug = c->v[OPT_DEBUG].flag;
	c->o->state_dir = text_or_null(c->v[OPT_STATE_DIR].text);
	c->o->pidns = c->v[OPT_PIDNS].flag;
	c->o->cgroupns = c->v[OPT_CGROUPNS].flag;
	c->o->utsns = c->v[OPT_UTSNS].flag;
	c->o->ipcns = c->v[OPT_IPCNS].flag;
	c->o->command = c->values->command;
	if (c->v[OPT_READY_FD].given && (ready_fd < 0 || ready_fd > INT_MAX))
		return err_say(err, EINVAL, "ready-fd must be the number of a descriptor, got %lld",
			       (long long)ready_fd);
	c->o->ready_fd = (int)ready_fd;
	if (!option_is_one_of(source, sources))
		return err_say(
			err, EINVAL,
			"failed to setup UID/GID map: failed to compute uid/gid map: unknown "
			"subid source %s",
			go_quote(q, sizeof(q), source));
	c->o->subid_source = source;
	return 0;
}

/* the order is a contract: the first mistake is the one that is told */
static int (*const checks[])(struct check *c, struct err *err) = {
	check_evacuation,
	check_mtu,
	check_cidr,
	check_ifname,
	check_ipv6,
	check_host_loopback,
	option_check_net,
	option_check_slirp4netns,
	check_host_addrs,
	check_modes,
	option_check_port_driver,
	check_transparency,
	check_loopback,
	check_udp_idle,
	check_publish,
	check_reaper,
	check_copy_up,
	check_propagation,
	option_check_sysctl,
	check_process,
};

int options_check(const struct option_values *values, struct options *o, struct options_report *rep,
		  struct err *err)
{
	struct check c = { .values = values, .v = values->v, .o = o, .rep = rep };

	o->dialect = values->dialect;
	o->named_rootlesskit = strcmp(values->program, "rootlesskit") == 0;
	o->net_external = (values->v[OPT_SLIRP4NETNS_BINARY].given &&
			   strcmp(values->v[OPT_NET].text, "slirp4netns") == 0) ||
			  (values->v[OPT_GVPROXY_BINARY].given &&
			   strcmp(values->v[OPT_NET].text, "gvisor-tap-vsock") == 0);
	c.net = net_driver_find(values->v[OPT_NET].text, o->net_external);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		int r = checks[i](&c, err);

		if (r < 0)
			return r;
	}
	return 0;
}
