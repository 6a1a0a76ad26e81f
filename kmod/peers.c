// SPDX-License-Identifier: GPL-2.0
/* The members as this node sees them: RAFTLOG_IOC_GET_MEMBERS and peers/<id>/. */
#include <linux/kobject.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "group.h"
#include "life.h"
#include "settings.h"

/* Under status_lock. */
static void describe(const struct raftlog_life *life, u32 i, u64 now_ns,
		     struct raftlog_peer *peer)
{
	const struct raft_member *member = &life->configuration.members[i];
	const struct raft_peer_status core = life->peers[i];
	const struct raft_status *status = &life->status;

	memset(peer, 0, sizeof(*peer));
	raftlog_member_to_user(&peer->member, member);
	peer->replaces = member->replaces;
	if (member->flags & RAFT_MEMBER_F_AUTO_PROMOTE)
		peer->flags |= RAFTLOG_PEER_F_AUTO_PROMOTE;
	if (life->configuration.joint && member->old_kind == RAFT_VOTER)
		peer->flags |= RAFTLOG_PEER_F_OLD_VOTER;
	if (core.caught_up)
		peer->flags |= RAFTLOG_PEER_F_CAUGHT_UP;
	if (member->id == status->leader_id)
		peer->flags |= RAFTLOG_PEER_F_LEADER;
	if (member->id == status->node_id ? status->foreign : core.foreign)
		peer->flags |= RAFTLOG_PEER_F_FOREIGN;
	if (member->id == status->node_id) {
		peer->flags |= RAFTLOG_PEER_F_SELF | RAFTLOG_PEER_F_ACTIVE;
		peer->progress = RAFTLOG_PROGRESS_REPLICATE;
		peer->next_index = status->last_index + 1;
		peer->match_index = status->durable_index;
		peer->priority = status->priority;
		peer->feature_level = life->settings.feature_level;
		return;
	}
	if (core.recent_active)
		peer->flags |= RAFTLOG_PEER_F_ACTIVE;
	peer->progress = core.progress;
	peer->next_index = core.next_index;
	peer->match_index = core.match_index;
	peer->inflight_messages = core.inflight_messages;
	peer->inflight_bytes = core.inflight_bytes;
	peer->priority = core.priority;
	peer->feature_level = core.feature_level;
	peer->rtt_ns = core.rtt_ns;
	peer->last_contact_ms = U64_MAX;
	if (core.last_contact_ns)
		peer->last_contact_ms =
			div_u64(now_ns - min(core.last_contact_ns, now_ns),
				NSEC_PER_MSEC);
}

u32 raftlog_life_peers(struct raftlog_life *life, struct raftlog_peer *peers)
{
	u64 now_ns = ktime_get_ns();
	u32 i, n;

	spin_lock(&life->status_lock);
	n = life->configuration.n_members;
	for (i = 0; i < n; i++)
		describe(life, i, now_ns, &peers[i]);
	spin_unlock(&life->status_lock);
	return n;
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

static const char *kind_name(u32 kind)
{
	switch (kind) {
	case RAFTLOG_VOTER:
		return "voter";
	case RAFTLOG_NON_VOTER:
		return "learner";
	default:
		return "leaving";
	}
}

PEER_ATTR(kind, "%s", kind_name(peer->member.kind));
PEER_ATTR(old_voter, "%d", !!(peer->flags & RAFTLOG_PEER_F_OLD_VOTER));
PEER_ATTR(auto_promote, "%d", !!(peer->flags & RAFTLOG_PEER_F_AUTO_PROMOTE));
PEER_ATTR(caught_up, "%d", !!(peer->flags & RAFTLOG_PEER_F_CAUGHT_UP));
PEER_ATTR(replaces, "%u", peer->replaces);
PEER_ATTR(witness, "%d", !!(peer->member.flags & RAFTLOG_MEMBER_F_WITNESS));
PEER_ATTR(progress, "%s", raft_progress_name(peer->progress));
PEER_ATTR(match_index, "%llu", peer->match_index);
PEER_ATTR(next_index, "%llu", peer->next_index);
PEER_ATTR(rtt_ns, "%llu", peer->rtt_ns);
PEER_ATTR(last_contact_ms, "%lld", (s64)peer->last_contact_ms);
PEER_ATTR(inflight_messages, "%u", peer->inflight_messages);
PEER_ATTR(inflight_bytes, "%llu", peer->inflight_bytes);
PEER_ATTR(priority, "%u", peer->priority);
PEER_ATTR(feature_level, "%u", peer->feature_level);
PEER_ATTR(active, "%d", !!(peer->flags & RAFTLOG_PEER_F_ACTIVE));
PEER_ATTR(foreign, "%d", !!(peer->flags & RAFTLOG_PEER_F_FOREIGN));

static struct attribute *peer_attrs[] = {
	&peer_attr_address.attr,
	&peer_attr_kind.attr,
	&peer_attr_old_voter.attr,
	&peer_attr_auto_promote.attr,
	&peer_attr_caught_up.attr,
	&peer_attr_replaces.attr,
	&peer_attr_witness.attr,
	&peer_attr_progress.attr,
	&peer_attr_match_index.attr,
	&peer_attr_next_index.attr,
	&peer_attr_rtt_ns.attr,
	&peer_attr_last_contact_ms.attr,
	&peer_attr_inflight_messages.attr,
	&peer_attr_inflight_bytes.attr,
	&peer_attr_priority.attr,
	&peer_attr_feature_level.attr,
	&peer_attr_active.attr,
	&peer_attr_foreign.attr,
	NULL,
};
ATTRIBUTE_GROUPS(peer);

static int find_peer(struct raftlog_group *group, u32 id,
		     struct raftlog_peer *peer)
{
	struct raftlog_life *life = raftlog_group_life(group);
	u32 i;

	if (!life)
		return -ENODEV;
	spin_lock(&life->status_lock);
	i = raft_configuration_find(&life->configuration, id);
	if (i < RAFT_MEMBERS_MAX)
		describe(life, i, ktime_get_ns(), peer);
	spin_unlock(&life->status_lock);
	raftlog_life_put(life);
	return i < RAFT_MEMBERS_MAX ? 0 : -ENODEV;
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

static void remove_peer(struct kobject **kobj)
{
	kobject_del(*kobj);
	kobject_put(*kobj);
	*kobj = NULL;
}

static u32 id_of(const struct kobject *kobj)
{
	return container_of(kobj, struct peer_kobject, kobj)->id;
}

/* Directories as in @configuration. What is missing is tried next time again. */
static int update_dirs(struct raftlog_group *group,
		       const struct raft_configuration *configuration)
{
	u32 have[RAFT_MEMBERS_MAX];
	u32 i, k, n = 0;
	int error = 0;

	for (i = 0; i < RAFT_MEMBERS_MAX; i++) {
		struct kobject **dir = &group->peer_dirs[i];

		if (!*dir)
			continue;
		if (raft_configuration_find(configuration, id_of(*dir)) ==
		    RAFT_MEMBERS_MAX)
			remove_peer(dir);
		else
			have[n++] = id_of(*dir);
	}
	for (i = 0; i < configuration->n_members && !error; i++) {
		for (k = 0; k < n; k++)
			if (have[k] == configuration->members[i].id)
				break;
		if (k < n)
			continue;
		for (k = 0; group->peer_dirs[k]; k++)
			;
		error = add_peer(group, configuration->members[i].id,
				 &group->peer_dirs[k]);
	}
	return error;
}

/* Under peers_lock. */
static int follow(struct raftlog_group *group, struct raftlog_life *life)
{
	struct raft_configuration *configuration;
	int error;

	configuration = kmalloc(sizeof(*configuration), GFP_KERNEL);
	if (!configuration)
		return -ENOMEM;
	spin_lock(&life->status_lock);
	*configuration = life->configuration;
	spin_unlock(&life->status_lock);
	error = update_dirs(group, configuration);
	kfree(configuration);
	return error;
}

int raftlog_peers_add(struct raftlog_group *group, struct raftlog_life *life)
{
	int error = -ENOMEM;

	mutex_lock(&group->peers_lock);
	group->peers = kobject_create_and_add("peers", &group->dev.kobj);
	if (group->peers)
		error = follow(group, life);
	mutex_unlock(&group->peers_lock);
	return error;
}

/* A stop that takes the directories away waits until the life is let go. */
void raftlog_peers_update(struct work_struct *work)
{
	struct raftlog_group *group =
		container_of(work, struct raftlog_group, members);
	struct raftlog_life *life;

	mutex_lock(&group->peers_lock);
	life = raftlog_group_life(group);
	if (life && group->peers && follow(group, life))
		pr_warn("%s: no memory for the directory of a member\n",
			raftlog_group_name(group));
	if (life)
		raftlog_life_put(life);
	mutex_unlock(&group->peers_lock);
}

/* Waits for readers of the files. */
void raftlog_peers_remove(struct raftlog_group *group)
{
	u32 i;

	mutex_lock(&group->peers_lock);
	for (i = 0; i < ARRAY_SIZE(group->peer_dirs); i++)
		if (group->peer_dirs[i])
			remove_peer(&group->peer_dirs[i]);
	if (group->peers) {
		kobject_del(group->peers);
		kobject_put(group->peers);
		group->peers = NULL;
	}
	mutex_unlock(&group->peers_lock);
}
