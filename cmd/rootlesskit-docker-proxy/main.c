// SPDX-License-Identifier: Apache-2.0
/*
 * main.c - rootlesskit-docker-proxy: dockerd's userland proxy, and the port in the host's netns
 *
 * dockerd (before v28) starts it in the child namespaces with docker-proxy's arguments and a pipe
 * at descriptor 3: "0\n" means that the port works, "1\n" and a text that it does not. We publish
 * the port, run docker-proxy, which writes the "0\n", and take the port back when either ends.
 *
 * Where the parent can go to the container itself, docker-proxy only serves who is in the child, at
 * the address where they look for the port; without such an address it is not run.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/rootlesskit-docker-proxy/flags.h"
#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/goerr.h"
#include "lib/base/str.h"
#include "lib/client/client.h"

#define STATUS_FD 3
#define REAL_PROXY "docker-proxy"
#define EXIT_USAGE 2
#define NUMBER_MAX 24

struct proxy {
	struct proxy_flags given;
	char **argv;
	char *socket_path, *exe; /* exe: docker-proxy in $PATH */
	const char *child_ip;    /* where the port driver connects to, at child_port */
	int child_port;
	const char *bind_ip; /* where docker-proxy listens; NULL: it is not needed */
	bool discard;        /* the port driver does not know the protocol */
	int64_t port_id;     /* as published */
	sigset_t old_mask;
};

static void say(const char *level, const char *text)
{
	fprintf(stderr, "rootlesskit-docker-proxy: %s%s\n", level, text);
}

/* 0, also where nobody asked to be told; a negative errno: nobody listens any more */
static int tell_dockerd(const char *text)
{
	return fcntl(STATUS_FD, F_GETFD) < 0 ? 0 : fd_write_all(STATUS_FD, text, strlen(text));
}

/* as execvp() looks: the first executable file of that name */
static int find_in_path(const char *name, char **ret, struct err *err)
{
	const char *path = getenv("PATH");

	while (path && *path) {
		size_t len = strcspn(path, ":");
		autofree char *full = str_dup_format("%.*s/%s", (int)len, len ? path : ".", name);

		if (full && access(full, X_OK) == 0) {
			*ret = take_ptr(full);
			return 0;
		}
		path += len + (path[len] == ':');
	}
	return err_say(err, ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
}

static bool is_ipv6(const char *ip)
{
	struct in6_addr a;

	return inet_pton(AF_INET6, ip, &a) == 1 && !IN6_IS_ADDR_V4MAPPED(&a);
}

static bool protos_contain(const json_t *port_driver, const char *proto)
{
	const json_t *protos = json_object_get(port_driver, "protos");
	size_t i;
	json_t *v;

	json_array_foreach(protos, i, v)
	{
		if (json_is_string(v) && strcmp(json_string_value(v), proto) == 0)
			return true;
	}
	return false;
}

static bool is_wildcard(const char *ip)
{
	return strcmp(ip, "0.0.0.0") == 0 || strcmp(ip, "::") == 0;
}

static bool is_loopback(const char *ip)
{
	struct in_addr a;

	return inet_pton(AF_INET, ip, &a) == 1 ? ntohl(a.s_addr) >> 24 == IN_LOOPBACKNET
					       : strcmp(ip, "::1") == 0;
}

static bool is_container(const struct proxy *p)
{
	struct in6_addr a;

	return (inet_pton(AF_INET, p->given.container_ip, &a) == 1 ||
		inet_pton(AF_INET6, p->given.container_ip, &a) == 1) &&
	       p->given.container_port > 0 && p->given.container_port <= UINT16_MAX;
}

/* the gateway of our own slirp, and its relay, which serves IPv6 though that is not offered */
static bool has_gateway(const json_t *info)
{
	return json_object_get(json_object_get(json_object_get(info, "networkDriver"), "extra"),
			       "accel");
}

/*
 * One address of the host, -p 192.0.2.1:80:80: dockerd's NAT rule is for that address, which
 * nothing in the child has, so that what comes for docker-proxy would not meet it; and at one
 * address of the child there is no room for the ports of one number of several. The parent goes to
 * the container itself, which dockerd's filter rules allow for either way. So it is for IPv6, which
 * has neither NAT nor an address of the child.
 */
static bool goes_direct(const struct proxy *p, const json_t *info, bool loopback)
{
	const json_t *port = json_object_get(info, "portDriver");

	if (!is_container(p) ||
	    (strcmp(client_text(port, "driver"), "builtin") != 0 && !has_gateway(info)))
		return false;
	return !is_wildcard(p->given.host_ip) || (!loopback && is_ipv6(p->given.host_ip));
}

/* where the port driver connects to in the child, and where docker-proxy listens */
static int choose_addresses(struct proxy *p, const json_t *info, struct err *err)
{
	const json_t *net = json_object_get(info, "networkDriver");
	const json_t *port = json_object_get(info, "portDriver");
	const char *child_ip = client_text(net, "childIP"), *driver = client_text(port, "driver");
	const bool loopback = !json_is_true(json_object_get(port, "disallowLoopbackChildIP"));

	if (goes_direct(p, info, loopback)) {
		p->child_ip = p->given.container_ip;
		p->child_port = (int)p->given.container_port;
		p->bind_ip = is_loopback(p->given.host_ip) ? p->given.host_ip : NULL;
		return 0;
	}
	if (!loopback && !*child_ip)
		return err_say(err, EINVAL,
			       "RootlessKit port driver (\"%s\") does not allow loopback child IP, "
			       "but network driver (\"%s\") has no non-loopback IP",
			       driver, client_text(net, "driver"));
	p->child_ip = !loopback ? child_ip : is_ipv6(p->given.host_ip) ? "::1" : "127.0.0.1";
	p->child_port = (int)p->given.host_port;
	/* dockerd itself looks for localhost:5000 on the child's loopback */
	p->bind_ip = has_gateway(info) && strcmp(p->given.host_ip, "0.0.0.0") == 0
			     ? p->given.host_ip
			     : p->child_ip;
	return 0;
}

/* replaces the program: without a port driver of ours docker-proxy does the whole job */
static int exec_real_proxy(const struct proxy *p, struct err *err)
{
	p->argv[0] = (char[]){ REAL_PROXY };
	execv(p->exe, p->argv);
	return err_set(err, errno, "executing '%s'", p->exe);
}

static int publish(struct proxy *p, const json_t *info, struct err *err)
{
	const json_t *port = json_object_get(info, "portDriver");
	autojson json_t *status = NULL;
	struct port_spec spec = { 0 };
	int r = choose_addresses(p, info, err);

	if (r < 0)
		return r;
	if (str_format(spec.proto, sizeof(spec.proto), "%s%s", p->given.proto,
		       str_ends(p->given.proto, "4") || str_ends(p->given.proto, "6") ? ""
		       : is_ipv6(p->given.host_ip)                                    ? "6"
										      : "4") < 0 ||
	    str_format(spec.parent_ip, sizeof(spec.parent_ip), "%s", p->given.host_ip) < 0 ||
	    str_format(spec.child_ip, sizeof(spec.child_ip), "%s", p->child_ip) < 0 ||
	    p->given.host_port < INT16_MIN || p->given.host_port > UINT16_MAX)
		return err_say(err, EINVAL, "-proto, -host-ip or -host-port make no sense");
	spec.parent_port = (int)p->given.host_port;
	spec.child_port = p->child_port;
	if (!protos_contain(port, has_gateway(info) ? p->given.proto : spec.proto)) {
		fprintf(stderr,
			"rootlesskit-docker-proxy: warning: protocol \"%s\" is not supported by "
			"the RootlessKit port driver \"%s\", discarding request for "
			"\"%s%s%s:%d\"\n",
			spec.proto, client_text(port, "driver"),
			is_ipv6(p->given.host_ip) ? "[" : "", p->given.host_ip,
			is_ipv6(p->given.host_ip) ? "]" : "", spec.parent_port);
		p->discard = true;
		return 0;
	}
	r = client_add_port(p->socket_path, &spec, &status, err);
	if (r < 0)
		return err_wrap(err, r, "error while calling PortManager.AddPort()");
	p->port_id = json_integer_value(json_object_get(status, "id"));
	return 0;
}

static void unpublish(const struct proxy *p)
{
	struct err err = { 0 };

	if (client_remove_port(p->socket_path, p->port_id, 0, &err) < 0)
		say("warning: removing the port: ", err.msg);
}

static void run_real_proxy(const struct proxy *p, pid_t parent)
{
	char container_port[NUMBER_MAX], host_port[NUMBER_MAX];
	const char *argv[] = { REAL_PROXY,        "-container-ip", p->given.container_ip,
			       "-container-port", container_port,  "-host-ip",
			       p->bind_ip,        "-host-port",    host_port,
			       "-proto",          p->given.proto,  NULL };

	snprintf(container_port, sizeof(container_port), "%lld",
		 (long long)p->given.container_port);
	snprintf(host_port, sizeof(host_port), "%lld", (long long)p->given.host_port);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &p->old_mask, NULL);
	execv(p->exe, (char **)argv);
	tell_dockerd("1\nexecuting " REAL_PROXY " failed");
	_exit(EXIT_FAILURE);
}

/* until a signal asks for the end or docker-proxy, if there is one, ends by itself; 0 when we were
 * asked */
static int wait_for_end(const sigset_t *set, pid_t pid, struct err *err)
{
	int status;

	for (;;) {
		int sig = sigwaitinfo(set, NULL);

		if (sig == SIGCHLD && pid && waitpid(pid, &status, WNOHANG) == pid)
			return err_say(err, ECHILD, REAL_PROXY " ended early (%s %d)",
				       WIFEXITED(status) ? "exit status" : "signal",
				       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		if (sig > 0 && sig != SIGCHLD)
			break;
	}
	if (pid) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	return 0;
}

/* what is published, until the end */
static int serve(const struct proxy *p, const sigset_t *set, struct err *err)
{
	pid_t self = getpid(), pid = 0;
	int r;

	if (p->bind_ip) {
		pid = fork();
		if (pid == 0)
			run_real_proxy(p, self);
		if (pid < 0)
			return err_set(err, errno, "error while starting " REAL_PROXY);
	} else {
		r = tell_dockerd("0\n");
		if (r < 0) /* who asked is dead, or has given up: nobody would end us */
			return err_set(err, -r, "telling dockerd that the port works");
	}
	close(STATUS_FD); /* docker-proxy has it; dockerd reads to its end */
	return wait_for_end(set, pid, err);
}

static int run(struct proxy *p, struct err *err)
{
	autojson json_t *info = NULL;
	const char *driver;
	sigset_t set;
	int r;

	r = client_info(p->socket_path, &info, err);
	if (r < 0)
		return err_wrap(err, r,
				"failed to call info API, probably RootlessKit binary is too old "
				"(needs to be v0.14.0 or later)");
	r = find_in_path(REAL_PROXY, &p->exe, err);
	if (r < 0)
		return r;
	driver = client_text(json_object_get(info, "portDriver"), "driver");
	if (!*driver || strcmp(driver, "none") == 0 || strcmp(driver, "implicit") == 0)
		return exec_real_proxy(p, err);

	signal(SIGCHLD, SIG_DFL); /* one that is ignored is never waited for */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_IGN); /* a dockerd that does not listen shall not keep the port */
	/* a signal that comes from here on waits until the port can be taken back */
	sigemptyset(&set);
	for (const int *s = (const int[]){ SIGINT, SIGTERM, SIGHUP, SIGCHLD, 0 }; *s; s++)
		sigaddset(&set, *s);
	sigprocmask(SIG_BLOCK, &set, &p->old_mask);
	r = publish(p, info, err);
	if (r < 0)
		return r;
	if (p->discard) {
		tell_dockerd("0\n");
		return 0;
	}
	r = serve(p, &set, err);
	unpublish(p);
	return r;
}

static int find_socket(struct proxy *p, struct err *err)
{
	const char *dir = getenv("ROOTLESSKIT_STATE_DIR");
	int r;

	if (!dir || !*dir)
		return err_say(err, EINVAL, "$ROOTLESSKIT_STATE_DIR needs to be set");
	p->socket_path = str_dup_format("%s/api.sock", dir);
	if (!p->socket_path)
		return err_set(err, ENOMEM, "reading $ROOTLESSKIT_STATE_DIR");
	r = client_check_socket(p->socket_path, err);
	return r < 0 ? err_wrap(err, r, "error while connecting to RootlessKit API socket") : 0;
}

int main(int argc, char **argv)
{
	struct proxy p = { .given = PROXY_FLAGS_DEFAULT, .argv = argv };
	struct err err = { 0 };
	int r;

	if (goflag_parse(argc, argv, proxy_flags, PROXY_NFLAGS, &p.given, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		proxy_usage(stderr);
		return EXIT_USAGE;
	}
	if (p.given.help)
		return proxy_usage(stdout);
	r = find_socket(&p, &err);
	if (r == 0)
		r = run(&p, &err);
	if (r < 0) {
		autofree char *text = str_dup_format("1\n%s", err.msg);

		tell_dockerd(text ? text : "1\nout of memory");
		say("error: ", err.msg);
	}
	free(p.socket_path);
	free(p.exe);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
