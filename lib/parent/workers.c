// SPDX-License-Identifier: Apache-2.0
/*
 * workers.c - the parent's side of relay and slirp: configuration, messages, log lines
 *
 * A worker writes "<level digit>text" lines to its stderr, a pipe that is read here. It is not
 * trusted: lines are cut, made printable and bounded in number before they reach the user, and what
 * it writes and sends is read at a pace that leaves the parent time for others.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/parent/flows.h"
#include "lib/parent/instance.h"
#include "lib/parent/nursery.h"
#include "lib/parent/ports.h"

#define LINES_BURST 100
#define LINE_MS 1000        /* then one line each so long: 2 kB/s at most on the user's disk */
#define LINE_DEBUG_MS 10    /* the same with --debug */
#define LOG_BYTES (1 << 16) /* of its log that are read each PACE_MS */
#define MESSAGES 1024 /* of it that are read each PACE_MS: PORTS_MAX removed at once and more */
#define FLUSH_READS 64
#define RANGE_MAX 64 /* bytes of ip_local_port_range */
#define DRAIN_MESSAGES 64

static void put_line(struct worker *w, char *line, size_t len)
{
	enum log_level level = LOG_ERROR; /* what a library or a sanitizer printed */
	char text[LOG_LINE_MAX];

	if (!allowance_take(&w->lines, clock_ms(), LINES_BURST,
			    log_debug_enabled() ? LINE_DEBUG_MS : LINE_MS)) {
		w->lines_dropped++;
		return;
	}
	if (w->lines_dropped)
		log_warning(role_name(w->role), "%u more lines were dropped", w->lines_dropped);
	w->lines_dropped = 0;
	if (len && line[0] >= '0' && line[0] < '0' + LOG_NLEVELS) {
		level = (enum log_level)(line[0] - '0');
		line++;
		len--;
	}
	str_printable(text, sizeof(text), line, len);
	log_as(role_name(w->role), level, text);
}

static ssize_t read_log(struct worker *w)
{
	ssize_t n = read(w->log.fd, w->line + w->nline, sizeof(w->line) - w->nline);
	char *start = w->line, *nl;

	if (n <= 0)
		return n < 0 ? -errno : 0;
	w->nline += (size_t)n;
	while ((nl = memchr(start, '\n', w->nline - (size_t)(start - w->line)))) {
		put_line(w, start, (size_t)(nl - start));
		start = nl + 1;
	}
	w->nline -= (size_t)(start - w->line);
	memmove(w->line, start, w->nline);
	if (w->nline == sizeof(w->line)) { /* longer than any line of ours */
		put_line(w, w->line, w->nline);
		w->nline = 0;
	}
	return n;
}

void worker_log_flush(struct worker *w)
{
	if (w->log.fd < 0)
		return;
	for (int i = 0; i < FLUSH_READS && read_log(w) > 0; i++)
		; /* bounded: somebody else may hold the pipe and go on writing */
	if (w->nline)
		put_line(w, w->line, w->nline);
	w->nline = 0;
}

static void on_worker_log(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	ssize_t n;

	(void)fd;
	(void)what;
	n = read_log(w);
	if (n > 0) {
		pace_spend(&w->log.pace, (unsigned)n);
	} else if (n == 0) {
		worker_log_flush(w); /* a last line without its end */
		link_close(&w->log);
	}
}

static void worker_told(struct worker *w, const struct msg *m)
{
	struct instance *in = w->in;

	switch (m->type) {
	case WORKER_READY:
		w->state = WORKER_UP;
		if (worker_confined(w, m->payload, &w->err) < 0)
			worker_ending(w, true);
		else
			worker_is_up(w);
		break;
	case WORKER_PONG:
		watchdog_answered(&w->watchdog);
		worker_counted(w, (const struct worker_counters *)m->payload);
		break;
	case WORKER_PORT_REMOVED:
		if (in->ports)
			ports_on_removed(in->ports,
					 ((const struct worker_port_id *)m->payload)->id);
		break;
	case WORKER_STATS:
		if (in->ports)
			ports_on_stats(in->ports, (const struct worker_stats *)m->payload);
		break;
	case WORKER_FLOWS:
		if (in->flows)
			flows_told(in->flows, w->role, (const struct worker_flows *)m->payload);
		break;
	case WORKER_FAILED:
	default:
		instance_take_err(&w->err, m->payload);
		err_wrap(&w->err, -w->err.code, "the %s worker", role_name(w->role));
		worker_ending(w, false);
		break;
	}
}

/* one message; false when there is none */
static bool take_message(struct worker *w)
{
	struct msg m;
	int n = msg_recv(w->control.fd, &worker_proto, w->role, w->state, MSG_DONTWAIT, &m);

	if (n == -EAGAIN)
		return false;
	if (n > 0) {
		worker_told(w, &m);
		return true;
	}
	link_mute(&w->control);
	if (n == -EPROTO)
		err_say(&w->err, EPROTO, "worker %s broke the protocol", role_name(w->role));
	else if (n < 0)
		err_set(&w->err, -n, "message of worker %s", role_name(w->role));
	worker_ending(w, n < 0);
	return false;
}

static void on_worker_control(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	if (take_message(w))
		pace_spend(&w->control.pace, 1);
}

void worker_drain(struct worker *w)
{
	for (int i = 0; i < DRAIN_MESSAGES && w->control.fd >= 0 && take_message(w); i++)
		; /* bounded: it is dead, but somebody else may hold its socket */
	worker_log_flush(w);
}

int worker_prepare(struct instance *in, enum worker_kind kind, struct err *err)
{
	struct worker *w = &in->worker[kind];
	autoclose int log_end = -1, control_end = -1;
	int control[2], log[2];
	int status, r = msg_pair(control);

	life_set(w, LIFE_STARTING);
	w->state = WORKER_STARTING;
	w->killed = false;
	w->err = (struct err){ 0 };
	if (r < 0)
		return err_set(err, -r, "making the socket of the %s worker", role_name(w->role));
	control_end = control[1];
	if (link_open(in, &w->control, control[0], on_worker_control, w) < 0 ||
	    link_pace(in, &w->control, MESSAGES) < 0)
		return err_set(err, ENOMEM, "watching the %s worker", role_name(w->role));
	if (pipe2(log, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_set(err, errno, "making the log pipe of the %s worker",
			       role_name(w->role));
	log_end = log[1];
	if (link_open(in, &w->log, log[0], on_worker_log, w) < 0 ||
	    link_pace(in, &w->log, LOG_BYTES) < 0)
		return err_set(err, ENOMEM, "watching the %s worker", role_name(w->role));
	in->pending |= w->bit;
	r = ask_spawn(in->nursery_link.fd, w->role, control_end, log_end, err);
	if (msg_peer_gone(r) && proc_wait_within(in->nursery, BLAME_MS, &status) == 0) {
		*err = (struct err){ 0 };
		instance_nursery_died(in, status);
	}
	return r;
}

/* Half of those that the kernel gives to who asks for any, of which each UDP port of the child
   takes one or could: without any left, no process of the host can ask a name server. 0: not known
 */
static uint32_t udp_ports_max(void)
{
	autofree char *text = NULL;
	unsigned first, last;

	if (fd_read_file(AT_FDCWD, "/proc/sys/net/ipv4/ip_local_port_range", RANGE_MAX, &text) <
		    0 ||
	    sscanf(text, "%u %u", &first, &last) != 2 || last < first)
		return 0;
	return (last - first) / 2 + 1;
}

static int configure_slirp(struct instance *in)
{
	struct slirp_config c = { .net = in->plan,
				  .udp_ports_max = udp_ports_max(),
				  .mtu_follows = in->egress != NULL,
				  .deny_hosts = in->hostaddrs != NULL };

	memcpy(c.tap_mac, in->tap_mac, sizeof(c.tap_mac));
	return msg_send(in->worker[KIND_SLIRP].control.fd, &worker_proto, WORKER_SLIRP_CONFIG, &c,
			&in->tap, 1);
}

static int configure_relay(struct instance *in)
{
	struct relay_config c = { .net = in->plan,
				  .udp_ports_max = udp_ports_max(),
				  .accel = in->accel,
				  .child_shows = in->child_shows,
				  .is_again = in->worker[KIND_RELAY].deaths.all > 0,
				  .deny_hosts = in->hostaddrs != NULL };
	int fd = in->worker[KIND_RELAY].control.fd, fds[2 + NET_DNS_SOCKS_MAX + NET_ACCEL_FDS_MAX];
	size_t nfds = 0;

	if (in->agent[NSAGENT_CHILD].relay_end >= 0) {
		fds[nfds++] = in->agent[NSAGENT_CHILD].relay_end;
		c.have_agent = 1;
	}
	/* without its rules the gateway would lead no answer to a transparent socket */
	if (in->accel == NET_ACCEL_TPROXY) {
		fds[nfds++] = in->agent[NSAGENT_GATEWAY].relay_end;
		c.have_gateway = 1;
	}
	for (; c.ndns < in->ndns_socks; c.ndns++)
		fds[nfds++] = in->dns_sock[c.ndns];
	for (size_t i = 0; i < in->naccel_fds; i++)
		fds[nfds++] = in->accel_fd[i];
	return msg_send(fd, &worker_proto, WORKER_RELAY_CONFIG, &c, fds, nfds);
}

int worker_tell_dns(struct instance *in, struct err *err)
{
	const struct worker *w = &in->worker[KIND_RELAY];
	int r = 0;

	if (w->configured && in->ndns_socks)
		r = msg_send(w->control.fd, &worker_proto, WORKER_DNS, &in->dns, NULL, 0);
	return r < 0 && !msg_peer_gone(r) ? err_set(err, -r, "telling the relay the name servers")
					  : 0;
}

int worker_ask_flows(void *instance, enum role role, const struct worker_flows_req *req)
{
	static const struct msg_empty nothing;
	const struct instance *in = instance;
	const struct worker *w = &in->worker[role == ROLE_SLIRP ? KIND_SLIRP : KIND_RELAY];
	uint16_t type = req ? WORKER_FLOWS_REQ : WORKER_PING;

	if (w->life == LIFE_NONE)
		return -ENOENT;
	if (w->life != LIFE_UP)
		return -EAGAIN;
	return msg_send(w->control.fd, &worker_proto, type, req ? (const void *)req : &nothing,
			NULL, 0);
}

int worker_configure(struct instance *in, enum worker_kind kind, struct err *err)
{
	int r = kind == KIND_RELAY ? configure_relay(in) : configure_slirp(in);

	if (r < 0 && !msg_peer_gone(r))
		return err_set(err, -r, "configuring the %s worker",
			       role_name(in->worker[kind].role));
	if (r < 0) /* one that has gone tells why, or the nursery does: it shall not wait for us */
		ask_kill(in->nursery_link.fd, in->worker[kind].role);
	in->worker[kind].configured = true;
	r = worker_tell_hosts(&in->worker[kind], err);
	if (r < 0)
		return r;
	return kind == KIND_RELAY ? worker_tell_dns(in, err) : 0;
}
