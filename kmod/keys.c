// SPDX-License-Identifier: GPL-2.0
/*
 * Keys of the cluster: from the kernel's keyring to the transport, at START and when
 * they are exchanged while the group runs. Only their names are kept here.
 */
#include <keys/user-type.h>
#include <linux/err.h>
#include <linux/key.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "group.h"
#include "life.h"
#include "wire/channel.h"

#define DESCRIPTION_PREFIX "raftlog:"

static int copy_secret(const struct key *key, u8 *secret)
{
	const struct user_key_payload *payload = user_key_payload_locked(key);

	if (!payload)
		return -EKEYREVOKED;
	if (payload->datalen != RAFTLOG_KEY_BYTES)
		return -EINVAL;
	memcpy(secret, payload->data, RAFTLOG_KEY_BYTES);
	return 0;
}

int raftlog_key_load(const char *name, u8 *secret)
{
	char description[sizeof(DESCRIPTION_PREFIX) + RAFTLOG_KEY_NAME_CHARS];
	struct key *key;
	int error;

	scnprintf(description, sizeof(description), "%s%s", DESCRIPTION_PREFIX,
		  name);
	/* No program is called for it: whoever asks has installed it. */
	key = request_key(&key_type_logon, description, NULL);
	if (IS_ERR(key))
		return PTR_ERR(key);
	down_read(&key->sem);
	error = copy_secret(key, secret);
	up_read(&key->sem);
	key_put(key);
	return error;
}

static void set_name(char *to, const char *from)
{
	strscpy_pad(to, from, RAFTLOG_KEY_NAME_CHARS);
}

void raftlog_keys_init(struct raftlog_life *life)
{
	set_name(life->key_names[WIRE_KEY_CURRENT], life->start.key);
}

static void follow(struct raftlog_life *life, const struct raftlog_key_change *change)
{
	char (*names)[RAFTLOG_KEY_NAME_CHARS] = life->key_names;

	switch (change->step) {
	case RAFTLOG_KEY_STEP_NEXT:
		set_name(names[WIRE_KEY_NEXT], change->name);
		break;
	case RAFTLOG_KEY_STEP_SWITCH:
		set_name(names[WIRE_KEY_PREVIOUS], names[WIRE_KEY_CURRENT]);
		set_name(names[WIRE_KEY_CURRENT], names[WIRE_KEY_NEXT]);
		set_name(names[WIRE_KEY_NEXT], "");
		break;
	case RAFTLOG_KEY_STEP_DROP:
		set_name(names[WIRE_KEY_PREVIOUS], "");
		break;
	}
}

void raftlog_key_step(struct raftlog_life *life, struct raftlog_key_change *change)
{
	change->error = raftlog_transport_set_key(life->transport, change->step,
						  change->secret,
						  change->grace_ns,
						  ktime_get_ns());
	if (!change->error) {
		spin_lock(&life->status_lock);
		follow(life, change);
		spin_unlock(&life->status_lock);
	}
	complete(&change->done);
}

void raftlog_keys_note(struct raftlog_life *life)
{
	if (!life->key_names[WIRE_KEY_PREVIOUS][0] ||
	    raftlog_transport_has_key(life->transport, WIRE_KEY_PREVIOUS))
		return;
	spin_lock(&life->status_lock);
	set_name(life->key_names[WIRE_KEY_PREVIOUS], "");
	spin_unlock(&life->status_lock);
}

static int hand_over(struct raftlog_life *life, struct raftlog_key_change *change)
{
	if (raftlog_life_is_failed(life))
		return -EIO;
	init_completion(&change->done);
	spin_lock(&life->intake_lock);
	life->key_change = change;
	spin_unlock(&life->intake_lock);
	raftlog_life_kick(life);
	wait_for_completion(&change->done);
	return change->error;
}

static const char *const step_names[] = {
	[RAFTLOG_KEY_STEP_NEXT] = "is taken as well",
	[RAFTLOG_KEY_STEP_SWITCH] = "is sent with",
	[RAFTLOG_KEY_STEP_DROP] = "is the only one",
};

int raftlog_life_set_key(struct raftlog_group *group, const struct raftlog_set_key *set)
{
	struct raftlog_life *life = group->life;
	struct raftlog_key_change change = {
		.step = set->step,
		.name = set->name,
		.grace_ns = (u64)set->grace_ms * NSEC_PER_MSEC,
	};
	int error = 0;

	/* Neither a stop nor another change comes between. */
	lockdep_assert_held(&group->lifecycle);
	if (!life)
		return -ENOTCONN;
	if (set->step == RAFTLOG_SET_KEY_NEXT)
		error = raftlog_key_load(set->name, change.secret);
	if (!error)
		error = hand_over(life, &change);
	memzero_explicit(change.secret, sizeof(change.secret));
	if (!error)
		pr_info("%s: key '%s' %s\n", raftlog_group_name(group),
			set->step == RAFTLOG_SET_KEY_NEXT ?
				set->name :
				life->key_names[WIRE_KEY_CURRENT],
			step_names[set->step]);
	return error;
}
