// SPDX-License-Identifier: GPL-2.0
/*
 * Process 1 of a guest: mounts, loads modules, runs /etc/rc, and is from then on
 * the hand of the test in the guest: it runs commands that come over a virtio
 * port and sends back what they say.
 *
 * It runs at real-time priority with its memory locked, and nobody can stop
 * process 1: it answers when every other process is stopped or starved.
 *
 * On the port each frame is { id, type, bytes } as little-endian u32 and then
 * bytes of payload; id is chosen by the host and names one command.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	JOBS_MAX = 64,
	ARGS_MAX = 256,
	FRAME_BYTES_MAX = 1 << 16,
	CONSOLE_LOGLEVEL = 7,
	SYSLOG_ACTION_CONSOLE_LEVEL = 8,
};

enum frame_type {
	FRAME_RUN =
		1, /* to the guest: u32 flags, then NUL-terminated arguments */
	FRAME_STDIN = 2, /* to the guest: bytes; none: end of file */
	FRAME_SIGNAL = 3, /* to the guest: u32 signal, to the whole group */
	FRAME_STDOUT = 4, /* to the host */
	FRAME_STDERR = 5, /* to the host */
	FRAME_EXIT = 6, /* to the host: u32, exit code, or 128 + signal */
	FRAME_HELLO = 7, /* to the host: /etc/rc has run; u32, its exit code */
};

/* Keep real-time priority: for what must run while all else is starved. */
#define RUN_F_PROBE 1u

struct frame_header {
	uint32_t id;
	uint32_t type;
	uint32_t bytes;
};

/*
 * A command. in_backlog holds standard input that the command has not read yet;
 * a command that never reads must not block the others.
 */
struct job {
	uint32_t id;
	pid_t pid;
	int in, out, err;
	char *in_backlog;
	size_t in_bytes;
	int in_ends;
	int status;
	int exited;
};

static struct job jobs[JOBS_MAX];
static int port = -1;

static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static void write_all(int fd, const void *data, size_t bytes)
{
	const char *at = data;

	while (bytes) {
		ssize_t n = write(fd, at, bytes);

		if (n < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			return;
		}
		at += n;
		bytes -= n;
	}
}

static int read_all(int fd, void *data, size_t bytes)
{
	char *at = data;

	while (bytes) {
		ssize_t n = read(fd, at, bytes);

		if (n == 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) {
			/* Nobody at the host's end: there will be. */
			usleep(10000);
			continue;
		}
		if (n < 0)
			return -1;
		at += n;
		bytes -= n;
	}
	return 0;
}

static void send_frame(uint32_t id, uint32_t type, const void *data,
		       uint32_t bytes)
{
	static char buf[sizeof(struct frame_header) + FRAME_BYTES_MAX];
	struct frame_header header = { id, type, bytes };

	memcpy(buf, &header, sizeof(header));
	memcpy(buf + sizeof(header), data, bytes);
	write_all(port, buf, sizeof(header) + bytes);
}

static void send_number(uint32_t id, uint32_t type, uint32_t number)
{
	send_frame(id, type, &number, sizeof(number));
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static struct job *job_find(uint32_t id)
{
	int i;

	for (i = 0; i < JOBS_MAX; i++)
		if (jobs[i].pid && jobs[i].id == id)
			return &jobs[i];
	return NULL;
}

static void child_exec(char **argv, uint32_t flags, int in, int out, int err)
{
	struct sched_param param = { 0 };
	sigset_t none;

	setpgid(0, 0);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!(flags & RUN_F_PROBE))
		sched_setscheduler(0, SCHED_OTHER, &param);
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void job_start(uint32_t id, char *data, uint32_t bytes)
{
	char *argv[ARGS_MAX + 1];
	int in[2], out[2], err[2];
	struct job *job = NULL;
	uint32_t flags;
	int argc = 0;
	char *at;
	int i;

	for (i = 0; i < JOBS_MAX && !job; i++)
		if (!jobs[i].pid)
			job = &jobs[i];
	if (!job || bytes <= sizeof(flags) || data[bytes - 1]) {
		send_number(id, FRAME_EXIT, 126);
		return;
	}
	memcpy(&flags, data, sizeof(flags));
	for (at = data + sizeof(flags); at < data + bytes && argc < ARGS_MAX;
	     at += strlen(at) + 1)
		argv[argc++] = at;
	argv[argc] = NULL;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
	    pipe2(err, O_CLOEXEC)) {
		send_number(id, FRAME_EXIT, 126);
		return;
	}
	*job = (struct job){
		.id = id, .in = in[1], .out = out[0], .err = err[0]
	};
	job->pid = fork();
	if (job->pid == 0)
		child_exec(argv, flags, in[0], out[1], err[1]);
	/* Here too: the next frame may be a signal for the group. */
	if (job->pid > 0)
		setpgid(job->pid, job->pid);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	fcntl(job->in, F_SETFL, O_NONBLOCK);
	fcntl(job->out, F_SETFL, O_NONBLOCK);
	fcntl(job->err, F_SETFL, O_NONBLOCK);
	if (job->pid < 0) {
		close_fd(&job->in);
		close_fd(&job->out);
		close_fd(&job->err);
		job->pid = 0;
		send_number(id, FRAME_EXIT, 126);
	}
}

static void job_feed(struct job *job)
{
	while (job->in_bytes) {
		ssize_t n = write(job->in, job->in_backlog, job->in_bytes);

		if (n < 0) {
			if (errno == EAGAIN)
				return;
			job->in_bytes = 0;
			break;
		}
		job->in_bytes -= n;
		memmove(job->in_backlog, job->in_backlog + n, job->in_bytes);
	}
	if (job->in_ends)
		close_fd(&job->in);
}

static void job_stdin(struct job *job, const char *data, uint32_t bytes)
{
	if (job->in < 0)
		return;
	if (bytes) {
		char *grown = realloc(job->in_backlog, job->in_bytes + bytes);

		if (!grown)
			return;
		memcpy(grown + job->in_bytes, data, bytes);
		job->in_backlog = grown;
		job->in_bytes += bytes;
	} else {
		job->in_ends = 1;
	}
	job_feed(job);
}

static void handle_frame(void)
{
	static char data[FRAME_BYTES_MAX];
	struct frame_header header;
	struct job *job;
	uint32_t number;

	if (read_all(port, &header, sizeof(header)) ||
	    header.bytes > sizeof(data) || read_all(port, data, header.bytes)) {
		say("init: the command port failed");
		reboot(RB_POWER_OFF);
	}
	job = job_find(header.id);
	switch (header.type) {
	case FRAME_RUN:
		job_start(header.id, data, header.bytes);
		break;
	case FRAME_STDIN:
		if (job)
			job_stdin(job, data, header.bytes);
		break;
	case FRAME_SIGNAL:
		if (job && header.bytes == sizeof(number)) {
			memcpy(&number, data, sizeof(number));
			kill(-job->pid, number);
		}
		break;
	}
}

/* Returns whether there was something. */
static int forward(struct job *job, int *fd, uint32_t type)
{
	static char buf[FRAME_BYTES_MAX / 2];
	ssize_t n;

	if (*fd < 0)
		return 0;
	n = read(*fd, buf, sizeof(buf));
	if (n > 0)
		send_frame(job->id, type, buf, n);
	else if (n == 0 || errno != EAGAIN)
		close_fd(fd);
	return n > 0;
}

/*
 * A command is over when its process is: what it left running in the background
 * may hold the pipes for long.
 */
static void job_finish(struct job *job)
{
	while (forward(job, &job->out, FRAME_STDOUT) ||
	       forward(job, &job->err, FRAME_STDERR))
		;
	close_fd(&job->in);
	close_fd(&job->out);
	close_fd(&job->err);
	free(job->in_backlog);
	job->pid = 0;
	send_number(job->id, FRAME_EXIT, job->status);
}

static void reap(void)
{
	int status, i;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (i = 0; i < JOBS_MAX; i++)
			if (jobs[i].pid == pid) {
				jobs[i].status =
					WIFSIGNALED(status) ?
						128 + WTERMSIG(status) :
						WEXITSTATUS(status);
				job_finish(&jobs[i]);
			}
}

static void serve(void)
{
	struct signalfd_siginfo info;
	struct pollfd fds[2 + 3 * JOBS_MAX];
	sigset_t child;
	int signals, i;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	for (;;) {
		fds[0] = (struct pollfd){ .fd = port, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = signals, .events = POLLIN };
		for (i = 0; i < JOBS_MAX; i++) {
			struct job *job = &jobs[i];
			struct pollfd *at = &fds[2 + 3 * i];

			at[0].fd = job->pid && job->in_bytes ? job->in : -1;
			at[0].events = POLLOUT;
			at[1].fd = job->pid ? job->out : -1;
			at[1].events = POLLIN;
			at[2].fd = job->pid ? job->err : -1;
			at[2].events = POLLIN;
		}
		if (poll(fds, 2 + 3 * JOBS_MAX, -1) < 0)
			continue;
		for (i = 0; i < JOBS_MAX; i++) {
			struct job *job = &jobs[i];
			struct pollfd *at = &fds[2 + 3 * i];

			if (at[0].fd >= 0 && at[0].revents)
				job_feed(job);
			if (at[1].fd >= 0 && at[1].revents)
				forward(job, &job->out, FRAME_STDOUT);
			if (at[2].fd >= 0 && at[2].revents)
				forward(job, &job->err, FRAME_STDERR);
		}
		while (read(signals, &info, sizeof(info)) > 0)
			;
		reap();
		if (fds[0].revents & POLLIN)
			handle_frame();
		else if (fds[0].revents)
			usleep(10000);
	}
}

static void mount_all(void)
{
	static const struct {
		const char *type, *path;
		int wanted;
	} mounts[] = {
		{ "devtmpfs", "/dev", 1 },
		{ "proc", "/proc", 1 },
		{ "sysfs", "/sys", 1 },
		{ "tmpfs", "/tmp", 1 },
		{ "tmpfs", "/run", 1 },
		{ "debugfs", "/sys/kernel/debug", 0 },
		{ "tracefs", "/sys/kernel/tracing", 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].path, 0755);
		if (mount(mounts[i].type, mounts[i].path, mounts[i].type, 0,
			  "") &&
		    mounts[i].wanted && errno != EBUSY)
			say("init: mount %s: %s", mounts[i].path,
			    strerror(errno));
	}
}

/*
 * Tests look for leaks when they want to know. By itself kmemleak does with the
 * lowest priority, in one RCU read section that lasts for minutes on a busy guest.
 */
static void stop_kmemleak(void)
{
	static const char off[] = "scan=off";
	int fd = open("/sys/kernel/debug/kmemleak", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, off, sizeof(off) - 1) < 0)
		say("init: kmemleak: %s", strerror(errno));
	close(fd);
}

static void load_modules(void)
{
	FILE *order = fopen("/lib/modules/order", "re");
	char name[256];

	if (!order)
		return;
	while (fgets(name, sizeof(name), order)) {
		int fd;

		name[strcspn(name, "\n")] = 0;
		fd = open(name, O_RDONLY | O_CLOEXEC);
		if (fd < 0 ||
		    (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
			say("init: %s: %s", name, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	fclose(order);
}

static int run_rc(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execl("/bin/sh", "sh", "/etc/rc", (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 127;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

static int open_port(void)
{
	int tries, fd;

	for (tries = 0; tries < 500; tries++) {
		fd = open("/dev/vport0p1", O_RDWR | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		usleep(10000);
	}
	say("init: no command port: %s", strerror(errno));
	return -1;
}

int main(void)
{
	struct sched_param param = { .sched_priority = 1 };
	sigset_t child;
	int console, rc;

	if (getpid() != 1) {
		say("init: to be run as process 1 of a guest");
		return 1;
	}
	mount_all();
	stop_kmemleak();
	console = open("/dev/console", O_RDWR);
	if (console >= 0) {
		dup2(console, 0);
		dup2(console, 1);
		dup2(console, 2);
	}
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
	setenv("HOME", "/", 1);
	umask(022);
	load_modules();
	klogctl(SYSLOG_ACTION_CONSOLE_LEVEL, NULL, CONSOLE_LOGLEVEL);
	rc = run_rc();
	port = open_port();
	if (port < 0)
		reboot(RB_POWER_OFF);

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	mlockall(MCL_CURRENT | MCL_FUTURE);
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		say("init: no real-time priority: %s", strerror(errno));
	send_number(0, FRAME_HELLO, rc);
	serve();
}
