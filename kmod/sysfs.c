// SPDX-License-Identifier: GPL-2.0
/* /sys/class/raftlog/<name>/: one value per file; kmod/ABI-sysfs says which. */
#include <linux/device.h>
#include <linux/sysfs.h>

#include "group.h"
#include "life.h"
#include "settings.h"
#include "wire/channel.h"

int raftlog_address_emit(char *buf, const struct raft_address *address)
{
	if (address->family == 4)
		return sysfs_emit(buf, "%pI4:%u\n", address->ip, address->port);
	if (address->scope_id)
		return sysfs_emit(buf, "[%pI6c%%%u]:%u\n", address->ip,
				  address->scope_id, address->port);
	return sysfs_emit(buf, "[%pI6c]:%u\n", address->ip, address->port);
}

/* What RAFTLOG_IOC_GET_STATUS says, field by field. */
#define STATUS_ATTR(name, format, ...)                                       \
	static ssize_t name##_show(struct device *dev,                       \
				   struct device_attribute *attr, char *buf) \
	{                                                                    \
		struct raftlog_status status;                                \
									     \
		raftlog_group_status(dev_get_drvdata(dev), &status);         \
		return sysfs_emit(buf, format "\n", __VA_ARGS__);            \
	}                                                                    \
	static DEVICE_ATTR_RO(name)

STATUS_ATTR(state, "%s", raftlog_state_name(status.state));
STATUS_ATTR(role, "%s", status.node_id ? raft_role_name(status.role) : "none");
STATUS_ATTR(reason, "%s",
	    status.node_id ? raft_reason_name(status.reason) : "none");
STATUS_ATTR(node_id, "%u", status.node_id);
STATUS_ATTR(leader_id, "%u", status.leader_id);
STATUS_ATTR(cluster_id, "%016llx", status.cluster_id);
STATUS_ATTR(current_term, "%llu", status.current_term);
STATUS_ATTR(voted_for, "%u", status.voted_for);
STATUS_ATTR(first_index, "%llu", status.first_index);
STATUS_ATTR(last_index, "%llu", status.last_index);
STATUS_ATTR(last_term, "%llu", status.last_term);
STATUS_ATTR(durable_index, "%llu", status.durable_index);
STATUS_ATTR(lost_index, "%llu", status.lost_index);
STATUS_ATTR(commit_index, "%llu", status.commit_index);
STATUS_ATTR(last_applied, "%llu", status.last_applied);
STATUS_ATTR(lease_until, "%llu %llu", status.current_term,
	    status.lease_remaining_ns);
STATUS_ATTR(transferee, "%u", status.transferee);
STATUS_ATTR(priority, "%u", status.priority);
STATUS_ATTR(feature_level, "%u", status.feature_level);
STATUS_ATTR(feature_level_max, "%u", status.feature_level_max);
STATUS_ATTR(log_bytes, "%llu", status.log_bytes);
STATUS_ATTR(log_bytes_free, "%llu", status.log_bytes_free);
STATUS_ATTR(cache_bytes, "%llu", status.cache_bytes);
STATUS_ATTR(snapshot_index, "%llu", status.snapshot_index);
STATUS_ATTR(snapshot_bytes, "%llu", status.snapshot_bytes);
STATUS_ATTR(incoming_index, "%llu", status.incoming_index);
STATUS_ATTR(incoming_bytes, "%llu", status.incoming_bytes);
STATUS_ATTR(incoming_offset, "%llu", status.incoming_offset);
STATUS_ATTR(n_members, "%u", status.n_members);
STATUS_ATTR(configuration_index, "%llu", status.configuration_index);
STATUS_ATTR(changing, "%u", status.changing);
STATUS_ATTR(n_pending, "%u", status.n_pending);
STATUS_ATTR(n_sessions, "%u", status.n_sessions);
STATUS_ATTR(failure, "%s", status.failure);

/* What it was started with; an empty line while it is stopped. */
#define LIFE_ATTR(name, emit)                                                \
	static ssize_t name##_show(struct device *dev,                       \
				   struct device_attribute *attr, char *buf) \
	{                                                                    \
		struct raftlog_life *life =                                  \
			raftlog_group_life(dev_get_drvdata(dev));            \
		ssize_t bytes;                                               \
									     \
		if (!life)                                                   \
			return sysfs_emit(buf, "\n");                        \
		bytes = emit;                                                \
		raftlog_life_put(life);                                      \
		return bytes;                                                \
	}                                                                    \
	static DEVICE_ATTR_RO(name)

LIFE_ATTR(incarnation, sysfs_emit(buf, "%016llx\n", life->info.incarnation));
LIFE_ATTR(listen, raftlog_address_emit(buf, &life->listen));
LIFE_ATTR(max_entry_bytes,
	  sysfs_emit(buf, "%u\n", life->start.max_entry_bytes));

/* Of the key in @slot, empty if there is none. */
static ssize_t key_name_emit(struct raftlog_life *life, char *buf, u32 slot)
{
	char name[RAFTLOG_KEY_NAME_CHARS];

	spin_lock(&life->status_lock);
	memcpy(name, life->key_names[slot], sizeof(name));
	spin_unlock(&life->status_lock);
	return sysfs_emit(buf, "%s\n", name);
}

LIFE_ATTR(security, sysfs_emit(buf, "%s\n",
			       life->start.flags & RAFTLOG_START_F_INSECURE ?
				       "insecure" :
				       "encrypted"));
LIFE_ATTR(key, key_name_emit(life, buf, WIRE_KEY_CURRENT));
LIFE_ATTR(key_next, key_name_emit(life, buf, WIRE_KEY_NEXT));
LIFE_ATTR(key_previous, key_name_emit(life, buf, WIRE_KEY_PREVIOUS));

/* One of those that can be changed: the owner thread writes it. */
#define SETTING_ATTR(name, format, field)                                    \
	LIFE_ATTR(name, sysfs_emit(buf, format "\n",                         \
				   READ_ONCE(life->start.field)))

SETTING_ATTR(election_timeout_ms, "%u", election_timeout_ms);
SETTING_ATTR(heartbeat_interval_ms, "%u", heartbeat_interval_ms);
SETTING_ATTR(append_timeout_ms, "%u", append_timeout_ms);
SETTING_ATTR(inflight_messages, "%u", inflight_messages);
SETTING_ATTR(inflight_bytes, "%llu", inflight_bytes);
SETTING_ATTR(cache_bytes_max, "%llu", cache_bytes);
SETTING_ATTR(retain_entries, "%llu", retain_entries);
SETTING_ATTR(retain_bytes, "%llu", retain_bytes);
SETTING_ATTR(snapshot_trailing, "%llu", snapshot_trailing);
SETTING_ATTR(snapshot_bytes_per_s, "%llu", snapshot_bytes_per_s);

static struct attribute *raftlog_attrs[] = {
	&dev_attr_state.attr,
	&dev_attr_role.attr,
	&dev_attr_reason.attr,
	&dev_attr_node_id.attr,
	&dev_attr_leader_id.attr,
	&dev_attr_cluster_id.attr,
	&dev_attr_current_term.attr,
	&dev_attr_voted_for.attr,
	&dev_attr_first_index.attr,
	&dev_attr_last_index.attr,
	&dev_attr_last_term.attr,
	&dev_attr_durable_index.attr,
	&dev_attr_lost_index.attr,
	&dev_attr_commit_index.attr,
	&dev_attr_last_applied.attr,
	&dev_attr_lease_until.attr,
	&dev_attr_transferee.attr,
	&dev_attr_priority.attr,
	&dev_attr_feature_level.attr,
	&dev_attr_feature_level_max.attr,
	&dev_attr_log_bytes.attr,
	&dev_attr_log_bytes_free.attr,
	&dev_attr_cache_bytes.attr,
	&dev_attr_snapshot_index.attr,
	&dev_attr_snapshot_bytes.attr,
	&dev_attr_incoming_index.attr,
	&dev_attr_incoming_bytes.attr,
	&dev_attr_incoming_offset.attr,
	&dev_attr_n_members.attr,
	&dev_attr_configuration_index.attr,
	&dev_attr_changing.attr,
	&dev_attr_n_pending.attr,
	&dev_attr_n_sessions.attr,
	&dev_attr_failure.attr,
	&dev_attr_incarnation.attr,
	&dev_attr_listen.attr,
	&dev_attr_election_timeout_ms.attr,
	&dev_attr_heartbeat_interval_ms.attr,
	&dev_attr_append_timeout_ms.attr,
	&dev_attr_inflight_messages.attr,
	&dev_attr_inflight_bytes.attr,
	&dev_attr_cache_bytes_max.attr,
	&dev_attr_retain_entries.attr,
	&dev_attr_retain_bytes.attr,
	&dev_attr_snapshot_trailing.attr,
	&dev_attr_snapshot_bytes_per_s.attr,
	&dev_attr_max_entry_bytes.attr,
	&dev_attr_security.attr,
	&dev_attr_key.attr,
	&dev_attr_key_next.attr,
	&dev_attr_key_previous.attr,
	NULL,
};

static const struct attribute_group raftlog_group = {
	.attrs = raftlog_attrs,
};

/* stats/: counters since the start, 0 while it is stopped. */
struct stat_attribute {
	struct device_attribute attr;
	u64 (*value)(struct raftlog_life *life, u32 which);
	u32 which;
};

static u64 life_counter(struct raftlog_life *life, u32 offset)
{
	return READ_ONCE(*(u64 *)((u8 *)&life->counters + offset));
}

static u64 transport_counter(struct raftlog_life *life, u32 offset)
{
	struct raftlog_transport_stats stats;

	raftlog_transport_stats(life->transport, &stats);
	return *(u64 *)((u8 *)&stats + offset);
}

static ssize_t stat_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	struct stat_attribute *stat =
		container_of(attr, struct stat_attribute, attr);
	struct raftlog_life *life = raftlog_group_life(dev_get_drvdata(dev));
	u64 value = 0;

	if (life) {
		value = stat->value(life, stat->which);
		raftlog_life_put(life);
	}
	return sysfs_emit(buf, "%llu\n", value);
}

#define STAT(_name, _value, _which)                                  \
	static struct stat_attribute stat_##_name = {                \
		.attr = __ATTR(_name, 0444, stat_show, NULL),        \
		.value = _value,                                     \
		.which = _which,                                     \
	}

#define LIFE_STAT(name) \
	STAT(name, life_counter, offsetof(struct raftlog_counters, name))
#define TRANSPORT_STAT(name)           \
	STAT(name, transport_counter, \
	     offsetof(struct raftlog_transport_stats, name))
#define DROP_STAT(name, drop)               \
	STAT(drop_##name, transport_counter, \
	     offsetof(struct raftlog_transport_stats, drops[drop]))

LIFE_STAT(appends);
LIFE_STAT(append_bytes);
LIFE_STAT(append_errors);
LIFE_STAT(reads);
LIFE_STAT(read_errors);
LIFE_STAT(read_rounds);
LIFE_STAT(committed);
LIFE_STAT(elections);
LIFE_STAT(flushes);
LIFE_STAT(catch_ups);
LIFE_STAT(chunks_sent);
LIFE_STAT(chunks_stored);
LIFE_STAT(installs);
LIFE_STAT(parked_drops);
LIFE_STAT(invalid_messages);
TRANSPORT_STAT(rx_datagrams);
TRANSPORT_STAT(rx_bytes);
TRANSPORT_STAT(rx_messages);
TRANSPORT_STAT(tx_datagrams);
TRANSPORT_STAT(tx_bytes);
TRANSPORT_STAT(tx_messages);
TRANSPORT_STAT(retransmits);
TRANSPORT_STAT(handshakes);
DROP_STAT(short, RAFTLOG_DROP_SHORT);
DROP_STAT(version, RAFTLOG_DROP_VERSION);
DROP_STAT(type, RAFTLOG_DROP_TYPE);
DROP_STAT(cluster, RAFTLOG_DROP_CLUSTER);
DROP_STAT(receiver, RAFTLOG_DROP_RECEIVER);
DROP_STAT(sender, RAFTLOG_DROP_SENDER);
DROP_STAT(checksum, RAFTLOG_DROP_CHECKSUM);
DROP_STAT(key, RAFTLOG_DROP_KEY);
DROP_STAT(rate, RAFTLOG_DROP_RATE);
DROP_STAT(authentication, RAFTLOG_DROP_AUTHENTICATION);
DROP_STAT(epoch, RAFTLOG_DROP_EPOCH);
DROP_STAT(replay, RAFTLOG_DROP_REPLAY);
DROP_STAT(malformed, RAFTLOG_DROP_MALFORMED);
DROP_STAT(reassembly, RAFTLOG_DROP_REASSEMBLY);
DROP_STAT(no_memory, RAFTLOG_DROP_NO_MEMORY);
DROP_STAT(send, RAFTLOG_DROP_SEND);
DROP_STAT(unkeyed, RAFTLOG_DROP_UNKEYED);
DROP_STAT(queue_full, RAFTLOG_DROP_QUEUE_FULL);

static struct attribute *stats_attrs[] = {
	&stat_appends.attr.attr,
	&stat_append_bytes.attr.attr,
	&stat_append_errors.attr.attr,
	&stat_reads.attr.attr,
	&stat_read_errors.attr.attr,
	&stat_read_rounds.attr.attr,
	&stat_committed.attr.attr,
	&stat_elections.attr.attr,
	&stat_flushes.attr.attr,
	&stat_catch_ups.attr.attr,
	&stat_chunks_sent.attr.attr,
	&stat_chunks_stored.attr.attr,
	&stat_installs.attr.attr,
	&stat_parked_drops.attr.attr,
	&stat_invalid_messages.attr.attr,
	&stat_rx_datagrams.attr.attr,
	&stat_rx_bytes.attr.attr,
	&stat_rx_messages.attr.attr,
	&stat_tx_datagrams.attr.attr,
	&stat_tx_bytes.attr.attr,
	&stat_tx_messages.attr.attr,
	&stat_retransmits.attr.attr,
	&stat_handshakes.attr.attr,
	&stat_drop_short.attr.attr,
	&stat_drop_version.attr.attr,
	&stat_drop_type.attr.attr,
	&stat_drop_cluster.attr.attr,
	&stat_drop_receiver.attr.attr,
	&stat_drop_sender.attr.attr,
	&stat_drop_checksum.attr.attr,
	&stat_drop_key.attr.attr,
	&stat_drop_rate.attr.attr,
	&stat_drop_authentication.attr.attr,
	&stat_drop_epoch.attr.attr,
	&stat_drop_replay.attr.attr,
	&stat_drop_malformed.attr.attr,
	&stat_drop_reassembly.attr.attr,
	&stat_drop_no_memory.attr.attr,
	&stat_drop_send.attr.attr,
	&stat_drop_unkeyed.attr.attr,
	&stat_drop_queue_full.attr.attr,
	NULL,
};

static const struct attribute_group stats_group = {
	.name = "stats",
	.attrs = stats_attrs,
};

const struct attribute_group *raftlog_attribute_groups[] = {
	&raftlog_group,
	&stats_group,
	NULL,
};
