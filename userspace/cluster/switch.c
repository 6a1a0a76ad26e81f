// SPDX-License-Identifier: GPL-2.0
/*
 * The network of a cluster of guests: a switch between QEMU's stream sockets,
 * whose links can be cut one direction at a time.
 *
 *	switch DIRECTORY PORTS
 *
 * Port n is the Unix socket DIRECTORY/n (from 1); one guest connects to each. A
 * guest's Ethernet address ends in its port number, so nothing needs to be
 * learned. Frames come and go as QEMU's stream netdev has them: length as
 * big-endian u32, then the frame.
 *
 * Commands are read from standard input, one per line, and answered by "ok":
 *
 *	cut A B		what A sends does not reach B
 *	heal A B	it does again
 *	heal		all links
 *
 * It ends with its standard input, or with its parent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	PORTS_MAX = 16,
	FRAME_BYTES_MAX = 65550,
	LENGTH_BYTES = 4,
	IN_BYTES = 1 << 18,
	/* A guest that does not read loses frames as behind a real switch. */
	OUT_BYTES = 1 << 22,
	ETH_HEADER_BYTES = 14,
	ETH_LAST_ADDRESS_BYTE = 5,
	LINE_CHARS = 80,
};

struct port {
	int listener;
	int fd;
	char *in, *out;
	size_t in_bytes;
	size_t out_at, out_bytes;
};

static struct port ports[PORTS_MAX + 1];
static int cut[PORTS_MAX + 1][PORTS_MAX + 1];
static int n_ports;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void port_open(struct port *port, const char *directory, int number)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/%d",
		     directory, number) >= (int)sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		fail(directory);
	}
	unlink(address.sun_path);
	port->fd = -1;
	port->in = malloc(IN_BYTES);
	port->out = malloc(OUT_BYTES);
	port->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!port->in || !port->out || port->listener < 0 ||
	    bind(port->listener, (struct sockaddr *)&address,
		 sizeof(address)) ||
	    listen(port->listener, 1))
		fail(address.sun_path);
}

static void port_reset(struct port *port)
{
	if (port->fd >= 0)
		close(port->fd);
	port->fd = -1;
	port->in_bytes = 0;
	port->out_at = 0;
	port->out_bytes = 0;
}

static void port_accept(struct port *port)
{
	port_reset(port);
	port->fd = accept4(port->listener, NULL, NULL,
			   SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void port_flush(struct port *port)
{
	while (port->out_bytes) {
		ssize_t n = send(port->fd, port->out + port->out_at,
				 port->out_bytes, MSG_NOSIGNAL);

		if (n < 0) {
			if (errno != EAGAIN)
				port_reset(port);
			return;
		}
		port->out_at += n;
		port->out_bytes -= n;
	}
	port->out_at = 0;
}

static void port_queue(struct port *port, const char *frame, size_t bytes)
{
	if (port->fd < 0)
		return;
	if (port->out_at + port->out_bytes + bytes > OUT_BYTES) {
		memmove(port->out, port->out + port->out_at, port->out_bytes);
		port->out_at = 0;
		if (port->out_bytes + bytes > OUT_BYTES)
			return;
	}
	memcpy(port->out + port->out_at + port->out_bytes, frame, bytes);
	port->out_bytes += bytes;
}

/* @frame is with its length. */
static void forward(int from, const char *frame, size_t bytes)
{
	const unsigned char *to = (const unsigned char *)frame + LENGTH_BYTES;
	int i;

	if (bytes < LENGTH_BYTES + ETH_HEADER_BYTES)
		return;
	for (i = 1; i <= n_ports; i++) {
		if (i == from || cut[from][i])
			continue;
		if ((to[0] & 1) || to[ETH_LAST_ADDRESS_BYTE] == i)
			port_queue(&ports[i], frame, bytes);
	}
}

static void port_read(int number)
{
	struct port *port = &ports[number];
	size_t at = 0;
	ssize_t n;

	n = recv(port->fd, port->in + port->in_bytes, IN_BYTES - port->in_bytes,
		 0);
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			port_reset(port);
		return;
	}
	port->in_bytes += n;
	while (port->in_bytes - at >= LENGTH_BYTES) {
		uint32_t length;

		memcpy(&length, port->in + at, LENGTH_BYTES);
		length = ntohl(length);
		if (length > FRAME_BYTES_MAX) {
			port_reset(port);
			return;
		}
		if (port->in_bytes - at < LENGTH_BYTES + length)
			break;
		forward(number, port->in + at, LENGTH_BYTES + length);
		at += LENGTH_BYTES + length;
	}
	memmove(port->in, port->in + at, port->in_bytes - at);
	port->in_bytes -= at;
}

static void command(void)
{
	char line[LINE_CHARS];
	int a, b;

	if (!fgets(line, sizeof(line), stdin))
		exit(0);
	if (sscanf(line, "cut %d %d", &a, &b) == 2 && a > 0 && b > 0 &&
	    a <= n_ports && b <= n_ports)
		cut[a][b] = 1;
	else if (sscanf(line, "heal %d %d", &a, &b) == 2 && a > 0 && b > 0 &&
		 a <= n_ports && b <= n_ports)
		cut[a][b] = 0;
	else if (!strcmp(line, "heal\n"))
		memset(cut, 0, sizeof(cut));
	else {
		puts("what?");
		return;
	}
	puts("ok");
}

int main(int argc, char **argv)
{
	struct pollfd fds[2 * PORTS_MAX + 3];
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	n_ports = argc == 3 ? atoi(argv[2]) : 0;
	if (n_ports < 1 || n_ports > PORTS_MAX) {
		fprintf(stderr, "usage: switch DIRECTORY PORTS (1 ... %d)\n",
			PORTS_MAX);
		return 2;
	}
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 1; i <= n_ports; i++)
		port_open(&ports[i], argv[1], i);
	puts("ok");

	for (;;) {
		for (i = 1; i <= n_ports; i++) {
			short out = ports[i].out_bytes ? POLLOUT : 0;

			fds[2 * i] =
				(struct pollfd){ ports[i].listener, POLLIN, 0 };
			fds[2 * i + 1] =
				(struct pollfd){ ports[i].fd, POLLIN | out, 0 };
		}
		fds[1] = (struct pollfd){ 0, POLLIN, 0 };
		if (poll(fds + 1, 2 * n_ports + 1, -1) < 0)
			continue;
		if (fds[1].revents)
			command();
		for (i = 1; i <= n_ports; i++)
			if (fds[2 * i + 1].revents &
			    (POLLIN | POLLHUP | POLLERR))
				port_read(i);
		for (i = 1; i <= n_ports; i++)
			if (ports[i].fd >= 0 && ports[i].out_bytes)
				port_flush(&ports[i]);
		for (i = 1; i <= n_ports; i++)
			if (fds[2 * i].revents & POLLIN)
				port_accept(&ports[i]);
	}
}
