// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls: a table of handler, size and capability. A handler works on the
 * kernel's own struct; copying in and out follows copy_struct_from_user().
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/in.h>
#include <linux/net.h>
#include <linux/nospec.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <net/net_namespace.h>

#include "group.h"
#include "life.h"
#include "proposal.h"
#include "read_index.h"
#include "request.h"
#include "session.h"
#include "settings.h"
#include "snapshot.h"
#include "wal/format.h"
#include "wire/format.h"

static struct raftlog_open *open_of(const struct file *file)
{
	return file->private_data;
}

static int get_version(struct file *file, void *arg)
{
	struct raftlog_version *version = arg;

	version->abi = RAFTLOG_ABI_VERSION;
	version->wal_format = WAL_FORMAT_VERSION;
	version->wire_version = WIRE_VERSION;
	version->feature_level = raftlog_feature_level;
	strscpy(version->release, RAFTLOG_RELEASE, sizeof(version->release));
	return 0;
}

static int get_configuration(const struct raftlog_start *start,
			     struct raft_configuration *configuration)
{
	struct raftlog_member *members;
	int error;

	if (!start->n_members)
		return 0;
	members = memdup_user(u64_to_user_ptr(start->members),
			      start->n_members * sizeof(*members));
	if (IS_ERR(members))
		return PTR_ERR(members);
	error = raftlog_configuration_from_user(configuration, members,
						start->n_members);
	kfree(members);
	if (!error && !raftlog_configuration_find(configuration, start->node_id))
		error = -EINVAL;
	return error;
}

/* The file with a reference, or ERR_PTR. */
static struct file *get_file_of(int fd)
{
	struct file *file = fget(fd);
	int error = 0;

	if (!file)
		return ERR_PTR(-EBADF);
	if (!(file->f_mode & FMODE_READ) || !(file->f_mode & FMODE_WRITE))
		error = -EBADF;
	else if (!S_ISREG(file_inode(file)->i_mode) &&
		 !S_ISBLK(file_inode(file)->i_mode))
		error = -EINVAL;
	if (!error)
		return file;
	fput(file);
	return ERR_PTR(error);
}

/* Each with a reference, or NULL if there are none. */
static int get_snapshots(const s32 fds[2], struct file *snapshots[2])
{
	u32 i;

	for (i = 0; i < 2 && fds[0] >= 0; i++) {
		struct file *file = get_file_of(fds[i]);

		if (IS_ERR(file))
			return PTR_ERR(file);
		snapshots[i] = file;
	}
	return 0;
}

static void put_snapshots(struct file *snapshots[2])
{
	if (snapshots[1])
		fput(snapshots[1]);
	if (snapshots[0])
		fput(snapshots[0]);
}

/*
 * What may take long, or wait for whoever waits for the mutex. Keys, sessions and ids must
 * not be drawn before there is something to draw them from. IPv6 may be a module, which
 * waits to be loaded until network namespaces have ended, and they for their groups.
 */
static int prepare_machine(bool ipv6)
{
	struct socket *socket;
	int error = wait_for_random_bytes();

	if (!error && ipv6 &&
	    !sock_create_kern(&init_net, PF_INET6, SOCK_DGRAM, IPPROTO_UDP,
			      &socket))
		sock_release(socket);
	return error;
}

/* Takes its lifecycle mutex, unless the group runs or is gone. @ipv6: it may use that. */
static int lock_stopped(struct raftlog_group *group, bool ipv6)
{
	int error = prepare_machine(ipv6);

	if (error)
		return error;
	if (mutex_lock_interruptible(&group->lifecycle))
		return -ERESTARTSYS;
	if (group->removed)
		error = -ENODEV;
	else if (group->life)
		error = -EBUSY;
	if (error)
		mutex_unlock(&group->lifecycle);
	return error;
}

static int start_group(struct raftlog_group *group,
		       const struct raftlog_start *start, struct file *wal,
		       struct file *const snapshots[2],
		       const struct raft_configuration *configuration)
{
	bool secure = !(start->flags & RAFTLOG_START_F_INSECURE);
	u8 key[RAFTLOG_KEY_BYTES];
	int error = lock_stopped(group,
				 start->listen.family != RAFTLOG_AF_INET);

	if (error)
		return error;
	if (secure)
		error = raftlog_key_load(start->key, key);
	if (!error)
		error = raftlog_life_start(group, start, secure ? key : NULL,
					   wal, snapshots, configuration);
	mutex_unlock(&group->lifecycle);
	memzero_explicit(key, sizeof(key));
	return error;
}

static int start(struct file *file, void *arg)
{
	struct raftlog_start *start = arg;
	struct raft_configuration *configuration;
	struct file *wal, *snapshots[2] = { NULL, NULL };
	int error;

	BUILD_BUG_ON(RAFTLOG_AF_INET != AF_INET);
	BUILD_BUG_ON(RAFTLOG_AF_INET6 != AF_INET6);

	wal = get_file_of(start->wal_fd);
	if (IS_ERR(wal))
		return PTR_ERR(wal);
	error = -ENOMEM;
	configuration = kzalloc(sizeof(*configuration), GFP_KERNEL);
	if (!configuration)
		goto put_wal;
	error = get_configuration(start, configuration);
	if (!error)
		error = get_snapshots(start->snapshot_fd, snapshots);
	if (!error)
		error = start_group(open_of(file)->group, start, wal,
				    snapshots, configuration);
	kfree(configuration);
put_wal:
	put_snapshots(snapshots);
	fput(wal);
	return error;
}

static int stop(struct file *file, void *arg)
{
	struct raftlog_group *group = open_of(file)->group;
	int error;

	if (mutex_lock_interruptible(&group->lifecycle))
		return -ERESTARTSYS;
	error = raftlog_life_stop(group);
	mutex_unlock(&group->lifecycle);
	return error;
}

static int set(struct file *file, void *arg)
{
	struct raftlog_group *group = open_of(file)->group;
	int error;

	if (mutex_lock_interruptible(&group->lifecycle))
		return -ERESTARTSYS;
	error = raftlog_life_set(group, arg);
	mutex_unlock(&group->lifecycle);
	return error;
}

static int set_key(struct file *file, void *arg)
{
	struct raftlog_group *group = open_of(file)->group;
	int error;

	BUILD_BUG_ON((int)RAFTLOG_SET_KEY_NEXT != (int)RAFTLOG_KEY_STEP_NEXT);
	BUILD_BUG_ON((int)RAFTLOG_SET_KEY_SWITCH != (int)RAFTLOG_KEY_STEP_SWITCH);
	BUILD_BUG_ON((int)RAFTLOG_SET_KEY_DROP != (int)RAFTLOG_KEY_STEP_DROP);

	if (mutex_lock_interruptible(&group->lifecycle))
		return -ERESTARTSYS;
	error = raftlog_life_set_key(group, arg);
	mutex_unlock(&group->lifecycle);
	return error;
}

static int get_status(struct file *file, void *arg)
{
	struct raftlog_status *status = arg;
	struct raftlog_open *open = open_of(file);

	raftlog_group_status(open->group, status);
	WRITE_ONCE(open->seen_seq, status->event_seq);
	return 0;
}

/* A struct of ours into a slot of a caller who may know a larger one. */
static int copy_to_slot(u64 array, u32 i, u32 slot_bytes, const void *from,
			u32 bytes)
{
	void __user *to = u64_to_user_ptr(array + (u64)i * slot_bytes);

	if (copy_to_user(to, from, bytes) ||
	    clear_user(to + bytes, slot_bytes - bytes))
		return -EFAULT;
	return 0;
}

static int copy_peers(const struct raftlog_peer *peers, u32 n_peers,
		      const struct raftlog_members *members)
{
	u32 i;

	for (i = 0; i < n_peers; i++)
		if (copy_to_slot(members->peers, i, members->peer_bytes,
				 &peers[i], sizeof(peers[i])))
			return -EFAULT;
	return 0;
}

static int get_members(struct file *file, void *arg)
{
	struct raftlog_members *members = arg;
	struct raftlog_peer *peers;
	struct raftlog_life *life;
	u32 room = members->n_peers;
	int error = -EMSGSIZE;

	peers = kcalloc(RAFT_MEMBERS_MAX, sizeof(*peers), GFP_KERNEL);
	if (!peers)
		return -ENOMEM;
	life = raftlog_group_life(open_of(file)->group);
	if (!life) {
		kfree(peers);
		return -ENOTCONN;
	}
	members->n_peers = raftlog_life_peers(life, peers);
	/* Copying may fault for as long as it likes: no life is held. */
	raftlog_life_put(life);
	if (members->n_peers <= room)
		error = copy_peers(peers, members->n_peers, members);
	kfree(peers);
	return error;
}

static int recover_log(struct raftlog_group *group,
		       struct raftlog_recover *recover, struct file *wal,
		       struct file *const snapshots[2],
		       struct raft_configuration *configuration)
{
	int error = lock_stopped(group, false);

	if (error)
		return error;
	error = raftlog_life_recover(group, recover, wal, snapshots,
				     configuration);
	mutex_unlock(&group->lifecycle);
	return error;
}

static int copy_members(const struct raft_configuration *configuration,
			const struct raftlog_recover *recover)
{
	struct raftlog_member member;
	u32 i;

	for (i = 0; i < configuration->n_members; i++) {
		raftlog_member_to_user(&member, &configuration->members[i]);
		if (copy_to_slot(recover->members, i, recover->member_bytes,
				 &member, sizeof(member)))
			return -EFAULT;
	}
	return 0;
}

static int recover(struct file *file, void *arg)
{
	struct raft_configuration *configuration;
	struct raftlog_recover *recover = arg;
	struct file *wal, *snapshots[2] = { NULL, NULL };
	int error;

	wal = get_file_of(recover->wal_fd);
	if (IS_ERR(wal))
		return PTR_ERR(wal);
	configuration = kzalloc(sizeof(*configuration), GFP_KERNEL);
	error = configuration ?
			get_snapshots(recover->snapshot_fd, snapshots) :
			-ENOMEM;
	if (!error)
		error = recover_log(open_of(file)->group, recover, wal,
				    snapshots, configuration);
	if (!error)
		error = copy_members(configuration, recover);
	kfree(configuration);
	put_snapshots(snapshots);
	fput(wal);
	return error;
}

/* Structs of a caller who may know smaller or larger ones. */
static int get_changes(const struct raftlog_change_members *members,
		       struct raft_change *changes)
{
	struct raftlog_change user;
	u32 i;
	int error;

	for (i = 0; i < members->n_changes; i++) {
		const void __user *from = u64_to_user_ptr(
			members->changes + (u64)i * members->change_bytes);

		error = copy_struct_from_user(&user, sizeof(user), from,
					      members->change_bytes);
		if (!error)
			error = raftlog_change_from_user(&changes[i], &user);
		if (error)
			return error;
	}
	return 0;
}

static int change_members(struct file *file, void *arg)
{
	struct raftlog_change_members *members = arg;
	struct raft_change *changes;
	struct raftlog_life *life;
	int error;

	changes = kcalloc(members->n_changes, sizeof(*changes), GFP_KERNEL);
	if (!changes)
		return -ENOMEM;
	error = get_changes(members, changes);
	if (!error) {
		life = raftlog_group_life(open_of(file)->group);
		if (life) {
			error = raftlog_change_members(life, changes,
						       members->n_changes,
						       members->timeout_ms,
						       &members->index);
			raftlog_life_put(life);
		} else {
			error = -ENOTCONN;
		}
	}
	kfree(changes);
	return error;
}

static int append(struct file *file, void *arg)
{
	struct raftlog_append *append = arg;
	struct raftlog_origin origin = {};
	struct iov_iter from;
	ssize_t ret;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (append->sequence) {
		raftlog_session_get(open_of(file), &origin);
		origin.sequence = append->sequence;
		if (!origin.session)
			return -EINVAL;
	}
	iov_iter_ubuf(&from, ITER_SOURCE, u64_to_user_ptr(append->data),
		      append->bytes);
	ret = raftlog_write(open_of(file), &from, NULL, false,
			    append->timeout_ms, &origin);
	append->index = origin.index;
	append->term = origin.term;
	return ret < 0 ? ret : 0;
}

static int set_session(struct file *file, void *arg)
{
	struct raftlog_session *session = arg;
	struct raft_session_info info;
	int error;

	BUILD_BUG_ON(RAFTLOG_SESSION_NAME_CHARS != RAFT_SESSION_NAME_BYTES_MAX);
	BUILD_BUG_ON(RAFTLOG_SESSIONS_MAX != RAFT_SESSIONS_MAX);
	BUILD_BUG_ON(RAFTLOG_SESSION_WINDOW != RAFT_SESSION_WINDOW);

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	error = raftlog_session_open(open_of(file), session->name,
				     session->timeout_ms, &info);
	if (error)
		return error;
	session->created = info.created;
	session->opened = info.session & ~RAFT_SESSION_KEY;
	session->last_sequence = info.last_sequence;
	session->last_index = info.last_index;
	return 0;
}

static int copy_sessions(const struct raftlog_session_list *list,
			 const struct raftlog_sessions *sessions)
{
	u32 i;

	for (i = 0; i < list->n; i++) {
		const struct raft_session_info *from = &list->sessions[i];
		const struct raftlog_session_info info = {
			.key = from->key,
			.created = from->created,
			.opened = from->session & ~RAFT_SESSION_KEY,
			.used = from->used,
			.last_sequence = from->last_sequence,
			.last_index = from->last_index,
		};

		if (copy_to_slot(sessions->sessions, i, sessions->session_bytes,
				 &info, sizeof(info)))
			return -EFAULT;
	}
	return 0;
}

static int get_sessions(struct file *file, void *arg)
{
	struct raftlog_sessions *sessions = arg;
	struct raftlog_session_list *list;
	struct raftlog_life *life;
	u32 room = sessions->n_sessions;
	int error = -ENOTCONN;

	list = kvzalloc(sizeof(*list), GFP_KERNEL);
	if (!list)
		return -ENOMEM;
	life = raftlog_group_life(open_of(file)->group);
	if (life) {
		error = raftlog_session_ask(life, list);
		raftlog_life_put(life);
	}
	sessions->n_sessions = list->n;
	sessions->index = list->index;
	if (!error)
		error = list->n <= room ? copy_sessions(list, sessions) :
					  -EMSGSIZE;
	kvfree(list);
	return error;
}

static int read_index(struct file *file, void *arg)
{
	struct raftlog_read_index *read = arg;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	return raftlog_read_index_get(open_of(file)->group,
				      read->flags & RAFTLOG_READ_INDEX_F_LEASE,
				      read->timeout_ms, &read->index,
				      &read->term);
}

static int set_framed(struct file *file, void *arg)
{
	const struct raftlog_set_framed *framed = arg;
	struct raftlog_open *open = open_of(file);

	WRITE_ONCE(open->framed_flags, framed->flags);
	WRITE_ONCE(open->framed, framed->enable);
	return 0;
}

static int get_events(struct file *file, void *arg)
{
	struct raftlog_open *open = open_of(file);
	struct raftlog_events *events = arg;
	u32 room = events->n_events;
	struct raftlog_event event;

	events->n_events = 0;
	events->n_lost = 0;
	while (events->n_events < room &&
	       raftlog_event_get(open->group, events->after_seq, &event)) {
		if (copy_to_slot(events->events, events->n_events,
				 events->event_bytes, &event, sizeof(event)))
			return -EFAULT;
		events->n_lost += event.seq - events->after_seq - 1;
		events->after_seq = event.seq;
		events->n_events++;
	}
	WRITE_ONCE(open->seen_seq,
		   min_t(u64, events->after_seq, raftlog_event_seq(open->group)));
	return 0;
}

static int transfer(struct file *file, void *arg)
{
	struct raftlog_transfer *transfer = arg;
	struct raftlog_life *life;
	int error;

	life = raftlog_group_life(open_of(file)->group);
	if (!life)
		return -ENOTCONN;
	error = raftlog_transfer(life, transfer->target, &transfer->leader_id);
	raftlog_life_put(life);
	return error;
}

union raftlog_ioctl_arg {
	struct raftlog_version version;
	struct raftlog_start start;
	struct raftlog_stop stop;
	struct raftlog_status status;
	struct raftlog_members members;
	struct raftlog_append append;
	struct raftlog_set_framed set_framed;
	struct raftlog_events events;
	struct raftlog_change_members change_members;
	struct raftlog_read_index read_index;
	struct raftlog_transfer transfer;
	struct raftlog_set set;
	struct raftlog_recover recover;
	struct raftlog_session session;
	struct raftlog_sessions sessions;
	struct raftlog_snapshot_create snapshot_create;
	struct raftlog_snapshot_open snapshot_open;
	struct raftlog_set_key set_key;
};

/**
 * struct raftlog_call - an ioctl that is under way
 * @arg: the caller's struct
 * @made: a file that the caller gets once it was told its number; NULL: none
 * @fd: that number
 */
struct raftlog_call {
	union raftlog_ioctl_arg arg;
	struct file *made;
	int fd;
};

static int snapshot_create(struct file *file, void *arg)
{
	struct raftlog_snapshot_create *create = arg;
	struct raftlog_call *call =
		container_of(create, struct raftlog_call, arg.snapshot_create);
	int error;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	error = raftlog_snapshot_create(open_of(file)->group, create,
					&call->made);
	call->fd = create->fd;
	return error;
}

static int snapshot_open(struct file *file, void *arg)
{
	struct raftlog_snapshot_open *open = arg;
	struct raftlog_call *call =
		container_of(open, struct raftlog_call, arg.snapshot_open);
	int error;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	error = raftlog_snapshot_open(open_of(file)->group, open, &call->made);
	call->fd = open->fd;
	return error;
}

/* Sizes are those of the first version that had the ioctl. */
struct raftlog_ioctl {
	unsigned int cmd;
	unsigned int bytes;
	int capability;
	int (*handler)(struct file *file, void *arg);
};

enum {
	NO_CAPABILITY = -1,
};

#define IOCTL(name, handler, capability)                             \
	[_IOC_NR(RAFTLOG_IOC_##name)] = {                            \
		RAFTLOG_IOC_##name, _IOC_SIZE(RAFTLOG_IOC_##name),   \
		capability, handler,                                 \
	}

static const struct raftlog_ioctl ioctls[] = {
	IOCTL(GET_VERSION, get_version, NO_CAPABILITY),
	IOCTL(START, start, CAP_SYS_ADMIN),
	IOCTL(STOP, stop, CAP_SYS_ADMIN),
	IOCTL(GET_STATUS, get_status, NO_CAPABILITY),
	IOCTL(GET_MEMBERS, get_members, NO_CAPABILITY),
	IOCTL(APPEND, append, NO_CAPABILITY),
	IOCTL(SET_FRAMED, set_framed, NO_CAPABILITY),
	IOCTL(GET_EVENTS, get_events, NO_CAPABILITY),
	IOCTL(CHANGE_MEMBERS, change_members, CAP_SYS_ADMIN),
	IOCTL(READ_INDEX, read_index, NO_CAPABILITY),
	IOCTL(TRANSFER, transfer, CAP_SYS_ADMIN),
	IOCTL(SET, set, CAP_SYS_ADMIN),
	IOCTL(RECOVER, recover, CAP_SYS_ADMIN),
	IOCTL(SET_SESSION, set_session, NO_CAPABILITY),
	IOCTL(GET_SESSIONS, get_sessions, NO_CAPABILITY),
	IOCTL(SNAPSHOT_CREATE, snapshot_create, NO_CAPABILITY),
	IOCTL(SNAPSHOT_OPEN, snapshot_open, NO_CAPABILITY),
	IOCTL(SET_KEY, set_key, CAP_SYS_ADMIN),
};

static int copy_out(void __user *user, size_t user_bytes, const void *arg,
		    size_t bytes)
{
	if (copy_to_user(user, arg, min(user_bytes, bytes)))
		return -EFAULT;
	if (user_bytes > bytes &&
	    clear_user(user + bytes, user_bytes - bytes))
		return -EFAULT;
	return 0;
}

/* A number that was not told is nobody's to close. */
static void hand_over(const struct raftlog_call *call, int error)
{
	if (!call->made)
		return;
	if (error) {
		put_unused_fd(call->fd);
		fput(call->made);
	} else {
		fd_install(call->fd, call->made);
	}
}

static const struct raftlog_ioctl *find_ioctl(unsigned int cmd)
{
	const struct raftlog_ioctl *ioctl;
	unsigned int nr = _IOC_NR(cmd);

	if (_IOC_TYPE(cmd) != RAFTLOG_IOC_MAGIC || nr >= ARRAY_SIZE(ioctls))
		return NULL;
	ioctl = &ioctls[array_index_nospec(nr, ARRAY_SIZE(ioctls))];
	/* Numbers without one have no direction either, and no handler. */
	if (!ioctl->handler || _IOC_DIR(cmd) != _IOC_DIR(ioctl->cmd))
		return NULL;
	return ioctl;
}

long raftlog_ioctl(struct file *file, unsigned int cmd, unsigned long user_arg)
{
	void __user *user = (void __user *)user_arg;
	const struct raftlog_ioctl *ioctl = find_ioctl(cmd);
	size_t user_bytes = _IOC_SIZE(cmd);
	struct raftlog_call call;
	int error, error_out = 0;

	if (!ioctl)
		return -ENOTTY;
	if (user_bytes < ioctl->bytes)
		return -EINVAL;
	if (ioctl->capability != NO_CAPABILITY && !capable(ioctl->capability))
		return -EPERM;

	memset(&call, 0, sizeof(call));
	if (_IOC_DIR(cmd) & _IOC_WRITE) {
		error = copy_struct_from_user(&call.arg, ioctl->bytes, user,
					      user_bytes);
		if (error)
			return error;
	}
	error = raftlog_request_check(_IOC_NR(ioctl->cmd), &call.arg);
	if (error)
		return error;
	error = ioctl->handler(file, &call.arg);
	/* With -EMSGSIZE it says how much room is needed. */
	if (_IOC_DIR(cmd) & _IOC_READ && (!error || error == -EMSGSIZE))
		error_out = copy_out(user, user_bytes, &call.arg, ioctl->bytes);
	if (error_out)
		error = error_out;
	hand_over(&call, error);
	return error;
}
