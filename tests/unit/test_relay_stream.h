/* SPDX-License-Identifier: Apache-2.0 */
/* test_relay_stream.h - streams whose every byte can be checked, for test_relay_forward.c */
#ifndef RK_TESTS_RELAY_STREAM_H
#define RK_TESTS_RELAY_STREAM_H

#include "tests/unit/test_relay_rig.h"

struct stream {
	int from, to;
	size_t total, sent, got;
	size_t chunk; /* most bytes of one write */
	uint32_t seed;
};

static inline uint8_t byte_at(const struct stream *s, size_t i)
{
	return (uint8_t)((i * 2654435761u + s->seed) >> 13);
}

static inline uint32_t roll(struct stream *s)
{
	static uint32_t state = 1;

	state = state * 1664525u + 1013904223u;
	return (uint32_t)(1 + (state >> 8) % s->chunk);
}

static inline void stream_send(struct stream *s)
{
	static uint8_t buf[256 * 1024];
	size_t len = roll(s);
	ssize_t n;

	if (len > s->total - s->sent)
		len = s->total - s->sent;
	for (size_t i = 0; i < len; i++)
		buf[i] = byte_at(s, s->sent + i);
	n = send(s->from, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	ck_assert(n > 0 || errno == EAGAIN);
	s->sent += n > 0 ? (size_t)n : 0;
}

static inline void stream_receive(struct stream *s)
{
	static uint8_t buf[256 * 1024];
	ssize_t n = recv(s->to, buf, roll(s), MSG_DONTWAIT);

	ck_assert(n > 0 || (n < 0 && errno == EAGAIN));
	for (ssize_t i = 0; i < n; i++, s->got++) {
		if (buf[i] != byte_at(s, s->got))
			ck_abort_msg("byte %zu is wrong", s->got);
	}
}

static inline void run_streams(struct stream *s, size_t n)
{
	uint64_t give_up = clock_ms() + 60 * 1000;
	size_t open = n;

	while (open) {
		struct pollfd p[2 * 2];

		open = 0;
		for (size_t i = 0; i < n; i++) {
			p[2 * i] = (struct pollfd){ s[i].sent < s[i].total ? s[i].from : -1,
						    POLLOUT, 0 };
			p[2 * i + 1] =
				(struct pollfd){ s[i].got < s[i].total ? s[i].to : -1, POLLIN, 0 };
			open += s[i].got < s[i].total;
		}
		ck_assert(!open || poll(p, 2 * n, WAIT_MS) > 0);
		for (size_t i = 0; i < n; i++) {
			if (p[2 * i].revents)
				stream_send(&s[i]);
			if (p[2 * i + 1].revents)
				stream_receive(&s[i]);
		}
		ck_assert(clock_ms() < give_up);
	}
}

#endif
