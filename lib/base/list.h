/* SPDX-License-Identifier: Apache-2.0 */
/* list.h - doubly linked ring, embedded in its owner; no allocation */
#ifndef RK_BASE_LIST_H
#define RK_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

/* an entry or a head that stands alone points at itself */
static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* list_append() - put @entry last on @head */
static inline void list_append(struct list *head, struct list *entry)
{
	entry->prev = head->prev;
	entry->next = head;
	head->prev->next = entry;
	head->prev = entry;
}

/* list_prepend() - put @entry first on @head */
static inline void list_prepend(struct list *head, struct list *entry)
{
	list_append(head->next, entry);
}

/* list_remove() - takes an entry that stands alone too; it stands alone afterwards */
static inline void list_remove(struct list *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	list_init(entry);
}

/* list_first() - the first entry, or NULL */
static inline struct list *list_first(const struct list *head)
{
	return list_empty(head) ? NULL : head->next;
}

#define list_for_each(pos, head) for (pos = (head)->next; pos != (head); pos = pos->next)

/* list_count() - entries of it; walks them */
static inline unsigned list_count(const struct list *head)
{
	const struct list *i;
	unsigned n = 0;

	list_for_each (i, head)
		n++;
	return n;
}

/* the current entry may be removed inside */
#define list_for_each_safe(pos, tmp, head) \
	for (pos = (head)->next, tmp = pos->next; pos != (head); pos = tmp, tmp = pos->next)

#endif
