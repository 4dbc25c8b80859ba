// SPDX-License-Identifier: Apache-2.0
/*
 * library.c - libslirp, loaded by the process that runs it
 *
 * It brings glib, pcre2 and libm along. Linked into the program, all four would be mapped and
 * relocated in each process of ours at each exec, and copied at each fork, for one that uses them.
 *
 * The functions here have the names and types of the library's own headers, and call them.
 */
#include "lib/slirp/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <glib.h>
#include <libslirp.h>

#include "lib/base/cleanup.h"

#define CALLS(X) \
	X(g_log_default_handler) \
	X(g_log_set_default_handler) \
	X(slirp_add_hostfwd) \
	X(slirp_cleanup) \
	X(slirp_handle_timer) \
	X(slirp_input) \
	X(slirp_new) \
	X(slirp_pollfds_fill) \
	X(slirp_pollfds_poll) \
	X(slirp_remove_hostfwd) \
	X(slirp_version_string)

static struct {
#define CALL(name) __typeof__(name) *name;
	CALLS(CALL)
#undef CALL
	bool loaded;
} lib;

static int load_failed(struct err *err)
{
	return err_say(err, ELIBACC, "loading libslirp: %s; install it (Debian: libslirp0)",
		       dlerror());
}

int libslirp_load(struct err *err)
{
	static const struct {
		const char *name;
		size_t at;
	} calls[] = {
#define CALL(name) { #name, offsetof(__typeof__(lib), name) },
		CALLS(CALL)
#undef CALL
	};
	void *handle;

	if (lib.loaded)
		return 0;
	handle = dlopen(LIBSLIRP_SONAME, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!handle)
		return load_failed(err);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		void *call = dlsym(handle, calls[i].name); /* in what it depends on as well */

		if (!call)
			return load_failed(err); /* it stays: closing it would forget why */
		memcpy((char *)&lib + calls[i].at, &call, sizeof(call));
	}
	lib.loaded = true;
	return 0;
}

void g_log_default_handler(const gchar *domain, GLogLevelFlags level, const gchar *line,
			   gpointer unused)
{
	lib.g_log_default_handler(domain, level, line, unused);
}

GLogFunc g_log_set_default_handler(GLogFunc handler, gpointer data)
{
	return lib.g_log_set_default_handler(handler, data);
}

int slirp_add_hostfwd(Slirp *s, int is_udp, struct in_addr host, int host_port,
		      struct in_addr guest, int guest_port)
{
	return lib.slirp_add_hostfwd(s, is_udp, host, host_port, guest, guest_port);
}

void slirp_cleanup(Slirp *s)
{
	lib.slirp_cleanup(s);
}

void slirp_handle_timer(Slirp *s, SlirpTimerId id, void *arg)
{
	lib.slirp_handle_timer(s, id, arg);
}

void slirp_input(Slirp *s, const uint8_t *frame, int len)
{
	lib.slirp_input(s, frame, len);
}

Slirp *slirp_new(const SlirpConfig *config, const SlirpCb *callbacks, void *arg)
{
	return lib.slirp_new(config, callbacks, arg);
}

void slirp_pollfds_fill(Slirp *s, uint32_t *timeout_ms, SlirpAddPollCb add, void *arg)
{
	lib.slirp_pollfds_fill(s, timeout_ms, add, arg);
}

void slirp_pollfds_poll(Slirp *s, int failed, SlirpGetREventsCb get, void *arg)
{
	lib.slirp_pollfds_poll(s, failed, get, arg);
}

int slirp_remove_hostfwd(Slirp *s, int is_udp, struct in_addr host, int host_port)
{
	return lib.slirp_remove_hostfwd(s, is_udp, host, host_port);
}

const char *slirp_version_string(void)
{
	return lib.slirp_version_string();
}
