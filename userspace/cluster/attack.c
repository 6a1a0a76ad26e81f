// SPDX-License-Identifier: GPL-2.0
/*
 * What somebody on the network can do who does not hold the key.
 *
 *	attack forge N PORT ADDRESS...
 *	attack flood SECONDS PORT ADDRESS...
 *
 * forge records what this guest sends to and hears at PORT and PORT + 1, and sends N
 * datagrams to PORT of the others in the names of those who sent the recorded ones:
 * the same again, to somebody else, with bits changed, cut off, with another body, and
 * those of the other cluster at PORT + 1. It prints how many of each; those of
 * "asked" are requests that were not changed, which whoever gets them answers; "told"
 * are recorded ones whose session an entry of the log carries, for everybody to read.
 *
 * flood sends junk as fast as it can, with a header such as members send, half of it
 * from the address of one: the first ADDRESS is node 1's, and so on.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/raftlog.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	RECORDED_MAX = 512,
	DATAGRAM_BYTES_MAX = 1500,
	ADDRESSES_MAX = 8,
	/* Datagrams sent before it looks at the network, and rests, again. */
	BURST = 16,
	REST_US = 1000,
	JUNK_BYTES = 128,
	/* As in kmod/wire/format.h. */
	HEADER_BYTES = 32,
	HANDSHAKE_BYTES = 88,
	TYPE_AT = 1,
	RECEIVER_AT = 8,
	SESSION_AT = 16,
	REQUEST = 4,
	RESPONSE = 5,
};

struct recorded {
	struct in_addr from, to;
	uint16_t from_port, to_port;
	size_t bytes;
	uint8_t data[DATAGRAM_BYTES_MAX];
};

static struct recorded recorded[RECORDED_MAX];
static unsigned int n_recorded;
static struct in_addr addresses[ADDRESSES_MAX];
static unsigned int n_addresses;
static uint16_t port;

enum kind {
	REPLAYED,
	REDIRECTED,
	FLIPPED,
	TRUNCATED,
	FORGED,
	FOREIGN,
	KINDS,
};

static const char *const kind_names[KINDS] = {
	"replayed", "redirected", "flipped", "truncated", "forged", "foreign",
};

static unsigned long n_sent[KINDS];
static unsigned long n_asked;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static unsigned int draw(unsigned int n)
{
	return (unsigned int)random() % n;
}

static void record(const uint8_t *packet, size_t bytes)
{
	struct recorded *r = &recorded[n_recorded % RECORDED_MAX];
	struct iphdr ip;
	struct udphdr udp;
	size_t at;

	if (bytes < sizeof(ip))
		return;
	memcpy(&ip, packet, sizeof(ip));
	at = ip.ihl * 4u;
	if (ip.version != 4 || ip.protocol != IPPROTO_UDP ||
	    bytes < at + sizeof(udp))
		return;
	memcpy(&udp, packet + at, sizeof(udp));
	if (udp.dest != htons(port) && udp.dest != htons(port + 1))
		return;
	at += sizeof(udp);
	if (bytes < at + HEADER_BYTES || bytes - at > DATAGRAM_BYTES_MAX)
		return;
	r->from.s_addr = ip.saddr;
	r->to.s_addr = ip.daddr;
	r->from_port = udp.source;
	r->to_port = udp.dest;
	r->bytes = bytes - at;
	memcpy(r->data, packet + at, r->bytes);
	/* Some stay for good: they will be of long ago. */
	if (n_recorded < RECORDED_MAX / 4 || draw(4) || n_recorded % RECORDED_MAX)
		n_recorded++;
}

static void listen_in(int in, int wait)
{
	uint8_t packet[2048];
	ssize_t bytes;

	while ((bytes = recv(in, packet, sizeof(packet),
			     wait ? 0 : MSG_DONTWAIT)) >= 0) {
		record(packet, bytes);
		wait = 0;
	}
}

static void send_as(int out, const struct recorded *r)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = r->to };
	uint8_t packet[sizeof(struct iphdr) + sizeof(struct udphdr) +
		       DATAGRAM_BYTES_MAX];
	struct iphdr ip = {
		.version = 4,
		.ihl = sizeof(ip) / 4,
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.saddr = r->from.s_addr,
		.daddr = r->to.s_addr,
	};
	struct udphdr udp = {
		.source = r->from_port,
		.dest = htons(port),
		.len = htons(sizeof(udp) + r->bytes),
	};
	size_t bytes = sizeof(ip) + sizeof(udp) + r->bytes;

	ip.tot_len = htons(bytes);
	memcpy(packet, &ip, sizeof(ip));
	memcpy(packet + sizeof(ip), &udp, sizeof(udp));
	memcpy(packet + sizeof(ip) + sizeof(udp), r->data, r->bytes);
	while (sendto(out, packet, bytes, 0, (struct sockaddr *)&to,
		      sizeof(to)) < 0) {
		if (errno != ENOBUFS && errno != EAGAIN)
			fail("send");
		usleep(REST_US);
	}
}

/* This guest's own port is not reached by way of its network. */
static struct in_addr some_other(void)
{
	return addresses[draw(n_addresses)];
}

static int is_target(struct in_addr address)
{
	for (unsigned int i = 0; i < n_addresses; i++)
		if (addresses[i].s_addr == address.s_addr)
			return 1;
	return 0;
}

static void change(struct recorded *r, enum kind kind)
{
	unsigned int i, n, bit;

	switch (kind) {
	case FLIPPED:
		/* Three at most, and never the same one twice. */
		bit = draw(r->bytes * 8);
		for (i = 0, n = 1 + draw(3); i < n; i++) {
			unsigned int at = (bit + i * 37) % (r->bytes * 8);

			r->data[at / 8] ^= 1u << (at % 8);
		}
		break;
	case TRUNCATED:
		r->bytes = draw(r->bytes);
		break;
	case FORGED:
		if (draw(4) == 0) {
			r->bytes = HANDSHAKE_BYTES;
			r->data[TYPE_AT] = draw(2) ? REQUEST : RESPONSE;
			memset(r->data + 24, 0, 8);
		}
		for (i = HEADER_BYTES; i < r->bytes; i++)
			r->data[i] = random();
		break;
	default:
		break;
	}
}

static void forge_one(int out)
{
	struct recorded r = recorded[draw(n_recorded < RECORDED_MAX ?
						  n_recorded :
						  RECORDED_MAX)];
	enum kind kind = draw(FOREIGN);

	if (r.to_port != htons(port)) {
		kind = FOREIGN;
		/* Its ports are the others' plus one. */
		if (r.from_port == htons(port + 1))
			r.from_port = htons(port);
	}
	if (kind == REDIRECTED || !is_target(r.to)) {
		if (kind == REPLAYED)
			kind = REDIRECTED;
		r.to = some_other();
	}
	change(&r, kind);
	if ((kind == REPLAYED || kind == REDIRECTED) &&
	    r.data[TYPE_AT] == REQUEST)
		n_asked++;
	send_as(out, &r);
	n_sent[kind]++;
}

/* Of which recorded datagrams is the session in the log? */
static unsigned int n_told(void)
{
	struct raftlog_set_framed framed = { .enable = 1 };
	static uint8_t buf[1 << 20];
	int fd = open("/dev/raftlog", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	unsigned int told = 0, i;
	struct raftlog_frame frame;
	uint64_t session;
	ssize_t n, at;

	if (fd < 0 || ioctl(fd, RAFTLOG_IOC_SET_FRAMED, &framed))
		fail("/dev/raftlog");
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (at = 0; at < n; at += sizeof(frame) + (frame.bytes + 7) / 8 * 8) {
			memcpy(&frame, buf + at, sizeof(frame));
			for (i = 0; i < n_recorded && i < RECORDED_MAX; i++) {
				memcpy(&session, recorded[i].data + SESSION_AT,
				       sizeof(session));
				told += session == htole64(frame.session);
			}
		}
	close(fd);
	return told;
}

static void forge(unsigned long n)
{
	int in = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
	int out = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	unsigned long i;
	int k;

	if (in < 0 || out < 0)
		fail("socket");
	while (n_recorded < RECORDED_MAX / 8)
		listen_in(in, 1);
	for (i = 0; i < n; i++) {
		forge_one(out);
		if (i % BURST == 0) {
			listen_in(in, 0);
			usleep(REST_US);
		}
	}
	for (k = 0; k < KINDS; k++)
		printf("%s %lu\n", kind_names[k], n_sent[k]);
	printf("asked %lu\n", n_asked);
	printf("told %u\n", n_told());
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/*
 * A header such as a member sends, and nothing behind it: of a member and from its
 * address, or of whoever from here. Ids and keys are right now and then.
 */
static void make_junk(struct recorded *junk)
{
	unsigned int member = draw(n_addresses);

	for (unsigned int i = 0; i < HEADER_BYTES; i++)
		junk->data[i] = random();
	junk->data[0] = 1;
	junk->data[TYPE_AT] = 1 + draw(RESPONSE);
	junk->data[3] = 0;
	memset(junk->data + 4, 0, 8);
	junk->data[RECEIVER_AT] = 1 + draw(n_addresses);
	junk->bytes = draw(8) ? JUNK_BYTES : DATAGRAM_BYTES_MAX - 100;
	if (junk->data[TYPE_AT] >= REQUEST) {
		junk->bytes = HANDSHAKE_BYTES;
		memset(junk->data + 24, 0, 8);
	}
	junk->to = some_other();
	junk->from.s_addr = INADDR_ANY;
	junk->from_port = htons(port);
	if (draw(2)) {
		junk->from = addresses[member];
		junk->data[4] = 1 + member;
	} else {
		junk->data[4] = 1 + draw(255);
	}
}

static void flood(double seconds)
{
	int out = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	double until = now() + seconds;
	static struct recorded junk;
	unsigned long n = 0;

	if (out < 0)
		fail("socket");
	while (now() < until) {
		for (unsigned int i = 0; i < BURST; i++, n++) {
			make_junk(&junk);
			send_as(out, &junk);
		}
	}
	printf("sent %lu\n", n);
}

int main(int argc, char **argv)
{
	unsigned int seed;

	if (argc < 5 || argc - 4 > ADDRESSES_MAX) {
		fprintf(stderr, "usage: attack forge N PORT ADDRESS...\n"
				"       attack flood SECONDS PORT ADDRESS...\n");
		return 2;
	}
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		fail("getrandom");
	srandom(seed);
	port = atoi(argv[3]);
	for (; n_addresses < (unsigned int)argc - 4; n_addresses++)
		if (!inet_aton(argv[4 + n_addresses], &addresses[n_addresses]))
			fail(argv[4 + n_addresses]);
	if (!strcmp(argv[1], "forge"))
		forge(strtoul(argv[2], NULL, 10));
	else
		flood(atof(argv[2]));
	return 0;
}
