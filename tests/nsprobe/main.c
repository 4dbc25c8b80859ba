// SPDX-License-Identifier: Apache-2.0
/* main.c - nsprobe: the table of subcommands */
#include "nsprobe.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/base/cleanup.h"

static const struct {
	const char *name, *usage;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "serve", "KIND,ADDR,PORT[,ARG]...  serve until killed; prints 'ready ADDR PORT' each",
	  probe_serve },
	{ "ask", "[-u] [-t MS] [-b ADDR] [-p PORT] ADDR PORT [TEXT]  print the answer", probe_ask },
	{ "connect", "[-t MS] [-b ADDR] ADDR PORT  print 'ok' or the name of the errno",
	  probe_connect },
	{ "send", "ADDR PORT BYTES SEED  to tcp-sink, compare the checksum that comes back",
	  probe_send },
	{ "recv", "ADDR PORT BYTES SEED  from tcp-source, compare the stream", probe_recv },
	{ "duplex", "ADDR PORT BYTES SEED  to tcp-echo, both ways at once", probe_duplex },
	{ "many", "ADDR PORT COUNT  that many connections to tcp-echo at once", probe_many },
	{ "loadserve", "ADDR [gro:|dns:]PORT...  the other end of what follows; prints 'ready'",
	  probe_loadserve },
	{ "blast",
	  "[-g | -r PER_MS] ADDR PORT MS SIZE  received datagrams/s, Gbit/s, sent, received; -g: "
	  "in bundles",
	  probe_blast },
	{ "pull", "ADDR PORT MS SIZE  the same the other way, but for what was sent", probe_pull },
	{ "rounds", "[-d] ADDR PORT MS SOCKETS  answers/s, median and p99 in us, answers; -d: DNS",
	  probe_rounds },
	{ "dns",
	  "[-t MS] [--tcp] [--edns BYTES] SERVER NAME [A|AAAA]  addresses or the answer's code",
	  probe_dns },
	{ "pty", "[-s MS:KEYS] [-w TEXT:KEYS] [-r] CMD...  run on a terminal of its own",
	  probe_pty },
	{ "init", "CMD...  PID 1: reap until CMD has ended; its status", probe_init },
	{ "sigcount", "[-e STATUS]  print each signal, end 200 ms after TERM or INT",
	  probe_sigcount },
	{ "fds", "list the open descriptors: number, flags, target", probe_fds },
	{ "netns", "print the cookie of the network namespace", probe_netns },
	{ "trace", "[-c] PID  what may be done to it; -c: with Docker's capabilities only",
	  probe_trace },
	{ "holds", "PID  the kind of each of its descriptors", probe_holds },
	{ "nonblock", "FD [on|off]  show or set O_NONBLOCK", probe_nonblock },
};

void die(const char *fmt, ...)
{
	va_list ap;

	fputs("nsprobe: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

int shell_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

static void usage(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(stderr, "nsprobe %s %s\n", commands[i].name, commands[i].usage);
	exit(2);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	usage();
}
