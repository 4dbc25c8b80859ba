/* SPDX-License-Identifier: Apache-2.0 */
/* cleanup.h - variables that free or close themselves when they leave their scope */
#ifndef RK_BASE_CLEANUP_H
#define RK_BASE_CLEANUP_H

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define AUTO(fn) __attribute__((cleanup(fn)))
#define autofree AUTO(cleanup_freep)
#define autoclose AUTO(cleanup_closep)

/* makes fn##p(), which AUTO() wants, from a destructor that takes NULL and returns NULL */
#define DEFINE_FREEP(type, fn) \
	static inline void fn##p(type *p) \
	{ \
		*p = fn(*p); \
	}

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

/* keeps errno: an error path reports the failure, not the close */
static inline void cleanup_closep(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

/* the owner changes: the variable forgets its descriptor */
static inline int take_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

#define take_ptr(p) \
	({ \
		__typeof__(p) *take_ptr_p = &(p); \
		__typeof__(p) take_ptr_v = *take_ptr_p; \
		*take_ptr_p = NULL; \
		take_ptr_v; \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
