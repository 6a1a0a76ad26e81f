// SPDX-License-Identifier: GPL-2.0
/* Keys: what is derived from what (format.h has the table), and the three held. */
#include "channel.h"

static void begin(struct blake2s_state *hash, const u8 *key, const char *name)
{
	u8 label[WIRE_LABEL_BYTES] = {};

	memcpy(label, name, strlen(name));
	blake2s_init_key(hash, BLAKE2S_HASH_SIZE, key, WIRE_KEY_BYTES);
	blake2s_update(hash, label, sizeof(label));
}

static void add_u32(struct blake2s_state *hash, u32 value)
{
	u8 bytes[4];

	put_unaligned_le32(value, bytes);
	blake2s_update(hash, bytes, sizeof(bytes));
}

static void add_u64(struct blake2s_state *hash, u64 value)
{
	u8 bytes[8];

	put_unaligned_le64(value, bytes);
	blake2s_update(hash, bytes, sizeof(bytes));
}

static u8 key_id(const u8 *secret)
{
	struct blake2s_state hash;
	u8 id[BLAKE2S_HASH_SIZE];

	begin(&hash, secret, "raftlog key id");
	blake2s_final(&hash, id);
	return id[0] ? id[0] : 1;
}

void wire_handshake_key(const u8 *secret, u64 cluster_id, u8 *key)
{
	struct blake2s_state hash;

	begin(&hash, secret, "raftlog handshake");
	add_u64(&hash, cluster_id);
	blake2s_final(&hash, key);
}

static void session_key(const u8 *secret, u64 cluster_id, u8 *key)
{
	struct blake2s_state hash;

	begin(&hash, secret, "raftlog session");
	add_u64(&hash, cluster_id);
	blake2s_final(&hash, key);
}

void wire_token(const struct wire_keyring *keyring, u32 sender, u64 which,
		u8 *token)
{
	struct blake2s_state hash;

	begin(&hash, keyring->boot_secret, "raftlog token");
	add_u32(&hash, sender);
	add_u64(&hash, which);
	blake2s_final(&hash, token);
}

void wire_direction_key(const struct wire_key *from,
			const struct wire_direction *direction, u8 *key)
{
	struct blake2s_state hash;

	begin(&hash, from->session, "raftlog direction");
	add_u32(&hash, direction->sender);
	add_u32(&hash, direction->receiver);
	add_u64(&hash, direction->sender_session);
	add_u32(&hash, direction->epoch);
	add_u64(&hash, direction->receiver_session);
	blake2s_update(&hash, direction->token, WIRE_TOKEN_BYTES);
	blake2s_final(&hash, key);
}

void wire_tag(const u8 *handshake_key, const void *datagram, u8 *tag)
{
	struct blake2s_state hash;

	blake2s_init_key(&hash, WIRE_TAG_BYTES, handshake_key, WIRE_KEY_BYTES);
	blake2s_update(&hash, datagram, WIRE_HANDSHAKE_BYTES - WIRE_TAG_BYTES);
	blake2s_final(&hash, tag);
}

void wire_keyring_init(struct wire_keyring *keyring, u64 cluster_id, u32 node_id,
		       u64 session, const u8 *boot_secret, u64 ask_ns)
{
	memset(keyring, 0, sizeof(*keyring));
	keyring->cluster_id = cluster_id;
	keyring->node_id = node_id;
	keyring->session = session;
	memcpy(keyring->boot_secret, boot_secret, WIRE_KEY_BYTES);
	keyring->which = 1;
	keyring->which_unknown = 1;
	keyring->epoch_datagrams = WIRE_EPOCH_DATAGRAMS;
	keyring->epoch_ns = WIRE_EPOCH_NS;
	keyring->ask_ns = ask_ns;
}

void wire_keyring_clear(struct wire_keyring *keyring)
{
	memzero_explicit(keyring, sizeof(*keyring));
}

/* That of before, in whichever slot it was, or a new one. */
static void install(struct wire_keyring *keyring, struct wire_key *key,
		    const u8 *secret)
{
	u32 i;

	for (i = 0; i < WIRE_KEYS; i++) {
		const struct wire_key *held = &keyring->keys[i];

		if (held->serial &&
		    !crypto_memneq(held->secret, secret, WIRE_KEY_BYTES)) {
			*key = *held;
			return;
		}
	}
	key->serial = ++keyring->serial;
	key->id = key_id(secret);
	memcpy(key->secret, secret, WIRE_KEY_BYTES);
	wire_handshake_key(secret, keyring->cluster_id, key->handshake);
	session_key(secret, keyring->cluster_id, key->session);
}

void wire_keyring_set(struct wire_keyring *keyring,
		      const u8 *const secrets[WIRE_KEYS])
{
	struct wire_key keys[WIRE_KEYS] = {};
	u32 i;

	for (i = 0; i < WIRE_KEYS; i++)
		if (secrets[i])
			install(keyring, &keys[i], secrets[i]);
	memcpy(keyring->keys, keys, sizeof(keys));
	memzero_explicit(keys, sizeof(keys));
}

const struct wire_key *wire_keyring_find(const struct wire_keyring *keyring, u8 id,
					 const struct wire_key *after)
{
	const struct wire_key *key = after ? after + 1 : keyring->keys;

	for (; key < keyring->keys + WIRE_KEYS; key++)
		if (key->serial && key->id == id)
			return key;
	return NULL;
}
