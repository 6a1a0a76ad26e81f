// SPDX-License-Identifier: GPL-2.0
/* The members as this node sees them: RAFTLOG_IOC_GET_MEMBERS and peers/<id>/. */
#include <linux/kobject.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "group.h"
#include "life.h"
#include "settings.h"

void raftlog_life_peer(struct raftlog_life *life, u32 i,
		       struct raftlog_peer *peer)
{
	const struct raft_member *member = &life->configuration.members[i];
	struct raft_peer_status core;
	struct raft_status status;
	u64 now_ns;

	spin_lock(&life->status_lock);
	core = life->peers[i];
	status = life->status;
	spin_unlock(&life->status_lock);
	now_ns = ktime_get_ns();

	memset(peer, 0, sizeof(*peer));
	peer->member.id = member->id;
	peer->member.kind = member->kind;
	raftlog_address_to_user(&peer->member.addr, &member->address);
	if (member->id == status.leader_id)
		peer->flags |= RAFTLOG_PEER_F_LEADER;
	if (member->id == status.node_id ? status.foreign : core.foreign)
		peer->flags |= RAFTLOG_PEER_F_FOREIGN;
	if (member->id == status.node_id) {
		peer->flags |= RAFTLOG_PEER_F_SELF | RAFTLOG_PEER_F_ACTIVE;
		peer->progress = RAFTLOG_PROGRESS_REPLICATE;
		peer->next_index = status.last_index + 1;
		peer->match_index = status.durable_index;
		return;
	}
	if (core.recent_active)
		peer->flags |= RAFTLOG_PEER_F_ACTIVE;
	peer->progress = core.progress;
	peer->next_index = core.next_index;
	peer->match_index = core.match_index;
	peer->inflight_messages = core.inflight_messages;
	peer->inflight_bytes = core.inflight_bytes;
	peer->rtt_ns = core.rtt_ns;
	peer->last_contact_ms = U64_MAX;
	if (core.last_contact_ns)
		peer->last_contact_ms =
			div_u64(now_ns - min(core.last_contact_ns, now_ns),
				NSEC_PER_MSEC);
}

/**
 * struct peer_kobject - directory of a member
 * @kobj: in the group's peers
 * @group: outlives it: its device is an ancestor
 * @id: the member
 */
struct peer_kobject {
	struct kobject kobj;
	struct raftlog_group *group;
	u32 id;
};

struct peer_attribute {
	struct attribute attr;
	ssize_t (*show)(const struct raftlog_peer *peer, char *buf);
};

#define PEER_ATTR(_name, format, ...)                                       \
	static ssize_t _name##_show(const struct raftlog_peer *peer,        \
				    char *buf)                              \
	{                                                                   \
		return sysfs_emit(buf, format "\n", __VA_ARGS__);           \
	}                                                                   \
	static struct peer_attribute peer_attr_##_name = {                  \
		.attr = { .name = #_name, .mode = 0444 },                   \
		.show = _name##_show,                                       \
	}

static ssize_t address_show(const struct raftlog_peer *peer, char *buf)
{
	struct raft_address address;
	int error = raftlog_address_from_user(&address, &peer->member.addr);

	return error ? error : raftlog_address_emit(buf, &address);
}

static struct peer_attribute peer_attr_address = {
	.attr = { .name = "address", .mode = 0444 },
	.show = address_show,
};

PEER_ATTR(kind, "%s",
	  peer->member.kind == RAFTLOG_VOTER ? "voter" : "learner");
PEER_ATTR(progress, "%s", raft_progress_name(peer->progress));
PEER_ATTR(match_index, "%llu", peer->match_index);
PEER_ATTR(next_index, "%llu", peer->next_index);
PEER_ATTR(rtt_ns, "%llu", peer->rtt_ns);
PEER_ATTR(last_contact_ms, "%lld", (s64)peer->last_contact_ms);
PEER_ATTR(inflight_messages, "%u", peer->inflight_messages);
PEER_ATTR(inflight_bytes, "%llu", peer->inflight_bytes);
PEER_ATTR(active, "%d", !!(peer->flags & RAFTLOG_PEER_F_ACTIVE));
PEER_ATTR(foreign, "%d", !!(peer->flags & RAFTLOG_PEER_F_FOREIGN));

static struct attribute *peer_attrs[] = {
	&peer_attr_address.attr,
	&peer_attr_kind.attr,
	&peer_attr_progress.attr,
	&peer_attr_match_index.attr,
	&peer_attr_next_index.attr,
	&peer_attr_rtt_ns.attr,
	&peer_attr_last_contact_ms.attr,
	&peer_attr_inflight_messages.attr,
	&peer_attr_inflight_bytes.attr,
	&peer_attr_active.attr,
	&peer_attr_foreign.attr,
	NULL,
};
ATTRIBUTE_GROUPS(peer);

static int find_peer(struct raftlog_group *group, u32 id,
		     struct raftlog_peer *peer)
{
	struct raftlog_life *life = raftlog_group_life(group);
	int error = -ENODEV;
	u32 i;

	if (!life)
		return -ENODEV;
	for (i = 0; i < life->configuration.n_members; i++) {
		if (life->configuration.members[i].id != id)
			continue;
		raftlog_life_peer(life, i, peer);
		error = 0;
		break;
	}
	raftlog_life_put(life);
	return error;
}

static ssize_t show_peer(struct kobject *kobj, struct attribute *attr,
			 char *buf)
{
	struct peer_kobject *dir = container_of(kobj, struct peer_kobject, kobj);
	struct raftlog_peer peer;
	int error = find_peer(dir->group, dir->id, &peer);

	if (error)
		return error;
	return container_of(attr, struct peer_attribute, attr)->show(&peer, buf);
}

static const struct sysfs_ops peer_sysfs_ops = {
	.show = show_peer,
};

static void release_peer(struct kobject *kobj)
{
	kfree(container_of(kobj, struct peer_kobject, kobj));
}

static const struct kobj_type peer_ktype = {
	.release = release_peer,
	.sysfs_ops = &peer_sysfs_ops,
	.default_groups = peer_groups,
};

static int add_peer(struct raftlog_group *group, u32 id, struct kobject **kobj)
{
	struct peer_kobject *dir = kzalloc(sizeof(*dir), GFP_KERNEL);
	int error;

	if (!dir)
		return -ENOMEM;
	dir->group = group;
	dir->id = id;
	error = kobject_init_and_add(&dir->kobj, &peer_ktype, group->peers,
				     "%u", id);
	if (error)
		kobject_put(&dir->kobj);
	else
		*kobj = &dir->kobj;
	return error;
}

int raftlog_peers_add(struct raftlog_group *group,
		      const struct raft_configuration *configuration)
{
	int error;
	u32 i;

	group->peers = kobject_create_and_add("peers", &group->dev.kobj);
	if (!group->peers)
		return -ENOMEM;
	for (i = 0; i < configuration->n_members; i++) {
		error = add_peer(group, configuration->members[i].id,
				 &group->peer_dirs[i]);
		if (error)
			return error;
	}
	return 0;
}

/* Waits for readers of the files. */
void raftlog_peers_remove(struct raftlog_group *group)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(group->peer_dirs); i++) {
		if (!group->peer_dirs[i])
			continue;
		kobject_del(group->peer_dirs[i]);
		kobject_put(group->peer_dirs[i]);
		group->peer_dirs[i] = NULL;
	}
	if (group->peers) {
		kobject_del(group->peers);
		kobject_put(group->peers);
		group->peers = NULL;
	}
}
