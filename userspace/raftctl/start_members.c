// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "raftctl.h"
#include "start_members.h"

bool start_members_address(const char *option, const char *text,
			   struct raftlog_addr *addr)
{
	const char *wrong = addr_parse(text, addr);

	if (!wrong)
		return true;
	complain("for example 10.0.0.1:7400 or [2001:db8::1]:7400", "%s %s: %s",
		 option, text, wrong);
	return false;
}

static bool add(struct start_members *members, __u32 id,
		const struct raftlog_addr *addr)
{
	struct raftlog_member *member;

	if (members->n == RAFTLOG_MEMBERS_MAX) {
		complain(NULL, "more than %d members", RAFTLOG_MEMBERS_MAX);
		return false;
	}
	member = &members->members[members->n++];
	member->id = id;
	member->kind = RAFTLOG_VOTER;
	member->addr = *addr;
	return true;
}

bool start_members_parse(const char *option, const char *text, __u32 *id,
			 struct raftlog_addr *addr)
{
	const char *equals = strchr(text, '=');
	char number[16];

	if (!equals || (size_t)(equals - text) >= sizeof(number)) {
		complain("for example 2=10.0.0.2:7400",
			 "%s %s: not ID=ADDRESS:PORT", option, text);
		return false;
	}
	snprintf(number, sizeof(number), "%.*s", (int)(equals - text), text);
	if (!option_u32(option, number, 1, UINT32_MAX, id) ||
	    !start_members_address(option, equals + 1, addr))
		return false;
	if (!addr_is_any(addr))
		return true;
	complain("give the address others send to",
		 "%s %s: nobody can be reached there", option, text);
	return false;
}

bool start_members_add(struct start_members *members, const char *text)
{
	struct raftlog_addr addr;
	__u32 id;

	return start_members_parse("--peer", text, &id, &addr) &&
	       add(members, id, &addr);
}

bool start_members_witness(struct start_members *members, const char *text)
{
	if (members->n_witnesses == RAFTLOG_MEMBERS_MAX) {
		complain(NULL, "more than %d members", RAFTLOG_MEMBERS_MAX);
		return false;
	}
	return option_u32("--witness", text, 1, UINT32_MAX,
			  &members->witnesses[members->n_witnesses++]);
}

static const struct raftlog_member *find(const struct start_members *members,
					 __u32 id)
{
	for (unsigned int i = 0; i < members->n; i++)
		if (members->members[i].id == id)
			return &members->members[i];
	return NULL;
}

static bool add_self(struct start_members *members)
{
	const struct raftlog_member *self = find(members, members->node_id);
	const struct raftlog_addr *reached = &members->advertise;

	if (!reached->family && self)
		reached = &self->addr;
	if (!reached->family)
		reached = &members->listen;
	if (addr_is_any(reached)) {
		complain("give --advertise ADDRESS:PORT as well",
			 "the others cannot reach node %u at --listen",
			 members->node_id);
		return false;
	}
	if (!members->listen.family)
		members->listen = *reached;
	if (!self)
		return add(members, members->node_id, reached);
	if (addr_equal(&self->addr, reached))
		return true;
	complain("they must agree",
		 "--advertise and --peer %u say different addresses",
		 members->node_id);
	return false;
}

static int compare_ids(const void *a, const void *b)
{
	const struct raftlog_member *first = a, *second = b;

	return (first->id > second->id) - (first->id < second->id);
}

/* Between two of the list. */
static bool is_distinct(const struct raftlog_member *member,
			const struct raftlog_member *other)
{
	if (member->id == other->id) {
		complain("each has an id of its own", "node %u is given twice",
			 member->id);
		return false;
	}
	if (addr_equal(&member->addr, &other->addr)) {
		complain("each has its own address",
			 "nodes %u and %u have the same address", other->id,
			 member->id);
		return false;
	}
	return true;
}

/* At most half of them, or what is committed may be known to nobody. */
static bool mark_witnesses(struct start_members *members)
{
	for (unsigned int i = 0; i < members->n_witnesses; i++) {
		struct raftlog_member *member = members->members;

		while (member < members->members + members->n &&
		       member->id != members->witnesses[i])
			member++;
		if (member == members->members + members->n) {
			complain("give it with --peer as well",
				 "--witness %u: no such member",
				 members->witnesses[i]);
			return false;
		}
		member->flags |= RAFTLOG_MEMBER_F_WITNESS;
	}
	if (2 * members->n_witnesses <= members->n)
		return true;
	complain("others must be able to tell what is committed",
		 "more than half of the members are witnesses");
	return false;
}

bool start_members_finish(struct start_members *members)
{
	struct raftlog_member *member = members->members;

	if (!add_self(members))
		return false;
	qsort(member, members->n, sizeof(*member), compare_ids);
	for (unsigned int i = 0; i < members->n; i++)
		for (unsigned int j = 0; j < i; j++)
			if (!is_distinct(&member[i], &member[j]))
				return false;
	return mark_witnesses(members);
}
