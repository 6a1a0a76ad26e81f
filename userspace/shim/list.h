/* SPDX-License-Identifier: GPL-2.0 */
/* Circular doubly linked lists with the kernel's names. */
#ifndef RAFTLOG_SHIM_LIST_H
#define RAFTLOG_SHIM_LIST_H

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name) { &(name), &(name) }
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *head)
{
	head->next = head;
	head->prev = head;
}

static inline void __list_link(struct list_head *prev, struct list_head *next)
{
	prev->next = next;
	next->prev = prev;
}

static inline void list_add(struct list_head *node, struct list_head *head)
{
	__list_link(node, head->next);
	__list_link(head, node);
}

static inline void list_add_tail(struct list_head *node, struct list_head *head)
{
	__list_link(head->prev, node);
	__list_link(node, head);
}

static inline void list_del(struct list_head *node)
{
	__list_link(node->prev, node->next);
	node->next = NULL;
	node->prev = NULL;
}

static inline void list_del_init(struct list_head *node)
{
	__list_link(node->prev, node->next);
	INIT_LIST_HEAD(node);
}

static inline void list_move(struct list_head *node, struct list_head *head)
{
	__list_link(node->prev, node->next);
	list_add(node, head);
}

static inline void list_move_tail(struct list_head *node,
				  struct list_head *head)
{
	__list_link(node->prev, node->next);
	list_add_tail(node, head);
}

static inline int list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline int list_is_singular(const struct list_head *head)
{
	return !list_empty(head) && head->next == head->prev;
}

static inline int list_is_last(const struct list_head *node,
			       const struct list_head *head)
{
	return node->next == head;
}

static inline void list_splice_init(struct list_head *list,
				    struct list_head *head)
{
	if (list_empty(list))
		return;
	__list_link(list->prev, head->next);
	__list_link(head, list->next);
	INIT_LIST_HEAD(list);
}

static inline void list_splice_tail_init(struct list_head *list,
					 struct list_head *head)
{
	if (list_empty(list))
		return;
	__list_link(head->prev, list->next);
	__list_link(list->prev, head);
	INIT_LIST_HEAD(list);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(head, type, member) \
	list_entry((head)->next, type, member)
#define list_last_entry(head, type, member) \
	list_entry((head)->prev, type, member)
#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_first_entry(head, type, member))
#define list_next_entry(pos, member) \
	list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_prev_entry(pos, member) \
	list_entry((pos)->member.prev, __typeof__(*(pos)), member)
#define list_entry_is_head(pos, head, member) (&(pos)->member == (head))

#define list_for_each(pos, head) \
	for (pos = (head)->next; pos != (head); pos = pos->next)
#define list_for_each_entry(pos, head, member)                         \
	for (pos = list_first_entry(head, __typeof__(*pos), member);   \
	     !list_entry_is_head(pos, head, member);                   \
	     pos = list_next_entry(pos, member))
#define list_for_each_entry_safe(pos, n, head, member)                 \
	for (pos = list_first_entry(head, __typeof__(*pos), member),   \
	    n = list_next_entry(pos, member);                          \
	     !list_entry_is_head(pos, head, member);                   \
	     pos = n, n = list_next_entry(n, member))
#define list_for_each_entry_reverse(pos, head, member)                 \
	for (pos = list_last_entry(head, __typeof__(*pos), member);    \
	     !list_entry_is_head(pos, head, member);                   \
	     pos = list_prev_entry(pos, member))

#endif /* RAFTLOG_SHIM_LIST_H */
