/* SPDX-License-Identifier: Apache-2.0 */
/* nsprobe.h - the tests' eye inside a namespace: servers, clients, terminals, descriptors */
#ifndef RK_TESTS_NSPROBE_H
#define RK_TESTS_NSPROBE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* an address with its length; text form without brackets */
struct addr {
	union {
		struct sockaddr sa;
		struct sockaddr_storage room;
	};
	socklen_t len;
};

/* subcommands: argv[0] is the subcommand's name; they return the exit status */
int probe_serve(int argc, char **argv);
int probe_ask(int argc, char **argv);
int probe_connect(int argc, char **argv);
int probe_send(int argc, char **argv);
int probe_recv(int argc, char **argv);
int probe_duplex(int argc, char **argv);
int probe_many(int argc, char **argv);
int probe_loadserve(int argc, char **argv);
int probe_blast(int argc, char **argv);
int probe_pull(int argc, char **argv);
int probe_rounds(int argc, char **argv);
int probe_dns(int argc, char **argv);
int probe_pty(int argc, char **argv);
int probe_init(int argc, char **argv);
int probe_sigcount(int argc, char **argv);
int probe_fds(int argc, char **argv);
int probe_netns(int argc, char **argv);
int probe_nonblock(int argc, char **argv);
int probe_trace(int argc, char **argv);
int probe_holds(int argc, char **argv);

/* addr_parse() - "fe80::1%eth0" too; exits with a message when the text is no address */
void addr_parse(struct addr *a, const char *host, const char *port);
/* addr_print() - "192.0.2.1 80"; a v4-mapped address as IPv4 */
void addr_print(const struct addr *a, char *dst, size_t size);

/* net_connect() - descriptor or negative errno; @from may be NULL */
int net_connect(const struct addr *to, const struct addr *from, int socktype, int timeout_ms);

/* status of a waited-for child as a shell shows it: status, or 128 + signal */
int shell_status(int wait_status);

/* a stream of bytes that both ends can make: byte @pos of the stream of @seed */
void stream_fill(uint8_t *dst, size_t len, uint64_t pos, uint64_t seed);

#define CHECKSUM_INIT 14695981039346656037ull
uint64_t checksum(uint64_t sum, const uint8_t *p, size_t len); /* FNV-1a */

/* dns_answer() - the answer to a query; its length, 0: stay silent. @peer: the asker, @self:
 * who was asked */
size_t dns_answer(const uint8_t *query, size_t len, const struct addr *peer,
		  const struct addr *self, int over_tcp, uint8_t *ret, size_t size);

/* die() - one line on stderr, exit status 2: the test itself is wrong */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
